//! Where events end up: Anthropic's stream, or OpenAI's chunks.

use backends::AGENT_EVENT;
use bytes::{Bytes, BytesMut};
use messages::{ApiError, Event, RawEvent};
use serde_json::value::RawValue;
use wire::json::{edit::Edit, peek};

use crate::pipeline::{Outlet, Plan};

/// Writes one answer's events in the caller's dialect.
pub(crate) enum Sink {
    /// The same events; `model` is what `message_start` shall name when another model serves than was asked for.
    Anthropic {
        /// The name to show, as JSON.
        model: Option<String>,
    },
    /// Chat completion chunks.
    Chat(Box<dialects::openai_chat::ChunkEncoder>),
}

/// An event that cannot be read, as the log shall name it.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl Sink {
    pub(crate) fn new(plan: &Plan) -> Self {
        match plan.outlet {
            Outlet::Anthropic => {
                let renamed = plan.asked != plan.served;
                Self::Anthropic {
                    model: renamed.then(|| serde_json::Value::from(plan.asked.as_str()).to_string()),
                }
            }
            Outlet::Chat { include_usage, .. } => {
                let created = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
                Self::Chat(Box::new(dialects::openai_chat::ChunkEncoder::new(
                    &plan.asked,
                    created,
                    include_usage,
                )))
            }
        }
    }

    /// Writes what the event becomes; often nothing.
    pub(crate) fn push(&mut self, event: RawEvent, out: &mut BytesMut) -> Result<(), Unreadable> {
        match self {
            Self::Anthropic { model: Some(model) } if event.name == "message_start" => {
                let data = rename(&event.data, model).map_err(|error| Unreadable(error.to_string()))?;
                dialects::anthropic::write_event(out, &RawEvent { data, ..event });
            }
            Self::Anthropic { .. } => dialects::anthropic::write_event(out, &event),
            Self::Chat(encoder) if event.name == AGENT_EVENT => {
                let written = encoder.beside(AGENT_EVENT, &event.data, out);
                written.map_err(|error| Unreadable(error.to_string()))?;
            }
            Self::Chat(encoder) => {
                let event = Event::parse(&event.data).map_err(|error| Unreadable(error.to_string()))?;
                encoder.push(&event, out).map_err(|error| Unreadable(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Writes the end of a complete answer.
    pub(crate) fn finish(&mut self, out: &mut BytesMut) -> Result<(), Unreadable> {
        match self {
            Self::Anthropic { .. } => Ok(()),
            Self::Chat(encoder) => encoder.finish(out).map_err(|error| Unreadable(error.to_string())),
        }
    }

    /// Writes the end of a broken answer.
    pub(crate) fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        match self {
            Self::Anthropic { .. } => dialects::anthropic::error_event(out, error, None),
            Self::Chat(encoder) => encoder.fail(error, out),
        }
    }

    /// Writes what tells a waiting client that the stream is alive.
    pub(crate) fn keep_alive(&self, out: &mut BytesMut) {
        match self {
            Self::Anthropic { .. } => wire::sse::write_event(out, "ping", br#"{"type": "ping"}"#),
            Self::Chat(_) => wire::sse::write_comment(out, "keep-alive"),
        }
    }
}

/// `message_start` with another name for the model; all else stays as it came.
fn rename(event: &Bytes, model: &str) -> Result<Bytes, wire::json::Malformed> {
    let [message] = peek::members(event, ["message"])?;
    let Some(message) = message.map(RawValue::get) else { return Ok(event.clone()) };
    let message = Edit::new(&event.slice_ref(message.as_bytes())).set("model", model).finish()?;
    let message = String::from_utf8_lossy(&message);
    Edit::new(event).set("message", &message).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renaming_changes_the_models_name_alone() {
        let event = Bytes::from_static(
            br#"{"type": "message_start", "message": {"id":"msg_1", "model":"claude-sonnet-5-5" ,"big": 12345678901234567890.10}, "x": 1}"#,
        );
        let renamed = rename(&event, r#""claude-3-sonnet""#).unwrap();
        let expected =
            br#"{"type": "message_start", "message": {"id":"msg_1", "model":"claude-3-sonnet" ,"big": 12345678901234567890.10}, "x": 1}"#;
        assert_eq!(&renamed[..], expected);
    }
}
