//! Amazon Bedrock as this simulator plays it: `InvokeModel`, its streamed form, `CountTokens` and the list of inference
//! profiles, for requests that are signed or bring a key; and the endpoints that give a machine or container its role.

pub(crate) mod event_stream;
mod models;
mod role;
mod sigv4;

use crate::check::Endpoint;
use crate::face::Told;
use crate::refusal::Refusal;
use hyper::{HeaderMap, Method};
use serde_json::{Map, Value, json};

pub(crate) use role::answer as role;

/// The only region it serves.
pub const REGION: &str = "us-east-1";
/// A key that lasts …
pub const ACCESS_KEY_ID: &str = "AKIASIMULATOR0000001";
/// … with its secret.
pub const SECRET_ACCESS_KEY: &str = "simulated/secret+of/a+key+that+lasts";
/// The key of a role, which is good only together with its session token.
pub const ROLE_ACCESS_KEY_ID: &str = "ASIASIMULATOR0000002";
/// Its secret.
pub const ROLE_SECRET_ACCESS_KEY: &str = "simulated/secret+of/a+role";
/// Its token.
pub const ROLE_SESSION_TOKEN: &str = "simulated//session+token==";
/// A Bedrock API key.
pub const BEARER_KEY: &str = "bedrock-api-key-simulated";

/// Features that Bedrock knows, by how they begin.
const BETAS: [&str; 6] = [
    "context-1m-",
    "context-management-",
    "effort-",
    "interleaved-thinking-",
    "thinking-token-count-",
    "tool-search-tool-",
];

/// What a path asks for.
pub(crate) enum Call {
    /// A message of this model, whole or streamed.
    Invoke { model: String, stream: bool },
    /// A count of tokens by this model.
    Count { model: String },
    /// The inference profiles.
    Profiles,
}

pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/model/") || path == "/inference-profiles" || role::is_path(path)
}

/// Which call it is; the model's name is still as Bedrock has it, and percent-decoded.
pub(crate) fn call(method: &Method, path: &str) -> Result<Call, Refusal> {
    let unknown = || Refusal::new(404, "UnknownOperationException", "");
    if path == "/inference-profiles" {
        return if method == Method::GET { Ok(Call::Profiles) } else { Err(unknown()) };
    }
    let (model, operation) =
        path.strip_prefix("/model/").and_then(|rest| rest.rsplit_once('/')).ok_or_else(unknown)?;
    let model = decoded(model).filter(|model| !model.is_empty()).ok_or_else(unknown)?;
    match (method, operation) {
        (&Method::POST, "invoke") => Ok(Call::Invoke { model, stream: false }),
        (&Method::POST, "invoke-with-response-stream") => Ok(Call::Invoke { model, stream: true }),
        (&Method::POST, "count-tokens") => Ok(Call::Count { model }),
        _ => Err(unknown()),
    }
}

/// Whether a request may: signed with a key that is known, or with a bearer key.
pub(crate) fn authorize(request: &sigv4::Signed<'_>) -> Result<(), Refusal> {
    let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
    match authorization {
        None => Err(Refusal::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        Some(text) => match text.strip_prefix("Bearer ") {
            Some(BEARER_KEY) => Ok(()),
            Some(_) => {
                Err(Refusal::new(403, "AccessDeniedException", "Authentication failed: API Key is invalid"))
            }
            None => sigv4::verify(request, text),
        },
    }
}

pub(crate) use sigv4::Signed;

/// The body as a Messages request, and which of its checks apply.
pub(crate) fn message(
    call: &Call,
    body: &[u8],
    more_models: &[String],
) -> Result<(Endpoint, Value), Refusal> {
    let (endpoint, model, stream, inner) = match call {
        Call::Invoke { model, stream } => {
            (Endpoint::Messages, models::of_profile(model, more_models)?, *stream, body.to_vec())
        }
        Call::Count { model } => {
            (Endpoint::CountTokens, models::itself(model, more_models)?, false, counted(body)?)
        }
        Call::Profiles => return Err(invalid("no body is taken here")),
    };
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&inner) else {
        return Err(invalid("Malformed input request, please reformat your input and try again."));
    };
    versioned(&mut fields)?;
    for name in ["model", "stream"] {
        if fields.contains_key(name) {
            return Err(invalid(&format!("{name}: Extra inputs are not permitted")));
        }
    }
    fields.insert("model".to_owned(), Value::from(model));
    if stream {
        fields.insert("stream".to_owned(), Value::Bool(true));
    }
    if endpoint == Endpoint::CountTokens {
        // It must be a whole request, of which only a part counts.
        if fields.remove("max_tokens").is_none() {
            return Err(invalid("max_tokens: Field required"));
        }
    }
    Ok((endpoint, Value::Object(fields)))
}

fn versioned(fields: &mut Map<String, Value>) -> Result<(), Refusal> {
    match fields.remove("anthropic_version") {
        Some(Value::String(version)) if version == "bedrock-2023-05-31" => Ok(()),
        Some(_) => Err(invalid("anthropic_version: Input should be 'bedrock-2023-05-31'")),
        None => Err(invalid("anthropic_version: Field required")),
    }
}

/// The features that the body asks for, as the header would.
pub(crate) fn take_betas(body: &mut Value) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    let Some(betas) = body.as_object_mut().and_then(|fields| fields.remove("anthropic_beta")) else {
        return Ok(headers);
    };
    let Some(betas) = betas.as_array() else {
        return Err(invalid("anthropic_beta: Input should be a valid list"));
    };
    for beta in betas {
        let text = beta.as_str().filter(|beta| BETAS.iter().any(|known| beta.starts_with(known)));
        let value = text.and_then(|text| hyper::header::HeaderValue::try_from(text).ok());
        headers.append("anthropic-beta", value.ok_or_else(|| invalid("invalid beta flag"))?);
    }
    Ok(headers)
}

fn counted(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let coded = body["input"]["invokeModel"]["body"].as_str();
    let decoded = coded.and_then(crate::base64::decode);
    decoded.ok_or_else(|| invalid("input.invokeModel.body: Input should be base64"))
}

pub(crate) fn profiles() -> String {
    models::profiles()
}

/// The answer of `CountTokens`.
pub(crate) fn count(tokens: u64) -> String {
    json!({ "inputTokens": tokens }).to_string()
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "ValidationException", message)
}

/// An exception as it is told.
pub(crate) fn error(error: &Refusal) -> Told {
    let (status, exception) = exception(error);
    let kind = format!("{exception}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    let body = json!({ "message": error.message }).to_string();
    Told { status, headers: vec![("x-amzn-errortype", kind)], body }
}

/// The exception that an error is, and its status: AWS has neither 401 nor 529.
pub(crate) fn exception(error: &Refusal) -> (u16, String) {
    if error.kind.ends_with("Exception") {
        return (error.status, error.kind.clone());
    }
    let (status, name) = match error.status {
        401 => (403, "UnrecognizedClientException"),
        403 => (403, "AccessDeniedException"),
        404 => (404, "ResourceNotFoundException"),
        429 => (429, "ThrottlingException"),
        504 => (408, "ModelTimeoutException"),
        503 | 529 => (503, "ServiceUnavailableException"),
        status @ 400..=499 => (if status == 424 { 424 } else { 400 }, "ValidationException"),
        status => (status, "InternalServerException"),
    };
    (status, name.to_owned())
}

/// Percent-decoded; nothing when it is no text then.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
