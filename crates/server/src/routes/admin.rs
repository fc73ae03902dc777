//! `/admin`: what requests used and cost, and the keys. The gate lets nobody in but who shows the admin token.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use messages::{ApiError, ErrorKind};
use policy::config::issued_keys_refused;
use policy::keys::Terms;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::{KeyStore, UsageQuery};

use crate::app::App;
use crate::context::Context;
use crate::error;
use crate::issued::{self, Fresh, KeyError, Wanted};
use crate::pipeline::body;
use crate::query::Query;
use crate::report::{self, group_by, parse_time};

/// What the gate tells everybody else.
pub(crate) const fn closed(app: &App) -> &'static str {
    if app.config.admin.token.is_none() {
        "This server has no `admin.token` by which its operator could be known."
    } else {
        "This is the operator's alone: show `admin.token` as `Authorization: Bearer`."
    }
}

/// `GET /admin/usage?by=key|model|day|backend&since=…&until=…&key=…`.
pub(crate) async fn usage(Extension(app): Extension<Arc<App>>, parts: Parts) -> Response {
    match reported(&app, &parts).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => failed(&parts, &error),
    }
}

async fn reported(app: &App, parts: &Parts) -> Result<Value, ApiError> {
    let ledger = app.ledger.store().ok_or_else(|| {
        ApiError::new(
            ErrorKind::NotFound,
            "This server keeps no usage (`usage.enabled`, or its ledger can't be opened).",
        )
    })?;
    let query = Query::of(parts);
    let by = query.text("by").unwrap_or("key".into());
    let by =
        group_by(&by).ok_or_else(|| ApiError::invalid("by", "must be `key`, `model`, `day` or `backend`"))?;
    let time =
        |name| query.text(name).map(|text| parse_time(&text).ok_or_else(|| wrong_time(name))).transpose();
    let (since_ms, until_ms) = (time("since")?, time("until")?);
    let key = query.text("key").map(std::borrow::Cow::into_owned);
    let groups = ledger.report(UsageQuery { by, since_ms, until_ms, key }).await;
    Ok(report::json(by, &groups.map_err(|error| broken(&error))?))
}

fn wrong_time(name: &str) -> ApiError {
    ApiError::invalid(
        name,
        "must be a day (`2026-11-22`), a time (`2026-11-22T10:00:00Z`) or an age (`7d`, `12h`)",
    )
}

