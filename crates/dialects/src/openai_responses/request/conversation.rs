//! The items, those of earlier responses first: who spoke, in turns as the Messages API wants them, every tool call
//! answered right after the turn that made it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use messages::json::{self, Members, Path, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::calls;
use super::content::{self, Speaker};
use super::item::Item;
use crate::models::Rules;
use crate::openai::ROOT;
use crate::openai::origin::{Member, Origin};
use crate::openai::output::{Block, Placed};
use crate::openai::turns::{Conversation, Turns};
use crate::openai_responses::kept::Kept;
use crate::openai_responses::{Earlier, sealed};

/// What a tool gave, until the turn that called it is complete.
struct Output<'a> {
    /// Its place among all items: a result never comes before its call.
    position: usize,
    at: String,
    origin: Origin,
    content: Vec<Placed<'a>>,
    cache_control: Option<&'a RawValue>,
}

/// A call of the turn that is open.
struct Call<'a> {
    asked: Cow<'a, str>,
    /// The id as the API takes it.
    id: String,
    position: usize,
    at: String,
}

struct Builder<'a, 'i> {
    turns: Turns<'a>,
    outputs: HashMap<Cow<'a, str>, VecDeque<Output<'a>>>,
    /// The assistant's turn as far as it is gathered, and its calls.
    open: Vec<Placed<'a>>,
    calls: Vec<Call<'a>>,
    called: HashSet<Cow<'a, str>>,
    ignored: &'i mut Ignored,
}

/// Reads `input` and what came before it.
pub(super) fn read<'a>(
    fields: &mut Members<'a>,
    earlier: &Earlier<'a>,
    instructions: Vec<Placed<'a>>,
    rules: Rules,
    ignored: &mut Ignored,
) -> Result<Conversation<'a>, ApiError> {
    let mut items = stored(earlier.conversation)?;
    // Checked by the server, which knows what there is.
    fields.optional::<Text<'_>>("previous_response_id", &ROOT)?;
    let at = ROOT.key("input");
    let input = fields.take("input").ok_or_else(|| at.invalid("field required"))?;
    let mut turns = Turns::new(rules, items.len() + 1);
    turns.system(instructions);
    let mut builder = Builder {
        turns,
        outputs: HashMap::new(),
        open: Vec::new(),
        calls: Vec::new(),
        called: HashSet::new(),
        ignored,
    };
    let mut last = 0;
    let said =
        input.get().starts_with('"').then(|| content::read(input, &at, Speaker::User, builder.ignored));
    if said.is_none() {
        let given = given(input, earlier.referenced, builder.ignored)?;
        last = given.len().saturating_sub(1);
        items.extend(given);
    }
    builder.outputs(&mut items)?;
    for (position, item) in items.into_iter().enumerate() {
        builder.item(item, position)?;
    }
    builder.close()?;
    if let Some(said) = said {
        builder.turns.user(said?);
    }
    builder.all_taken()?;
    builder.turns.finish(&at, &at.index(last))
}

/// The items of earlier responses.
fn stored(lists: &[Bytes]) -> Result<Vec<Item<'_>>, ApiError> {
    let at = ROOT.key("previous_response_id");
    let mut items = Vec::new();
    for list in lists {
        let list: Vec<Members<'_>> = serde_json::from_slice(list)
            .map_err(|_| at.invalid("what is stored of this response can't be read"))?;
        for members in list {
            items.push(Item::read(members, None, &at)?);
        }
    }
    Ok(items)
}

