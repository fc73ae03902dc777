//! One exchange: recorded, authenticated, checked, answered.

use crate::admit::{Route, admit};
use crate::answer::{self, AnswerBody, Asked, Asking, Hangup, Waiter};
use crate::face::Face;
use crate::prompt::Prompt;
use crate::record::{Exchange, Recorded};
use crate::refusal::Refusal;
use crate::script::Turn;
use crate::server::State;
use crate::{aws, clock, control, echo, models, steer, tokens};
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
pub(crate) struct Call<'a> {
    pub(crate) face: Face,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
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
        face: Face::of(head.uri.path()),
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
        Err(refusal) => Ok(answer::refused(&refusal, call.asking(), exchange)),
    }
}

impl Call<'_> {
    fn asking(&self) -> Asking<'_> {
        Asking { face: self.face, request_id: &self.request_id }
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
    let scripted = state.queue.take(route.scripted_path(&call), &model, &prompt.all());
    let mut status = 200;
    let plain = match route {
        Route::Message(body) => {
            let turn = scripted.unwrap_or_else(|| unscripted(&body, &prompt));
            let asked = Asked {
                face: call.face,
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
            let tokens = scripted.unwrap_or_else(|| tokens::of_request(&body));
            Ok(match call.face {
                Face::Aws => aws::count(tokens),
                _ => format!(r#"{{"input_tokens":{tokens}}}"#),
            })
        }
        Route::Models => models::page(call.query),
        Route::Model(name) => models::one(&name),
        Route::Root => Ok(String::new()),
        Route::Told(told, text) => {
            status = told;
            Ok(text)
        }
    };
    let turn = scripted.unwrap_or_default();
    let exchange = match answer::play_error(&turn, call.asking(), &mut waiter, exchange).await? {
        Ok(response) => return Ok(response),
        Err(exchange) => exchange,
    };
    Ok(match plain {
        Ok(text) => answer::full(status, text, call.asking(), &turn.headers, exchange),
        Err(refusal) => answer::refused(&refusal, call.asking(), exchange),
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
