//! Lines from the program. Kinds that are not known are ignored, lines that are not JSON skipped.

use std::borrow::Cow;

use bytes::Bytes;
use messages::RawEvent;
use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One line from the program, as far as it matters here.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A raw event of the upstream stream, exactly as the program wrote it.
    Event(RawEvent),
    /// A message that the program made itself to tell of a problem.
    Note(Note),
    /// The turn is over.
    Result(TurnResult),
    /// The answer to one of our control requests.
    Reply(Reply),
    /// A message of the program to one of our MCP servers, which waits for an answer.
    Asked { request_id: String, message: String },
    /// It begins a turn and knows these tools.
    Begins { tools: Vec<String> },
    /// The results of these calls became part of the conversation.
    ResultsTaken(Vec<String>),
    /// The account's windows: when the one that is used up opens again, in seconds since 1970.
    RateLimited { resets_at: Option<u64> },
    /// Anything else.
    Other,
}

/// A synthetic assistant message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// Its class: `authentication_failed`, `rate_limit`, `server_error`, …
    pub(crate) error: String,
    /// It only comments a refusal, whose real events still follow.
    pub(crate) about_refusal: bool,
}

/// How a turn ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnResult {
    pub(crate) is_error: bool,
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<String>,
    pub(crate) terminal_reason: String,
    /// The program's prose.
    pub(crate) text: String,
}

/// The answer to a control request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) request_id: String,
    /// What it answers with, or why it refuses.
    pub(crate) outcome: Result<Option<Bytes>, String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    parent_tool_use_id: Option<&'a RawValue>,
    #[serde(default)]
    is_api_error_message: bool,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    refused_message_id: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    subtype: Option<Text<'a>>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    rate_limit_info: Option<&'a RawValue>,
    #[serde(default)]
    is_error: bool,
    api_error_status: Option<u16>,
    #[serde(borrow)]
    api_error_type: Option<Text<'a>>,
    #[serde(borrow)]
    terminal_reason: Option<Text<'a>>,
    #[serde(borrow)]
    result: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Author<'a> {
    #[serde(borrow)]
    model: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct ReplyWire<'a> {
    #[serde(borrow)]
    subtype: Text<'a>,
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RequestWire<'a> {
    #[serde(borrow)]
    subtype: Text<'a>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ResultsWire<'a> {
    #[serde(borrow)]
    content: Vec<ResultWire<'a>>,
}

#[derive(Deserialize)]
struct ResultWire<'a> {
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RateLimitWire<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(rename = "resetsAt")]
    resets_at: Option<f64>,
}

impl Incoming {
    /// Reads one line.
    pub(crate) fn parse(line: &Bytes) -> Self {
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(line) else { return Self::Other };
        match &*envelope.kind.0 {
            "stream_event" => stream_event(line, &envelope),
            "assistant" => note(&envelope),
            "result" => Self::Result(result(envelope)),
            "control_request" => asked(envelope).unwrap_or(Self::Other),
            "system" if envelope.subtype.as_ref().is_some_and(|kind| kind.0 == "init") => {
                let tools = envelope.tools.and_then(|raw| serde_json::from_str(raw.get()).ok());
                Self::Begins { tools: tools.unwrap_or_default() }
            }
            "user" => envelope.message.and_then(results_taken).unwrap_or(Self::Other),
            "control_response" => envelope.response.and_then(|raw| reply(line, raw)).unwrap_or(Self::Other),
            "rate_limit_event" => envelope.rate_limit_info.and_then(rate_limited).unwrap_or(Self::Other),
            _ => Self::Other,
        }
    }
}

fn stream_event(line: &Bytes, envelope: &Envelope<'_>) -> Incoming {
    // An event of a conversation within the conversation is nobody's answer.
    if envelope.parent_tool_use_id.is_some_and(|id| id.get() != "null") {
        return Incoming::Other;
    }
    let data = envelope.event.map(|raw| line.slice_ref(raw.get().as_bytes()));
    data.and_then(|data| RawEvent::from_json(data).ok()).map_or(Incoming::Other, Incoming::Event)
}

fn note(envelope: &Envelope<'_>) -> Incoming {
    let author = envelope.message.and_then(|raw| serde_json::from_str::<Author<'_>>(raw.get()).ok());
    let synthetic = author.and_then(|author| author.model).is_some_and(|model| model.0 == "<synthetic>");
    if !synthetic && !envelope.is_api_error_message {
        return Incoming::Other;
    }
    let error = envelope.error.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok());
    Incoming::Note(Note {
        error: error.unwrap_or_default().into_owned(),
        about_refusal: envelope.refused_message_id.is_some(),
    })
}

fn result(envelope: Envelope<'_>) -> TurnResult {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    TurnResult {
        is_error: envelope.is_error,
        status: envelope.api_error_status,
        error_type: owned(envelope.api_error_type),
        terminal_reason: owned(envelope.terminal_reason).unwrap_or_default(),
        text: owned(envelope.result).unwrap_or_default(),
    }
}

fn asked(envelope: Envelope<'_>) -> Option<Incoming> {
    let wire: RequestWire<'_> = serde_json::from_str(envelope.request?.get()).ok()?;
    let message = wire.message.filter(|_| wire.subtype.0 == "mcp_message")?;
    let request_id = envelope.request_id?.0.into_owned();
    Some(Incoming::Asked { request_id, message: message.get().to_string() })
}

