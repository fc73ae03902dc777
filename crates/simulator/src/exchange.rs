//! One exchange: recorded, authenticated, checked, answered.

use crate::answer::{self, AnswerBody, Asked, Asking, Hangup, Waiter};
use crate::check::{self, Endpoint};
use crate::face::Face;
use crate::prompt::Prompt;
use crate::record::{Exchange, Recorded};
use crate::refusal::Refusal;
use crate::script::Turn;
use crate::server::State;
use crate::{aws, clock, control, echo, google, models, steer, tokens};
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
    face: Face,
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
        Some(_) => match call.face {
            Face::Messages => admit(&state, &call),
            Face::Aws => admit_aws(&state, &call),
            Face::Google => admit_google(&state, &call),
        },
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

/// What a request asks for, once it may.
enum Route {
    Root,
    Models,
    Model(String),
    Message(Value),
    Count(Value),
    /// Something else that is told as it is, with its status.
    Told(u16, String),
}

impl Route {
    fn of(endpoint: Endpoint, body: Value) -> Self {
        if endpoint == Endpoint::Messages { Self::Message(body) } else { Self::Count(body) }
    }

    /// Where a script has it: the same turns serve whichever API asks for the message.
    fn scripted_path<'a>(&self, call: &Call<'a>) -> &'a str {
        match self {
            Self::Message(_) => "/v1/messages",
            Self::Count(_) => "/v1/messages/count_tokens",
            _ => call.path,
        }
    }
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
    check::body(&request, &call.body).map(|body| Route::of(endpoint, body))
}

fn admit_aws(state: &State, call: &Call<'_>) -> Result<Route, Refusal> {
    let lifetime = state.settings.credentials_seconds;
    if let Some(role) = aws::role(call.method, call.path, call.headers, lifetime) {
        return role.map(|text| Route::Told(200, text));
    }
    let Call { method, path, query, headers, body, .. } = call;
    aws::authorize(&aws::Signed { method, path, query, headers, body })?;
    let asked = aws::call(method, path)?;
    if matches!(asked, aws::Call::Profiles) {
        return Ok(Route::Told(200, aws::profiles()));
    }
    let (endpoint, mut message) = aws::message(&asked, body, &state.settings.models)?;
    let headers = aws::take_betas(&mut message)?;
    checked(state, endpoint, &headers, message)
}

fn admit_google(state: &State, call: &Call<'_>) -> Result<Route, Refusal> {
    let Call { method, path, headers, body, .. } = call;
    if google::is_token_path(path) {
        let url = format!("{}{path}", state.url);
        let lifetime_seconds = state.settings.credentials_seconds;
        let asked = google::Asked { method, path, headers, body, url, lifetime_seconds };
        let (status, text) = google::token(&asked, &state.google_key, &state.google_tokens);
        return Ok(Route::Told(status, text));
    }
    google::authorize(headers, &state.google_tokens)?;
    let asked = google::call(method, path)?;
    let (endpoint, message) = google::message(&asked, body, &state.settings.models)?;
    checked(state, endpoint, headers, message)
}

/// What a cloud passes on to the model is what the Messages API checks.
fn checked(state: &State, endpoint: Endpoint, headers: &HeaderMap, message: Value) -> Result<Route, Refusal> {
    let (version, more_models) = (check::Version::First, &state.settings.models[..]);
    let request = check::Request { endpoint, version, headers, more_models };
    check::whole(&request, message).map(|message| Route::of(endpoint, message))
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
