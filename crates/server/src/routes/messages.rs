//! `/v1/messages`: the Anthropic dialect. <https://platform.claude.com/docs/en/api/messages>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;

use crate::app::App;
use crate::pipeline::{self, Operation};

/// `POST /v1/messages`.
pub(crate) async fn create(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::Messages, parts, body).await
}

/// `POST /v1/messages/count_tokens`.
pub(crate) async fn count_tokens(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::CountTokens, parts, body).await
}
