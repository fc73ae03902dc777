//! The rules of a response's events, held against any source of them (our encoder, a replay from the store).
//! <https://platform.openai.com/docs/api-reference/responses-streaming>

mod item;

use std::collections::HashSet;

use serde_json::Value;

use self::item::OpenItem;

/// A stream that breaks the rules: which event, and which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {position} ({name}): {rule}")]
pub struct Violation {
    /// The event's number in the stream, from 0.
    pub position: u64,
    /// Its name.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// Follows one response and tells the first event that can't stand where it stands.
#[derive(Debug, Default)]
pub struct Checker {
    state: State,
    position: u64,
    /// Id, creation and model of the response: the same in every event about it.
    head: Option<[Value; 3]>,
    items: Vec<Slot>,
    ids: HashSet<String>,
}

#[derive(Debug)]
enum Slot {
    Open(Box<OpenItem>),
    Done(Value),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Before,
    Created,
    Queued,
    InProgress,
    Ended,
}

pub(super) type Rule = Result<(), &'static str>;

/// The rule holds, or is named.
pub(super) fn hold(holds: bool, rule: &'static str) -> Rule {
    if holds { Ok(()) } else { Err(rule) }
}

impl Checker {
    /// Takes the next event: the SSE event's name and its data.
    pub fn push(&mut self, name: &str, data: &[u8]) -> Result<(), Violation> {
        let position = self.position;
        self.position += 1;
        let rule = match serde_json::from_slice::<Value>(data) {
            Ok(data) => self.rule(name, &data, position),
            Err(_) => Err("the event's data is JSON"),
        };
        rule.map_err(|rule| Violation { position, name: name.to_owned(), rule })
    }

    /// Whether the stream may end here.
    pub fn finish(&self) -> Result<(), Violation> {
        let rule = "a stream ends with response.completed, incomplete or failed, or with error";
        hold(self.state == State::Ended, rule).map_err(|rule| Violation {
            position: self.position,
            name: "end".into(),
            rule,
        })
    }

    fn rule(&mut self, name: &str, data: &Value, position: u64) -> Rule {
        hold(data["type"] == name, "the SSE event name is the type in the data")?;
        hold(data["sequence_number"] == position, "sequence numbers count from 0 without gaps")?;
        hold(self.state != State::Ended, "nothing follows the end")?;
        match name {
            "response.created" | "response.queued" | "response.in_progress" => self.beginning(name, data),
            "response.completed" | "response.incomplete" | "response.failed" => self.end(name, data),
            "error" => {
                self.state = State::Ended;
                hold(data["message"].is_string(), "an error has a message")
            }
            _ => {
                hold(self.state == State::InProgress, "items come while the response is in progress")?;
                self.content(name, data)
            }
        }
    }

    fn beginning(&mut self, name: &str, data: &Value) -> Rule {
        self.same_response(&data["response"])?;
        hold(data["response"]["output"] == Value::Array(Vec::new()), "a response begins without output")?;
        self.state = match (name, self.state) {
            ("response.created", State::Before) => State::Created,
            ("response.queued", State::Created) => State::Queued,
            ("response.in_progress", State::Created | State::Queued) => State::InProgress,
            _ => return Err("created, perhaps queued, and in_progress come first, in this order"),
        };
        Ok(())
    }

    fn same_response(&mut self, response: &Value) -> Rule {
        hold(response["object"] == "response", "the event has the response object")?;
        let head = ["id", "created_at", "model"].map(|key| response[key].clone());
        let known = self.head.get_or_insert_with(|| head.clone());
        hold(*known == head, "id, created_at and model of the response stay the same")
    }

    fn end(&mut self, name: &str, data: &Value) -> Rule {
        hold(self.state != State::Before, "response.created comes first")?;
        let response = &data["response"];
        self.same_response(response)?;
        self.state = State::Ended;
        hold(
            Some(name) == response["status"].as_str().map(|status| format!("response.{status}")).as_deref(),
            "the status is what the event says",
        )?;
        let failed = name == "response.failed";
        hold(failed == response["error"].is_object(), "a failed response, and no other, has an error")?;
        let incomplete = name == "response.incomplete";
        let told = response["incomplete_details"]["reason"].is_string();
        hold(incomplete == told, "an incomplete response, and no other, says why")?;
        hold(failed || response["usage"].is_object(), "a response that ended by itself tells its usage")?;
        let all_done = self.items.iter().all(|slot| matches!(slot, Slot::Done(_)));
        hold(failed || all_done, "every item is done before the response is")?;
        let done = self.items.iter().filter_map(|slot| match slot {
            Slot::Done(item) => Some(item),
            Slot::Open(_) => None,
        });
        let output = response["output"].as_array().into_iter().flatten();
        hold(done.eq(output), "the output is the items that were done, in order")
    }

    fn content(&mut self, name: &str, data: &Value) -> Rule {
        let index = data["output_index"].as_u64().and_then(|index| usize::try_from(index).ok());
        let index = index.ok_or("an event about an item has its output_index")?;
        if name == "response.output_item.added" {
            hold(index == self.items.len(), "output indices count from 0 without gaps")?;
            let waits = |slot: &Slot| matches!(slot, Slot::Open(item) if !item.is_served());
            hold(
                !self.items.iter().any(waits),
                "only a call that the API serves is done after the next item begins",
            )?;
            let item = OpenItem::added(&data["item"])?;
            hold(self.ids.insert(item.id.clone()), "no two items have the same id")?;
            self.items.push(Slot::Open(Box::new(item)));
            return Ok(());
        }
        let Some(Slot::Open(item)) = self.items.get_mut(index) else {
            return Err("an event is about an item that was added and is not done");
        };
        if name == "response.output_item.done" {
            item.done(&data["item"])?;
            self.items[index] = Slot::Done(data["item"].clone());
            return Ok(());
        }
        hold(data["item_id"] == *item.id, "item_id is the id of the item at output_index")?;
        item.event(name, data)
    }
}
