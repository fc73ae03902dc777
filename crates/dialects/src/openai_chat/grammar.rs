//! The order rules of a stream of chat completion or legacy completion chunks. The encoders hold all that they write
//! against them in debug builds, and so in every test.

use std::borrow::Cow;
use std::collections::BTreeMap;

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A stream that breaks the rules: which frame, and which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame {position}: {rule}")]
pub struct Violation {
    /// The frame's number in the stream, from 0.
    pub position: usize,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// Follows the data of a stream's frames and tells the first that can't stand where it stands.
#[derive(Debug, Default)]
pub struct Checker {
    count: usize,
    head: Option<Head>,
    choices: BTreeMap<usize, Progress>,
    stage: Stage,
    position: usize,
}

/// What every chunk repeats.
#[derive(Clone, Debug, PartialEq)]
struct Head {
    id: String,
    object: String,
    created: u64,
    model: String,
}

#[derive(Debug, Default)]
struct Progress {
    finished: bool,
    calls: u64,
    open_is_custom: bool,
    function_called: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    #[default]
    Choices,
    UsageTold,
    Done,
    Failed,
}

#[derive(Deserialize)]
struct ChunkWire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    object: Text<'a>,
    created: u64,
    model: Text<'a>,
    choices: Vec<ChoiceWire<'a>>,
    usage: Option<&'a RawValue>,
    /// What is told beside the answer.
    claude_code_event: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChoiceWire<'a> {
    index: usize,
    #[serde(borrow)]
    delta: Option<DeltaWire<'a>>,
    text: Option<Text<'a>>,
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct DeltaWire<'a> {
    #[serde(borrow)]
    role: Option<Text<'a>>,
    content: Option<Text<'a>>,
    refusal: Option<Text<'a>>,
    #[serde(default)]
    tool_calls: Vec<CallWire<'a>>,
    function_call: Option<CalledWire<'a>>,
    annotations: Option<&'a RawValue>,
    reasoning_content: Option<&'a RawValue>,
    reasoning_details: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallWire<'a> {
    index: u64,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    r#type: Option<Text<'a>>,
    function: Option<CalledWire<'a>>,
    custom: Option<CalledWire<'a>>,
}

#[derive(Deserialize)]
struct CalledWire<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(alias = "input")]
    arguments: Text<'a>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    #[expect(dead_code, reason = "only its presence matters")]
    error: &'a RawValue,
}

type Rule = Result<(), &'static str>;

fn holds(condition: bool, rule: &'static str) -> Rule {
    if condition { Ok(()) } else { Err(rule) }
}

