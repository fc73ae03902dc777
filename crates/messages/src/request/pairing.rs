//! Every tool_use is answered in the next user turn, and every tool_result answers one.

use std::collections::HashSet;

use super::Turn;
use crate::ApiError;
use crate::json::Path;

/// A tool_use that waits for its result: the id and where it stands.
struct Call<'t> {
    id: &'t str,
    turn: usize,
    block: usize,
}

/// Follows the calls through the conversation. Neighbours of one role count as one turn, as the API sees them.
pub(super) fn check(turns: &[Turn<'_>]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut waiting: Vec<Call<'_>> = Vec::new();
    let mut previous = "";
    for (index, turn) in turns.iter().enumerate().filter(|(_, turn)| turn.role != "system") {
        if turn.role == "assistant" && previous == "user" {
            all_answered(&waiting)?;
        }
        for (block, id, kind) in tool_blocks(turn) {
            let call = Call { id, turn: index, block };
            match kind {
                "tool_use" if !seen.insert(id) => {
                    return Err(call.invalid("id", "tool_use ids must be unique"));
                }
                "tool_use" => waiting.push(call),
                _ => answer(&mut waiting, &call)?,
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

fn answer(waiting: &mut Vec<Call<'_>>, result: &Call<'_>) -> Result<(), ApiError> {
    let Some(at) = waiting.iter().position(|call| call.id == result.id) else {
        return Err(result.invalid(
            "tool_use_id",
            "no tool_use with this id waits for a result in the assistant turn before",
        ));
    };
    waiting.remove(at);
    Ok(())
}

fn all_answered(waiting: &[Call<'_>]) -> Result<(), ApiError> {
    waiting.first().map_or(Ok(()), |call| {
        Err(call.invalid("id", "this tool_use has no tool_result in the user turn after it"))
    })
}

impl Call<'_> {
    fn invalid(&self, key: &str, message: &str) -> ApiError {
        let (root, turn) = (Path::Root.key("messages"), self.turn);
        let message_path = root.index(turn);
        let content = message_path.key("content");
        content.index(self.block).key(key).invalid(message)
    }
}
