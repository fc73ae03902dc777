//! What a request costs its caller, and the headers that tell what is left.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue};
use messages::{ApiError, ErrorKind};
use policy::limits::{Decision, Subject};

use crate::app::App;
use crate::context::Context;

/// One request's charge. Nothing where no limit is configured.
pub(crate) struct Charge(Option<Decision>);

/// Charges the caller of this request.
pub(crate) fn charge(app: &App, context: &Context) -> Charge {
    let Some(limiter) = &app.limiter else { return Charge(None) };
    let caller = &context.caller;
    let subject = match &caller.identity {
        Some(identity) => Subject::of(identity, caller.address),
        None => Subject::Address(caller.address),
    };
    let decision = limiter.check(&subject, Instant::now());
    if !decision.allowed {
        app.metrics.reject("rate_limited");
    }
    Charge(Some(decision))
}

impl Charge {
    /// 429 when the caller has spent what it may.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match &self.0 {
            Some(decision) if !decision.allowed => {
                let wait = decision.retry_after.as_secs_f64().ceil();
                let message = format!(
                    "Rate limit reached: {} requests per minute are allowed here. Try again in {wait} s.",
                    decision.limit
                );
                Err(ApiError::new(ErrorKind::RateLimit, message)
                    .with_code("rate_limit_exceeded")
                    .with_retry_after(decision.retry_after))
            }
            _ => Ok(()),
        }
    }

    /// Tells what is left: always under OpenAI's names, under Anthropic's where upstream said nothing.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Some(decision) = &self.0 else { return };
        let number = |number: u64| HeaderValue::from(number);
        headers.insert("x-ratelimit-limit-requests", number(decision.limit.into()));
        headers.insert("x-ratelimit-remaining-requests", number(decision.remaining.into()));
        headers.insert("x-ratelimit-reset-requests", duration(decision.reset_after));
        headers.entry("anthropic-ratelimit-requests-limit").or_insert_with(|| number(decision.limit.into()));
        headers
            .entry("anthropic-ratelimit-requests-remaining")
            .or_insert_with(|| number(decision.remaining.into()));
        headers
            .entry("anthropic-ratelimit-requests-reset")
            .or_insert_with(|| point_in_time(decision.reset_after));
    }
}

/// As OpenAI writes it: `1.5s`.
fn duration(wait: Duration) -> HeaderValue {
    HeaderValue::try_from(format!("{}s", (wait.as_secs_f64() * 1000.0).ceil() / 1000.0))
        .unwrap_or(HeaderValue::from_static("0s"))
}

/// As Anthropic writes it: RFC 3339, whole seconds, never too early.
fn point_in_time(wait: Duration) -> HeaderValue {
    let at = SystemTime::now() + wait + Duration::from_millis(999);
    HeaderValue::try_from(humantime::format_rfc3339_seconds(at).to_string())
        .unwrap_or(HeaderValue::from_static("0"))
}