impl Checker {
    /// A checker for a stream of this many choices.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { count, ..Self::default() }
    }

    /// Takes the data of the next frame.
    ///
    /// # Errors
    /// The rule that the frame breaks.
    pub fn push(&mut self, data: &[u8]) -> Result<(), Violation> {
        let position = self.position;
        self.position += 1;
        self.rule(data).map_err(|rule| Violation { position, rule })
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    /// When it is neither complete nor has failed.
    pub fn finish(&self) -> Result<(), Violation> {
        let ended = matches!(self.stage, Stage::Done | Stage::Failed);
        let rule = "a stream ends with [DONE] or an error";
        if ended { Ok(()) } else { Err(Violation { position: self.position, rule }) }
    }

    fn rule(&mut self, data: &[u8]) -> Rule {
        holds(!matches!(self.stage, Stage::Done | Stage::Failed), "nothing follows [DONE] or an error")?;
        if data == b"[DONE]" {
            self.stage = Stage::Done;
            return holds(self.all_finished(), "[DONE] comes when every choice is finished");
        }
        if serde_json::from_slice::<ErrorWire<'_>>(data).is_ok() {
            self.stage = Stage::Failed;
            return Ok(());
        }
        let chunk: ChunkWire<'_> =
            serde_json::from_slice(data).map_err(|_| "a frame is a chunk, an error or [DONE]")?;
        holds(self.stage == Stage::Choices, "nothing but [DONE] follows the usage")?;
        let Text(object) = &chunk.object;
        let is_text = match &**object {
            "chat.completion.chunk" => false,
            "text_completion" => true,
            _ => return Err("the object is one of the two kinds of chunk"),
        };
        let (id, object, model) = (chunk.id.0.into_owned(), object.to_string(), chunk.model.0.into_owned());
        let head = Head { id, object, created: chunk.created, model };
        let first = self.head.get_or_insert_with(|| head.clone());
        holds(*first == head && !head.id.is_empty(), "id, object, created and model stay the same")?;
        if chunk.claude_code_event.is_some() {
            let adds_nothing = chunk.choices.iter().all(ChoiceWire::adds_nothing);
            return holds(adds_nothing, "what is told beside an answer adds nothing to it");
        }
        if chunk.choices.is_empty() {
            self.stage = Stage::UsageTold;
            holds(chunk.usage.is_some(), "a chunk without choices tells the usage")?;
            return holds(self.all_finished(), "the usage comes when every choice is finished");
        }
        holds(chunk.usage.is_none(), "the usage comes in a chunk of its own")?;
        chunk.choices.iter().try_for_each(|choice| self.choice(choice, is_text))
    }

    fn all_finished(&self) -> bool {
        self.choices.len() == self.count && self.choices.values().all(|choice| choice.finished)
    }

    fn choice(&mut self, choice: &ChoiceWire<'_>, is_text: bool) -> Rule {
        holds(choice.index < self.count, "a choice has one of the indices asked for")?;
        let is_new = !self.choices.contains_key(&choice.index);
        let progress = self.choices.entry(choice.index).or_default();
        holds(!progress.finished, "nothing follows the finish reason of a choice")?;
        match (&choice.delta, &choice.text) {
            (Some(delta), None) if !is_text => {
                progress.delta(delta, is_new, choice.finish_reason.is_some())?;
            }
            (None, Some(_)) if is_text => {}
            _ => return Err("a choice has a delta in a chat, a text elsewhere"),
        }
        if let Some(Text(reason)) = &choice.finish_reason {
            let known = ["stop", "length", "tool_calls", "function_call", "content_filter"];
            holds(known.contains(&&**reason), "the finish reason is one of OpenAI's")?;
            holds(*reason != "tool_calls" || progress.calls > 0, "tool_calls ends a choice with calls")?;
            holds(
                *reason != "function_call" || progress.function_called,
                "function_call ends a choice with one",
            )?;
            progress.finished = true;
        }
        Ok(())
    }
}

impl ChoiceWire<'_> {
    fn adds_nothing(&self) -> bool {
        let text = self.text.as_ref().is_none_or(|text| text.0.is_empty());
        text && self.finish_reason.is_none() && !self.delta.as_ref().is_some_and(DeltaWire::says_something)
    }
}

impl DeltaWire<'_> {
    fn says_something(&self) -> bool {
        self.role.is_some()
            || self.content.is_some()
            || self.refusal.is_some()
            || !self.tool_calls.is_empty()
            || self.function_call.is_some()
            || self.annotations.is_some()
            || self.reasoning_content.is_some()
            || self.reasoning_details.is_some()
    }
}

impl Progress {
    fn delta(&mut self, delta: &DeltaWire<'_>, is_new: bool, finishes: bool) -> Rule {
        holds(delta.role.is_some() == is_new, "the role comes in a choice's first chunk and once")?;
        if let Some(Text(role)) = &delta.role {
            holds(role == "assistant", "the role is the assistant's")?;
        }
        holds(
            delta.says_something() != finishes,
            "a delta says something, that of the finish reason nothing",
        )?;
        delta.tool_calls.iter().try_for_each(|call| self.call(call))?;
        if let Some(call) = &delta.function_call {
            holds(
                call.name.is_some() != self.function_called,
                "a function call is named once, at its beginning",
            )?;
            self.function_called = true;
        }
        Ok(())
    }

