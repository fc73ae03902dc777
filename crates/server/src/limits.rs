//! What a request may take of its caller's limits, and the headers that tell what is left.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderValue};
use messages::{ApiError, ErrorKind, Usage};
use policy::access::Identity;
use policy::keys::KeyId;
use policy::limits::{Decision, Left, Moment, Quotas, Refused, Subject, Used};
use policy::prices::Usd;
use wire::json::peek;

use crate::app::App;
use crate::context::Context;
use crate::dialect::Dialect;
use crate::ledger::{limited_tokens, unix_ms};
use crate::pipeline::{Exchange, Operation, Plan};

/// Bytes of a request's JSON that make about a token: what is reserved is corrected when the usage is known.
const BYTES_OF_A_TOKEN: u64 = 4;
/// No prompt has more, whatever its images and documents weigh.
const MOST_INPUT_TOKENS: u64 = 1_000_000;
/// When to try again where a place must become free: nobody knows, so soon.
const SOON: Duration = Duration::from_secs(1);

/// One request's standing with its caller's limits. Nothing where there is none.
pub(crate) struct Charge {
    key: Option<KeyId>,
    left: Left,
    refused: Option<ApiError>,
}

/// What an exchange holds of its key's limits. Dropped, the place is given back; what was used is settled before.
pub(crate) struct Hold {
    quotas: Arc<dyn Quotas>,
    key: KeyId,
    reserved: u64,
    inside: bool,
}

impl Hold {
    /// The answer is over, though its cost may not be known yet.
    pub(crate) fn leave(&mut self) {
        if std::mem::take(&mut self.inside) {
            self.quotas.leave(&self.key);
        }
    }

    /// What it really took.
    pub(crate) fn settle(&mut self, usage: &Usage, cost: Option<Usd>) {
        let used = Used { tokens: limited_tokens(usage), cost: cost.unwrap_or_default() };
        self.quotas.settle(&self.key, std::mem::take(&mut self.reserved), used, now());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Takes one request and one place of the caller's limits; the place is the exchange's until it is over.
pub(crate) async fn enter(app: &App, context: &Context, exchange: &mut Exchange) -> Charge {
    let caller = &context.caller;
    let key = match &caller.identity {
        Some(Identity::Key(key)) => Some(key.clone()),
        _ => None,
    };
    let mut charge = Charge { key: None, left: Left::default(), refused: None };
    if let Some(key) = key.filter(|key| key.terms().are_counted()) {
        match app.quotas.enter(&key, now()).await {
            Ok(left) => {
                charge.left = left;
                let quotas = Arc::clone(&app.quotas);
                exchange.hold = Some(Hold { quotas, key: key.clone(), reserved: 0, inside: true });
            }
            Err(refused) => charge.refuse(app, context.dialect, &refused),
        }
        let has_rate = key.terms().rate().is_some();
        charge.key = Some(key);
        if has_rate || charge.refused.is_some() {
            return charge;
        }
    }
    if let Some(limiter) = &app.limiter {
        let subject = match &caller.identity {
            Some(identity) => Subject::of(identity, caller.address),
            None => Subject::Address(caller.address),
        };
        let decision = limiter.check(&subject, Instant::now());
        charge.left.requests = Some(decision);
        if !decision.allowed {
            charge.refuse(app, context.dialect, &Refused::Requests(decision));
        }
    }
    charge
}

impl Charge {
    /// An error when the caller has spent what it may.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        self.refused.take().map_or(Ok(()), Err)
    }

    /// Whether the key may ask for this model; reserves the tokens that the request may take.
    pub(crate) async fn plan(
        &mut self,
        app: &App,
        operation: Operation,
        plan: &Plan,
        caller: &Context,
        exchange: &mut Exchange,
    ) -> Result<(), ApiError> {
        if let Some(Identity::Key(key)) = &caller.caller.identity
            && !key.terms().allows_model(&[&plan.asked, &plan.served])
        {
            app.metrics.reject("not_allowed");
            return Err(model_refused(key, &plan.asked));
        }
        let Some(key) = &self.key else { return Ok(()) };
        if key.terms().has_budget() && !app.ledger.has_price(&plan.served) && !exchange.backend_tells_cost() {
            app.metrics.reject("not_allowed");
            return Err(unpriced(&plan.served));
        }
        if matches!(operation, Operation::CountTokens | Operation::InputTokens) {
            return Ok(());
        }
        let bodies = std::iter::once(&plan.body).chain(&plan.further);
        let estimates = bodies.map(|body| estimate(body, app.config.claude.max_tokens));
        let tokens = estimates.fold(0, u64::saturating_add);
        match app.quotas.reserve(key, tokens, now()).await {
            Ok((reserved, left)) => {
                self.left.tokens = left;
                if let Some(hold) = &mut exchange.hold {
                    hold.reserved = reserved;
                }
                Ok(())
            }
            Err(refused) => {
                self.refuse(app, caller.dialect, &refused);
                self.check()
            }
        }
    }

    fn refuse(&mut self, app: &App, dialect: Dialect, refused: &Refused) {
        match refused {
            Refused::Requests(decision) => self.left.requests = Some(*decision),
            Refused::Tokens(decision, _) => self.left.tokens = Some(*decision),
            _ => {}
        }
        app.metrics.reject(reason(refused));
        self.refused = Some(told(refused, dialect));
    }

    /// Tells what is left: always under OpenAI's names, under Anthropic's where upstream said nothing.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(decision) = &self.left.requests {
            tell(headers, decision, &REQUEST_NAMES);
        }
        if let Some(decision) = &self.left.tokens {
            tell(headers, decision, &TOKEN_NAMES);
        }
    }
}

