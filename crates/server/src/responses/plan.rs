//! A request for a response, with what it goes on from, becomes a Messages request.

use bytes::Bytes;
use dialects::openai_responses::{self, Earlier, Echo, Peek, Translated};
use messages::ApiError;
use wire::json::edit::Edit;
use wire::json::peek::members;

use super::keeping::item;
use super::{Keep, new_response_id, now};
use crate::app::App;
use crate::pipeline::{Asked, Outlet, Plan, malformed};
use crate::upstreams::Aim;

/// What a response needs on its way back.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// `resp_…`
    pub(crate) id: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// What it repeats of its request.
    pub(crate) echo: Echo,
    /// How it is kept; `None` when it is not.
    pub(crate) keep: Option<Keep>,
    /// It is made while nobody waits.
    pub(crate) background: Option<Background>,
}

/// What only a response in the background needs.
#[derive(Debug)]
pub(crate) struct Background {
    /// The request as it came, for a server that has to begin again.
    pub(crate) request: Bytes,
    /// The caller reads along.
    pub(crate) stream: bool,
}

/// Reads a request's body, and what it goes on from.
pub(crate) async fn plan(app: &App, aim: &Aim, asked: &Asked) -> Result<Plan, ApiError> {
    let (owner, body, strict) = (asked.owner.as_str(), asked.body.clone(), asked.wishes.strict);
    let peek = openai_responses::peek(&body)?;
    let (body, not_stored) = settle_store(app, body, &peek, strict)?;
    let found = app.responses.earlier(owner, &peek).await?;
    let earlier = Earlier { conversation: &found.conversation, referenced: &found.referenced };
    let translated = app.translate_response(aim, owner, &body, &earlier, strict)?;
    let (id, created) = asked.begun.clone().unwrap_or_else(|| (new_response_id(), now()));
    let keep = if translated.store { keep(app, owner, (&body, &earlier), peek, &id, created)? } else { None };
    let Translated {
        body: request,
        betas,
        asked_model,
        model,
        stream,
        background,
        mut ignored,
        echo,
        places,
        ..
    } = translated;
    ignored.extend(not_stored);
    let request = app.refusals.apply(&model, request, strict, &mut ignored)?;
    // Whoever reads along or not: what is made in the background is logged event by event.
    let streamed = if background { with_stream(&request)? } else { request };
    let background = background.then_some(Background { request: body, stream });
    Ok(Plan {
        body: streamed,
        further: Vec::new(),
        betas,
        asked: asked_model,
        served: model,
        stream: stream || background.is_some(),
        outlet: Outlet::Response(Box::new(Wanted { id, created, echo, keep, background })),
        ignored,
        places: Some(Box::new(places)),
    })
}

/// Where nothing is kept, the response says so; who asked for it in so many words is told.
fn settle_store(
    app: &App,
    body: Bytes,
    peek: &Peek,
    strict: bool,
) -> Result<(Bytes, Option<String>), ApiError> {
    let keeps = app.responses.store().is_some();
    if peek.background && !(keeps && peek.store) {
        let why = if keeps {
            "needs `store: true`: its response is fetched later"
        } else {
            "no responses are kept here (`openai.store` is false)"
        };
        return Err(ApiError::invalid("background", why).with_code("unsupported_parameter"));
    }
    if keeps || !peek.store {
        return Ok((body, None));
    }
    let [asked] = members(&body, ["store"]).map_err(|error| malformed(&error))?;
    let asked = asked.is_some_and(|asked| asked.get() == "true");
    if asked && strict {
        let text = "no responses are kept here (`openai.store` is false)";
        return Err(ApiError::invalid("store", text).with_code("unsupported_parameter"));
    }
    let body = Edit::new(&body).set("store", "false").finish().map_err(|error| malformed(&error))?;
    Ok((body, asked.then(|| "store".to_owned())))
}

fn keep(
    app: &App,
    owner: &str,
    (body, earlier): (&Bytes, &Earlier<'_>),
    peek: Peek,
    id: &str,
    created: u64,
) -> Result<Option<Keep>, ApiError> {
    let Some(store) = app.responses.store() else { return Ok(None) };
    let input = openai_responses::input_items(body, earlier, id)?;
    Ok(Some(Keep {
        store: std::sync::Arc::clone(store),
        failures: app.responses.failures.clone(),
        id: id.to_owned(),
        owner: owner.to_owned(),
        previous: peek.previous_response_id,
        created_at: created,
        expires_at: created + app.responses.lifetime.as_secs(),
        input: input.into_iter().map(item).collect(),
    }))
}

fn with_stream(request: &Bytes) -> Result<Bytes, ApiError> {
    Edit::new(request).set("stream", "true").finish().map_err(|error| malformed(&error))
}

/// `POST /v1/responses/input_tokens`: the same request, to be counted.
pub(crate) async fn plan_count(app: &App, aim: &Aim, asked: &Asked) -> Result<Plan, ApiError> {
    let (owner, body, strict) = (asked.owner.as_str(), &asked.body, asked.wishes.strict);
    let peek = openai_responses::peek(body)?;
    let found = app.responses.earlier(owner, &peek).await?;
    let earlier = Earlier { conversation: &found.conversation, referenced: &found.referenced };
    let translated = app.translate_count(aim, owner, body, &earlier, strict)?;
    Ok(Plan {
        body: translated.body,
        further: Vec::new(),
        betas: translated.betas,
        asked: translated.asked_model,
        served: translated.model,
        stream: false,
        outlet: Outlet::InputTokens,
        ignored: translated.ignored,
        places: Some(Box::new(translated.places)),
    })
}
