//! Counting input tokens by the program's own means (`get_context_usage`), which asks the API's `count_tokens` for the
//! messages and, as a message of its own, for the system prompt.
//!
//! So the messages are counted exactly; a system prompt by a few tokens too many (those of a message around it); tools
//! by up to 500 too few, which the program takes off for what the API itself says about tools. The
//! program's own system blocks are not in the count. Where the API refuses to count, the program estimates from the
//! length of the texts and does not say so.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::{oneshot, watch};

use crate::counts::Phase;
use crate::errors::{Failure, TurnError};
use crate::pool::Pool;
use crate::process::Ending;
use crate::session::Session;
use crate::settings::Settings;
use crate::supervise::{Place, stopped};
use crate::turn::Turn;

#[derive(Deserialize)]
struct Usage {
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Category {
    id: String,
    tokens: u64,
}

/// The tokens of the caller's conversation out of the program's report, which counts tools even where there are none.
pub(crate) fn input_tokens(report: Option<&[u8]>, with_tools: bool) -> Option<u64> {
    let usage: Usage = serde_json::from_slice(report?).ok()?;
    let ours = usage.categories.iter().filter(|category| match &*category.id {
        "system_prompt" | "messages" => true,
        "mcp_tools" => with_tools,
        _ => false,
    });
    let found: Vec<u64> = ours.map(|category| category.tokens).collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

/// One count, in a task that owns its process: a caller who goes away ends it.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) settings: Arc<Settings>,
    pub(crate) pool: Pool,
    pub(crate) turn: Turn,
    pub(crate) answer: oneshot::Sender<Result<u64, TurnError>>,
    pub(crate) place: Place,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Count {
    pub(crate) async fn run(self) {
        let Self { settings, pool, turn, mut answer, mut place, mut stop } = self;
        let mut process = match pool.take(&turn, &mut place).await {
            Ok(process) => process,
            Err(failure) => return drop(answer.send(Err(failure.into_error(None)))),
        };
        place.counted.becomes(Phase::Running);
        let count = async {
            let counted = Session::new(&mut process, &settings).count(&turn).await;
            let Err(Failure::NotResumed) = counted else { return counted };
            let unfit = std::mem::replace(&mut process, pool.replace(turn.model()).await?);
            unfit.end(Ending::AtOnce, settings.hangup_grace).await;
            Session::new(&mut process, &settings).count(&turn).await
        };
        let counted = tokio::select! {
            biased;
            () = answer.closed() => None,
            () = stopped(&mut stop) => Some(Err(Failure::ShuttingDown)),
            counted = count => Some(counted),
        };
        place.counted.becomes(Phase::Ending);
        let exit = process.end(Ending::Polite, settings.hangup_grace).await;
        drop(place);
        if let Some(counted) = counted {
            // When the caller is gone there is nobody to tell.
            drop(answer.send(counted.map_err(|failure| failure.into_error(Some(&exit)))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_conversation_is_counted_and_nothing_else() {
        let report = br#"{"categories":[{"id":"system_prompt","tokens":25,"kind":"used"},{"id":"messages","tokens":38},{"id":"mcp_tools","tokens":7},
            {"id":"compact_buffer","tokens":3000},{"id":"free_space","tokens":996937}],"totalTokens":63}"#;
        assert_eq!(input_tokens(Some(report), false), Some(63));
        assert_eq!(input_tokens(Some(report), true), Some(70));
    }

    #[test]
    fn a_report_without_counts_is_no_count() {
        assert_eq!(input_tokens(Some(br#"{"categories":[]}"#), true), None);
        assert_eq!(input_tokens(Some(b"{}"), true), None);
        assert_eq!(input_tokens(None, true), None);
    }
}
