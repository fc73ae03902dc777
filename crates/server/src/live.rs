//! The configuration in force, and how another one takes its place: as a whole, between one request and the next. A
//! request keeps what it began with.

use std::sync::{Arc, Weak};
use std::time::Duration;

use backends::Backend;
use policy::access::Gate;
use policy::config::Config;
use store::StoreError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::upstreams::Upstream;

/// How often is looked whether a backend that was taken away has served its last request.
const RETIRING_PAUSE: Duration = Duration::from_millis(200);

/// What the server goes by now. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    now: watch::Sender<Arc<App>>,
    /// Backends that were taken away and still serve.
    retiring: TaskTracker,
    /// They are to end now.
    end: CancellationToken,
}

impl Live {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let now = watch::Sender::new(app);
        Self(Arc::new(Inner { now, retiring: TaskTracker::new(), end: CancellationToken::new() }))
    }

    /// What a request that begins now goes by.
    pub(crate) fn get(&self) -> Arc<App> {
        Arc::clone(&self.0.now.borrow())
    }

    /// Resolves when another configuration is in force than `app`'s.
    pub(crate) async fn replaced(&self, app: &Arc<App>) {
        // The sender is here: it can't be gone.
        let _ = self.0.now.subscribe().wait_for(|now| !Arc::ptr_eq(now, app)).await;
    }

    /// Goes by another configuration from now on. Counters, limits that stay the same, kept responses and remembered
    /// thoughts live on, and so do those of `backends` that serve already. The others are shut down after their last
    /// request.
    ///
    /// # Errors
    /// When the keys that were issued can't be read: the earlier configuration stays in force.
    pub async fn reload(
        &self,
        config: Config,
        backends: Vec<Arc<dyn Backend>>,
        gate: Gate,
    ) -> Result<(), StoreError> {
        let old = self.get();
        let new = old.reloaded(config, backends, gate);
        new.issued.refresh(&new.gate).await?;
        for upstream in old.upstreams.iter().filter(|upstream| !new.upstreams.has(upstream)) {
            let retired = retire(Arc::clone(&upstream.backend), Arc::downgrade(upstream), self.0.end.clone());
            self.0.retiring.spawn(retired);
        }
        self.0.now.send_replace(new);
        // What was changed meanwhile, the gate of before may have been told. If not now, it is noticed soon.
        drop(self.know_issued_keys().await);
        Ok(())
    }

    /// Tells the gate in force of the keys that were issued, as far as it does not know them.
    pub(crate) async fn know_issued_keys(&self) -> Result<(), StoreError> {
        let app = self.get();
        app.issued.refresh(&app.gate).await
    }

    /// Shuts all backends down.
    pub(crate) async fn shutdown(&self) {
        self.0.end.cancel();
        self.0.retiring.close();
        self.0.retiring.wait().await;
        let app = self.get();
        futures_util::future::join_all(app.upstreams.iter().map(|upstream| upstream.backend.shutdown()))
            .await;
    }
}

/// Waits for its last request.
async fn retire(backend: Arc<dyn Backend>, upstream: Weak<Upstream>, end: CancellationToken) {
    while upstream.strong_count() > 0 && !end.is_cancelled() {
        tokio::select! {
            () = tokio::time::sleep(RETIRING_PAUSE) => {}
            () = end.cancelled() => {}
        }
    }
    backend.shutdown().await;
    tracing::info!(backend = backend.name(), "shut down: the configuration has it no more");
}
