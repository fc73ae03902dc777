//! One file per resource; a handler names an operation and hands over.

pub(crate) mod admin;
pub(crate) mod bedrock;
pub(crate) mod chat_completions;
pub(crate) mod completions;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod models;
pub(crate) mod permissions;
pub(crate) mod responses;
pub(crate) mod vertex;

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use backends::BreakerState;
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::app::App;
use crate::context::Context;
use crate::error;

/// `HEAD /`: `claude` asks whether anybody is there before it starts.
pub(crate) async fn root() {}

/// `GET /metrics`, as Prometheus reads it.
pub(crate) async fn metrics(Extension(app): Extension<Arc<App>>) -> Response {
    for upstream in app.upstreams.iter() {
        let (name, backend) = (&**upstream.name(), &upstream.backend);
        app.metrics.set_processes(name, &backend.processes());
        app.metrics.set_turns(name, &backend.turns());
        app.metrics.account.set(name, &backend.account_windows());
        let is_left_alone = upstream.resting().is_some() || upstream.breaker() != BreakerState::Closed;
        app.metrics.set_available(name, !is_left_alone);
    }
    if let Some(store) = app.responses.store()
        && let Ok(size) = store.size().await
    {
        app.metrics.set_stored(size.responses, size.bytes);
    }
    if let Some(ledger) = app.ledger.store() {
        app.metrics.set_ledger(ledger.state());
    }
    app.metrics.set_cached(app.cache.as_ref().map_or(0, |cache| cache.bytes()));
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], app.metrics.text()).into_response()
}

/// Any path that is not in the table.
pub(crate) async fn no_such_path(parts: Parts) -> Response {
    let context = Context::of(&parts);
    error::no_such_path(context.dialect, &parts.method, parts.uri.path(), &context.request_id)
}

/// A path of the table with a method it does not take.
pub(crate) async fn wrong_method(parts: Parts) -> Response {
    let context = Context::of(&parts);
    error::wrong_method(context.dialect, &parts.method, parts.uri.path(), &context.request_id)
}
