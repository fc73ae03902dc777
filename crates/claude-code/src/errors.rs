//! Why a turn failed: what the client is told and what the log says, two fields.

use std::fmt;
use std::time::Duration;

use messages::{ApiError, ErrorKind};

use crate::pool::BackedOff;
use crate::process::Exit;
use crate::protocol::TurnResult;

/// A failed turn.
#[derive(Debug)]
pub struct TurnError {
    /// What the client is told.
    pub error: ApiError,
    /// For the log: exit reason, redacted end of the program's stderr. Holds neither content nor credentials.
    pub detail: String,
}

impl fmt::Display for TurnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            write!(f, "{}", self.error)
        } else {
            write!(f, "{} ({})", self.error, self.detail)
        }
    }
}

impl std::error::Error for TurnError {}

impl From<ApiError> for TurnError {
    fn from(error: ApiError) -> Self {
        Self { error, detail: String::new() }
    }
}

/// What the client hears when the program has no login.
const NOT_LOGGED_IN: &str = "Claude Code is not logged in. The operator of this server can run `claude auth login`, \
     or set CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or ANTHROPIC_API_KEY, and choose it by \
     claude_code.credentials";

/// What went wrong inside, before it is told to anyone.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The program could not be started.
    Start(std::io::Error),
    /// It failed to start several times in a row and is not tried now.
    BackedOff(BackedOff),
    /// It did not get ready in time.
    StartTimeout(Duration),
    /// It said nothing for too long in the middle of a turn.
    Silent(Duration),
    /// Its output ended.
    Ended,
    /// Its output could not be read, or a line could not be made.
    Broken(String),
    /// It did not take the transcript that it was started with.
    NotResumed,
    /// It left out one of the caller's tools.
    ToolsLost,
    /// It refused a control request.
    Control(String),
    /// It ended the turn without an answer.
    Refused { result: TurnResult, class: String, retry_after: Option<Duration> },
    /// The driver is shutting down.
    ShuttingDown,
}

impl Failure {
    /// Whether only the process failed: another one may serve the same turn.
    pub(crate) const fn is_of_the_process(&self) -> bool {
        matches!(self, Self::Ended | Self::Broken(_) | Self::Control(_) | Self::StartTimeout(_))
    }

    /// The error that the caller gets. `exit` is how the process ended, for the log.
    pub(crate) fn into_error(self, exit: Option<&Exit>) -> TurnError {
        let what = self.detail();
        let error = self.public();
        let detail = exit.map_or_else(|| what.clone(), |exit| format!("{what}; {}", described(exit)));
        TurnError { error, detail }
    }

    fn detail(&self) -> String {
        match self {
            Self::Start(error) => format!("start: {error}"),
            Self::BackedOff(refused) => refused.to_string(),
            Self::StartTimeout(limit) => format!("not ready within {limit:?}"),
            Self::Silent(limit) => format!("silent for {limit:?}"),
            Self::ToolsLost => "a tool of the caller is missing from its list".into(),
            Self::NotResumed => "it did not take its transcript".into(),
            Self::Ended => "its output ended in the middle of the turn".into(),
            Self::Broken(reason) => reason.clone(),
            Self::Control(reason) => {
                format!("control request refused: {} characters of reason", reason.len())
            }
            Self::Refused { result, class, .. } => format!(
                "turn ended with terminal_reason={} api_error_status={:?} class={class}",
                result.terminal_reason, result.status
            ),
            Self::ShuttingDown => "shutting down".into(),
        }
    }

    fn public(self) -> ApiError {
        let api = |text: &str| ApiError::new(ErrorKind::Api, text);
        match self {
            Self::Start(_) => api("Claude Code could not be started"),
            Self::BackedOff(refused) => {
                ApiError::new(ErrorKind::Overloaded, "Claude Code can't be started at the moment")
                    .with_retry_after(refused.wait)
            }
            Self::StartTimeout(_) => {
                ApiError::new(ErrorKind::Timeout, "Claude Code did not get ready in time")
            }
            Self::Silent(limit) => {
                let told = format!("Claude Code was silent for {} seconds", limit.as_secs());
                ApiError::new(ErrorKind::Timeout, told)
            }
            Self::ToolsLost => {
                ApiError::invalid("tools", "Claude Code does not take the input_schema of one of these tools")
            }
            Self::Ended | Self::NotResumed => api("Claude Code ended unexpectedly"),
            Self::Broken(_) | Self::Control(_) => api("Claude Code did not understand the proxy"),
            Self::Refused { result, class, retry_after } => {
                let error = refused(&result, &class);
                match retry_after {
                    Some(wait) if error.status == 429 => error.with_retry_after(wait),
                    _ => error,
                }
            }
            Self::ShuttingDown => ApiError::new(ErrorKind::Overloaded, "the server is shutting down"),
        }
    }
}

