//! One exchange: recorded, authenticated, checked, answered.

use crate::answer::{self, AnswerBody, Asked, Hangup, Waiter};
use crate::check::{self, Endpoint};
use crate::prompt::Prompt;
use crate::record::{Exchange, Recorded};
use crate::refusal::Refusal;
use crate::script::Turn;
use crate::server::State;
use crate::{clock, control, echo, models, steer, tokens};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response};
use serde_json::Value;
use std::sync::Arc;

/// The API's limit for a request.
const MAX_BODY_BYTES: usize = 32 << 20;

/// A request that was read.
struct Call<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    body: Bytes,
    request_id: String,
    number: u64,
}

/// Answers a request; an error closes the connection.
pub(crate) async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Hangup> {
    // Counted from here, so that a release that comes while the request is read is not lost.
    let waiter = Waiter::new(state.releases.subscribe());
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    if head.uri.path().starts_with("/__sim/") {
        return Ok(control::answer(&state, &head, &body.unwrap_or_default()));
    }
    let exchange = state.ledger.open(recorded(&head, body.clone().unwrap_or_default()));
    let number = state.number();
    let call = Call {
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body: body.clone().unwrap_or_default(),
        request_id: format!("req_01Sim{number:019}"),
        number,
    };
    let admitted = match body {
        Some(_) => admit(&state, &call),
        None => Err(Refusal::new(413, "request_too_large", "Request exceeds the maximum size")),
    };
    match admitted {
        Ok(route) => serve(&state, call, route, waiter, exchange).await,
        Err(refusal) => Ok(answer::refused(&refusal, &call.request_id, exchange)),
    }
}

/// The body; nothing when it is larger than the API takes.
async fn read(body: Incoming) -> Result<Option<Bytes>, Hangup> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(Some(body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Ok(None),
        Err(_) => Err(Hangup),
    }
}

fn recorded(head: &Parts, body: Bytes) -> Recorded {
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Recorded {
        id: 0,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body,
        started_ms: clock::unix_ms(),
        status: None,
        ended: None,
        ended_ms: None,
    }
}

/// What a request asks for, once it may.
enum Route {
    Root,
    Models,
    Model(String),
    Message(Value),
    Count(Value),
}

fn admit(state: &State, call: &Call<'_>) -> Result<Route, Refusal> {
    if call.path == "/" && call.method == Method::HEAD {
        return Ok(Route::Root);
    }
    let model = call.path.strip_prefix("/v1/models/").filter(|id| !id.is_empty() && !id.contains('/'));
    let expected = match call.path {
        "/v1/messages" | "/v1/messages/count_tokens" => Method::POST,
        _ if call.path == "/v1/models" || model.is_some() => Method::GET,
        _ => return Err(Refusal::not_found("Not found")),
    };
    if call.method != expected {
        return Err(Refusal::new(405, "invalid_request_error", "Method Not Allowed"));
    }
    check::credentials(call.headers, state.settings.key.as_deref())?;
    let version = check::version(call.headers)?;
    if expected == Method::GET {
        return Ok(model.map_or(Route::Models, |id| Route::Model(id.to_owned())));
    }
    let endpoint = if call.path == "/v1/messages" { Endpoint::Messages } else { Endpoint::CountTokens };
    let request =
        check::Request { endpoint, version, headers: call.headers, more_models: &state.settings.models };
    let body = check::body(&request, &call.body)?;
    Ok(if endpoint == Endpoint::Messages { Route::Message(body) } else { Route::Count(body) })
}

async fn serve(
    state: &State,
    call: Call<'_>,
    route: Route,
    mut waiter: Waiter,
    exchange: Exchange,
) -> Result<Response<AnswerBody>, Hangup> {
    let (model, prompt) = match &route {
        Route::Message(body) | Route::Count(body) => {
            (body["model"].as_str().unwrap_or_default().to_owned(), Prompt::of(body))
        }
        _ => (String::new(), Prompt::default()),
    };
    let scripted = state.queue.take(call.path, &model, &prompt.all());
    let plain = match route {
        Route::Message(body) => {
            let turn = scripted.unwrap_or_else(|| unscripted(&body, &prompt));
            let asked = Asked {
                request_id: call.request_id,
                number: call.number,
                stream: body["stream"] == Value::Bool(true),
                input_tokens: tokens::of_request(&body),
                model,
            };
            return answer::play(turn, &asked, waiter, exchange).await;
        }
        Route::Count(body) => {
            let scripted = scripted.as_ref().and_then(|turn| turn.usage.input_tokens);
            Ok(format!(r#"{{"input_tokens":{}}}"#, scripted.unwrap_or_else(|| tokens::of_request(&body))))
        }
        Route::Models => models::page(call.query),
        Route::Model(name) => models::one(&name),
        Route::Root => Ok(String::new()),
    };
    let turn = scripted.unwrap_or_default();
    let exchange = match answer::play_error(&turn, &call.request_id, &mut waiter, exchange).await? {
        Ok(response) => return Ok(response),
        Err(exchange) => exchange,
    };
    Ok(match plain {
        Ok(text) => answer::full(200, text, &call.request_id, &turn.headers, exchange),
        Err(refusal) => answer::refused(&refusal, &call.request_id, exchange),
    })
}

fn unscripted(body: &Value, prompt: &Prompt) -> Turn {
    steer::turn(prompt.text()).unwrap_or_else(|| echo::turn(body, prompt))
}

/// For control answers, which are not recorded.
pub(crate) fn unrecorded(status: u16, text: String) -> Response<AnswerBody> {
    let length = text.len();
    let mut response = Response::new(AnswerBody::full(Bytes::from(text), None));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length.into());
    response
}
