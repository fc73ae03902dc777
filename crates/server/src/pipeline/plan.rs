//! What is to be done with a request: which model serves, what is sent, what the answer must become.

use std::sync::Arc;

use backends::BackendError;
use bytes::Bytes;
use dialects::Places;
use dialects::openai_chat::{Heading, Translated};
use messages::ApiError;
use serde_json::value::RawValue;
use wire::json::{edit::Edit, peek};

use super::journey::Asked;
use crate::app::App;
use crate::responses::{self, Background, Wanted, now};
use crate::thoughts::ThoughtKeeper;
use crate::upstreams::Aim;

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
    /// OpenAI's `POST /v1/responses`.
    Responses,
    /// OpenAI's `POST /v1/responses/input_tokens`.
    InputTokens,
}

/// What the answer becomes on its way back.
#[derive(Debug)]
pub(crate) enum Outlet {
    /// As the backend gave it.
    Anthropic,
    /// OpenAI chat completion or legacy completion, whole or in chunks.
    Chat {
        /// What its choices have in common.
        heading: Heading,
        /// Remembers the thinking before tool calls.
        keeper: ThoughtKeeper,
    },
    /// OpenAI response or its events.
    Response(Box<Wanted>),
    /// OpenAI's count of input tokens.
    InputTokens,
}

/// A request, ready for a backend.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The Messages request.
    pub(crate) body: Bytes,
    /// The requests whose answers are further choices.
    pub(crate) further: Vec<Bytes>,
    /// What `anthropic-beta` must name for it, besides what the caller names.
    pub(crate) betas: Vec<&'static str>,
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
    /// The caller's own names for what the backend names, where the request was translated.
    pub(crate) places: Option<Box<Places>>,
}

impl Plan {
    /// Reads as much of the body as its operation needs. The plan is one for `aim`: what its backend can't carry is not
    /// in it.
    pub(crate) async fn new(app: &App, aim: &Aim, asked: &Asked) -> Result<Self, ApiError> {
        match asked.operation {
            Operation::Messages | Operation::CountTokens => Self::messages(app, aim, asked.body.clone()),
            Operation::ChatCompletions | Operation::Completions => {
                Self::chat(app, app.translate_chat(aim, asked)?, asked)
            }
            Operation::Responses => responses::plan(app, aim, asked).await,
            Operation::InputTokens => responses::plan_count(app, aim, asked).await,
        }
    }

    /// Peeks, and changes the model's name alone, and that only where another model serves.
    fn messages(app: &App, aim: &Aim, body: Bytes) -> Result<Self, ApiError> {
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
        let served = aim.model.as_deref().map_or_else(|| app.serving_model(&asked), str::to_owned);
        let unchanged = served == asked;
        let body = if unchanged { body } else { with_model(&body, &served)? };
        let asked = if asked.is_empty() { served.clone() } else { asked };
        let (further, betas, ignored) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            body,
            further,
            betas,
            asked,
            served,
            stream,
            outlet: Outlet::Anthropic,
            ignored,
            places: None,
        })
    }

    /// Whether the answer is kept under an id of its own.
    pub(crate) const fn is_kept(&self) -> bool {
        matches!(&self.outlet, Outlet::Response(wanted) if wanted.keep.is_some())
    }

    /// What a backend says about the request it got, said about the request that the caller sent.
    pub(crate) fn in_callers_terms(&self, failure: BackendError) -> BackendError {
        match &self.places {
            None => failure,
            Some(places) => BackendError { error: places.error(failure.error), ..failure },
        }
    }

    /// The same for the names of fields without effect.
    pub(crate) fn names_of_the_caller(&self, ignored: Vec<String>) -> Vec<String> {
        match &self.places {
            None => ignored,
            Some(places) => places.names(ignored),
        }
    }

    fn chat(app: &App, translated: Translated, asked: &Asked) -> Result<Self, ApiError> {
        let Translated { body, further, asked_model, model, stream, include_usage, shape, .. } = translated;
        let (mut ignored, places) = (translated.ignored, Some(Box::new(translated.places)));
        let body = app.refusals.apply(&model, body, asked.wishes.strict, &mut ignored)?;
        let strip = |body| app.refusals.strip(&model, body).map(|(body, _)| body);
        let further =
            further.into_iter().map(strip).collect::<Result<_, _>>().map_err(|error| malformed(&error))?;
        let heading = Heading {
            asked_model: asked_model.clone(),
            created: now(),
            include_usage,
            shape: Arc::new(shape),
        };
        let owner = asked.owner.clone();
        let keeper = ThoughtKeeper { memory: Arc::clone(&app.thoughts), owner, model: model.clone() };
        let outlet = Outlet::Chat { heading, keeper };
        let betas = Vec::new();
        Ok(Self { body, further, betas, asked: asked_model, served: model, stream, outlet, ignored, places })
    }
}

impl Plan {
    /// Id and time of the response that it makes.
    pub(super) fn begun(&self) -> Option<(String, u64)> {
        match &self.outlet {
            Outlet::Response(wanted) => Some((wanted.id.clone(), wanted.created)),
            _ => None,
        }
    }

    /// What is wanted of a response in the background; the plan has no use for it then.
    pub(crate) fn take_background(&mut self) -> Option<(Wanted, Background)> {
        match std::mem::replace(&mut self.outlet, Outlet::Anthropic) {
            Outlet::Response(mut wanted) => match wanted.background.take() {
                Some(background) => Some((*wanted, background)),
                None => {
                    self.outlet = Outlet::Response(wanted);
                    None
                }
            },
            other => {
                self.outlet = other;
                None
            }
        }
    }
}

/// The model that a body names, where it names one; what is wrong with it is for the plan to say.
pub(crate) fn named_model(body: &[u8]) -> String {
    let [model] = peek::members(body, ["model"]).unwrap_or_default();
    model.and_then(|raw| string(raw, "model").ok()).unwrap_or_default()
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
