//! One response made of several replies, one for each choice.

use axum::body::Body;
use axum::response::Response;
use backends::{BackendError, Reply, ReplyBody};
use futures_util::future::try_join_all;

use super::reply::{Whole, answered, collect, fold, is_event_stream, opened, streamed};
use super::{Exchange, Outlet, Plan, not_an_answer};
use crate::error;
use crate::relay::{ChatSink, ChoicesRelay, Events};
use crate::reply_headers;

/// The response for these replies, of which there are several. One that the upstream refused is the answer to all.
pub(super) async fn respond(mut replies: Vec<Reply>, plan: Plan, mut exchange: Exchange) -> Response {
    exchange.costs = replies.iter_mut().filter_map(|reply| reply.cost.take()).collect();
    let others: Vec<String> = replies.iter().skip(1).flat_map(|reply| reply.ignored.clone()).collect();
    if let Some(first) = replies.first_mut() {
        let new = others.into_iter().filter(|name| !first.ignored.contains(name)).collect::<Vec<_>>();
        first.ignored.extend(new);
    }
    let refused = replies.iter().position(|reply| !reply.status.is_success());
    if let Some(refused) = refused.or((replies.len() == 1).then_some(0)) {
        return super::reply::respond(replies.swap_remove(refused), plan, exchange).await;
    }
    match &plan.outlet {
        Outlet::Chat { heading, keeper } if plan.stream => {
            let sink = ChatSink::new(heading, keeper, replies.len());
            interleaved(replies, sink, &plan, exchange)
        }
        _ => whole(replies, plan, exchange).await,
    }
}

fn interleaved(replies: Vec<Reply>, sink: ChatSink, plan: &Plan, mut exchange: Exchange) -> Response {
    let headers = replies.first().map(|reply| reply_headers::for_client(plan, reply)).unwrap_or_default();
    match replies.into_iter().map(events).collect::<Result<Vec<_>, _>>() {
        Ok(events) => streamed(headers, Body::new(ChoicesRelay::new(events, sink, opened(exchange)))),
        Err(failure) => {
            exchange.failed(failure.detail);
            error::finish(exchange, &failure.error, headers)
        }
    }
}

fn events(reply: Reply) -> Result<Events, BackendError> {
    match reply.body {
        ReplyBody::Bytes(body) if is_event_stream(&reply.headers) => Ok(Events::sse(body)),
        ReplyBody::Events(events) => Ok(Events::Turn(events)),
        ReplyBody::Bytes(_) | ReplyBody::Json(_) => Err(not_an_answer(&"a stream was asked for")),
    }
}

async fn whole(replies: Vec<Reply>, plan: Plan, exchange: Exchange) -> Response {
    let headers = replies.first().map(|reply| reply_headers::for_client(&plan, reply)).unwrap_or_default();
    let answers = try_join_all(replies.into_iter().map(|reply| document(reply, &exchange))).await;
    answered(answers, headers, plan, exchange).await
}

async fn document(reply: Reply, exchange: &Exchange) -> Result<Whole, BackendError> {
    match reply.body {
        ReplyBody::Bytes(body) => collect(body, exchange).await.map(Whole::from),
        ReplyBody::Json(json) => Ok(json.into()),
        ReplyBody::Events(events) => fold(events, exchange).await,
    }
}
