//! `/model/{id}/…`: Bedrock's dialect. <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::request::Parts;

use crate::app::App;
use crate::clouds::{self, Ask};

/// More models than there are.
const ALL: &str = "limit=1000";

/// `POST /model/{id}/invoke`.
pub(crate) async fn invoke(
    Extension(app): Extension<Arc<App>>,
    Path(model): Path<String>,
    parts: Parts,
    body: Body,
) -> Response {
    clouds::run(app, Ask::Invoke { model, stream: false }, parts, body).await
}

/// `POST /model/{id}/invoke-with-response-stream`.
pub(crate) async fn stream(
    Extension(app): Extension<Arc<App>>,
    Path(model): Path<String>,
    parts: Parts,
    body: Body,
) -> Response {
    clouds::run(app, Ask::Invoke { model, stream: true }, parts, body).await
}

/// `POST /model/{id}/count-tokens`.
pub(crate) async fn count_tokens(
    Extension(app): Extension<Arc<App>>,
    Path(model): Path<String>,
    parts: Parts,
    body: Body,
) -> Response {
    clouds::run(app, Ask::BedrockCount { model }, parts, body).await
}

/// `GET /inference-profiles`.
pub(crate) async fn inference_profiles(Extension(app): Extension<Arc<App>>) -> Response {
    let profiles = dialects::bedrock::inference_profiles(&app.models.list_anthropic(ALL).await);
    ([(CONTENT_TYPE, "application/json")], profiles).into_response()
}
