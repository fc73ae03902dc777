//! Asks each backend whether it can serve: at start, and again while it cannot.

use std::sync::Arc;
use std::time::Duration;

use backends::{Backend, State};
use futures_util::future::join_all;

use crate::app::App;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps the backends' health current until the server stops.
pub(crate) async fn watch(app: Arc<App>) {
    join_all(app.upstreams.iter().map(|upstream| watch_one(&app, &*upstream.backend))).await;
}

async fn watch_one(app: &App, backend: &dyn Backend) {
    let mut pause = FIRST_PAUSE;
    loop {
        if backend.health().state == State::Ok {
            pause = FIRST_PAUSE;
        } else {
            backend.probe().await;
            let health = backend.health();
            match health.state {
                State::Ok => tracing::info!(backend = backend.name(), detail = health.detail, "ready"),
                _ => tracing::warn!(backend = backend.name(), reason = health.detail, "not ready"),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.drain.begun.cancelled() => return,
        }
    }
}
