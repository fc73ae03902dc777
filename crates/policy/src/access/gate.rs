//! The decision itself. A key that fits always opens; without one, only a program on this machine that
//! calls directly does, and only while no key is configured. Web pages and tunnels look local by their
//! address: `Host`, `Origin`, `Sec-Fetch-Site` and forwarded headers give them away.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::local::{is_local_host, is_loopback, is_own_origin};
use crate::config::Config;
use crate::keys::{ConfiguredKey, IssuedKey, KeyId, Keyring, Over};

/// What a request's head tells about its sender.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Where the request came from; behind trusted proxies see [`super::client_address`].
    pub peer: IpAddr,
    /// `Host`, or `:authority`.
    pub host: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`, which browsers alone send.
    pub fetch_site: Option<&'a str>,
    /// Whether there is any `Forwarded`, `X-Forwarded-*` or `Via`, from a trusted proxy or not.
    pub forwarded: bool,
    /// The key presented as `x-proxy-key`, `x-api-key` or `Authorization: Bearer`.
    pub key: Option<&'a str>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// Who a caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A program on this machine, without a key.
    Local,
    /// The holder of a key.
    Key(KeyId),
    /// Anyone, because `auth.open` says so.
    Open,
}

/// Which kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedKind {
    /// A key is missing or wrong: 401.
    Unauthenticated,
    /// A key is not what is missing: 403.
    Forbidden,
}

impl DeniedKind {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
        }
    }
}

/// A refusal, with a text for the caller that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// Which kind of refusal.
    pub kind: DeniedKind,
    /// For the caller. It repeats nothing that the caller sent.
    pub reason: String,
    /// Whose key it was, where the key is known.
    pub key: Option<KeyId>,
}

/// Why a keyless caller is not taken for a program on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stranger {
    Container,
    Remote,
    Forwarded,
    Host,
    Origin,
    CrossSite,
}

/// The keys that count now.
#[derive(Debug)]
struct Current {
    keyring: Keyring,
    change: Option<u64>,
}

/// The rules of one configuration, and the keys that were made since.
#[derive(Debug)]
pub struct Gate {
    /// The keys of the configuration.
    configured: Keyring,
    /// These and the issued ones. Requests only read it.
    current: ArcSwap<Current>,
    key_for_all: AtomicBool,
    /// A personal account serves: no key that was issued opens it, wherever it was made.
    operator_only: bool,
    open: bool,
    in_container: bool,
    allowed_hosts: Vec<String>,
    cors_origins: Vec<String>,
}

impl Gate {
    /// The gate of a configuration. `generated` is the server's own key, if
    /// [`Config::needs_generated_key`] asked for one.
    pub fn new(config: &Config, generated: Option<ConfiguredKey>, in_container: bool) -> Self {
        let configured = Keyring::new(config.auth.api_keys.iter().cloned().chain(generated));
        Self {
            current: ArcSwap::from_pointee(Current { keyring: configured.clone(), change: None }),
            configured,
            key_for_all: AtomicBool::new(!config.auth.api_keys.is_empty()),
            operator_only: config.operator_only(),
            open: config.auth.open,
            in_container,
            allowed_hosts: config.server.allowed_hosts.clone(),
            cors_origins: config.server.cors_origins.clone(),
        }
    }

    /// Puts these issued keys in the place of those before; from now on every caller needs a key if there are any,
    /// also such as are over: who takes all keys back does not mean to let everyone in.
    /// `change` is the number of the change that made them what they are. Where a personal account serves they open
    /// nothing and change nothing.
    pub fn issue(&self, issued: Vec<IssuedKey>, change: u64) {
        let issued = if self.operator_only { Vec::new() } else { issued };
        let any = !issued.is_empty();
        let keyring = self.configured.clone().with(issued);
        self.current.store(Arc::new(Current { keyring, change: Some(change) }));
        self.key_for_all.fetch_or(any, Ordering::Relaxed);
    }

    /// From now on every caller needs a key: it is not known which were issued. A personal account serves none of
    /// their holders anyway.
    pub fn ask_everybody(&self) {
        self.key_for_all.fetch_or(!self.operator_only, Ordering::Relaxed);
    }

    /// The change that the issued keys are of; none before the first ones are known.
    pub fn change(&self) -> Option<u64> {
        self.current.load().change
    }

    /// Lets a caller in, or says why not.
    pub fn admit(&self, caller: &Caller<'_>) -> Result<Identity, Denied> {
        let current = self.current.load();
        match caller.key.and_then(|key| current.keyring.identify(key, caller.now)) {
            Some((id, None)) => return Ok(Identity::Key(id.clone())),
            // Not even where anyone may come in: whose key was taken back is to notice.
            Some((id, Some(over))) => return Err(over_denied(id, over)),
            None => {}
        }
        if self.open {
            return Ok(Identity::Open);
        }
        if self.key_for_all.load(Ordering::Relaxed) {
            return Err(unauthenticated(caller, "every caller needs one"));
        }
        match self.stranger(caller) {
            None => Ok(Identity::Local),
            Some(stranger) => Err(self.refuse(stranger, caller)),
        }
    }

    /// Whether this is a key of the server's own, or was.
    pub fn opens(&self, key: &str) -> bool {
        self.current.load().keyring.identify(key, 0).is_some()
    }

    /// Why the caller is no program on this machine calling directly; `None` if it is one.
    fn stranger(&self, caller: &Caller<'_>) -> Option<Stranger> {
        if self.in_container {
            return Some(Stranger::Container);
        }
        if caller.forwarded {
            return Some(Stranger::Forwarded);
        }
        if !is_loopback(caller.peer) {
            return Some(Stranger::Remote);
        }
        if !caller.host.is_some_and(|host| is_local_host(host, &self.allowed_hosts)) {
            return Some(Stranger::Host);
        }
        match (caller.origin, caller.fetch_site) {
            (Some(origin), _) if !is_own_origin(origin, &self.cors_origins) => Some(Stranger::Origin),
            (None, Some("cross-site")) => Some(Stranger::CrossSite),
            _ => None,
        }
    }

    fn refuse(&self, stranger: Stranger, caller: &Caller<'_>) -> Denied {
        let (kind, why) = match stranger {
            Stranger::Container => {
                (DeniedKind::Unauthenticated, "a server in a container asks every caller for one")
            }
            Stranger::Remote => (DeniedKind::Unauthenticated, "callers from other machines need one"),
            Stranger::Forwarded => {
                (DeniedKind::Unauthenticated, "requests that come through a proxy need one")
            }
            Stranger::Host => (DeniedKind::Forbidden, "its Host header names another machine than this one"),
            Stranger::Origin => (DeniedKind::Forbidden, "it comes from a web page of another site"),
            Stranger::CrossSite => (DeniedKind::Forbidden, "a web page of another site caused it"),
        };
        if kind == DeniedKind::Unauthenticated && !self.current.load().keyring.is_empty() {
            return unauthenticated(caller, why);
        }
        let reason = match kind {
            DeniedKind::Forbidden => format!("Refused without a valid API key: {why}. {}", remedy(stranger)),
            DeniedKind::Unauthenticated => format!(
                "No API key is configured here, and {why}. Set `auth.api_keys` in the server's configuration."
            ),
        };
        Denied { kind: DeniedKind::Forbidden, reason, key: None }
    }
}

fn remedy(stranger: Stranger) -> &'static str {
    match stranger {
        Stranger::Host => "Call it as localhost or 127.0.0.1, or list the name in `server.allowed_hosts`.",
        _ => "If the page is yours, list its origin in `server.cors_origins`.",
    }
}

/// 401: tells the holder of a key that it does not open any more.
fn over_denied(id: &KeyId, over: Over) -> Denied {
    let what = match over {
        Over::Expired => "has expired",
        Over::Revoked => "was revoked",
        Over::Rotated => "was replaced by a new one",
    };
    let reason = format!("This API key {what}. Ask the operator of this server for another one.");
    Denied { kind: DeniedKind::Unauthenticated, reason, key: Some(id.clone()) }
}

/// 401: tells a wrong key from a missing one.
fn unauthenticated(caller: &Caller<'_>, why: &str) -> Denied {
    let reason = if caller.key.is_some_and(|key| !key.is_empty()) {
        "Invalid API key. Send one of this server's own keys; a key of Anthropic or OpenAI is none."
            .to_owned()
    } else {
        format!("Missing API key: {why}. Send it as `x-api-key: KEY` or `Authorization: Bearer KEY`.")
    };
    Denied { kind: DeniedKind::Unauthenticated, reason, key: None }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
