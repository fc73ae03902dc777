//! Whether a process that has answered may stay for the next request of its conversation. Asked between turns only: a
//! running turn is never cut off for its size or age.

use std::time::Duration;

use super::memory;
use crate::process::Process;
use crate::settings::Settings;

/// The limits on one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Health {
    max_age: Duration,
    max_memory_bytes: Option<u64>,
}

impl Health {
    pub(crate) const fn new(settings: &Settings) -> Self {
        Self { max_age: settings.process_max_age, max_memory_bytes: settings.process_max_memory_bytes }
    }

    /// Whether the process is young and small enough to be kept. That it is alive, its open output tells.
    pub(crate) async fn fit_to_stay(&self, process: &Process) -> bool {
        let Some(group) = process.group().filter(|_| process.age() < self.max_age) else { return false };
        let Some(limit) = self.max_memory_bytes else { return true };
        let measured = tokio::task::spawn_blocking(move || memory::resident(group)).await;
        let fits = measured.as_ref().is_ok_and(|bytes| *bytes <= limit);
        if !fits {
            tracing::info!(bytes = ?measured.ok(), limit, "a process grew too large to be kept");
        }
        fits
    }
}
