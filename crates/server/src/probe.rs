//! Asks the backend whether it can serve: at start, and again while it cannot.

use std::sync::Arc;
use std::time::Duration;

use backends::State;

use crate::app::App;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps the backend's health current until the server stops.
pub(crate) async fn watch(app: Arc<App>) {
    let mut pause = FIRST_PAUSE;
    loop {
        if app.backend.health().state == State::Ok {
            pause = FIRST_PAUSE;
        } else {
            app.backend.probe().await;
            let health = app.backend.health();
            match health.state {
                State::Ok => tracing::info!(backend = app.backend.name(), detail = health.detail, "ready"),
                _ => tracing::warn!(backend = app.backend.name(), reason = health.detail, "not ready"),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.drain.begun.cancelled() => return,
        }
    }
}
