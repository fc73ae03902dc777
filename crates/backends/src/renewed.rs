//! What expires and is fetched anew before it does: once for all who need it.

use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;
use tokio::sync::Mutex;

use crate::{BackendError, HealthCell};

/// So long before its end it is fetched anew: a request that takes it must arrive while it is good.
const EARLY: Duration = Duration::from_secs(300);
/// Behind a failed attempt, an old one that is still good is used so long without another.
const PATIENCE: Duration = Duration::from_secs(10);

/// A value that is good up to a point in time.
#[derive(Clone, Debug)]
pub(crate) struct Expiring<T> {
    pub(crate) value: T,
    /// `None`: for good.
    pub(crate) until: Option<SystemTime>,
}

/// Gets a new value.
pub(crate) trait Source<T>: Send + Sync {
    fn fetch(&self) -> BoxFuture<'_, Result<Expiring<T>, BackendError>>;
}

/// Keeps the value of a source.
pub(crate) struct Renewed<T> {
    source: Box<dyn Source<T>>,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    value: Option<Expiring<T>>,
    /// Not asked again before.
    rest: Option<SystemTime>,
}

impl<T: Clone + Send> Renewed<T> {
    pub(crate) fn new(source: Box<dyn Source<T>>) -> Self {
        Self { source, kept: Mutex::new(Kept { value: None, rest: None }) }
    }

    /// A value that is good for a while. Those who come while it is fetched wait for the same one.
    ///
    /// # Errors
    /// What kept the source from giving one, where the old one has expired.
    pub(crate) async fn get(&self) -> Result<T, BackendError> {
        let mut kept = self.kept.lock().await;
        let now = SystemTime::now();
        let good = |until: Option<SystemTime>, at: SystemTime| until.is_none_or(|until| at < until);
        if let Some(Expiring { value, until }) = &kept.value
            && (good(*until, now + EARLY) || (good(*until, now) && kept.rest.is_some_and(|rest| now < rest)))
        {
            return Ok(value.clone());
        }
        match self.source.fetch().await {
            Ok(fetched) => {
                let value = fetched.value.clone();
                // One that lives shorter than that is not fetched for each request.
                let rest = Some(now + PATIENCE);
                *kept = Kept { value: Some(fetched), rest };
                Ok(value)
            }
            Err(failure) => {
                kept.rest = Some(now + PATIENCE);
                let old = kept.value.as_ref().filter(|old| good(old.until, now)).map(|old| old.value.clone());
                if old.is_some() {
                    tracing::warn!(error = %failure, "credentials could not be renewed: the old ones are still used");
                }
                old.ok_or(failure)
            }
        }
    }

    /// Notes in `health` whether there is a value to be had.
    pub(crate) async fn probe(&self, health: &HealthCell) {
        match self.get().await {
            Ok(_) => health.served(),
            Err(error) => health.failing(error.detail),
        }
    }

    /// Forgets a value that was refused.
    pub(crate) async fn forget(&self) {
        self.kept.lock().await.value = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Gives 1, 2, … for so long each; fails from the second on if told to.
    struct Counter {
        fetched: Arc<AtomicUsize>,
        lives: Duration,
        fails: bool,
    }

    impl Source<usize> for Counter {
        fn fetch(&self) -> BoxFuture<'_, Result<Expiring<usize>, BackendError>> {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let value = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
                if self.fails && value > 1 {
                    return Err(BackendError::unreachable("gone".into()));
                }
                Ok(Expiring { value, until: Some(SystemTime::now() + self.lives) })
            })
        }
    }

    fn renewed(lives: Duration, fails: bool) -> (Renewed<usize>, Arc<AtomicUsize>) {
        let fetched = Arc::new(AtomicUsize::new(0));
        (Renewed::new(Box::new(Counter { fetched: Arc::clone(&fetched), lives, fails })), fetched)
    }

    #[tokio::test]
    async fn many_who_need_it_at_once_cause_one_fetch() {
        let (renewed, fetched) = renewed(Duration::from_secs(3600), false);
        let all = futures_util::future::join_all((0..50).map(|_| renewed.get())).await;
        assert!(all.into_iter().all(|value| value.unwrap() == 1));
        assert_eq!(fetched.load(Ordering::SeqCst), 1);
        renewed.forget().await;
        assert_eq!(renewed.get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_about_to_expire_is_fetched_anew() {
        let (renewed, _) = renewed(EARLY - Duration::from_secs(1), false);
        assert_eq!(renewed.get().await.unwrap(), 1);
        renewed.kept.lock().await.rest = None;
        assert_eq!(renewed.get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn an_old_one_that_is_still_good_outlives_a_failure() {
        let (still_good, fetched) = renewed(EARLY / 2, true);
        still_good.get().await.unwrap();
        still_good.kept.lock().await.rest = None;
        assert_eq!(still_good.get().await.unwrap(), 1);
        assert_eq!(still_good.get().await.unwrap(), 1);
        assert_eq!(fetched.load(Ordering::SeqCst), 2, "after a failure it is not asked at once again");
        let (expired, _) = renewed(Duration::ZERO, true);
        expired.get().await.unwrap();
        assert!(expired.get().await.is_err());
    }
}
