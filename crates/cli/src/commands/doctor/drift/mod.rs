//! Drives the installed program against a built-in simulator: what the proxy relies on is undocumented in parts and may
//! change with the program's version. Costs no tokens and needs no login.

mod checks;
mod conversation;
mod stand;

use std::time::Duration;

use policy::config::Config;

use super::Installed;
use super::report::Report;
use stand::Stand;

/// A check that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a check found, or what does not hold.
type Found = Result<String, String>;

/// A line per promise of the program.
pub(super) async fn check(report: &mut Report, config: &Config, installed: &Installed) {
    let stand = match Stand::start(config, &installed.program).await {
        Ok(stand) => stand,
        Err(error) => return report.failed("drift", &format!("{error:#}")),
    };
    let mut tell = |what: &str, found: Found| match found {
        Ok(found) => report.ok(what, &found),
        Err(why) => report.failed(what, &format!("with Claude Code {}: {why}", installed.version)),
    };
    tell("plain turn", in_time(checks::plain_turn(&stand)).await);
    tell("verbatim text", in_time(checks::verbatim_text(&stand)).await);
    tell("fed history", in_time(checks::fed_history(&stand)).await);
    tell("long history", in_time(checks::resumed_history(&stand)).await);
    tell("next turn", in_time(checks::next_turn(&stand)).await);
    tell("tool call", in_time(checks::tool_call(&stand)).await);
    tell("warm start", in_time(checks::warm_start(&stand)).await);
    if stand.is_account() {
        tell("account limits", in_time(checks::account_limits(&stand)).await);
    }
    stand.close().await;
}

async fn in_time(check: impl Future<Output = Found>) -> Found {
    let hangs = |_| Err(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(hangs)
}
