//! What goes into a backend and what comes out of it.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use messages::RawEvent;

use crate::{BackendError, Cost, UpstreamBody};

/// One request in Messages form.
pub struct Call {
    /// The Messages request, ready to be sent.
    pub body: Bytes,
    /// The model that serves, as `body` has it.
    pub model: String,
    /// Whether `body` asks for a stream.
    pub stream: bool,
    /// The caller's query string, without `?` (`beta=true`).
    pub query: Option<String>,
    /// The caller's headers; each backend picks what may travel on.
    pub headers: HeaderMap,
    /// Whose request it is: what a backend keeps between requests belongs to one owner.
    pub owner: String,
    /// The caller's own key for the upstream, where it sent one.
    pub own_key: Option<OwnKey>,
    /// Refuse the request when a field of it cannot be honoured.
    pub strict: bool,
    /// Tell in the answer's events what built-in tools do ([`AGENT_EVENT`](crate::AGENT_EVENT)).
    pub agent_events: bool,
}

impl Call {
    /// A request of this server's own, with nothing beside its body.
    #[must_use]
    pub fn of_our_own(body: Bytes, model: &str, stream: bool) -> Self {
        Self {
            body,
            model: model.to_owned(),
            stream,
            query: None,
            headers: HeaderMap::new(),
            owner: String::new(),
            own_key: None,
            strict: false,
            agent_events: false,
        }
    }
}

/// A caller's own key for an upstream: a header as it came. Never one that opens this server.
#[derive(Clone, Debug)]
pub struct OwnKey {
    name: HeaderName,
    /// Marked as sensitive, so that it is not shown.
    value: HeaderValue,
}

/// How the token of a Claude account begins, which only the official program may use.
pub(crate) const ACCOUNT_TOKEN: &str = "sk-ant-oat";

impl OwnKey {
    /// The key in this header, `x-api-key` or `authorization`.
    #[must_use]
    pub fn new(name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self { name, value }
    }

    pub(crate) fn is_account_token(&self) -> bool {
        self.value.to_str().is_ok_and(|text| text.contains(ACCOUNT_TOKEN))
    }

    pub(crate) fn put_into(self, headers: &mut HeaderMap) {
        headers.insert(self.name, self.value);
    }
}

/// A backend's answer.
pub struct Reply {
    /// Upstream's status, or 200.
    pub status: StatusCode,
    /// Headers meant for the client; hop-by-hop ones are already gone.
    pub headers: HeaderMap,
    /// The answer itself.
    pub body: ReplyBody,
    /// Request fields that had no effect, by name.
    pub ignored: Vec<String>,
    /// What the answer costs, where the backend tells.
    pub cost: Option<Cost>,
}

/// The form an answer comes in.
pub enum ReplyBody {
    /// Bytes as upstream sends them: a JSON document, or SSE when the content type says so.
    Bytes(UpstreamBody),
    /// A finished JSON document.
    Json(Bytes),
    /// Raw Messages events, whether or not a stream was asked for.
    Events(EventStream),
}

/// The events of one turn. Ends after `message_stop`, or with an error. Where [`Call::agent_events`] says so, there are
/// [`AGENT_EVENT`](crate::AGENT_EVENT)s among them, which are no part of the answer.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<RawEvent, BackendError>> + Send>>;

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("model", &self.model)
            .field("stream", &self.stream)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
