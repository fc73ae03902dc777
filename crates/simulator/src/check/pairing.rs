//! Tool calls and their results: every call is answered in the next turn, once, before anything else is said.

use super::{Flaw, Object};
use serde_json::Value;

/// Messages of one role in a row, as the API joins them; system messages do not count.
struct Turn<'a> {
    role: &'a str,
    /// Each block with the places of its message and of itself.
    blocks: Vec<(usize, usize, &'a Value)>,
}

impl<'a> Turn<'a> {
    fn ids(&self, kind: &str, field: &str) -> impl Iterator<Item = (usize, usize, &'a str)> {
        self.blocks
            .iter()
            .filter(move |(_, _, block)| block["type"] == kind)
            .map(move |(message, place, block)| (*message, *place, block[field].as_str().unwrap_or_default()))
    }
}

pub(super) fn check(body: &Object) -> Result<(), Flaw> {
    let turns = turns(body);
    unique_calls(&turns)?;
    for (index, turn) in turns.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| turns.get(index));
        match turn.role {
            "assistant" => answered(turn, turns.get(index + 1))?,
            _ => asked(turn, before)?,
        }
    }
    Ok(())
}

fn turns(body: &Object) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    for (index, message) in messages.enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "system" {
            continue;
        }
        if turns.last().is_none_or(|turn| turn.role != role) {
            turns.push(Turn { role, blocks: Vec::new() });
        }
        let Some(turn) = turns.last_mut() else { continue };
        match &message["content"] {
            Value::Array(blocks) => {
                turn.blocks.extend(blocks.iter().enumerate().map(|(place, block)| (index, place, block)));
            }
            text => turn.blocks.push((index, 0, text)),
        }
    }
    turns
}

fn unique_calls(turns: &[Turn<'_>]) -> Result<(), Flaw> {
    let mut seen = Vec::new();
    for (message, place, id) in turns.iter().flat_map(|turn| turn.ids("tool_use", "id")) {
        if seen.contains(&id) {
            return Err(Flaw::at(
                format!("messages.{message}.content.{place}"),
                "`tool_use` ids must be unique",
            ));
        }
        seen.push(id);
    }
    Ok(())
}

/// Every call has its result among the blocks that the next turn begins with.
fn answered(turn: &Turn<'_>, next: Option<&Turn<'_>>) -> Result<(), Flaw> {
    let results: Vec<&str> = next
        .into_iter()
        .flat_map(|next| &next.blocks)
        .take_while(|(_, _, block)| block["type"] == "tool_result")
        .filter_map(|(_, _, block)| block["tool_use_id"].as_str())
        .collect();
    let missing: Vec<_> = turn.ids("tool_use", "id").filter(|(_, _, id)| !results.contains(id)).collect();
    let Some((message, _, _)) = missing.first() else { return Ok(()) };
    let ids: Vec<&str> = missing.iter().map(|(_, _, id)| *id).collect();
    Err(Flaw::at(
        format!("messages.{message}"),
        format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block \
             must have a corresponding `tool_result` block in the next message.",
            ids.join(", ")
        ),
    ))
}

/// Every result has its call in the turn before.
fn asked(turn: &Turn<'_>, before: Option<&Turn<'_>>) -> Result<(), Flaw> {
    let calls: Vec<&str> =
        before.into_iter().flat_map(|before| before.ids("tool_use", "id")).map(|(_, _, id)| id).collect();
    let mut seen = Vec::new();
    for (message, place, id) in turn.ids("tool_result", "tool_use_id") {
        let path = format!("messages.{message}.content.{place}");
        if !calls.contains(&id) {
            return Err(Flaw::at(
                path,
                format!(
                    "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must \
                     have a corresponding `tool_use` block in the previous message."
                ),
            ));
        }
        if seen.contains(&id) {
            let prose =
                "each tool_use must have a single result. Found multiple `tool_result` blocks with id";
            return Err(Flaw::at(path, format!("{prose}: {id}")));
        }
        seen.push(id);
    }
    Ok(())
}
