//! What happens between an item's `added` and its `done`.

use serde_json::{Value, json};

use super::{Rule, hold};

/// An item that is not done.
#[derive(Debug)]
pub(super) struct OpenItem {
    pub(super) id: String,
    kind: String,
    /// Parts that are done: of a message its content, of reasoning its summary.
    parts: Vec<Value>,
    part: Option<OpenPart>,
    /// What deltas of arguments or input said so far, and whether they are done.
    told: String,
    told_done: bool,
    /// How far a call is that the API serves itself.
    step: usize,
}

#[derive(Debug)]
struct OpenPart {
    kind: String,
    text: String,
    done: bool,
    annotations: Vec<Value>,
}

/// The member of a part that deltas grow.
fn grown(kind: &str) -> &'static str {
    if kind == "refusal" { "refusal" } else { "text" }
}

impl OpenItem {
    pub(super) fn added(item: &Value) -> Result<Self, &'static str> {
        let text = |key: &str| item[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let id = text("id").ok_or("an item has an id")?;
        let kind = text("type").ok_or("an item has a type")?;
        let status = &item["status"];
        hold(status.is_null() || status == "in_progress", "an item is in progress when it is added")?;
        for key in ["content", "summary"] {
            hold(item[key].as_array().is_none_or(Vec::is_empty), "an item is added without parts")?;
        }
        for key in ["arguments", "input"] {
            hold(item[key].as_str().is_none_or(str::is_empty), "a call is added without its input")?;
        }
        Ok(Self { id, kind, parts: Vec::new(), part: None, told: String::new(), told_done: false, step: 0 })
    }

    /// Its result comes after other items, perhaps.
    pub(super) fn is_served(&self) -> bool {
        matches!(&*self.kind, "web_search_call" | "mcp_call")
    }

    pub(super) fn event(&mut self, name: &str, data: &Value) -> Rule {
        let name = name.strip_prefix("response.").unwrap_or(name);
        let index = data["content_index"].as_u64().or(data["summary_index"].as_u64());
        match (name, &*self.kind) {
            ("content_part.added", "message") | ("reasoning_summary_part.added", "reasoning") => {
                self.part_added(index, &data["part"])
            }
            ("output_text.delta" | "refusal.delta", "message")
            | ("reasoning_summary_text.delta", "reasoning") => self.grow(name, index, data),
            ("output_text.annotation.added", "message") => self.annotate(index, data),
            ("output_text.done" | "refusal.done", "message")
            | ("reasoning_summary_text.done", "reasoning") => self.text_done(name, index, data),
            ("content_part.done", "message") | ("reasoning_summary_part.done", "reasoning") => {
                self.part_done(index, &data["part"])
            }
            ("function_call_arguments.delta", "function_call")
            | ("custom_tool_call_input.delta", "custom_tool_call")
            | ("mcp_call_arguments.delta", "mcp_call") => self.tell(data),
            ("function_call_arguments.done", "function_call") | ("mcp_call_arguments.done", "mcp_call") => {
                self.all_told(&data["arguments"])
            }
            ("custom_tool_call_input.done", "custom_tool_call") => self.all_told(&data["input"]),
            (name, "web_search_call") => self.step(
                name,
                &["web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed"],
            ),
            ("mcp_call.failed", "mcp_call") => {
                self.step("mcp_call.completed", &["mcp_call.in_progress", "mcp_call.completed"])
            }
            (name, "mcp_call") => self.step(name, &["mcp_call.in_progress", "mcp_call.completed"]),
            _ => Err("the event fits the type of its item"),
        }
    }

    fn part_added(&mut self, index: Option<u64>, part: &Value) -> Rule {
        hold(self.part.is_none(), "one part is open at a time")?;
        hold(index == u64::try_from(self.parts.len()).ok(), "parts count from 0 without gaps")?;
        let kind = part["type"].as_str().ok_or("a part has a type")?;
        hold(part[grown(kind)] == "", "a part is added empty")?;
        self.part = Some(OpenPart {
            kind: kind.to_owned(),
            text: String::new(),
            done: false,
            annotations: Vec::new(),
        });
        Ok(())
    }

