//! `/v1/projects/…/models/{model}:{verb}`: Vertex AI's dialect. Project and location are the caller's own affair.
//! <https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.publishers.models/rawPredict>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use http::request::Parts;

use crate::app::App;
use crate::clouds::{self, Ask};

/// Where predictions are asked for; what comes last is a model and a verb.
pub(crate) const PATH: &str =
    "/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{model}";

/// `POST …/models/{model}:rawPredict`, `:streamRawPredict`, and `…/models/count-tokens:rawPredict`.
pub(crate) async fn predict(
    Extension(app): Extension<Arc<App>>,
    Path((_project, _location, model)): Path<(String, String, String)>,
    parts: Parts,
    body: Body,
) -> Response {
    match asked(&model) {
        Some(ask) => clouds::run(app, ask, parts, body).await,
        None => super::no_such_path(parts).await,
    }
}

fn asked(last: &str) -> Option<Ask> {
    let (model, verb) = last.rsplit_once(':')?;
    let stream = match verb {
        "rawPredict" => false,
        "streamRawPredict" => true,
        _ => return None,
    };
    match model {
        "" => None,
        dialects::vertex::COUNTER if stream => None,
        dialects::vertex::COUNTER => Some(Ask::VertexCount),
        model => Some(Ask::Predict { model: model.to_owned(), stream }),
    }
}