    fn call(&mut self, call: &CallWire<'_>) -> Rule {
        let kind: Option<&Cow<'_, str>> = call.r#type.as_ref().map(|kind| &kind.0);
        let called = match (&call.function, &call.custom) {
            (Some(called), None) | (None, Some(called)) => called,
            _ => return Err("a call is of a function or of a custom tool"),
        };
        let is_custom = call.custom.is_some();
        if call.index == self.calls {
            self.calls += 1;
            self.open_is_custom = is_custom;
            holds(call.id.as_ref().is_some_and(|id| !id.0.is_empty()), "a call opens with its id")?;
            holds(
                called.name.is_some() && called.arguments.0.is_empty(),
                "a call opens with its name and no input",
            )?;
            let expected = if is_custom { "custom" } else { "function" };
            return holds(kind.is_some_and(|kind| kind == expected), "a call opens with its type");
        }
        holds(call.index + 1 == self.calls, "calls are numbered in order, one open at a time")?;
        holds(is_custom == self.open_is_custom, "a call keeps its type")?;
        holds(call.id.is_none() && kind.is_none() && called.name.is_none(), "an open call brings input alone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(choice: &str) -> String {
        format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{choice}]}}"#
        )
    }

    fn delta(delta: &str, reason: &str) -> String {
        chunk(&format!(r#"{{"index":0,"delta":{delta},"finish_reason":{reason}}}"#))
    }

    fn broken(frames: &[String]) -> Option<&'static str> {
        let mut checker = Checker::new(1);
        let found = frames.iter().find_map(|frame| checker.push(frame.as_bytes()).err());
        found.or(checker.finish().err()).map(|violation| violation.rule)
    }

    #[test]
    fn each_rule_has_a_stream_that_breaks_it() {
        let role = || delta(r#"{"role":"assistant","content":""}"#, "null");
        let text = || delta(r#"{"content":"x"}"#, "null");
        let stop = || delta("{}", r#""stop""#);
        let call = |json: &str| delta(&format!(r#"{{"tool_calls":[{json}]}}"#), "null");
        let open =
            || call(r#"{"index":0,"id":"t","type":"function","function":{"name":"n","arguments":""}}"#);
        let usage = || {
            let usage = chunk("").replace(r#""choices":[]"#, r#""choices":[],"usage":{}"#);
            assert!(usage.contains("usage"));
            usage
        };
        let done = || "[DONE]".to_owned();
        assert_eq!(broken(&[role(), text(), open(), stop(), usage(), done()]), None);
        assert_eq!(broken(&[role(), text(), r#"{"error":{}}"#.into()]), None);
        let beside = |told: String| told.replacen('{', r#"{"claude_code_event":{},"#, 1);
        assert_eq!(broken(&[role(), beside(delta("{}", "null")), stop(), done()]), None);
        for (frames, rule) in [
            (vec![text()], "the role comes in a choice's first chunk and once"),
            (vec![role(), role()], "the role comes in a choice's first chunk and once"),
            (vec![role(), stop(), text()], "nothing follows the finish reason of a choice"),
            (vec![role(), done()], "[DONE] comes when every choice is finished"),
            (vec![role(), usage()], "the usage comes when every choice is finished"),
            (vec![role(), stop(), usage(), usage()], "nothing but [DONE] follows the usage"),
            (vec![role(), stop()], "a stream ends with [DONE] or an error"),
            (vec![role(), stop(), done(), done()], "nothing follows [DONE] or an error"),
            (vec![role(), text().replace("\"c\"", "\"d\"")], "id, object, created and model stay the same"),
            (vec![role(), delta("{}", "null")], "a delta says something, that of the finish reason nothing"),
            (vec![role(), beside(text())], "what is told beside an answer adds nothing to it"),
            (vec![role(), beside(stop())], "what is told beside an answer adds nothing to it"),
            (vec![role(), delta("{}", r#""tool_calls""#)], "tool_calls ends a choice with calls"),
            (
                vec![
                    role(),
                    call(r#"{"index":1,"id":"t","type":"function","function":{"name":"n","arguments":""}}"#),
                ],
                "calls are numbered in order, one open at a time",
            ),
            (vec![role(), call(r#"{"index":0,"function":{"arguments":"{}"}}"#)], "a call opens with its id"),
            (
                vec![role(), open(), call(r#"{"index":0,"id":"t","function":{"arguments":"{}"}}"#)],
                "an open call brings input alone",
            ),
            (vec![role(), open(), call(r#"{"index":0,"custom":{"input":"x"}}"#)], "a call keeps its type"),
            (vec![role(), "{}".into()], "a frame is a chunk, an error or [DONE]"),
        ] {
            assert_eq!(broken(&frames), Some(rule), "{frames:?}");
        }
    }
}
