//! Translating as the server does, for all the tests.
#![expect(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use dialects::models;
use dialects::openai_chat::{
    ChoicesEncoder, Defaults, Heading, Shape, Thought, Translated, encode_answers, translate,
    translate_completion,
};
use messages::{ApiError, Event, EventError};
use serde_json::Value;

/// The day that answers of the tests are made.
pub(crate) const CREATED: u64 = 1_795_305_600;

pub(crate) type Recall<'a> = &'a dyn Fn(&str, &str) -> Option<Thought>;

/// What a test may set.
pub(crate) struct Server<'a> {
    pub(crate) strict: bool,
    pub(crate) auto_cache: bool,
    pub(crate) plain_user: bool,
    pub(crate) recall: Recall<'a>,
}

pub(crate) const SERVER: Server<'static> =
    Server { strict: false, auto_cache: false, plain_user: false, recall: &|_, _| None };

impl Server<'_> {
    fn with<T>(&self, translate: impl Fn(&Defaults<'_>) -> T) -> T {
        let resolve = |name: &str| models::resolve(name).into_owned();
        translate(&Defaults {
            default_model: "sonnet",
            max_tokens: 4096,
            strict: self.strict,
            plain_user: self.plain_user,
            resolve: &resolve,
            rules: &models::rules,
            recall: self.recall,
            web_search: true,
            auto_cache: self.auto_cache,
            most_choices: 8,
        })
    }

    pub(crate) fn chat(&self, body: &[u8]) -> Result<Translated, ApiError> {
        self.with(|defaults| translate(body, defaults))
    }

    pub(crate) fn completion(&self, body: &[u8]) -> Result<Translated, ApiError> {
        self.with(|defaults| translate_completion(body, defaults))
    }
}

/// What the answers of a request of this shape are told under.
pub(crate) fn heading(shape: Shape) -> Heading {
    Heading { asked_model: "gpt-4o".into(), created: CREATED, include_usage: true, shape: Arc::new(shape) }
}

/// Whole answers, one for each choice.
pub(crate) fn whole(answers: &[Value], shape: &Shape) -> Result<Value, EventError> {
    let answers: Vec<Bytes> = answers.iter().map(|answer| answer.to_string().into()).collect();
    let json = encode_answers(&answers, &heading(shape.clone()))?;
    Ok(serde_json::from_slice(&json).unwrap())
}

/// The frames of a stream of these events, each with its choice. `[DONE]` is a string.
pub(crate) fn streamed(
    events: &[(usize, Value)],
    choices: usize,
    shape: &Shape,
) -> Result<Vec<Value>, EventError> {
    let (mut encoder, mut out) = (ChoicesEncoder::new(&heading(shape.clone()), choices), BytesMut::new());
    for (choice, event) in events {
        let data = event.to_string();
        encoder.push(*choice, &Event::parse(data.as_bytes()).unwrap(), &mut out)?;
    }
    encoder.finish(&mut out)?;
    Ok(frames(&out))
}

/// The data of the frames in these bytes.
pub(crate) fn frames(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let frames = text.split_terminator("\n\n").map(|frame| frame.strip_prefix("data: ").unwrap());
    frames
        .map(|data| if data == "[DONE]" { data.into() } else { serde_json::from_str(data).unwrap() })
        .collect()
}
