//! What is known of a request before its route is: its id, its dialect, who sent it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use backends::OwnKey;
use http::request::Parts;
use policy::access::Identity;

use crate::dialect::Dialect;

/// The address a connection came from. Put into every request by the listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Put into every request by the gate.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) request_id: Arc<str>,
    pub(crate) dialect: Dialect,
    pub(crate) arrived: Instant,
    pub(crate) caller: Caller,
    /// The caller's own key for an upstream that is called with it.
    pub(crate) own_key: Option<OwnKey>,
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// `None` where a route asks nobody who they are and the caller could not say.
    pub(crate) identity: Option<Identity>,
    pub(crate) address: IpAddr,
}

impl Caller {
    /// Whose is what is kept between requests: a key's own, wherever it calls from; else the address's.
    pub(crate) fn owner(&self) -> String {
        match &self.identity {
            Some(Identity::Key(id)) => id.id().to_owned(),
            Some(Identity::Local) => "local".to_owned(),
            _ => self.address.to_string(),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Some(Identity::Key(id)) => id.fmt(f),
            Some(Identity::Local) => f.write_str("local"),
            _ => self.address.fmt(f),
        }
    }
}

impl Context {
    /// The context of a request that passed the gate. Every request does: the gate wraps the whole router.
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self {
            request_id: new_request_id(),
            dialect: Dialect::of(parts.uri.path(), &parts.headers),
            arrived: Instant::now(),
            caller: Caller { identity: None, address: IpAddr::from([0, 0, 0, 0]) },
            own_key: None,
        })
    }
}

/// `req_` and a UUID whose order is that of time.
pub(crate) fn new_request_id() -> Arc<str> {
    format!("req_{}", uuid::Uuid::now_v7().simple()).into()
}