    fn open_part(&mut self, index: Option<u64>) -> Result<&mut OpenPart, &'static str> {
        hold(index == u64::try_from(self.parts.len()).ok(), "the index is that of the open part")?;
        self.part.as_mut().ok_or("a part is added before its text")
    }

    fn grow(&mut self, name: &str, index: Option<u64>, data: &Value) -> Rule {
        let part = self.open_part(index)?;
        hold(name.contains(&*part.kind) || part.kind == "summary_text", "a delta fits its part")?;
        hold(!part.done, "no delta follows the text's end")?;
        let delta = data["delta"].as_str().filter(|delta| !delta.is_empty());
        part.text.push_str(delta.ok_or("a delta says something")?);
        Ok(())
    }

    fn annotate(&mut self, index: Option<u64>, data: &Value) -> Rule {
        let part = self.open_part(index)?;
        let count = u64::try_from(part.annotations.len()).ok();
        hold(data["annotation_index"].as_u64() == count, "annotations count from 0 without gaps")?;
        let at = |key: &str| data["annotation"][key].as_u64();
        let length = u64::try_from(part.text.chars().count()).ok();
        let inside = at("start_index") <= at("end_index") && at("end_index") <= length;
        hold(inside && at("start_index").is_some(), "an annotation is about text that was told")?;
        part.annotations.push(data["annotation"].clone());
        Ok(())
    }

    fn text_done(&mut self, name: &str, index: Option<u64>, data: &Value) -> Rule {
        let part = self.open_part(index)?;
        let told = if name.starts_with("refusal") { &data["refusal"] } else { &data["text"] };
        hold(*told == *part.text, "the whole text is that of its deltas")?;
        hold(!std::mem::replace(&mut part.done, true), "a text is done once")
    }

    fn part_done(&mut self, index: Option<u64>, told: &Value) -> Rule {
        self.open_part(index)?;
        let part = self.part.take().ok_or("a part is added before it is done")?;
        hold(part.done, "the text is done before its part")?;
        let mut expected = json!({"type": part.kind, grown(&part.kind): part.text});
        if part.kind == "output_text" {
            expected["annotations"] = part.annotations.into();
            expected["logprobs"] = json!([]);
        }
        hold(*told == expected, "a part that is done is what its events said")?;
        self.parts.push(expected);
        Ok(())
    }

    fn tell(&mut self, data: &Value) -> Rule {
        hold(!self.told_done, "no delta follows the input's end")?;
        let delta = data["delta"].as_str().filter(|delta| !delta.is_empty());
        self.told.push_str(delta.ok_or("a delta says something")?);
        Ok(())
    }

    fn all_told(&mut self, told: &Value) -> Rule {
        hold(*told == *self.told, "the whole input is that of its deltas")?;
        hold(!std::mem::replace(&mut self.told_done, true), "an input is done once")
    }

    fn step(&mut self, name: &str, steps: &[&str]) -> Rule {
        hold(steps.get(self.step) == Some(&name), "a served call goes through its steps in order")?;
        self.step += 1;
        Ok(())
    }

    /// Whether the finished item is what its events said.
    pub(super) fn done(&self, item: &Value) -> Rule {
        hold(item["id"] == *self.id && item["type"] == *self.kind, "an item keeps its id and type")?;
        hold(item["status"] != "in_progress", "an item that is done is not in progress")?;
        hold(self.part.is_none(), "parts are done before their item")?;
        let parts = Value::from(self.parts.clone());
        match &*self.kind {
            "message" => hold(item["content"] == parts, "the content is the parts that were done"),
            "reasoning" => hold(item["summary"] == parts, "the summary is the parts that were done"),
            "function_call" => self.call_done(&item["arguments"]),
            "custom_tool_call" => self.call_done(&item["input"]),
            "mcp_call" => {
                hold(self.step == 2, "a served call goes through all its steps")?;
                self.call_done(&item["arguments"])
            }
            "web_search_call" => hold(self.step == 3, "a served call goes through all its steps"),
            _ => Ok(()),
        }
    }

    fn call_done(&self, told: &Value) -> Rule {
        hold(self.told_done && *told == *self.told, "a call's input is done before its item, and the same")
    }
}
