//! What each fuzz target does with its bytes. libFuzzer runs them by `make fuzz`; `crates/dialects/tests/fuzz.rs` runs
//! the same functions over the corpus and mutations of it with the toolchain of the project.

use bytes::{Bytes, BytesMut};
use dialects::openai_chat::{
    ChoicesEncoder, Defaults, Heading, Translated, error_status, translate, translate_completion,
};
use dialects::{bedrock, models, openai_responses, vertex};
use messages::request::Request;
use messages::{ApiError, Event};
use wire::json::edit::Edit;
use wire::{event_stream, ndjson, sse};

const LONGEST: usize = 1 << 16;

/// Any split of a stream gives the same frames.
pub fn sse(data: &[u8]) {
    let frames = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decoder, mut frames) = (sse::Decoder::new(LONGEST), Vec::new());
        for piece in pieces {
            decoder.push(piece);
            while let Ok(Some(frame)) = decoder.next_frame() {
                frames.push((frame.event, frame.data));
            }
        }
        frames
    };
    if data.len() < LONGEST {
        let cut = usize::from(data.first().copied().unwrap_or(0)) % 17 + 1;
        assert_eq!(frames(&mut std::iter::once(data)), frames(&mut data.chunks(cut)));
    }
}

/// Any split of a stream gives the same lines.
pub fn ndjson(data: &[u8]) {
    let lines = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut lines, mut read) = (ndjson::Lines::new(LONGEST), Vec::new());
        for piece in pieces {
            lines.push(piece);
            while let Ok(Some(line)) = lines.next_line() {
                read.push(line);
            }
        }
        read
    };
    if data.len() < LONGEST {
        let cut = usize::from(data.first().copied().unwrap_or(0)) % 17 + 1;
        assert_eq!(lines(&mut std::iter::once(data)), lines(&mut data.chunks(cut)));
    }
}

/// Any split of an event stream gives the same frames, be it sound or not.
pub fn event_stream(data: &[u8]) {
    let frames = |stream: &[u8], cut: usize| {
        let (mut decoder, mut frames) = (event_stream::Decoder::new(LONGEST), Vec::new());
        for piece in stream.chunks(cut) {
            decoder.push(piece);
            while let Ok(Some(frame)) = decoder.next_frame() {
                frames.push(frame);
            }
        }
        frames
    };
    let cut = usize::from(data.first().copied().unwrap_or(0)) % 17 + 1;
    assert_eq!(frames(data, cut), frames(data, data.len().max(1)));
    let mut sound = BytesMut::new();
    data.chunks(100)
        .for_each(|payload| event_stream::write_frame(&mut sound, &[(":event-type", "chunk")], payload));
    let read = frames(&sound, cut);
    assert!(read.iter().map(|frame| &frame.payload[..]).eq(data.chunks(100)));
}

/// A request in a cloud's dialect becomes JSON without what is the cloud's, or is refused.
pub fn cloud_request(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let model = "us.anthropic.claude-opus-4-5-20251101-v1:0";
    let unwrapped = [
        bedrock::invoke(&body, model, true),
        bedrock::count(&body, model),
        vertex::predict(&body, "claude-opus-4-5@20251101", false),
        vertex::count(&body),
    ];
    for result in unwrapped {
        match result {
            Ok(unwrapped) => {
                let parsed = serde_json::from_slice::<serde_json::Value>(&unwrapped.body);
                // Numbers may be beyond what a value can hold.
                let Ok(parsed) = parsed else { continue };
                assert!(parsed["model"].is_string() && parsed.get("anthropic_version").is_none());
            }
            Err(error) => assert_eq!(error.status, 400),
        }
    }
}

