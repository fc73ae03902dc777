//! Bedrock's exceptions in the Messages API's words, whether they come as an HTTP answer or within a stream.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html>

use http::{HeaderMap, StatusCode};
use messages::{ApiError, ErrorKind};
use serde::Deserialize;

/// Exceptions that say that the credentials themselves are refused, whatever is asked with them.
const CREDENTIALS: [&str; 6] = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// An exception of Bedrock's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// `ThrottlingException`
    pub(super) exception: String,
    /// The prose that AWS gives; empty when there is none.
    message: String,
    /// The status it came with; within a stream there is none.
    status: Option<StatusCode>,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default, alias = "Message")]
    message: Option<String>,
    #[serde(default, rename = "originalMessage")]
    original: Option<String>,
    #[serde(default, rename = "__type")]
    kind: Option<String>,
}

impl Refusal {
    /// That of an HTTP answer.
    pub(super) fn answered(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let named = headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
        let named = named.or(body.kind.as_deref()).unwrap_or_default();
        // `ValidationException:http://internal.amazon.com/…`, `com.amazon.coral.service#AccessDeniedException`
        let exception = named.split(':').next().unwrap_or_default();
        let exception = exception.rsplit('#').next().unwrap_or_default().to_owned();
        Self { exception, message: body.message.unwrap_or_default(), status: Some(status) }
    }

    /// That of a frame in a stream, whose names begin in lower case.
    pub(super) fn streamed(exception: &str, payload: &[u8]) -> Self {
        let body: Body = serde_json::from_slice(payload).unwrap_or_default();
        let mut letters = exception.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let exception = first.into_iter().chain(letters).collect();
        let message = body.message.or(body.original).unwrap_or_default();
        Self { exception, message, status: None }
    }

    /// Whether no request with these credentials will be served.
    pub(super) fn is_of_credentials(&self) -> bool {
        CREDENTIALS.contains(&self.exception.as_str()) || self.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether it is about a feature that the request names.
    pub(super) fn is_of_betas(&self) -> bool {
        self.exception == "ValidationException" && self.message.contains("invalid beta flag")
    }

    /// What clients are told. A status that means another thing in the Messages API is replaced by what it means there.
    pub(super) fn error(&self) -> ApiError {
        let (kind, status) = match self.exception.as_str() {
            "ThrottlingException" | "ModelNotReadyException" | "ServiceQuotaExceededException" => {
                (ErrorKind::RateLimit, 429)
            }
            "ValidationException" => (ErrorKind::InvalidRequest, 400),
            "AccessDeniedException" => (ErrorKind::Permission, 403),
            "ResourceNotFoundException" => (ErrorKind::NotFound, 404),
            "ServiceUnavailableException" => (ErrorKind::Overloaded, 503),
            "ModelErrorException" | "ModelStreamErrorException" => (ErrorKind::Api, 502),
            "ModelTimeoutException" => (ErrorKind::Timeout, 504),
            _ => match self.status.map_or(500, |status| status.as_u16()) {
                // Of this server's credentials, not of the caller's.
                401 | 403 if self.is_of_credentials() => (ErrorKind::Api, 502),
                status => (ErrorKind::from_status(status), status),
            },
        };
        let told = match (self.message.as_str(), self.exception.as_str()) {
            ("", "") => "Amazon Bedrock refused the request without a reason.".to_owned(),
            ("", exception) => format!("Amazon Bedrock answered with {exception}."),
            (message, _) => message.to_owned(),
        };
        ApiError::new(kind, told).with_status(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, kind: &str, body: &str) -> Refusal {
        let headers = [(http::HeaderName::from_static("x-amzn-errortype"), kind.parse().unwrap())];
        Refusal::answered(
            StatusCode::from_u16(status).unwrap(),
            &headers.into_iter().collect(),
            body.as_bytes(),
        )
    }

    #[test]
    fn an_answer_keeps_awss_words() {
        let refusal = answered(
            429,
            "ThrottlingException:http://internal.amazon.com/",
            r#"{"message":"Too many tokens"}"#,
        );
        let error = refusal.error();
        assert_eq!(
            (error.kind, error.status, error.message.as_str()),
            (ErrorKind::RateLimit, 429, "Too many tokens")
        );
        let refusal =
            answered(403, "UnrecognizedClientException", r#"{"Message":"The security token is invalid."}"#);
        assert!(refusal.is_of_credentials());
        assert_eq!(refusal.error().status, 502, "it is not the caller whose credentials are refused");
        let refusal = answered(403, "AccessDeniedException", "{}");
        assert!(!refusal.is_of_credentials());
        assert_eq!(refusal.error().message, "Amazon Bedrock answered with AccessDeniedException.");
    }

    #[test]
    fn a_frame_is_the_same_exception() {
        for (named, kind, status) in [
            ("throttlingException", ErrorKind::RateLimit, 429),
            ("modelStreamErrorException", ErrorKind::Api, 502),
            ("internalServerException", ErrorKind::Api, 500),
            ("validationException", ErrorKind::InvalidRequest, 400),
            ("serviceUnavailableException", ErrorKind::Overloaded, 503),
            ("modelTimeoutException", ErrorKind::Timeout, 504),
            ("neverHeardOfException", ErrorKind::Api, 500),
        ] {
            let error = Refusal::streamed(named, br#"{"message":"why"}"#).error();
            assert_eq!((error.kind, error.status, error.message.as_str()), (kind, status, "why"), "{named}");
        }
    }
}