/// `GET /admin/keys`.
pub(crate) async fn list(Extension(app): Extension<Arc<App>>, parts: Parts) -> Response {
    let listed = async {
        let keys = store(&app)?.list().await.map_err(|error| broken(&error))?;
        Ok(json!({ "data": keys.iter().map(issued::shown).collect::<Vec<_>>() }))
    };
    match listed.await {
        Ok(keys) => Json(keys).into_response(),
        Err(error) => failed(&parts, &error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    name: String,
    expires_at: Option<String>,
    #[serde(default)]
    limits: Terms,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RotateRequest {
    grace_seconds: u64,
}

/// `POST /admin/keys`: `{"name": …, "expires_at": "2027-01-01T00:00:00Z", "limits": {…}}`.
pub(crate) async fn create(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    let created = async {
        let asked: CreateRequest = read(&app, &parts, body).await?;
        let expires_at = asked.expires_at.map(|text| parse_expiry(&text)).transpose()?;
        let wanted = Wanted { name: asked.name, expires_at, terms: asked.limits };
        if wanted.terms.has_budget() && app.ledger.store().is_none() {
            return Err(ApiError::invalid(
                "limits",
                "a budget needs the usage ledger, which is not kept here",
            ));
        }
        let fresh = issued::create(&**allowed(&app)?, wanted).await.map_err(|error| told(&error))?;
        tracing::info!(key = fresh.stored.id, name = fresh.stored.name, "a key was made");
        Ok(fresh)
    };
    let created = created.await;
    answer_once(&app, &parts, created, StatusCode::CREATED).await
}

/// `POST /admin/keys/{id}/rotate`: `{"grace_seconds": 3600}`, or nothing.
pub(crate) async fn rotate(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
    body: Body,
) -> Response {
    let rotated = async {
        let length = parts.headers.get(CONTENT_LENGTH);
        let has_body =
            length.map_or_else(|| parts.headers.contains_key(TRANSFER_ENCODING), |length| length != "0");
        let asked: RotateRequest =
            if has_body { read(&app, &parts, body).await? } else { RotateRequest::default() };
        let grace = Duration::from_secs(asked.grace_seconds);
        let fresh = issued::rotate(&**allowed(&app)?, &id, grace).await.map_err(|error| told(&error))?;
        tracing::info!(key = fresh.stored.id, name = fresh.stored.name, "a key was rotated");
        Ok(fresh)
    };
    let rotated = rotated.await;
    answer_once(&app, &parts, rotated, StatusCode::OK).await
}

/// `DELETE /admin/keys/{id}`: by its id or name. It does not open from now on.
pub(crate) async fn revoke(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let revoked = async {
        let key = issued::revoke(&**store(&app)?, &id).await.map_err(|error| told(&error))?;
        tracing::info!(key = key.id, name = key.name, "a key was revoked");
        refresh(&app).await?;
        Ok(issued::shown(&key))
    };
    match revoked.await {
        Ok(key) => Json(key).into_response(),
        Err(error) => failed(&parts, &error),
    }
}

/// The key itself, which is told here and never again.
async fn answer_once(
    app: &App,
    parts: &Parts,
    fresh: Result<Fresh, ApiError>,
    status: StatusCode,
) -> Response {
    let told = match fresh {
        Ok(fresh) => refresh(app).await.map(|()| issued::shown_once(&fresh)),
        Err(error) => Err(error),
    };
    match told {
        Ok(key) => (status, Json(key)).into_response(),
        Err(error) => failed(parts, &error),
    }
}

async fn refresh(app: &App) -> Result<(), ApiError> {
    app.issued.refresh(&app.gate).await.map_err(|error| broken(&error))
}

fn store(app: &App) -> Result<&Arc<dyn KeyStore>, ApiError> {
    app.issued.store().ok_or_else(|| broken(&"it could not be opened"))
}

/// The store, where keys may be made at all.
fn allowed(app: &App) -> Result<&Arc<dyn KeyStore>, ApiError> {
    match issued_keys_refused(&app.config) {
        Some(reason) => Err(ApiError::new(ErrorKind::Permission, reason)),
        None => store(app),
    }
}

async fn read<T: DeserializeOwned>(app: &App, parts: &Parts, body: Body) -> Result<T, ApiError> {
    let json = body::read(&parts.headers, body, app.body_bounds()).await?;
    parse(&json)
}

fn parse<T: DeserializeOwned>(json: &Bytes) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        ApiError::invalid(path, error.inner().to_string())
    })
}

fn parse_expiry(text: &str) -> Result<u64, ApiError> {
    let time = humantime::parse_rfc3339(text).ok();
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let wrong = || ApiError::invalid("expires_at", "must be a time like `2027-01-01T00:00:00Z`");
    since.map(|since| since.as_secs()).ok_or_else(wrong)
}

fn told(error: &KeyError) -> ApiError {
    match error {
        KeyError::Wrong { field, text } => ApiError::invalid(field, text),
        KeyError::Unknown => ApiError::new(ErrorKind::NotFound, error.to_string()),
        KeyError::Store(error) => broken(error),
        KeyError::Random(error) => broken(error),
    }
}

/// The reason is for the log: it may name paths.
fn broken(error: &dyn std::fmt::Display) -> ApiError {
    tracing::warn!(%error, "an admin request could not be done");
    ApiError::new(ErrorKind::Api, "The store behind this failed; the server's log says why.").with_status(503)
}

fn failed(parts: &Parts, error: &ApiError) -> Response {
    let context = Context::of(parts);
    error::respond(context.dialect, error, &context.request_id, HeaderMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_request_is_named_by_its_field() {
        for (json, path) in [
            (r#"{"name": 1}"#, "name"),
            (r#"{"name": "a", "limits": {"requests_per_minute": -1}}"#, "limits.requests_per_minute"),
            (r#"{"name": "a", "limits": {"rpm": 1}}"#, "limits.rpm"),
        ] {
            let Err(error) = parse::<CreateRequest>(&Bytes::from_static(json.as_bytes())) else {
                panic!("{json}")
            };
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)), "{json}");
        }
        assert_eq!(parse_expiry("tomorrow").unwrap_err().path.as_deref(), Some("expires_at"));
    }
}
