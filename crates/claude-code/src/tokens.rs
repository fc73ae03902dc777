//! Counting input tokens by the program's own means (`get_context_usage`), which asks the API's `count_tokens` for the
//! messages and, as a message of its own, for the system prompt.
//!
//! So the messages are counted exactly; a system prompt by a few tokens too many (those of a message around it). From
//! the tools the program takes off 500 for what the API itself says about them, which are put back; where nothing is
//! left the tools are estimated from their length. The program's own system blocks are not in the count. Where the API refuses to count, the program estimates from the
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

/// What the program takes off the tokens of all tools together.
const TAKEN_OFF: u64 = 500;
const CHARS_OF_A_TOKEN: u64 = 4;

/// The tokens of the caller's conversation out of the program's report. `tools_chars` is the length of the tools' list,
/// 0 where there are none: the program counts some even then.
pub(crate) fn input_tokens(report: Option<&[u8]>, tools_chars: usize) -> Option<u64> {
    let usage: Usage = serde_json::from_slice(report?).ok()?;
    let of = |id: &str| usage.categories.iter().find(|category| category.id == id).map(|found| found.tokens);
    let conversation = [of("system_prompt"), of("messages")];
    if conversation.iter().all(Option::is_none) {
        return None;
    }
    let tools = match of("mcp_tools").unwrap_or_default() {
        _ if tools_chars == 0 => 0,
        0 => (tools_chars as u64).div_ceil(CHARS_OF_A_TOKEN).min(TAKEN_OFF),
        rest => rest + TAKEN_OFF,
    };
    Some(conversation.into_iter().flatten().sum::<u64>() + tools)
}

/// What a process is asked without a call for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// How many tokens the turn has.
    Tokens,
    /// Nothing more than a turn's first words: it tells of itself then.
    Itself,
}

impl Asks {
    async fn of(self, session: &mut Session<'_>, turn: &Turn) -> Result<u64, Failure> {
        match self {
            Self::Tokens => session.count(turn).await,
            Self::Itself => session.introduce(turn).await.map(|()| 0),
        }
    }
}

/// One count, in a task that owns its process: a caller who goes away ends it.
#[derive(Debug)]
pub(crate) struct Count {
    pub(crate) asks: Asks,
    pub(crate) settings: Arc<Settings>,
    pub(crate) pool: Pool,
    pub(crate) turn: Turn,
    pub(crate) answer: oneshot::Sender<Result<u64, TurnError>>,
    pub(crate) place: Place,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Count {
    pub(crate) async fn run(self) {
        let Self { asks, settings, pool, turn, mut answer, mut place, mut stop } = self;
        let mut process = match pool.take(&turn, &mut place).await {
            Ok(process) => process,
            Err(failure) => return drop(answer.send(Err(failure.into_error(None)))),
        };
        place.counted.becomes(Phase::Running);
        let asked = async {
            let counted = asks.of(&mut Session::new(&mut process, &settings), &turn).await;
            let Err(Failure::NotResumed) = counted else { return counted };
            let unfit = std::mem::replace(&mut process, pool.replace(turn.model()).await?);
            unfit.end(Ending::AtOnce, settings.hangup_grace).await;
            asks.of(&mut Session::new(&mut process, &settings), &turn).await
        };
        let counted = tokio::select! {
            biased;
            () = answer.closed() => None,
            () = stopped(&mut stop) => Some(Err(Failure::ShuttingDown)),
            counted = asked => Some(counted),
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
        assert_eq!(input_tokens(Some(report), 0), Some(63));
        assert_eq!(input_tokens(Some(report), 9000), Some(570));
        let small = br#"{"categories":[{"id":"messages","tokens":38},{"id":"mcp_tools","tokens":0}]}"#;
        assert_eq!((input_tokens(Some(small), 400), input_tokens(Some(small), 9000)), (Some(138), Some(538)));
    }

    #[test]
    fn a_report_without_counts_is_no_count() {
        assert_eq!(input_tokens(Some(br#"{"categories":[]}"#), 9), None);
        assert_eq!(input_tokens(Some(b"{}"), 9), None);
        assert_eq!(input_tokens(None, 9), None);
    }
}
