//! Responses that outlive their request: kept, gone on from, made in the background. What is kept is in a
//! [`store::ResponseStore`]; what is being made in the background is in [`Runs`] as well, until it has ended.

mod background;
mod earlier;
mod events;
mod job;
mod keeping;
mod live;
mod plan;
mod resume;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use messages::{ApiError, ErrorKind};
use prometheus_client::metrics::counter::Counter;
use store::{ResponseStore, StoreError};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub(crate) use background::start;
pub(crate) use keeping::Keep;
pub(crate) use live::{Run, Runs, follow, replay};
pub(crate) use plan::{Background, Wanted, plan, plan_count};
pub(crate) use resume::resume;

/// Responses made in the background at once; further ones are `queued`.
const MOST_AT_ONCE: usize = 64;

/// What all requests of the Responses API share.
pub(crate) struct Responses {
    store: Option<Arc<dyn ResponseStore>>,
    lifetime: Duration,
    /// What is being made in the background.
    pub(crate) runs: Runs,
    places: Semaphore,
    tasks: TaskTracker,
    /// Responses that could not be kept or found, for the metrics.
    pub(crate) failures: Counter,
}

impl Responses {
    /// `store` is `None` where nothing is to be kept.
    pub(crate) fn new(store: Option<Arc<dyn ResponseStore>>, lifetime: Duration, failures: Counter) -> Self {
        Self {
            store,
            lifetime,
            runs: Runs::default(),
            places: Semaphore::new(MOST_AT_ONCE),
            tasks: TaskTracker::new(),
            failures,
        }
    }

    /// Where responses are kept, if anywhere.
    pub(crate) fn store(&self) -> Option<&Arc<dyn ResponseStore>> {
        self.store.as_ref()
    }

    /// What a caller is told when the store did not do its work. The reason is for the log.
    pub(crate) fn broken(&self, error: &StoreError) -> ApiError {
        self.failures.inc();
        tracing::warn!(%error, "the store of responses failed");
        let message = "The store of responses cannot be used now; `store: false` goes without it.";
        ApiError::new(ErrorKind::Api, message).with_status(503).with_code("store_unavailable")
    }

    /// Resolves when nothing is being made in the background any more.
    pub(crate) async fn idle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Writes what is still to be written, and closes the store.
    pub(crate) async fn close(&self) {
        self.idle().await;
        if let Some(store) = &self.store {
            store.close().await;
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

/// `resp_` and a UUID whose order is that of time.
fn new_response_id() -> String {
    format!("resp_{}", uuid::Uuid::now_v7().simple())
}

/// 404 for a response that is not there, or is another's: which of both is nobody's business.
pub(crate) fn not_found() -> ApiError {
    let message = "There is no response with this id. Those made with `store: false` are not kept, and others are \
                   forgotten after a while.";
    ApiError::new(ErrorKind::NotFound, message)
}
