//! `/v1/chat/completions`: OpenAI's chat dialect. <https://platform.openai.com/docs/api-reference/chat>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;

use crate::app::App;
use crate::pipeline::{self, Operation};

/// `POST /v1/chat/completions`.
pub(crate) async fn create(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::ChatCompletions, parts, body).await
}