/// The request's own items, references replaced by what they name.
fn given<'a>(
    input: &'a RawValue,
    referenced: &'a [Bytes],
    ignored: &mut Ignored,
) -> Result<Vec<Item<'a>>, ApiError> {
    let at = ROOT.key("input");
    if !input.get().starts_with('[') {
        return Err(at.invalid("must be a string or an array of items"));
    }
    let list: Vec<&'a RawValue> = json::read(input.get(), &at)?;
    let kept = Kept::read(referenced);
    let mut items = Vec::with_capacity(list.len());
    for (index, raw) in list.into_iter().enumerate() {
        let at = at.index(index);
        let mut item = Item::read(json::read(raw.get(), &at)?, Some(index), &at)?;
        if item.kind == "item_reference" {
            let Text(id) = item.members.required("id", &at)?;
            let found = kept.item(&id, index);
            items.push(found.ok_or_else(|| at.key("id").invalid("no item with this id is kept here"))?);
        } else if item.kind == "reasoning" && !has_content(&item) {
            // The API wants to see what is not there; it may be kept.
            let id: Option<Text<'_>> = item.members.optional("id", &at)?;
            match id.and_then(|id| kept.item(&id.0, index)).filter(has_content) {
                Some(found) => items.push(found),
                None => ignored.note("input.reasoning"),
            }
        } else {
            items.push(item);
        }
    }
    Ok(items)
}

fn has_content(item: &Item<'_>) -> bool {
    item.members.0.iter().any(|(name, value)| name == "encrypted_content" && value.get() != "null")
}