/// As metrics count it.
const fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::Requests(_) => "rate_limited",
        Refused::Tokens(..) => "tokens_limited",
        Refused::Concurrency(_) => "concurrency_limited",
        Refused::Budget { .. } => "budget_spent",
    }
}

fn told(refused: &Refused, dialect: Dialect) -> ApiError {
    let limited = |message: String, wait: Duration| {
        let error = ApiError::new(ErrorKind::RateLimit, message);
        error.with_code("rate_limit_exceeded").with_retry_after(wait)
    };
    match refused {
        Refused::Requests(decision) => {
            let (limit, wait) = (decision.limit, decision.retry_after.as_secs_f64().ceil());
            let message = format!(
                "Rate limit reached: {limit} requests per minute are allowed here. Try again in {wait} s."
            );
            limited(message, decision.retry_after)
        }
        Refused::Tokens(decision, tokens) => {
            let (limit, wait) = (decision.limit, decision.retry_after.as_secs_f64().ceil());
            let message = format!(
                "Rate limit reached: {limit} tokens per minute are allowed here, and this request may take {tokens}. \
                 Try again in {wait} s, or lower `max_tokens`."
            );
            limited(message, decision.retry_after)
        }
        Refused::Concurrency(running) => {
            let message = format!("Rate limit reached: {running} requests run, and no more may at once.");
            limited(message, SOON)
        }
        Refused::Budget { which, limit, resets_at, .. } => {
            let at =
                humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(*resets_at));
            let message =
                format!("The {which} budget of this key ({limit}) is spent; the next one begins at {at}.");
            // Each dialect's clients know "no money" by another status, and retry at neither: see `x-should-retry`.
            let status = if dialect == Dialect::Anthropic { 402 } else { 429 };
            ApiError::new(ErrorKind::Billing, message).with_status(status)
        }
    }
}

fn model_refused(key: &KeyId, asked: &str) -> ApiError {
    let allowed = key.terms().models.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ");
    let asked = if asked.len() > 100 { "this model" } else { asked };
    let message = format!("This API key may not use {asked}; it may use {allowed}.");
    ApiError { path: Some("model".into()), ..ApiError::new(ErrorKind::Permission, message) }
}

fn unpriced(model: &str) -> ApiError {
    let message = format!(
        "This API key has a budget, and nobody knows what {model} costs: the operator of this server can say so in \
         `prices`."
    );
    ApiError { path: Some("model".into()), ..ApiError::new(ErrorKind::Permission, message) }
}

/// What a request may take at most, about.
fn estimate(body: &[u8], usual_max_tokens: u32) -> u64 {
    let input = (body.len() as u64).div_ceil(BYTES_OF_A_TOKEN).min(MOST_INPUT_TOKENS);
    let named =
        peek::members(body, ["max_tokens"]).ok().and_then(|[max_tokens]| max_tokens?.get().parse().ok());
    input.saturating_add(named.unwrap_or(u64::from(usual_max_tokens)))
}

/// Where a limit, what is left of it, and when it is whole again are told.
struct Names {
    openai: [&'static str; 3],
    anthropic: [&'static str; 3],
}

const REQUEST_NAMES: Names = Names {
    openai: ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    anthropic: [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
};
const TOKEN_NAMES: Names = Names {
    openai: ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    anthropic: [
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ],
};

fn tell(headers: &mut HeaderMap, decision: &Decision, names: &Names) {
    let (limit, remaining) = (HeaderValue::from(decision.limit), HeaderValue::from(decision.remaining));
    let ours = [limit.clone(), remaining.clone(), duration(decision.reset_after)];
    for (name, value) in names.openai.into_iter().zip(ours) {
        headers.insert(name, value);
    }
    let ours = [limit, remaining, point_in_time(decision.reset_after)];
    for (name, value) in names.anthropic.into_iter().zip(ours) {
        headers.entry(name).or_insert(value);
    }
}

fn now() -> Moment {
    Moment { instant: Instant::now(), unix: unix_ms() / 1000 }
}

/// Takes over what keys have spent before this server began.
pub(crate) async fn restore(app: &App) {
    let Some(ledger) = app.ledger.store() else { return };
    let now = now();
    let (day, month) = (policy::limits::Span::day_of(now.unix), policy::limits::Span::month_of(now.unix));
    match ledger.spent(day.begin * 1000, month.begin * 1000).await {
        Ok(spent) => {
            let spent = spent.into_iter().map(|spent| {
                (spent.key, Usd::from_nanos(spent.day_nanos), Usd::from_nanos(spent.month_nanos))
            });
            app.quotas.restore(spent.collect(), now);
        }
        Err(error) => tracing::error!(%error, "what keys have spent is not known: budgets begin anew"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_reckoned_by_its_length_and_its_limit_and_never_without_bound() {
        assert_eq!(estimate(br#"{"max_tokens": 100}"#, 7), 5 + 100);
        assert_eq!(estimate(b"{}", 7), 1 + 7);
        assert_eq!(estimate(&vec![b' '; 40_000_000], 7), MOST_INPUT_TOKENS + 7);
        assert_eq!(estimate(br#"{"max_tokens": 18446744073709551615}"#, 7), u64::MAX);
    }
}