/// An edited body is JSON with the new member, and without an edit the same buffer.
pub fn json_edit(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    assert_eq!(Edit::new(&body).finish().ok().as_ref(), Some(&body));
    let Ok(edited) = Edit::new(&body).set("model", "\"m\"").remove("stream").finish() else { return };
    if serde_json::from_slice::<serde_json::Value>(data).is_err() {
        return;
    }
    let edited: serde_json::Value = serde_json::from_slice(&edited).expect("an edit keeps JSON what it is");
    assert_eq!((edited.get("model"), edited.get("stream")), (Some(&"m".into()), None));
}

/// A chat completion is translated to what the Messages API takes, or refused.
pub fn chat_request(data: &[u8]) {
    translated(data, translate);
}

/// The same for a legacy completion.
pub fn completion_request(data: &[u8]) {
    translated(data, translate_completion);
}

/// The same for a request of the Responses API.
pub fn responses_request(data: &[u8]) {
    let translate = |data: &[u8], defaults: &Defaults<'_>| {
        let earlier = openai_responses::Earlier::default();
        let done = openai_responses::translate(data, &earlier, defaults)?;
        openai_responses::peek(data).expect("what is translated can be peeked into");
        openai_responses::input_items(data, &earlier, "resp_1").expect("and kept");
        Ok(vec![done.body])
    };
    with_defaults(data, translate);
}

fn translated(data: &[u8], translate: fn(&[u8], &Defaults<'_>) -> Result<Translated, ApiError>) {
    with_defaults(data, |data, defaults| {
        let mut done = translate(data, defaults)?;
        done.further.push(done.body);
        Ok(done.further)
    });
}

fn with_defaults(data: &[u8], translate: impl Fn(&[u8], &Defaults<'_>) -> Result<Vec<Bytes>, ApiError>) {
    let resolve = |name: &str| models::resolve(name).into_owned();
    let defaults = Defaults {
        default_model: "sonnet",
        max_tokens: 4096,
        strict: false,
        plain_user: false,
        resolve: &resolve,
        rules: &models::rules,
        recall: &|_, _| None,
        web_search: true,
        auto_cache: true,
        most_choices: 8,
    };
    match translate(data, &defaults) {
        Ok(bodies) => {
            // What stands in the escape hatch is the caller's own business.
            let free_hand = data.windows(9).any(|bytes| bytes == b"anthropic");
            let taken = |body: &Bytes| free_hand || Request::parse(body).is_ok();
            assert!(bodies.iter().all(taken), "the API would refuse it");
        }
        Err(error) => assert!((400..500).contains(&error_status(&error)), "{error:?}"),
    }
}

/// A Messages request is read or refused.
pub fn messages_request(data: &[u8]) {
    if let Err(error) = Request::parse(data) {
        assert!((400..500).contains(&error.status), "{error:?}");
    }
}

/// Whatever events come, the chunks follow their grammar (which the encoder itself checks in debug builds).
pub fn chat_chunks(data: &[u8]) {
    let heading = Heading {
        asked_model: "m".into(),
        created: 1,
        include_usage: true,
        shape: std::sync::Arc::default(),
    };
    let (mut encoder, mut out) = (ChoicesEncoder::new(&heading, 1), BytesMut::new());
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(event) = Event::parse(line) else { continue };
        if encoder.push(0, &event, &mut out).is_err() {
            encoder.fail(&ApiError::new(messages::ErrorKind::Api, "it broke off"), &mut out);
            return;
        }
    }
    drop(encoder.finish(&mut out));
}

/// Whatever events come, a response's events follow their grammar (which the encoder itself checks in debug builds).
pub fn response_events(data: &[u8]) {
    let echo = openai_responses::Echo::default();
    let (mut encoder, mut out) = (openai_responses::EventEncoder::new(echo, "resp_1", 1), BytesMut::new());
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(event) = Event::parse(line) else { continue };
        if encoder.push(&event, &mut out).is_err() {
            encoder.fail(&ApiError::new(messages::ErrorKind::Api, "it broke off"), &mut out);
            return;
        }
    }
    drop(encoder.finish(2, &mut out));
}
