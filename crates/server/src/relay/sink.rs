//! Where events end up: Anthropic's stream, or one of OpenAI's.

use std::task::{Context, Poll};

use backends::AGENT_EVENT;
use bytes::{Bytes, BytesMut};
use dialects::openai_responses::EventEncoder;
use messages::{ApiError, Event, RawEvent};
use serde_json::value::RawValue;
use wire::json::{edit::Edit, peek};

use super::ChatSink;
use super::response::ResponseSink;
use crate::pipeline::Outlet;
use crate::responses::Keep;

/// Writes one answer's events in the caller's dialect.
pub(crate) enum Sink {
    /// The same events; `model` is what `message_start` shall name when another model serves than was asked for.
    Anthropic {
        /// The name to show, as JSON.
        model: Option<String>,
    },
    /// Chat completion chunks.
    Chat(Box<ChatSink>),
    /// The events of a response.
    Response(Box<ResponseSink>),
}

/// An event that cannot be read, as the log shall name it.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

impl Sink {
    /// The sink of a request for `asked` that `served` answers.
    pub(crate) fn new(outlet: Outlet, asked: &str, served: &str) -> Self {
        match outlet {
            Outlet::Anthropic | Outlet::InputTokens => {
                let renamed = asked != served;
                Self::Anthropic { model: renamed.then(|| serde_json::Value::from(asked).to_string()) }
            }
            Outlet::Chat { heading, keeper } => Self::Chat(Box::new(ChatSink::new(&heading, &keeper, 1))),
            Outlet::Response(wanted) => {
                let encoder = EventEncoder::new(wanted.echo, &wanted.id, wanted.created);
                Self::response(encoder, wanted.keep)
            }
        }
    }

    /// The sink of a response, which is kept with `keep` before its end is told.
    pub(crate) fn response(encoder: EventEncoder, keep: Option<Keep>) -> Self {
        Self::Response(Box::new(ResponseSink::new(encoder, keep)))
    }

    /// The response object as it is told now; empty in other dialects.
    pub(crate) fn object(&self) -> Bytes {
        match self {
            Self::Response(sink) => sink.object(),
            Self::Anthropic { .. } | Self::Chat(_) => Bytes::new(),
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
            Self::Chat(chat) => chat.push(0, &event, out)?,
            // No event of the response's: it has no number, and is not kept.
            Self::Response(_) if event.name == AGENT_EVENT => {
                wire::sse::write_event(out, AGENT_EVENT, &event.data);
            }
            Self::Response(sink) => {
                let event = Event::parse(&event.data).map_err(|error| Unreadable(error.to_string()))?;
                sink.push(&event, out).map_err(|error| Unreadable(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Writes the end of a complete answer.
    pub(crate) fn finish(&mut self, out: &mut BytesMut) -> Result<(), Unreadable> {
        match self {
            Self::Anthropic { .. } => Ok(()),
            Self::Chat(chat) => chat.finish(out),
            Self::Response(sink) => sink.finish(out).map_err(|error| Unreadable(error.to_string())),
        }
    }

    /// Writes the end of a broken answer.
    pub(crate) fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        match self {
            Self::Anthropic { .. } => dialects::anthropic::error_event(out, error, None),
            Self::Chat(chat) => chat.fail(error, out),
            Self::Response(sink) => sink.fail(error, out),
        }
    }

    /// Writes what was held back of the end, once it may be told.
    pub(crate) fn poll_last(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<()> {
        match self {
            Self::Anthropic { .. } | Self::Chat(_) => Poll::Ready(()),
            Self::Response(sink) => sink.poll_last(cx, out),
        }
    }

    /// Writes what tells a waiting client that the stream is alive.
    pub(crate) fn keep_alive(&self, out: &mut BytesMut) {
        match self {
            Self::Anthropic { .. } => wire::sse::write_event(out, "ping", br#"{"type": "ping"}"#),
            Self::Chat(_) | Self::Response(_) => ChatSink::keep_alive(out),
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
