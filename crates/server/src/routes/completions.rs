//! `/v1/completions`: OpenAI's legacy completions. <https://platform.openai.com/docs/api-reference/completions>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;

use crate::app::App;
use crate::pipeline::{self, Operation};

/// `POST /v1/completions`.
pub(crate) async fn create(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::Completions, parts, body).await
}
