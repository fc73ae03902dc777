//! Asks each backend whether it can serve: at start, and again while it cannot.

use std::time::Duration;

use backends::{Backend, State};
use futures_util::future::join_all;

use crate::app::App;
use crate::live::Live;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps the backends' health current until the server stops.
pub(crate) async fn watch(live: Live) {
    loop {
        let app = live.get();
        tokio::select! {
            _ = join_all(app.upstreams.iter().map(|upstream| watch_one(&app, &*upstream.backend))) => return,
            () = live.replaced(&app) => {}
        }
    }
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
