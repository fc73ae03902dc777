//! `/v1/claude-code/permissions`: what built-in tools ask before they act, told to the operator and answered by them. An
//! API of our own; the gate lets nobody in but who shows the admin token.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backends::{Decision, PermissionEvents};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use messages::json::{self, Members, Path};
use messages::{ApiError, ErrorKind};
use serde_json::json;
use serde_json::value::RawValue;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::app::App;
use crate::context::Context;
use crate::error;
use crate::pipeline::body;
use crate::relay::KeepAlive;

/// The only path of it.
pub(crate) const PATH: &str = "/v1/claude-code/permissions";

/// What the gate tells everybody else.
pub(crate) const fn closed(app: &App) -> &'static str {
    if app.config.admin.token.is_none() {
        "Permission prompts are denied: this server has no `admin.token` by which its operator could answer them."
    } else {
        "Permission prompts are the operator's to answer: show `admin.token` as `Authorization: Bearer`."
    }
}

/// `GET`: the prompts as server-sent events, those that wait already first.
pub(crate) async fn listen(Extension(app): Extension<Arc<App>>, parts: Parts) -> Response {
    let Some(desk) = app.upstreams.permissions() else { return failed(&parts, &no_tools()) };
    let stop = Box::pin(app.drain.begun.clone().cancelled_owned());
    let body = Body::from_stream(Prompts {
        events: desk.listen(),
        keep_alive: KeepAlive::new(),
        greeted: false,
        stop,
    });
    ([(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-cache")], body).into_response()
}

/// `POST`: an answer, `{"id": …, "behavior": "allow", "updated_input": {…}}` or
/// `{"id": …, "behavior": "deny", "message": …}`.
pub(crate) async fn answer(Extension(app): Extension<Arc<App>>, parts: Parts, body: Body) -> Response {
    match answered(&app, &parts, body).await {
        Ok((id, behavior)) => Json(json!({ "id": id, "behavior": behavior })).into_response(),
        Err(error) => failed(&parts, &error),
    }
}

async fn answered(app: &App, parts: &Parts, body: Body) -> Result<(String, &'static str), ApiError> {
    let desk = app.upstreams.permissions().ok_or_else(no_tools)?;
    let body = body::read(&parts.headers, body, app.body_bounds()).await?;
    let (id, decision) = read(&body)?;
    let behavior = decision.behavior();
    let gone = |error: backends::UnknownPrompt| {
        let told = format!("{error}: it was answered, timed out or withdrawn");
        ApiError { path: Some("id".into()), ..ApiError::new(ErrorKind::NotFound, told) }
    };
    desk.answer(&id, decision).map_err(gone)?;
    Ok((id, behavior))
}

fn read(body: &Bytes) -> Result<(String, Decision), ApiError> {
    let text =
        std::str::from_utf8(body).map_err(|_| ApiError::invalid("", "The request body is not UTF-8."))?;
    let at = Path::Root;
    let mut members: Members<'_> = json::read(text, &at)?;
    let id: String = members.required("id", &at)?;
    let behavior: String = members.required("behavior", &at)?;
    let decision = match behavior.as_str() {
        "allow" => Decision::Allow { updated_input: members.take("updated_input").map(object).transpose()? },
        "deny" => Decision::Deny { message: members.optional("message", &at)? },
        _ => return Err(at.key("behavior").invalid("must be \"allow\" or \"deny\"")),
    };
    match members.0.first() {
        Some((other, _)) => Err(at.key(other).invalid(format!("has no meaning with \"{behavior}\""))),
        None => Ok((id, decision)),
    }
}

fn object(raw: &RawValue) -> Result<Box<RawValue>, ApiError> {
    if raw.get().starts_with('{') {
        return Ok(raw.to_owned());
    }
    Err(ApiError::invalid("updated_input", "must be an object: the tool's whole input"))
}

fn no_tools() -> ApiError {
    let told = "There is nothing to permit: no built-in tools are configured (`claude_code.tools`).";
    ApiError::new(ErrorKind::NotFound, told)
}

fn failed(parts: &Parts, error: &ApiError) -> Response {
    let context = Context::of(parts);
    error::respond(context.dialect, error, &context.request_id, HeaderMap::new())
}

/// The body of a listener's answer. Dropped, nobody listens there any more.
struct Prompts {
    events: PermissionEvents,
    keep_alive: KeepAlive,
    greeted: bool,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream for Prompts {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut out = BytesMut::new();
        if !std::mem::replace(&mut this.greeted, true) {
            // So that the listener knows from now on that it is one.
            wire::sse::write_comment(&mut out, "listening");
        } else if this.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        } else {
            match Pin::new(&mut this.events).poll_next(cx) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(event)) => wire::sse::write_event(&mut out, event.name, &event.data),
                Poll::Pending => {
                    std::task::ready!(this.keep_alive.poll_due(cx));
                    wire::sse::write_comment(&mut out, "keep-alive");
                }
            }
        }
        this.keep_alive.sent();
        Poll::Ready(Some(Ok(out.freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_a_wrong_one_named_by_its_field() {
        let read = |json: &'static str| read(&Bytes::from_static(json.as_bytes()));
        let allowed = read(r#"{"id":"p","behavior":"allow","updated_input":{"a": 1.0}}"#).unwrap();
        assert!(
            matches!(allowed.1, Decision::Allow { updated_input: Some(input) } if input.get() == r#"{"a": 1.0}"#)
        );
        assert!(matches!(read(r#"{"id":"p","behavior":"deny"}"#), Ok((_, Decision::Deny { message: None }))));
        for (json, path) in [
            (r#"{"behavior":"deny"}"#, "id"),
            (r#"{"id":"p","behavior":"ask"}"#, "behavior"),
            (r#"{"id":"p","behavior":"allow","updated_input":[]}"#, "updated_input"),
            (r#"{"id":"p","behavior":"deny","message":1}"#, "message"),
            (r#"{"id":"p","behavior":"deny","updated_input":{}}"#, "updated_input"),
        ] {
            let Err(error) = read(json) else { panic!("{json}") };
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)), "{json}");
        }
        assert!(read("[").is_err());
    }
}
