//! What limits one key: requests and tokens per minute, requests at once, money. The contract, and how it is kept in
//! this process.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::calendar::Span;
use super::gcra::Rate;
use super::{Decision, Moment};
use crate::keys::{KeyId, Terms};
use crate::prices::Usd;

/// What may have to be asked elsewhere.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a request may not go beyond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Requests per minute.
    Requests(Decision),
    /// Tokens per minute; the request was reckoned to take so many.
    Tokens(Decision, u64),
    /// Requests at once, of which so many run.
    Concurrency(u32),
    /// Money.
    Budget {
        /// `daily` or `monthly`.
        which: &'static str,
        /// What may be spent.
        limit: Usd,
        /// When there is a new one, in seconds since 1970.
        resets_at: u64,
        /// Until then.
        wait: Duration,
    },
}

/// What a key's holder may be told about what is left. Nothing of what is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests per minute.
    pub requests: Option<Decision>,
    /// Tokens per minute.
    pub tokens: Option<Decision>,
}

/// What a request really took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens that count.
    pub tokens: u64,
    /// Money.
    pub cost: Usd,
}

/// Keeps account of every limited key. Each request that entered leaves and is settled once; before it
/// may reserve tokens.
pub trait Quotas: Send + Sync {
    /// Takes one request and one place. Refused, it costs nothing.
    fn enter<'a>(&'a self, key: &'a KeyId, now: Moment) -> Answer<'a, Result<Left, Refused>>;

    /// Takes so many tokens, at most as many as a minute has, for a request that has entered. Gives how many were taken.
    fn reserve<'a>(
        &'a self,
        key: &'a KeyId,
        tokens: u64,
        now: Moment,
    ) -> Answer<'a, Result<(u64, Option<Decision>), Refused>>;

    /// Gives the place back.
    fn leave(&self, key: &KeyId);

    /// Corrects what was reserved to what was used, which may be known a moment after the place was given back.
    fn settle(&self, key: &KeyId, reserved: u64, used: Used, now: Moment);

    /// Takes over what was spent before this process began: of a key's id, today and this month.
    fn restore(&self, spent: Vec<(String, Usd, Usd)>, now: Moment);
}

/// The accounts of one process. As many as there are limited keys.
#[derive(Debug)]
pub struct LocalQuotas {
    began: Instant,
    accounts: RwLock<HashMap<Arc<str>, Arc<Mutex<Account>>>>,
}

/// Where one key stands.
#[derive(Debug, Default)]
struct Account {
    requests_full_at: u64,
    tokens_full_at: u64,
    running: u32,
    day: Purse,
    month: Purse,
}

/// What was spent in a span of time.
#[derive(Debug, Default)]
struct Purse {
    begin: u64,
    spent: Usd,
}

impl Purse {
    fn in_span(&mut self, span: Span) -> &mut Self {
        if self.begin != span.begin {
            *self = Self { begin: span.begin, spent: Usd::ZERO };
        }
        self
    }
}

impl LocalQuotas {
    /// Empty accounts. `now` is the earliest time that will be seen.
    pub fn new(now: Instant) -> Self {
        Self { began: now, accounts: RwLock::default() }
    }

    fn account(&self, id: &str) -> Arc<Mutex<Account>> {
        let known = self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        known.unwrap_or_else(|| {
            let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(accounts.entry(id.into()).or_default())
        })
    }

    fn ns(&self, now: Moment) -> u64 {
        let since = now.instant.saturating_duration_since(self.began).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}

/// No account is left half-changed by a panic.
fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Account {
    fn enter(&mut self, terms: &Terms, ns: u64, now: u64) -> Result<Left, Refused> {
        self.check_budgets(terms, now)?;
        if terms.concurrent_requests.is_some_and(|most| self.running >= most) {
            return Err(Refused::Concurrency(self.running));
        }
        let requests =
            terms.rate().map(|rate| Rate::requests(rate).decide(&mut self.requests_full_at, ns, 1));
        if let Some(decision) = requests.filter(|decision| !decision.allowed) {
            return Err(Refused::Requests(decision));
        }
        self.running += 1;
        let tokens =
            terms.tokens_per_minute.map(|limit| Rate::tokens(limit).decide(&mut self.tokens_full_at, ns, 0));
        Ok(Left { requests, tokens })
    }

    fn check_budgets(&mut self, terms: &Terms, now: u64) -> Result<(), Refused> {
        let (day, month) = (Span::day_of(now), Span::month_of(now));
        let budgets = [
            ("monthly", terms.monthly_budget(), self.month.in_span(month).spent, month),
            ("daily", terms.daily_budget(), self.day.in_span(day).spent, day),
        ];
        for (which, limit, spent, span) in budgets {
            if let Some(limit) = limit.filter(|limit| spent >= *limit) {
                let wait = Duration::from_secs(span.end.saturating_sub(now));
                return Err(Refused::Budget { which, limit, resets_at: span.end, wait });
            }
        }
        Ok(())
    }

    fn reserve(&mut self, terms: &Terms, tokens: u64, ns: u64) -> Result<(u64, Option<Decision>), Refused> {
        let Some(limit) = terms.tokens_per_minute else { return Ok((0, None)) };
        let rate = Rate::tokens(limit);
        let tokens = tokens.min(rate.most());
        let decision = rate.decide(&mut self.tokens_full_at, ns, tokens);
        if decision.allowed { Ok((tokens, Some(decision))) } else { Err(Refused::Tokens(decision, tokens)) }
    }

    fn settle(&mut self, terms: &Terms, reserved: u64, used: Used, ns: u64, now: u64) {
        if let Some(limit) = terms.tokens_per_minute {
            Rate::tokens(limit).settle(&mut self.tokens_full_at, ns, reserved, used.tokens);
        }
        self.spend(used.cost, used.cost, now);
    }

    fn spend(&mut self, today: Usd, this_month: Usd, now: u64) {
        let day = self.day.in_span(Span::day_of(now));
        day.spent = day.spent + today;
        let month = self.month.in_span(Span::month_of(now));
        month.spent = month.spent + this_month;
    }
}

impl Quotas for LocalQuotas {
    fn enter<'a>(&'a self, key: &'a KeyId, now: Moment) -> Answer<'a, Result<Left, Refused>> {
        let entered = lock(&self.account(key.id())).enter(key.terms(), self.ns(now), now.unix);
        Box::pin(std::future::ready(entered))
    }

    fn reserve<'a>(
        &'a self,
        key: &'a KeyId,
        tokens: u64,
        now: Moment,
    ) -> Answer<'a, Result<(u64, Option<Decision>), Refused>> {
        let reserved = lock(&self.account(key.id())).reserve(key.terms(), tokens, self.ns(now));
        Box::pin(std::future::ready(reserved))
    }

    fn leave(&self, key: &KeyId) {
        let account = self.account(key.id());
        let mut account = lock(&account);
        account.running = account.running.saturating_sub(1);
    }

    fn settle(&self, key: &KeyId, reserved: u64, used: Used, now: Moment) {
        lock(&self.account(key.id())).settle(key.terms(), reserved, used, self.ns(now), now.unix);
    }

    fn restore(&self, spent: Vec<(String, Usd, Usd)>, now: Moment) {
        for (id, today, this_month) in spent {
            lock(&self.account(&id)).spend(today, this_month, now.unix);
        }
    }
}

#[cfg(test)]
#[path = "quotas_tests.rs"]
mod tests;
