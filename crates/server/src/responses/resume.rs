//! What an earlier server left without an end: made anew where nobody has seen anything of it, else failed. Either way
//! who polls for it comes to an end.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use dialects::openai_responses::{self, Ending as Told, EventEncoder};
use http::{HeaderMap, HeaderValue};
use messages::{ApiError, ErrorKind};
use store::{Ending, ResponseStore, Status, Unfinished};

use super::background::{KeptRequest, begin, first_events};
use super::events::{failed_event, with_output};
use super::job::{EVENTS_BEFORE_OUTPUT, Job};
use super::keeping::output_of;
use crate::app::App;
use crate::context::new_request_id;
use crate::dialect::Dialect;
use crate::ledger::Payer;
use crate::pipeline::{Asked, Exchange, Journey, Operation, Wishes};
use crate::relay::Sink;

/// A request that a server does not survive is not given to many of them.
const MOST_ATTEMPTS: u32 = 3;

/// Takes up what was left. Called once, before the first request: all that is unfinished then is an earlier server's.
pub(crate) async fn resume(app: &Arc<App>) {
    let Some(store) = app.responses.store().cloned() else { return };
    let left = match store.unfinished().await {
        Ok(left) => left,
        Err(error) => return tracing::warn!(%error, "responses of an earlier server can't be taken up"),
    };
    for left in left {
        let id = left.id.clone();
        let begun = if can_begin_again(&left) { again(app, &store, &left).await } else { Err(stopped()) };
        match begun {
            Ok(()) => tracing::info!(response = id, "making a response that an earlier server left"),
            Err(error) => {
                tracing::info!(response = id, "an earlier server left this response unfinished: failed");
                fail(&*store, left, &error).await;
            }
        }
    }
}

fn can_begin_again(left: &Unfinished) -> bool {
    left.request.is_some() && left.attempts < MOST_ATTEMPTS && left.next_sequence <= EVENTS_BEFORE_OUTPUT
}

fn stopped() -> ApiError {
    ApiError::new(
        ErrorKind::Api,
        "The server was stopped before this response was complete; send the request again.",
    )
}

async fn again(app: &Arc<App>, store: &Arc<dyn ResponseStore>, left: &Unfinished) -> Result<(), ApiError> {
    let request = left.request.as_deref().unwrap_or_default();
    let kept: KeptRequest<'_> = serde_json::from_slice(request).map_err(|_| stopped())?;
    let mut headers = HeaderMap::new();
    if let Some(beta) = kept.beta.as_deref().and_then(|beta| HeaderValue::from_str(beta).ok()) {
        headers.insert("anthropic-beta", beta);
    }
    let asked = Asked {
        operation: Operation::Responses,
        body: Bytes::copy_from_slice(kept.body.get().as_bytes()),
        headers,
        query: None,
        owner: left.owner.clone(),
        own_key: None,
        wishes: Wishes { strict: kept.strict, agent_events: false },
        begun: Some((left.id.clone(), left.created_at)),
    };
    let request_id = new_request_id();
    let mut journey = Journey::plan(app, asked, &request_id).await?;
    let Some((wanted, _)) = journey.plan.take_background() else { return Err(stopped()) };
    let mut encoder = EventEncoder::new(wanted.echo, &left.id, left.created_at);
    let first = first_events(&mut encoder);
    let mut exchange = Exchange::open(
        Arc::clone(app),
        Dialect::OpenAiResponses,
        Operation::Responses.name(),
        request_id,
        left.owner.clone(),
        Instant::now(),
    );
    exchange.follows(&journey);
    exchange.payer = Payer::owner(&left.owner);
    exchange.bytes_in = request.len();
    exchange.answered(200);
    let sink = Sink::response(encoder, None);
    let job = Job { id: left.id.clone(), store: Arc::clone(store), journey, sink, exchange };
    begin(app, &left.owner, left.response.clone(), first, job);
    Ok(())
}

async fn fail(store: &dyn ResponseStore, left: Unfinished, error: &ApiError) {
    let Unfinished { id, response, next_sequence, .. } = left;
    let response = openai_responses::ended(&response, Told::Failed(error)).unwrap_or(response);
    let told = store.events(&id, None).await.unwrap_or_default();
    let told: Vec<_> = told.into_iter().map(|event| event.sse).collect();
    let response = with_output(&response, &told);
    let events = vec![failed_event(next_sequence, &response)];
    let output = output_of(&response);
    let ending = Ending { status: Status::Failed, response, output, events };
    if let Err(error) = store.end(&id, ending).await {
        tracing::warn!(%error, response = id, "it can't be marked as failed");
    }
}
