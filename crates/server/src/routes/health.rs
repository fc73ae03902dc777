//! `/health`: for people, load balancers and Kubernetes.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::response::{IntoResponse, Response};
use backends::{AccountWindow, Health, State as BackendState};
use http::StatusCode;
use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::context::Context;
use crate::upstreams::Upstream;

/// `GET /health`: the status for anyone; version, uptime, backends and the account's windows for callers that may use
/// the API.
pub(crate) async fn report(Extension(app): Extension<Arc<App>>, parts: Parts) -> Response {
    let status = overall(&app);
    if Context::of(&parts).caller.identity.is_none() {
        return Json(json!({ "status": status })).into_response();
    }
    let backends: Map<_, _> =
        app.upstreams.iter().map(|upstream| (upstream.name().to_string(), shown(upstream))).collect();
    Json(json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": app.started.elapsed().as_secs(),
        "backends": backends,
        "store": store_state(&app).await,
    }))
    .into_response()
}

fn shown(upstream: &Upstream) -> Value {
    let Health { state, detail } = upstream.backend.health();
    let breaker = upstream.breaker().as_str();
    let mut shown = json!({ "state": state.as_str(), "detail": detail, "breaker": breaker });
    if let Some(left) = upstream.resting() {
        shown["retry_after_seconds"] = json!(left.as_secs_f64().ceil());
    }
    let windows = upstream.backend.account_windows();
    if !windows.is_empty() {
        shown["account_windows"] = windows.iter().map(window).collect::<Map<_, _>>().into();
    }
    shown
}

/// Whether responses can be kept.
async fn store_state(app: &App) -> &'static str {
    match app.responses.store() {
        None => "off",
        Some(store) if store.size().await.is_ok() => "ok",
        Some(_) => "failing",
    }
}

/// `GET /health/live`: the process answers.
pub(crate) async fn live() -> Json<serde_json::Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /health/ready`: 503 with the reason until a backend can serve, and again while the server stops.
pub(crate) async fn ready(Extension(app): Extension<Arc<App>>) -> Response {
    match unready(&app) {
        None => Json(json!({ "status": "ok" })).into_response(),
        Some(reason) => {
            let body = Json(json!({ "status": "unready", "reason": reason }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

fn window(window: &AccountWindow) -> (String, Value) {
    let AccountWindow { name, utilization, resets_at, status } = window;
    let shown = json!({ "utilization": utilization, "resets_at": resets_at, "status": status });
    ((*name).to_owned(), shown)
}

fn unready(app: &App) -> Option<String> {
    if app.drain.begun.is_cancelled() {
        return Some("the server is shutting down".into());
    }
    let reasons: Option<Vec<_>> = app.upstreams.iter().map(|upstream| reason(upstream)).collect();
    reasons.map(|reasons| reasons.join("; "))
}

fn reason(upstream: &Upstream) -> Option<String> {
    let Health { state, detail } = upstream.backend.health();
    (state != BackendState::Ok).then(|| format!("{}: {detail}", upstream.name()))
}

fn overall(app: &App) -> &'static str {
    match app.upstreams.state() {
        _ if app.drain.begun.is_cancelled() => "stopping",
        BackendState::Ok => "ok",
        BackendState::Unknown => "starting",
        BackendState::Failing => "degraded",
    }
}
