//! Whether a request may, and what it asks for: as the API that its path belongs to sees it.

use crate::check::{self, Endpoint};
use crate::exchange::Call;
use crate::face::Face;
use crate::refusal::Refusal;
use crate::server::State;
use crate::{aws, google};
use hyper::{HeaderMap, Method};
use serde_json::Value;

/// What a request asks for, once it may.
pub(crate) enum Route {
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
    pub(crate) fn scripted_path<'a>(&self, call: &Call<'a>) -> &'a str {
        match self {
            Self::Message(_) => "/v1/messages",
            Self::Count(_) => "/v1/messages/count_tokens",
            _ => call.path,
        }
    }
}

/// What the request asks for, if it may.
pub(crate) fn admit(state: &State, call: &Call<'_>) -> Result<Route, Refusal> {
    match call.face {
        Face::Messages => admit_messages(state, call),
        Face::Aws => admit_aws(state, call),
        Face::Google => admit_google(state, call),
    }
}

fn admit_messages(state: &State, call: &Call<'_>) -> Result<Route, Refusal> {
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