impl<'a> Builder<'a, '_> {
    /// Reads what tools gave, so that it is at hand when the turn that called them is complete: other items may stand
    /// between a call and its output.
    fn outputs(&mut self, items: &mut [Item<'a>]) -> Result<(), ApiError> {
        for (position, item) in items.iter_mut().enumerate() {
            let id_keys: &[&str] = match &*item.kind {
                "function_call_output" | "custom_tool_call_output" => &["call_id"],
                "local_shell_call_output" => &["call_id", "id"],
                _ => continue,
            };
            let at = place(item.index);
            let at = at.path();
            let mut call_id: Option<Text<'a>> = None;
            for key in id_keys {
                call_id = call_id.or(item.members.optional(key, &at)?);
            }
            let Text(call_id) = call_id.ok_or_else(|| at.key("call_id").invalid("field required"))?;
            let raw =
                item.members.take("output").ok_or_else(|| at.key("output").invalid("field required"))?;
            let content = content::read(raw, &at.key("output"), Speaker::Tool, self.ignored)?;
            let cache_control = content::cache_control(&mut item.members, &at)?;
            item.forget(&["id", "status", "caller", "name", "namespace", "created_by"]);
            let told = at.key("call_id").to_string();
            self.outputs.entry(call_id).or_default().push_back(Output {
                position,
                at: told,
                origin: Origin::at(&at, Member::Whole),
                content,
                cache_control,
            });
        }
        Ok(())
    }

    fn item(&mut self, mut item: Item<'a>, position: usize) -> Result<(), ApiError> {
        let at = place(item.index);
        let at = at.path();
        match &*item.kind {
            "message" => self.message(&mut item, &at)?,
            "reasoning" => self.reasoning(&mut item, &at)?,
            "function_call_output" | "custom_tool_call_output" | "local_shell_call_output" => self.close()?,
            "web_search_call" | "mcp_call" | "mcp_list_tools" => {
                // What these found is not in them; the text that came of it says it in words.
                if item.index.is_some() {
                    self.ignored.note(&format!("input.{}", item.kind));
                }
                return Ok(());
            }
            kind => {
                let Some(call) = calls::read(kind, &mut item.members, &at)? else {
                    return Err(at.key("type").invalid("is no type of item"));
                };
                self.call(call, &mut item, &at, position)?;
            }
        }
        if item.index.is_some() {
            self.ignored.rest_below(item.members, "input");
        }
        Ok(())
    }

    fn message(&mut self, item: &mut Item<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(role) = item.members.required("role", at)?;
        let speaker = match &*role {
            "system" | "developer" => Speaker::System,
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            _ => return Err(at.key("role").invalid("must be system, developer, user or assistant")),
        };
        let cache_control = content::cache_control(&mut item.members, at)?;
        let raw = item.members.take("content").ok_or_else(|| at.key("content").invalid("field required"))?;
        let mut blocks = content::read(raw, &at.key("content"), speaker, self.ignored)?;
        content::mark(blocks.last_mut().map(|last| &mut last.block), cache_control);
        item.forget(&["id", "status", "phase"]);
        match speaker {
            Speaker::Assistant => {
                self.open.extend(blocks);
                return Ok(());
            }
            Speaker::System => {
                self.close()?;
                self.turns.system(blocks);
            }
            Speaker::User | Speaker::Tool => {
                self.close()?;
                self.turns.user(blocks);
            }
        }
        Ok(())
    }

    fn reasoning(&mut self, item: &mut Item<'a>, at: &Path<'_>) -> Result<(), ApiError> {
        let Text(content) = item.members.required("encrypted_content", at)?;
        let thinking = sealed::open(&content, &at.key("encrypted_content"))?;
        self.open.push(thinking.placed(Origin::at(at, Member::Sealed)));
        item.forget(&["id", "status", "summary", "content"]);
        Ok(())
    }

    fn call(
        &mut self,
        call: calls::ToolCall<'a>,
        item: &mut Item<'a>,
        at: &Path<'_>,
        position: usize,
    ) -> Result<(), ApiError> {
        let call_at = at.key("call_id");
        if !self.called.insert(call.id.clone()) {
            return Err(call_at.invalid("two calls of one turn have this id"));
        }
        let id = self.turns.call_id(&call.id, &call_at)?;
        let cache_control = content::cache_control(&mut item.members, at)?;
        let (name, input, member) = (call.name, call.input, Member::CallItem(call.member));
        let called = Block::ToolUse { id: Cow::Owned(id.clone()), name, input, cache_control };
        self.open.push(called.placed(Origin::at(at, member)));
        // Of an earlier response's call, the output is missing in what is sent now.
        let at = if item.index.is_some() { call_at.to_string() } else { "input".to_owned() };
        self.calls.push(Call { asked: call.id, id, position, at });
        item.forget(&["id", "status", "caller", "created_by"]);
        Ok(())
    }

    /// The assistant's turn is complete: it and what its tools gave.
    fn close(&mut self) -> Result<(), ApiError> {
        let blocks = std::mem::take(&mut self.open);
        self.called.clear();
        if blocks.iter().all(|placed| placed.block.is_thinking()) {
            // Reasoning that nothing came of: the API takes no turn of thinking alone.
            return Ok(());
        }
        self.turns.assistant(blocks);
        let mut results = Vec::with_capacity(self.calls.len());
        for call in std::mem::take(&mut self.calls) {
            let output = self.outputs.get_mut(&call.asked).and_then(VecDeque::pop_front);
            let output = output.filter(|output| output.position > call.position);
            let Some(Output { origin, content, cache_control, .. }) = output else {
                return Err(ApiError::invalid(call.at, "no item has the output of a tool call"));
            };
            let result = Block::ToolResult { tool_use_id: Cow::Owned(call.id), content, cache_control };
            results.push(result.placed(origin));
        }
        self.turns.user(results);
        Ok(())
    }

    fn all_taken(&self) -> Result<(), ApiError> {
        let left = self.outputs.values().flatten().min_by_key(|output| output.position);
        left.map_or(Ok(()), |output| {
            Err(ApiError::invalid(
                &*output.at,
                "no call with this id comes before, or it has an output already",
            ))
        })
    }
}

/// Where an item stands: in the request, or among what is kept of earlier responses.
struct Place {
    base: Path<'static>,
    index: Option<usize>,
}

fn place(index: Option<usize>) -> Place {
    let base = ROOT.key(if index.is_some() { "input" } else { "previous_response_id" });
    Place { base, index }
}

impl Place {
    fn path(&self) -> Path<'_> {
        self.index.map_or(self.base, |index| self.base.index(index))
    }
}
