//! Requests in the dialects of clouds. They are Messages requests in another envelope: what stands in the path and in the
//! body is put where the Messages API has it, the pipeline serves that, and of Bedrock the answer is wrapped again.

mod reframed;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use dialects::cloud::Unwrapped;
use dialects::{bedrock, vertex};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Collected};
use messages::ApiError;

use crate::app::App;
use crate::context::Context;
use crate::pipeline::{self, Operation};
use reframed::Reframed;

const BETA: &str = "anthropic-beta";
const VERSION: &str = "anthropic-version";

/// What a path of a cloud's asks for. Put into the request's extensions by its route.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// Bedrock's `InvokeModel`, whole or as a stream.
    Invoke { model: String, stream: bool },
    /// Bedrock's `CountTokens`.
    BedrockCount { model: String },
    /// Vertex AI's `rawPredict` or `streamRawPredict`.
    Predict { model: String, stream: bool },
    /// Vertex AI's counting of tokens.
    VertexCount,
}

impl Ask {
    const fn operation(&self) -> Operation {
        match self {
            Self::Invoke { .. } | Self::Predict { .. } => Operation::Messages,
            Self::BedrockCount { .. } | Self::VertexCount => Operation::CountTokens,
        }
    }

    fn unwrap(&self, body: &Bytes) -> Result<Unwrapped, ApiError> {
        match self {
            Self::Invoke { model, stream } => bedrock::invoke(body, model, *stream),
            Self::BedrockCount { model } => bedrock::count(body, model),
            Self::Predict { model, stream } => vertex::predict(body, model, *stream),
            Self::VertexCount => vertex::count(body),
        }
    }
}

/// Serves a request in a cloud's dialect.
pub(crate) async fn run(app: Arc<App>, ask: Ask, mut parts: Parts, body: Body) -> Response {
    let request_id = Context::of(&parts).request_id;
    parts.extensions.insert(ask.clone());
    let response = pipeline::run(app, ask.operation(), parts, body).await;
    match ask {
        Ask::Predict { .. } | Ask::VertexCount => response,
        Ask::Invoke { .. } | Ask::BedrockCount { .. } => named(wrapped(&ask, response).await, &request_id),
    }
}

/// The request as the pipeline knows it. What came in no cloud's dialect is that already.
pub(crate) fn unwrapped(parts: &Parts, body: Bytes) -> Result<(Cow<'_, Parts>, Bytes), ApiError> {
    let Some(ask) = parts.extensions.get::<Ask>() else { return Ok((Cow::Borrowed(parts), body)) };
    let Unwrapped { body, version, betas } = ask.unwrap(&body)?;
    let mut parts = parts.clone();
    tell(&mut parts.headers, &version, betas);
    Ok((Cow::Owned(parts), body))
}

/// Puts into the headers what stood in the body, and takes out what is between the caller and its cloud.
fn tell(headers: &mut HeaderMap, version: &str, betas: Vec<String>) {
    let theirs = |name: &&HeaderName| {
        ["x-amz-", "amz-sdk-", "x-goog-"].iter().any(|start| name.as_str().starts_with(start))
    };
    let theirs: Vec<HeaderName> = headers.keys().filter(theirs).cloned().collect();
    for name in theirs {
        headers.remove(name);
    }
    if let Ok(version) = HeaderValue::try_from(version) {
        headers.insert(VERSION, version);
    }
    let named = headers.get_all(BETA).iter().filter_map(|value| value.to_str().ok());
    let mut all: Vec<String> =
        named.flat_map(|list| list.split(',')).map(|beta| beta.trim().to_owned()).collect();
    all.extend(betas);
    let mut seen = std::collections::HashSet::new();
    all.retain(|beta| !beta.is_empty() && seen.insert(beta.clone()));
    if let Some(betas) = HeaderValue::try_from(all.join(",")).ok().filter(|betas| !betas.is_empty()) {
        headers.insert(BETA, betas);
    }
}

/// The answer as Bedrock gives it: its framing of a stream, its name for a count. Errors are Bedrock's already.
async fn wrapped(ask: &Ask, response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    match ask {
        Ask::Invoke { stream: true, .. } => {
            let (mut parts, body) = response.into_parts();
            let framed = HeaderValue::from_static("application/vnd.amazon.eventstream");
            parts.headers.insert(CONTENT_TYPE, framed);
            parts.headers.insert("x-amzn-bedrock-content-type", HeaderValue::from_static("application/json"));
            Response::from_parts(parts, Body::new(Reframed::new(body)))
        }
        Ask::BedrockCount { .. } => {
            let (mut parts, body) = response.into_parts();
            // It is in memory already, and a line.
            let count = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(bedrock::counted(&count)))
        }
        _ => response,
    }
}

/// AWS's clients look for the request's id there.
fn named(mut response: Response, request_id: &str) -> Response {
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}
