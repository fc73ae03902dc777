//! Streamed answers on their way to the client. A relay is the response's body: dropping it ends the upstream exchange,
//! and a stream that ends early ends with an error in its dialect.

mod chat;
mod choices;
mod events;
mod patience;
mod response;
mod sink;
mod verbatim;

pub(crate) use chat::ChatSink;
pub(crate) use choices::ChoicesRelay;
pub(crate) use events::{EventRelay, Events, MAX_EVENT_BYTES, told_by};
pub(crate) use patience::KeepAlive;
pub(crate) use sink::Sink;
pub(crate) use verbatim::VerbatimRelay;

use backends::BackendError;

/// The upstream closed the stream without saying that it was done.
fn ended_early() -> BackendError {
    BackendError::cut("the stream ended without message_stop".into())
}
