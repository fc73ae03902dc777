//! What is to be done with a request: which model serves, what is sent, what the answer must become.

use std::sync::Arc;

use backends::BackendError;
use bytes::Bytes;
use dialects::openai_chat::{Heading, Places, Translated};
use messages::ApiError;
use serde_json::value::RawValue;
use wire::json::{edit::Edit, peek};

use crate::app::App;
use crate::thoughts::ThoughtKeeper;

/// The API operation behind a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Anthropic's `POST /v1/messages`.
    Messages,
    /// Anthropic's `POST /v1/messages/count_tokens`.
    CountTokens,
    /// OpenAI's `POST /v1/chat/completions`.
    ChatCompletions,
    /// OpenAI's legacy `POST /v1/completions`.
    Completions,
}

/// What the answer becomes on its way back.
#[derive(Clone, Debug)]
pub(crate) enum Outlet {
    /// As the backend gave it.
    Anthropic,
    /// OpenAI chat completion or legacy completion, whole or in chunks.
    Chat {
        /// What its choices have in common.
        heading: Heading,
        /// Remembers the thinking before tool calls.
        keeper: ThoughtKeeper,
        /// The caller's own names for what the backend names.
        places: Places,
    },
}

/// A request, ready for a backend.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The Messages request.
    pub(crate) body: Bytes,
    /// The requests whose answers are further choices.
    pub(crate) further: Vec<Bytes>,
    /// The model as the caller named it; answers repeat it.
    pub(crate) asked: String,
    /// The model that serves.
    pub(crate) served: String,
    /// Whether a stream was asked for.
    pub(crate) stream: bool,
    /// What the answer becomes.
    pub(crate) outlet: Outlet,
    /// Request fields without effect, found so far.
    pub(crate) ignored: Vec<String>,
}

impl Plan {
    /// Reads as much of the body as its operation needs. `owner` is whose request it is.
    pub(crate) fn new(
        app: &App,
        operation: Operation,
        body: Bytes,
        strict: bool,
        owner: String,
    ) -> Result<Self, ApiError> {
        match operation {
            Operation::Messages | Operation::CountTokens => Self::messages(app, body),
            Operation::ChatCompletions | Operation::Completions => {
                Self::chat(app, app.translate_chat(operation, &body, strict, &owner)?, strict, owner)
            }
        }
    }

    /// Peeks, and changes the model's name alone, and that only where another model serves.
    fn messages(app: &App, body: Bytes) -> Result<Self, ApiError> {
        let [model, stream] = peek::members(&body, ["model", "stream"]).map_err(|error| malformed(&error))?;
        let asked = match model {
            Some(raw) => string(raw, "model")?,
            None => String::new(),
        };
        let stream = match stream.map(RawValue::get) {
            None | Some("false" | "null") => false,
            Some("true") => true,
            Some(_) => return Err(ApiError::invalid("stream", "must be true or false")),
        };
        let served = app.serving_model(&asked);
        let unchanged = served == asked;
        let body = if unchanged { body } else { with_model(&body, &served)? };
        let asked = if asked.is_empty() { served.clone() } else { asked };
        let (further, ignored) = (Vec::new(), Vec::new());
        Ok(Self { body, further, asked, served, stream, outlet: Outlet::Anthropic, ignored })
    }

    /// What a backend says about the request it got, said about the request that the caller sent.
    pub(crate) fn in_callers_terms(&self, failure: BackendError) -> BackendError {
        match &self.outlet {
            Outlet::Anthropic => failure,
            Outlet::Chat { places, .. } => BackendError { error: places.in_chat(failure.error), ..failure },
        }
    }

    /// The same for the names of fields without effect.
    pub(crate) fn names_of_the_caller(&self, ignored: Vec<String>) -> Vec<String> {
        match &self.outlet {
            Outlet::Anthropic => ignored,
            Outlet::Chat { places, .. } => places.names_in_chat(ignored),
        }
    }

    fn chat(app: &App, translated: Translated, strict: bool, owner: String) -> Result<Self, ApiError> {
        let Translated { body, further, asked_model, model, stream, include_usage, shape, .. } = translated;
        let (mut ignored, places) = (translated.ignored, translated.places);
        let (body, refused) = app.refusals.strip(&model, body).map_err(|error| malformed(&error))?;
        if let Some(field) = refused.first().filter(|_| strict) {
            return Err(
                ApiError::invalid(*field, "this model does not take it").with_code("unsupported_parameter")
            );
        }
        ignored.extend(refused.into_iter().map(str::to_owned));
        let strip = |body| app.refusals.strip(&model, body).map(|(body, _)| body);
        let further =
            further.into_iter().map(strip).collect::<Result<_, _>>().map_err(|error| malformed(&error))?;
        let created = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let heading =
            Heading { asked_model: asked_model.clone(), created, include_usage, shape: Arc::new(shape) };
        let keeper = ThoughtKeeper { memory: Arc::clone(&app.thoughts), owner, model: model.clone() };
        let outlet = Outlet::Chat { heading, keeper, places };
        Ok(Self { body, further, asked: asked_model, served: model, stream, outlet, ignored })
    }
}

fn string(raw: &RawValue, path: &str) -> Result<String, ApiError> {
    serde_json::from_str(raw.get()).map_err(|_| ApiError::invalid(path, "must be a string"))
}

fn with_model(body: &Bytes, model: &str) -> Result<Bytes, ApiError> {
    let name = serde_json::Value::from(model).to_string();
    Edit::new(body).set("model", &name).finish().map_err(|error| malformed(&error))
}

/// A body that is not a JSON object, or names a member twice.
pub(crate) fn malformed(error: &wire::json::Malformed) -> ApiError {
    ApiError::invalid("", format!("The request body is not valid JSON: {error}."))
}
