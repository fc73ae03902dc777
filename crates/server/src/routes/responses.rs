//! `/v1/responses`: OpenAI's Responses API. <https://platform.openai.com/docs/api-reference/responses>

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use dialects::openai_responses;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use messages::ApiError;
use store::{Ending, PageQuery, ResponseStore, Status};

use crate::app::App;
use crate::context::Context;
use crate::error;
use crate::ledger::Payer;
use crate::pipeline::{self, Ended, Exchange, Operation, streamed};
use crate::query::Query;
use crate::responses::{Run, follow, not_found, replay};

/// The most items of one page, and how many without a wish (OpenAI's numbers).
const MOST_ITEMS: usize = 100;
const USUAL_ITEMS: usize = 20;

/// `POST /v1/responses`.
pub(crate) async fn create(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::Responses, parts, body).await
}

/// `POST /v1/responses/input_tokens`.
pub(crate) async fn input_tokens(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    pipeline::run(app, Operation::InputTokens, parts, body).await
}

/// `GET /v1/responses/{id}`: the response, or with `stream=true` its events from the one after `starting_after` on.
pub(crate) async fn retrieve(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let asked = Asked::new(app, &parts, "retrieve_response");
    let query = Query::of(&parts);
    match (query.flag("stream"), query.number("starting_after")) {
        (Ok(false), Ok(None)) => {
            let found = asked.response(&id).await;
            asked.answer(found)
        }
        (Ok(false), Ok(Some(_))) => {
            asked.refuse(&ApiError::invalid("starting_after", "goes with `stream=true` only"))
        }
        (Ok(true), Ok(after)) => asked.events(&id, after).await,
        (Err(error), _) | (_, Err(error)) => asked.refuse(&error),
    }
}

/// `DELETE /v1/responses/{id}`. One that is being made is cancelled first.
pub(crate) async fn delete(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let asked = Asked::new(app, &parts, "delete_response");
    let deleted = asked.delete(&id).await;
    asked.answer(deleted)
}

/// `POST /v1/responses/{id}/cancel`: ends one that is made in the background. One that has ended stays as it is.
pub(crate) async fn cancel(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let asked = Asked::new(app, &parts, "cancel_response");
    let cancelled = asked.cancel(&id).await;
    asked.answer(cancelled)
}

/// `GET /v1/responses/{id}/input_items`: what the response was made of, newest first unless `order=asc`.
pub(crate) async fn input_items(
    Extension(app): Extension<Arc<App>>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let asked = Asked::new(app, &parts, "list_input_items");
    let listed = match page_query(&Query::of(&parts)) {
        Ok(query) => asked.input_items(&id, query).await,
        Err(error) => Err(error),
    };
    asked.answer(listed)
}

fn page_query(query: &Query<'_>) -> Result<PageQuery, ApiError> {
    let limit = match query.number("limit")? {
        None => USUAL_ITEMS,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=MOST_ITEMS).contains(limit))
            .ok_or_else(|| ApiError::invalid("limit", "must be from 1 to 100"))?,
    };
    let descending = match query.text("order").as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(ApiError::invalid("order", "must be `asc` or `desc`")),
    };
    let text = |name| query.text(name).map(std::borrow::Cow::into_owned);
    Ok(PageQuery { limit, descending, after: text("after"), before: text("before") })
}

/// A question about what is kept, by one caller.
struct Asked {
    app: Arc<App>,
    owner: String,
    exchange: Exchange,
}

impl Asked {
    fn new(app: Arc<App>, parts: &Parts, endpoint: &'static str) -> Self {
        let context = Context::of(parts);
        let mut exchange = Exchange::open(
            Arc::clone(&app),
            context.dialect,
            endpoint,
            context.request_id,
            context.caller.to_string(),
            context.arrived,
        );
        exchange.payer = Payer::of(&context.caller);
        Self { app, owner: context.caller.owner(), exchange }
    }

    fn store(&self) -> Result<&Arc<dyn ResponseStore>, ApiError> {
        self.app.responses.store().ok_or_else(not_found)
    }

