//! Another configuration for the running server: on SIGHUP, and when the file has changed. All of it is checked before any
//! of it is in force; what can't be used is refused with the reason, and the server goes on as it was.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use backends::Backend;
use claude_code::OperatorEnvironment;
use policy::access::Gate;
use policy::config::{self, Loaded, Sources};
use server::{Live, Stores};
use tokio::signal::unix::{SignalKind, signal};

use super::serve;
use crate::setup::{self, Earlier};

/// How often the file is looked at.
const LOOKING_PAUSE: Duration = Duration::from_secs(1);

/// What is running, and where it came from.
pub(crate) struct Reloader {
    pub(crate) sources: Sources,
    pub(crate) loaded: Loaded,
    pub(crate) backends: Vec<Arc<dyn Backend>>,
    pub(crate) live: Live,
    pub(crate) stores: Stores,
    pub(crate) in_container: bool,
}

/// What tells one state of a file from another, be it written in place or put there by a link.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// `None` while there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        Some(Self { modified: metadata.modified().ok()?, bytes: metadata.len(), inode })
    }
}

impl Reloader {
    /// Never ends.
    pub(crate) async fn watch(mut self) -> Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut seen = self.loaded.path.as_deref().and_then(Stamp::of);
        loop {
            let asked = tokio::select! {
                asked = hangup.recv() => asked.is_some(),
                () = tokio::time::sleep(LOOKING_PAUSE) => false,
            };
            let now = self.loaded.path.as_deref().and_then(Stamp::of);
            let changed = now.is_some() && now != seen;
            seen = now.or(seen);
            match (asked, changed) {
                (true, _) => self.reload("SIGHUP").await,
                (false, true) => self.reload("the file has changed").await,
                (false, false) => {}
            }
        }
    }

    async fn reload(&mut self, why: &str) {
        match self.take_over().await {
            Ok(kept) => {
                tracing::info!(why, "another configuration is in force");
                for notice in &self.loaded.notices {
                    tracing::warn!("{notice}");
                }
                if !kept.is_empty() {
                    tracing::warn!(
                        keys = kept.join(", "),
                        "these changes need a restart; they are not in force"
                    );
                }
            }
            Err(error) => {
                tracing::error!(
                    why,
                    error = format!("{error:#}"),
                    "the configuration is refused; the earlier one stays in force"
                );
            }
        }
    }

    /// The keys that would have changed but need a restart.
    async fn take_over(&mut self) -> Result<Vec<&'static str>> {
        let mut loaded = config::load(&self.sources)?;
        let kept = loaded.config.keep_from_start(&self.loaded.config);
        setup::refuse_issued_keys(&loaded.config, &self.stores).await?;
        let earlier = Earlier { config: &self.loaded.config, backends: &self.backends };
        let environment = OperatorEnvironment::of_this_process();
        let backends = setup::backends(&loaded.config, &environment, Some(earlier))?;
        let key = serve::own_key(&loaded.config, self.in_container)?;
        if let Some(key) = key.as_ref().filter(|key| key.plain.is_some()) {
            serve::tell_key(key, self.in_container);
        }
        let gate = Gate::new(&loaded.config, key.map(|key| key.configured()), self.in_container);
        self.live.reload(loaded.config.clone(), backends.clone(), gate).await?;
        (self.loaded, self.backends) = (loaded, backends);
        Ok(kept)
    }
}
