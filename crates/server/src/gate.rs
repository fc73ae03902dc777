//! Wraps every route: gives the request its id, and lets nobody in unasked but on the few routes named here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use backends::OwnKey;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN, VIA};
use http::{HeaderMap, Method};
use http_body::Body as _;
use messages::{ApiError, ErrorKind};
use policy::access::{Caller as Sender, Denied, DeniedKind, Identity, client_address};

use crate::app::App;
use crate::context::{Caller, Context, Peer, new_request_id};
use crate::dialect::Dialect;
use crate::error;
use crate::ledger::unix_ms;
use crate::live::Live;
use crate::routes::{admin, permissions};

/// Routes for probes and load balancers. They tell a stranger no more than that the server runs.
fn is_public(method: &Method, path: &str) -> bool {
    matches!(path, "/health" | "/health/live" | "/health/ready") || (path == "/" && method == Method::HEAD)
}

/// The middleware.
pub(crate) async fn pass(State(live): State<Live>, mut request: Request, next: Next) -> Response {
    let arrived = Instant::now();
    // From here to its end the request goes by one configuration.
    let app = live.get();
    let request_id = new_request_id();
    let (path, method) = (request.uri().path(), request.method().clone());
    let dialect = Dialect::of(path, request.headers());
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip());
    let (address, admitted) = identify(&app, request.headers(), peer);
    let for_admin = path == permissions::PATH || path.starts_with("/admin/");
    let is_admin = for_admin && app.is_admin(presented_key(request.headers()));
    let identity = match admitted {
        _ if is_admin => None,
        Ok(identity) => Some(identity),
        Err(_) if is_public(&method, path) => None,
        Err(_) if path == "/metrics" && app.is_scraper(presented_key(request.headers())) => None,
        Err(denied) => {
            let identity = denied.key.clone().map(Identity::Key);
            let caller = Caller { identity, address };
            let context = Context { request_id, dialect, arrived, caller, own_key: None };
            return refused(&app, &denied, &context);
        }
    };
    let not_allowed = if for_admin && !is_admin {
        Some(admin_only(&app, path))
    } else {
        identity.as_ref().and_then(|identity| path_denied(identity, path))
    };
    let caller = Caller { identity, address };
    let mut context =
        Context { request_id: Arc::clone(&request_id), dialect, arrived, caller, own_key: None };
    if let Some(denied) = not_allowed {
        return refused(&app, &denied, &context);
    }
    context.own_key = own_key(&app, request.headers(), context.caller.identity.as_ref());
    request.extensions_mut().insert(context);
    request.extensions_mut().insert(app);
    named(next.run(request).await, &request_id)
}

fn identify(app: &App, headers: &HeaderMap, peer: IpAddr) -> (IpAddr, Result<Identity, Denied>) {
    let forwarded_for = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let address = client_address(peer, forwarded_for, &app.config.server.trusted_proxies);
    let sender = Sender {
        peer: address,
        host: text(headers, &HOST),
        origin: text(headers, &ORIGIN),
        fetch_site: text(headers, &HeaderName::from_static("sec-fetch-site")),
        forwarded: is_forwarded(headers),
        key: presented_key(headers),
        now: unix_ms() / 1000,
    };
    (address, app.gate.admit(&sender).map_err(|denied| explained(denied, headers)))
}

/// AWS's clients sign unless they are told not to, and a signature shows no key.
fn explained(denied: Denied, headers: &HeaderMap) -> Denied {
    let signed = text(headers, &AUTHORIZATION).is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256"));
    if !signed || denied.kind != DeniedKind::Unauthenticated {
        return denied;
    }
    let reason = "This request is signed with AWS credentials, which are no key of this server. Set \
        AWS_BEARER_TOKEN_BEDROCK to one of its keys instead.";
    Denied { reason: reason.to_owned(), ..denied }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    let by_name =
        |name: &HeaderName| name == VIA || name == "forwarded" || name.as_str().starts_with("x-forwarded-");
    headers.keys().any(by_name)
}

const PROXY_KEY: HeaderName = HeaderName::from_static("x-proxy-key");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The key a caller shows: where it is meant for this server alone, else in either of the two places where clients put
/// theirs.
fn presented_key(headers: &HeaderMap) -> Option<&str> {
    text(headers, &PROXY_KEY).or_else(|| clients_key(headers).map(|(_, key)| key))
}

/// What a client was given as its API key.
fn clients_key(headers: &HeaderMap) -> Option<(HeaderName, &str)> {
    let bearer = || {
        let (scheme, token) = text(headers, &AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| (AUTHORIZATION, token.trim()))
    };
    text(headers, &API_KEY).map(|key| (API_KEY, key)).or_else(bearer)
}

/// The caller's own key for an upstream. What opened this server, or would, is none: it never leaves.
fn own_key(app: &App, headers: &HeaderMap, identity: Option<&Identity>) -> Option<OwnKey> {
    let opened_by_it = matches!(identity, None | Some(Identity::Key(_))) && !headers.contains_key(PROXY_KEY);
    let (name, key) = clients_key(headers).filter(|(_, key)| !key.is_empty())?;
    let is_ours = app.gate.opens(key) || app.is_admin(Some(key)) || app.is_scraper(Some(key));
    if opened_by_it || is_ours {
        return None;
    }
    let value = headers.get(&name)?.clone();
    Some(OwnKey::new(name, value))
}

/// A header that cannot be read is not the same as one that is absent: it matches nothing.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some("");
    }
    Some(value.to_str().unwrap_or_default())
}

/// What is the operator's alone.
fn admin_only(app: &App, path: &str) -> Denied {
    let reason = if path == permissions::PATH { permissions::closed(app) } else { admin::closed(app) };
    Denied { kind: DeniedKind::Forbidden, reason: reason.to_owned(), key: None }
}

/// Why the holder of a key may not call this path, if so.
fn path_denied(identity: &Identity, path: &str) -> Option<Denied> {
    let Identity::Key(key) = identity else { return None };
    if key.terms().allows_path(path) || path.starts_with("/health") || path == "/" {
        return None;
    }
    let allowed = key.terms().endpoints.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    let reason = format!("This API key may not call this path; it may call {allowed}.");
    Some(Denied { kind: DeniedKind::Forbidden, reason, key: Some(key.clone()) })
}

/// The answer to a request that goes no further, and its row in the ledger where its key is known.
fn refused(app: &App, denied: &Denied, context: &Context) -> Response {
    let response = denied_response(app, context.dialect, denied, &context.request_id);
    if denied.key.is_some() {
        let bytes = response.body().size_hint().lower();
        app.ledger.refused(context, response.status().as_u16(), bytes);
    }
    named(response, &context.request_id)
}

fn denied_response(app: &App, dialect: Dialect, denied: &Denied, request_id: &str) -> Response {
    let (kind, reason) = match denied.kind {
        DeniedKind::Unauthenticated => (ErrorKind::Authentication, "unauthenticated"),
        DeniedKind::Forbidden => (ErrorKind::Permission, "forbidden"),
    };
    app.metrics.reject(reason);
    let error = ApiError::new(kind, denied.reason.clone());
    let status = dialect.error_status(&error).as_u16();
    tracing::info!(target: "access", request_id, dialect = dialect.name(), status, ended = reason, "refused");
    error::respond(dialect, &error, request_id, HeaderMap::new())
}

/// Every answer carries our id, and upstream's under its own name where there is one.
fn named(mut response: Response, request_id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        let headers = response.headers_mut();
        headers.entry("request-id").or_insert_with(|| id.clone());
        headers.insert("x-request-id", id);
    }
    response
}
