//! Vertex AI as this simulator plays it: `rawPredict`, `streamRawPredict` and the counting of tokens, for requests with a
//! token of its own; and the endpoints that give such tokens.

mod key;
mod token;

use crate::aws::decoded;
use crate::check::Endpoint;
use crate::face::Told;
use crate::models;
use crate::refusal::Refusal;
use hyper::{HeaderMap, Method};
use serde_json::{Map, Value, json};

pub(crate) use key::Key;
pub(crate) use token::{Asked, Tokens, answer as token, is_path as is_token_path};

/// The only project it knows.
pub const PROJECT: &str = "simulated-project";
/// The service account that may use it.
pub const CLIENT_EMAIL: &str = "simulated@simulated-project.iam.gserviceaccount.com";
/// A person's credentials, as gcloud keeps them.
pub const CLIENT_ID: &str = "simulated-client";
/// Theirs, too.
pub const CLIENT_SECRET: &str = "simulated-client-secret";
/// Theirs, too.
pub const REFRESH_TOKEN: &str = "1//simulated-refresh-token";
/// A token of another provider, for workload identity.
pub const SUBJECT_TOKEN: &str = "simulated.subject.token";

const LOCATIONS: [&str; 4] = ["global", "us", "us-east5", "europe-west1"];
const COUNTER: &str = "count-tokens";

pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/v1/projects/") || token::is_path(path)
}

/// What a path asks for.
pub(crate) enum Call {
    /// A message of this model, whole or streamed.
    Predict { model: String, stream: bool },
    /// A count of tokens.
    Count,
}

/// Which call it is.
pub(crate) fn call(method: &Method, path: &str) -> Result<Call, Refusal> {
    let unknown = || Refusal::new(404, "NOT_FOUND", "Requested entity was not found.");
    let steps: Vec<&str> = path.split('/').collect();
    let ["", "v1", "projects", project, "locations", location, "publishers", "anthropic", "models", last] =
        steps[..]
    else {
        return Err(unknown());
    };
    if project != PROJECT {
        let message =
            format!("Permission 'aiplatform.endpoints.predict' denied on resource 'projects/{project}'.");
        return Err(Refusal::new(403, "PERMISSION_DENIED", message));
    }
    if !LOCATIONS.contains(&location) {
        return Err(Refusal::new(400, "INVALID_ARGUMENT", format!("Unsupported region: {location}")));
    }
    let (model, verb) = last.rsplit_once(':').ok_or_else(unknown)?;
    let model = decoded(model).ok_or_else(unknown)?;
    match (method, verb) {
        (&Method::POST, "rawPredict") if model == COUNTER => Ok(Call::Count),
        (&Method::POST, "rawPredict") => Ok(Call::Predict { model, stream: false }),
        (&Method::POST, "streamRawPredict") => Ok(Call::Predict { model, stream: true }),
        _ => Err(unknown()),
    }
}

/// Whether the token was given here and is still good.
pub(crate) fn authorize(headers: &HeaderMap, tokens: &Tokens) -> Result<(), Refusal> {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    if token.is_some_and(|token| tokens.is_good(token)) {
        return Ok(());
    }
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
        valid authentication credential.";
    Err(Refusal::new(401, "UNAUTHENTICATED", message))
}

/// The body as a Messages request, and which of its checks apply.
pub(crate) fn message(
    call: &Call,
    body: &[u8],
    more_models: &[String],
) -> Result<(Endpoint, Value), Refusal> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return Err(Refusal::new(400, "INVALID_ARGUMENT", "Invalid JSON payload received."));
    };
    match fields.remove("anthropic_version") {
        Some(Value::String(version)) if version == "vertex-2023-10-16" => {}
        Some(_) => return Err(Refusal::at("anthropic_version", "Input should be 'vertex-2023-10-16'")),
        None => return Err(Refusal::at("anthropic_version", "Field required")),
    }
    match call {
        Call::Count => {
            let named = fields.get("model").and_then(Value::as_str).unwrap_or_default();
            let model = known(named, more_models)?;
            fields.insert("model".to_owned(), Value::from(model));
            Ok((Endpoint::CountTokens, Value::Object(fields)))
        }
        Call::Predict { model, stream } => {
            streams_as_its_path(&fields, *stream)?;
            if fields.insert("model".to_owned(), Value::from(known(model, more_models)?)).is_some() {
                return Err(Refusal::at("model", "Extra inputs are not permitted"));
            }
            Ok((Endpoint::Messages, Value::Object(fields)))
        }
    }
}

fn streams_as_its_path(fields: &Map<String, Value>, stream: bool) -> Result<(), Refusal> {
    if (fields.get("stream") == Some(&Value::Bool(true))) == stream {
        return Ok(());
    }
    Err(Refusal::at("stream", "Input should be true for streamRawPredict and for nothing else"))
}

/// The model of a Vertex AI id: dates are set off by `@`.
fn known(id: &str, more: &[String]) -> Result<String, Refusal> {
    let has_date = |name: &str| name.rsplit('-').next().is_some_and(|last| last.len() == 8);
    let name = id.replace('@', "-");
    let spelled = has_date(&name) == id.contains('@');
    let found = spelled && (models::find(&name).is_some() || more.contains(&name));
    let unknown = || {
        let message =
            format!("Publisher Model `publishers/anthropic/models/{id}` was not found or is not servable.");
        Refusal::new(404, "NOT_FOUND", message)
    };
    if found { Ok(name) } else { Err(unknown()) }
}

/// An error of Google's own; nothing for those of the model, which pass as they are.
pub(crate) fn error(error: &Refusal) -> Option<Told> {
    let status = match (error.kind.as_str(), error.status) {
        (kind, _) if kind.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_') => kind,
        (_, 401) => "UNAUTHENTICATED",
        (_, 403) => "PERMISSION_DENIED",
        (_, 404) => "NOT_FOUND",
        (_, 429) => "RESOURCE_EXHAUSTED",
        (_, 500) => "INTERNAL",
        (_, 503) => "UNAVAILABLE",
        (_, 504) => "DEADLINE_EXCEEDED",
        _ => return None,
    };
    let body = json!({"error": {"code": error.status, "message": error.message, "status": status}});
    Some(Told { status: error.status, headers: Vec::new(), body: body.to_string() })
}
