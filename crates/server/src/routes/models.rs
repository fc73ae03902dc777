//! `/v1/models`: Anthropic's shape for callers that send `anthropic-version`, else OpenAI's.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use messages::{ApiError, ErrorKind};

use crate::app::App;
use crate::context::Context;
use crate::dialect::Dialect;
use crate::error;

/// `GET /v1/models`.
pub(crate) async fn list(Extension(app): Extension<Arc<App>>, parts: Parts) -> Response {
    let list = if wants_anthropic(&parts) {
        app.models.list_anthropic(parts.uri.query().unwrap_or_default()).await
    } else {
        app.models.list_openai().await
    };
    json(list)
}

/// `GET /v1/models/{id}`.
pub(crate) async fn retrieve(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let (dialect, found) = if wants_anthropic(&parts) {
        (Dialect::Anthropic, app.models.get_anthropic(&id).await)
    } else {
        (Dialect::OpenAiChat, app.models.get_openai(&id).await)
    };
    let Some(model) = found else {
        let message = format!("The model `{id}` does not exist here; GET /v1/models lists those that do.");
        let error = ApiError::new(ErrorKind::NotFound, message).with_code("model_not_found");
        return error::respond(dialect, &error, &Context::of(&parts).request_id, HeaderMap::new());
    };
    json(model)
}

fn wants_anthropic(parts: &Parts) -> bool {
    parts.headers.contains_key("anthropic-version")
}

fn json(body: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