fn results_taken(raw: &RawValue) -> Option<Incoming> {
    let wire: ResultsWire<'_> = serde_json::from_str(raw.get()).ok()?;
    let ids = wire.content.into_iter().filter_map(|block| Some(block.tool_use_id?.0.into_owned()));
    Some(Incoming::ResultsTaken(ids.collect()))
}

fn reply(line: &Bytes, raw: &RawValue) -> Option<Incoming> {
    let wire: ReplyWire<'_> = serde_json::from_str(raw.get()).ok()?;
    let outcome = match &*wire.subtype.0 {
        "success" => Ok(wire.response.map(|raw| line.slice_ref(raw.get().as_bytes()))),
        _ => Err(wire.error.map(|text| text.0.into_owned()).unwrap_or_default()),
    };
    Some(Incoming::Reply(Reply { request_id: wire.request_id.0.into_owned(), outcome }))
}

fn rate_limited(raw: &RawValue) -> Option<Incoming> {
    let wire: RateLimitWire<'_> = serde_json::from_str(raw.get()).ok()?;
    if wire.status?.0 != "rejected" {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates: no date is lost"
    )]
    let resets_at = wire.resets_at.map(|seconds| seconds as u64);
    Some(Incoming::RateLimited { resets_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Incoming {
        Incoming::parse(&Bytes::copy_from_slice(line.as_bytes()))
    }

    #[test]
    fn an_event_keeps_its_bytes() {
        let event = r#"{"type":"message_delta", "n":12345678901234567890,"f":1.50,"t":"\u00e9"}"#;
        let line =
            format!(r#"{{"type":"stream_event","event":{event},"parent_tool_use_id":null,"uuid":"u"}}"#);
        let Incoming::Event(found) = parse(&line) else { panic!() };
        assert_eq!((&*found.name, &found.data[..]), ("message_delta", event.as_bytes()));
    }

    #[test]
    fn an_event_of_an_inner_conversation_is_no_answer() {
        let line = r#"{"type":"stream_event","event":{"type":"ping"},"parent_tool_use_id":"toolu_1"}"#;
        assert!(matches!(parse(line), Incoming::Other));
    }

    #[test]
    fn a_synthetic_message_is_a_note_and_a_real_one_nothing() {
        let synthetic = r#"{"type":"assistant","message":{"model":"<synthetic>","content":[]},"error":"rate_limit","is_api_error_message":true}"#;
        let Incoming::Note(found) = parse(synthetic) else { panic!() };
        assert_eq!(found, Note { error: "rate_limit".into(), about_refusal: false });
        let real = r#"{"type":"assistant","message":{"model":"claude-x","content":[]}}"#;
        assert!(matches!(parse(real), Incoming::Other));
    }

    #[test]
    fn a_result_tells_how_the_turn_ended() {
        let line = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"api_error_type":"rate_limit_error","terminal_reason":"api_error","result":"API Error"}"#;
        let Incoming::Result(found) = parse(line) else { panic!() };
        assert_eq!((found.is_error, found.status), (true, Some(429)));
        assert_eq!(found.error_type.as_deref(), Some("rate_limit_error"));
    }

    #[test]
    fn a_reply_is_success_with_its_body_or_a_refusal() {
        let good = r#"{"type":"control_response","response":{"subtype":"success","request_id":"r","response":{"a":1}}}"#;
        let Incoming::Reply(found) = parse(good) else { panic!() };
        assert_eq!(found.outcome.unwrap().unwrap(), &br#"{"a":1}"#[..]);
        let bad = r#"{"type":"control_response","response":{"subtype":"error","request_id":"r","error":"no such"}}"#;
        let Incoming::Reply(found) = parse(bad) else { panic!() };
        assert_eq!(found.outcome.unwrap_err(), "no such");
    }

    #[test]
    fn only_a_rejected_window_is_told() {
        let line = |status| {
            format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":17}}}}"#
            )
        };
        assert!(matches!(parse(&line("rejected")), Incoming::RateLimited { resets_at: Some(17) }));
        assert!(matches!(parse(&line("allowed")), Incoming::Other));
    }

    #[test]
    fn the_program_asks_our_server_tells_its_tools_and_what_results_it_took() {
        let asks = r#"{"type":"control_request","request_id":"r","request":{"subtype":"mcp_message","server_name":"client","message":{"id":1}}}"#;
        let Incoming::Asked { request_id, message } = parse(asks) else { panic!() };
        assert_eq!((&*request_id, &*message), ("r", r#"{"id":1}"#));
        let begins = r#"{"type":"system","subtype":"init","tools":["mcp__client__t"]}"#;
        assert!(matches!(parse(begins), Incoming::Begins { tools } if tools == ["mcp__client__t"]));
        let took = r#"{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}}"#;
        assert!(matches!(parse(took), Incoming::ResultsTaken(ids) if ids == ["t"]));
    }

    #[test]
    fn what_is_not_known_or_not_json_is_ignored() {
        for line in [
            "",
            "hello",
            "[1]",
            r#"{"type":"brand_new"}"#,
            r#"{"type":7}"#,
            r#"{"type":"stream_event"}"#,
            "{",
        ] {
            assert!(matches!(parse(line), Incoming::Other), "{line}");
        }
    }
}