/// The error of the API behind a failed turn, with the status that the API gave.
fn refused(result: &TurnResult, class: &str) -> ApiError {
    if let Some(status) = result.status {
        let named = result.error_type.as_deref().and_then(ErrorKind::from_type);
        let kind = named.unwrap_or_else(|| ErrorKind::from_status(status));
        return ApiError::new(kind, prose(&result.text)).with_status(status);
    }
    if class == "authentication_failed" || result.text.starts_with("Not logged in") {
        return ApiError::new(ErrorKind::Authentication, NOT_LOGGED_IN);
    }
    if !result.is_error {
        // Its text is an answer: the program asked again by itself, without a stream, and was heard.
        return ApiError::new(ErrorKind::Api, "Claude Code's answer was no stream: send the request again");
    }
    match (&*result.terminal_reason, class) {
        ("blocking_limit" | "prompt_too_long", _) => {
            ApiError::new(ErrorKind::InvalidRequest, "prompt is too long for the model's context window")
        }
        (_, "rate_limit") => ApiError::new(ErrorKind::RateLimit, prose(&result.text)),
        (_, "invalid_request") => ApiError::new(ErrorKind::InvalidRequest, prose(&result.text)),
        _ if result.text.is_empty() => {
            ApiError::new(ErrorKind::Api, "Claude Code ended the turn without an answer")
        }
        _ => ApiError::new(ErrorKind::Api, prose(&result.text)),
    }
}

/// The API's own words out of the program's: `API Error: 500 words. This is a server-side issue, …`.
fn prose(text: &str) -> String {
    let words = text.split_once("API Error: ").map_or(text, |(_, rest)| rest);
    let number =
        words.split(' ').next().filter(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit()));
    let words = number.map_or(words, |number| words[number.len()..].trim_start());
    let words = words.split(" This is a server-side issue").next().unwrap_or(words);
    let words = words.split(" Run --model").next().unwrap_or(words);
    if words.is_empty() { "the API gave no reason".into() } else { words.into() }
}

/// How a process ended.
pub(crate) fn described(exit: &Exit) -> String {
    let status = exit.status.map_or_else(|| "still there".to_string(), |status| status.to_string());
    if exit.stderr.is_empty() { status } else { format!("{status}; stderr: {}", exit.stderr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: Option<u16>, error_type: Option<&str>, class: &str, text: &str) -> ApiError {
        let error_type = error_type.map(ToString::to_string);
        let result =
            TurnResult { is_error: true, status, error_type, text: text.into(), ..TurnResult::default() };
        Failure::Refused { result, class: class.into(), retry_after: None }.into_error(None).error
    }

    #[test]
    fn every_upstream_status_arrives_as_it_was() {
        for status in [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529] {
            let error = told(Some(status), None, "unknown", "API Error: words");
            assert_eq!((error.status, &*error.message), (status, "words"));
        }
        let overloaded = told(Some(529), Some("overloaded_error"), "unknown", "API Error: Overloaded");
        assert_eq!(overloaded.kind, ErrorKind::Overloaded);
    }

    #[test]
    fn the_apis_own_words_are_told() {
        for (text, expected) in [
            ("API Error: 400 max_tokens: too large", "max_tokens: too large"),
            ("Failed to authenticate. API Error: 401 invalid x-api-key", "invalid x-api-key"),
            ("API Error: 500 oh. This is a server-side issue, usually temporary; see (127.0.0.1:1).", "oh."),
            (
                "There is an issue with the model (x). Run --model to pick another.",
                "There is an issue with the model (x).",
            ),
            ("", "the API gave no reason"),
        ] {
            assert_eq!(prose(text), expected);
        }
    }

    #[test]
    fn an_answer_is_never_told_as_an_error() {
        let result = TurnResult { text: "the model's words".into(), ..TurnResult::default() };
        let error = Failure::Refused { result, class: String::new(), retry_after: None }.into_error(None);
        assert!(error.error.status == 500 && !format!("{error}").contains("words"), "{error}");
    }

    #[test]
    fn without_a_login_the_answer_is_401_with_the_remedy() {
        for (class, text) in [("authentication_failed", "x"), ("", "Not logged in · Please run /login")] {
            let error = told(None, None, class, text);
            assert_eq!((error.status, error.kind), (401, ErrorKind::Authentication));
            for remedy in ["claude auth login", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"] {
                assert!(error.message.contains(remedy));
            }
        }
    }

    #[test]
    fn a_rejected_window_says_when_it_opens_again() {
        let result = TurnResult { status: Some(429), ..TurnResult::default() };
        let wait = Some(Duration::from_secs(90));
        let error =
            Failure::Refused { result, class: String::new(), retry_after: wait }.into_error(None).error;
        assert_eq!(error.retry_after, wait);
    }

    #[test]
    fn a_crash_tells_the_log_why_and_the_client_only_that() {
        let exit = Exit { status: None, stderr: "boom".into() };
        let error = Failure::Ended.into_error(Some(&exit));
        assert_eq!((error.error.status, error.error.kind), (500, ErrorKind::Api));
        assert!(error.detail.contains("boom") && !error.error.message.contains("boom"));
    }

    #[test]
    fn what_the_program_says_never_reaches_the_log() {
        let result = TurnResult { text: "the prompt".into(), ..TurnResult::default() };
        let error = Failure::Refused { result, class: String::new(), retry_after: None }.into_error(None);
        assert!(!error.detail.contains("the prompt"));
    }

    #[test]
    fn silence_is_a_timeout() {
        assert_eq!(Failure::Silent(Duration::from_secs(3)).into_error(None).error.status, 504);
    }
}
