//! Every tool_use is answered in the next user turn, and every tool_result answers one.

use std::collections::{HashMap, HashSet};

use super::Turn;
use crate::ApiError;
use crate::json::Path;

/// Where a tool_use or tool_result stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    turn: usize,
    block: usize,
}

/// The calls that wait for their results, by id.
type Waiting<'t> = HashMap<&'t str, Place>;

/// Follows the calls through the conversation. Neighbours of one role count as one turn, as the API sees them.
pub(super) fn check(turns: &[Turn<'_>]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut waiting = Waiting::new();
    let mut previous = "";
    for (index, turn) in turns.iter().enumerate().filter(|(_, turn)| turn.role != "system") {
        if turn.role == "assistant" && previous == "user" {
            all_answered(&waiting)?;
        }
        for (block, id, kind) in tool_blocks(turn) {
            let place = Place { turn: index, block };
            if kind != "tool_use" {
                answer(&mut waiting, id, place)?;
            } else if seen.insert(id) {
                waiting.insert(id, place);
            } else {
                return Err(place.invalid("id", "tool_use ids must be unique"));
            }
        }
        previous = &turn.role;
    }
    all_answered(&waiting)
}

fn tool_blocks<'t>(turn: &'t Turn<'_>) -> impl Iterator<Item = (usize, &'t str, &'t str)> {
    let blocks = turn.blocks.iter().flatten().enumerate();
    blocks.filter_map(|(index, block)| Some((index, block.tool_use_id.as_deref()?, &*block.kind)))
}

fn answer(waiting: &mut Waiting<'_>, id: &str, result: Place) -> Result<(), ApiError> {
    const UNKNOWN: &str = "no tool_use with this id waits for a result in the assistant turn before";
    waiting.remove(id).map(drop).ok_or_else(|| result.invalid("tool_use_id", UNKNOWN))
}

fn all_answered(waiting: &Waiting<'_>) -> Result<(), ApiError> {
    let mut missing: Vec<_> = waiting.iter().map(|(id, place)| (*place, *id)).collect();
    missing.sort_unstable();
    let ids: Vec<_> = missing.iter().map(|(_, id)| *id).collect();
    let told = format!("no tool_result in the user turn after it, for these ids: {}", ids.join(", "));
    missing.first().map_or(Ok(()), |(call, _)| Err(call.invalid("id", &told)))
}

impl Place {
    fn invalid(self, key: &str, message: &str) -> ApiError {
        let root = Path::Root.key("messages");
        let turn = root.index(self.turn);
        let content = turn.key("content");
        content.index(self.block).key(key).invalid(message)
    }
}