    fn run(&self, id: &str) -> Option<Arc<Run>> {
        self.app.responses.runs.find(&self.owner, id)
    }

    fn read<T>(&self, answer: Result<T, store::StoreError>) -> Result<T, ApiError> {
        answer.map_err(|error| self.app.responses.broken(&error))
    }

    async fn stored(&self, id: &str) -> Result<store::Stored, ApiError> {
        let found = self.store()?.get(&self.owner, id).await;
        self.read(found)?.ok_or_else(not_found)
    }

    async fn response(&self, id: &str) -> Result<Bytes, ApiError> {
        match self.run(id) {
            Some(run) => Ok(run.response()),
            None => Ok(self.stored(id).await?.response),
        }
    }

    async fn delete(&self, id: &str) -> Result<Bytes, ApiError> {
        if let Some(run) = self.run(id) {
            run.cancel.cancel();
            run.ended().await;
        }
        let deleted = self.store()?.delete(&self.owner, id).await;
        if self.read(deleted)? { Ok(openai_responses::deleted(id)) } else { Err(not_found()) }
    }

    async fn cancel(&self, id: &str) -> Result<Bytes, ApiError> {
        if let Some(run) = self.run(id) {
            run.cancel.cancel();
            run.ended().await;
            return Ok(run.response());
        }
        let stored = self.stored(id).await?;
        if !stored.background {
            return Err(ApiError::invalid(
                "",
                "Only a response made with `background: true` can be cancelled.",
            ));
        }
        if stored.status.has_ended() {
            return Ok(stored.response);
        }
        // Nobody makes it: a server ended without a word, and this one could not take it up.
        let told = openai_responses::Ending::Cancelled;
        let response = openai_responses::ended(&stored.response, told).unwrap_or(stored.response);
        let ending = Ending { status: Status::Cancelled, response, output: Vec::new(), events: Vec::new() };
        let ended = self.store()?.end(id, ending).await;
        self.read(ended)?;
        Ok(self.stored(id).await?.response)
    }

    async fn input_items(&self, id: &str, query: PageQuery) -> Result<Bytes, ApiError> {
        let page = self.store()?.input_items(&self.owner, id, query).await;
        let page = self.read(page)?.ok_or_else(not_found)?;
        let items: Vec<Bytes> = page.items.into_iter().map(|item| item.json).collect();
        Ok(openai_responses::item_list(&items, page.has_more))
    }

    /// The events of a response in the background: as they come while it is made, else from its log.
    async fn events(mut self, id: &str, after: Option<u64>) -> Response {
        if let Some(run) = self.run(id) {
            self.exchange.answered(200);
            self.exchange.streaming();
            self.exchange.sent(0);
            let cut = self.app.drain.cut.clone();
            return streamed(HeaderMap::new(), follow(run, after, cut, Some(self.exchange)));
        }
        match self.log(id, after).await {
            Ok(events) => {
                self.exchange.answered(200);
                self.exchange.sent(events.iter().map(|event| event.sse.len()).sum());
                self.exchange.end(Ended::Complete);
                streamed(HeaderMap::new(), replay(events))
            }
            Err(error) => self.refuse(&error),
        }
    }

    async fn log(&self, id: &str, after: Option<u64>) -> Result<Vec<store::Event>, ApiError> {
        if !self.stored(id).await?.background {
            let text = "only a response made with `background: true` can be streamed again";
            return Err(ApiError::invalid("stream", text));
        }
        let events = self.store()?.events(id, after).await;
        self.read(events)
    }

    fn answer(mut self, answer: Result<Bytes, ApiError>) -> Response {
        let json = match answer {
            Ok(json) => json,
            Err(error) => return self.refuse(&error),
        };
        self.exchange.answered(200);
        self.exchange.sent(json.len());
        self.exchange.end(Ended::Complete);
        let mut response = Response::new(Body::from(json));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn refuse(self, error: &ApiError) -> Response {
        error::finish(self.exchange, error, HeaderMap::new())
    }
}
