//! The caller's conversation as lines for the program: all but the last message as history, the last one as question.
//! Contents keep their bytes, but for what the program would lose or break otherwise: each such change is named.

use std::borrow::Cow;

use messages::json::{self, Path, Text};
use messages::request::{BlockView, Turn as Message};
use messages::{ApiError, Ignored};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::content;
use crate::conversation::Mark;
use crate::protocol::{assistant_line, user_line};
use crate::tools;
use crate::turn::Line;

/// What the program itself writes for a message without content, and drops when it meets it.
const PLACEHOLDER: &str = "(no content)";

/// A conversation in lines.
pub(crate) struct Told {
    pub(crate) history: Vec<Line>,
    /// The content of the last message.
    pub(crate) last: Box<RawValue>,
    /// The conversation up to its last answer; `None` when there is no answer yet.
    pub(crate) before: Option<Mark>,
    /// The conversation with its last message.
    pub(crate) asked: Mark,
}

/// One message on its way: its blocks, or its content as it came while nothing had to change.
struct Part<'a> {
    assistant: bool,
    content: Cow<'a, str>,
}

/// Checks the conversation and turns it into lines.
pub(crate) fn tell(
    messages: &[Message<'_>],
    model: &str,
    begin: Mark,
    ignored: &mut Ignored,
) -> Result<Told, ApiError> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let (root, last) = (Path::Root.key("messages"), index + 1 == messages.len());
        let at = root.index(index);
        check_role(message, &at, last)?;
        check_texts(message, &at.key("content"))?;
        name_what_is_lost(message, &at, ignored);
        if message.role == "assistant" && says_nothing(message) {
            ignored.note_at(&at);
            continue;
        }
        let part = Part {
            assistant: message.role == "assistant",
            content: content::carried(message, &at.key("content"), ignored)?,
        };
        match parts.last_mut() {
            // The API takes neighbours for one message; the program would join their texts with line ends.
            Some(previous) if !previous.assistant && !part.assistant => previous.join(&part),
            _ => parts.push(part),
        }
    }
    lines(&parts, model, begin)
}

fn check_role(message: &Message<'_>, at: &Path<'_>, last: bool) -> Result<(), ApiError> {
    let told = match &*message.role {
        "user" => return Ok(()),
        "assistant" if !last => return Ok(()),
        "assistant" => {
            "the claude-code backend can't continue an assistant message (prefill): the last one must be the user's"
        }
        _ => "the claude-code backend takes system prompts only in `system`",
    };
    Err(at.key("role").invalid(told))
}

#[derive(Deserialize)]
struct TextBlock<'a> {
    #[serde(borrow)]
    text: Text<'a>,
}

/// As the API does, refuses blank texts: the program would drop them.
fn check_texts(message: &Message<'_>, at: &Path<'_>) -> Result<(), ApiError> {
    let blank = "text content blocks must contain non-whitespace text";
    let Some(blocks) = &message.blocks else {
        let text: Text<'_> = json::read(message.content.get(), at)?;
        return if text.0.trim().is_empty() { Err(at.invalid(blank)) } else { Ok(()) };
    };
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.kind == "text") {
        let at = at.index(index);
        if json::read::<TextBlock<'_>>(block.raw.get(), &at)?.text.0.trim().is_empty() {
            return Err(at.key("text").invalid(blank));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Lost<'a> {
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    #[serde(borrow)]
    caller: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Caller<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
}

/// Of a message the program keeps role and content alone; of an answer neither the citations nor who made a call.
fn name_what_is_lost(message: &Message<'_>, at: &Path<'_>, ignored: &mut Ignored) {
    message.others.iter().for_each(|other| ignored.note_at(&at.key(other)));
    let content = at.key("content");
    let blocks = message.blocks.iter().flatten().enumerate().filter(|_| message.role == "assistant");
    for (index, block) in blocks.filter(|(_, block)| matches!(&*block.kind, "text" | "tool_use")) {
        let at = content.index(index);
        let Ok(lost) = serde_json::from_str::<Lost<'_>>(block.raw.get()) else { continue };
        lost.citations.filter(|list| list.get() != "[]").inspect(|_| ignored.note_at(&at.key("citations")));
        let by_code = |raw: &&RawValue| {
            serde_json::from_str::<Caller<'_>>(raw.get()).is_ok_and(|caller| caller.kind.0 != "direct")
        };
        lost.caller.filter(by_code).inspect(|_| ignored.note_at(&at.key("caller")));
    }
}

/// Whether the program would drop this assistant message: it holds thinking alone, or its placeholder for nothing.
fn says_nothing(message: &Message<'_>) -> bool {
    let placeholder = |text: &str| text.trim() == PLACEHOLDER;
    let Some(blocks) = &message.blocks else {
        return serde_json::from_str::<Text<'_>>(message.content.get())
            .is_ok_and(|text| placeholder(&text.0));
    };
    let text = |block: &BlockView<'_>| {
        serde_json::from_str::<TextBlock<'_>>(block.raw.get()).is_ok_and(|block| placeholder(&block.text.0))
    };
    blocks.iter().all(|block| matches!(&*block.kind, "thinking" | "redacted_thinking"))
        || matches!(&blocks[..], [only] if only.kind == "text" && text(only))
}

impl Part<'_> {
    fn join(&mut self, next: &Part<'_>) {
        self.content = format!("[{},{}]", blocks_of(&self.content), blocks_of(&next.content)).into();
    }
}

/// A content's blocks, without the brackets around them.
fn blocks_of(content: &str) -> String {
    match content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(blocks) => blocks.trim().to_string(),
        None => format!(r#"{{"type":"text","text":{content}}}"#),
    }
}

fn lines(parts: &[Part<'_>], model: &str, begin: Mark) -> Result<Told, ApiError> {
    let failed = |error: serde_json::Error| ApiError::invalid("messages", error.to_string());
    let Some((last, before)) = parts.split_last() else {
        return Err(ApiError::invalid("messages", "at least one message is required"));
    };
    let mut history = Vec::with_capacity(before.len());
    let mut mark = begin;
    for part in before {
        mark = mark.then(part.assistant, &part.content);
        let content =
            if part.assistant { tools::in_content(&part.content)? } else { (&*part.content).into() };
        let content: &RawValue = serde_json::from_str(&content).map_err(failed)?;
        let json = if part.assistant { assistant_line(content, model) } else { user_line(content, false) };
        history.push(Line { json: json.map_err(failed)?, answered: !part.assistant });
    }
    let (before, asked) = (before.last().map(|_| mark), mark.then(false, &last.content));
    let last = RawValue::from_string(last.content.to_string()).map_err(failed)?;
    Ok(Told { history, last, before, asked })
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::request::Request;
    use serde_json::{Value, json};

    type Said = (String, Value);

    /// The contents told, in order, with who said them; and what is named as changed.
    fn told(messages: &Value) -> Result<(Vec<Said>, Vec<String>), ApiError> {
        let body = json!({"model": "m", "max_tokens": 1, "messages": messages}).to_string();
        let request = Request::parse(body.as_bytes())?;
        let mut ignored = Ignored::default();
        let told = tell(&request.messages, "m", Mark::begin("", "m", "", ""), &mut ignored)?;
        let mut all: Vec<_> = told.history.iter().map(|line| said(&line.json)).collect();
        all.push(("user".into(), serde_json::from_str(told.last.get()).unwrap()));
        Ok((all, ignored.names()))
    }

    fn said(line: &[u8]) -> Said {
        let line: Value = serde_json::from_slice(line).unwrap();
        (line["type"].as_str().unwrap().to_string(), line["message"]["content"].clone())
    }

    fn refused_at(messages: &Value) -> String {
        told(messages).unwrap_err().path.unwrap()
    }

    #[test]
    fn what_can_not_be_carried_is_refused_by_its_path() {
        let user = json!({"role": "user", "content": "q"});
        assert_eq!(refused_at(&json!([user, {"role": "assistant", "content": "Sure,"}])), "messages[1].role");
        assert_eq!(refused_at(&json!([user, {"role": "system", "content": "s"}, user])), "messages[1].role");
        assert_eq!(refused_at(&json!([{"role": "user", "content": " \n"}])), "messages[0].content");
        let blank = json!([{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": " "}]}]);
        assert_eq!(refused_at(&blank), "messages[0].content[1].text");
    }

    #[test]
    fn only_user_lines_of_the_history_are_answered() {
        let body = r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#;
        let request = Request::parse(body.as_bytes()).unwrap();
        let told =
            tell(&request.messages, "m", Mark::begin("", "m", "", ""), &mut Ignored::default()).unwrap();
        let answered: Vec<_> = told.history.iter().map(|line| line.answered).collect();
        assert_eq!(answered, [true, false]);
        assert_eq!(told.last.get(), r#""c""#);
    }

    #[test]
    fn neighbours_of_the_user_are_one_message() {
        let (told, ignored) = told(&json!([
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"}]},
        ]))
        .unwrap();
        let blocks = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        assert_eq!((told, ignored.len()), (vec![("user".to_string(), blocks)], 0));
    }

    #[test]
    fn a_message_that_the_program_would_drop_is_left_out_by_name() {
        for nothing in
            [json!("(no content)"), json!([{"type": "thinking", "thinking": "t", "signature": "s"}])]
        {
            let (told, ignored) = told(&json!([
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": nothing},
                {"role": "user", "content": "b"},
            ]))
            .unwrap();
            assert_eq!((told.len(), &*ignored), (1, &["messages[1]".to_string()][..]));
        }
    }

    #[test]
    fn cache_marks_go_by_name_and_their_like_in_contents_stay() {
        let mark = json!({"type": "ephemeral"});
        let (told, ignored) = told(&json!([
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "t", "name": "n", "input": {"cache_control": 1}, "cache_control": mark},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r", "cache_control": mark}]},
                {"type": "text", "text": "\"cache_control\"", "cache_control": mark},
            ]},
        ]))
        .unwrap();
        assert_eq!(
            told[1].1,
            json!([{"type": "tool_use", "id": "t", "name": "mcp__client__n", "input": {"cache_control": 1}}])
        );
        let last = json!([
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
            {"type": "text", "text": "\"cache_control\""},
        ]);
        assert_eq!((&told[2].1, ignored), (&last, vec!["cache_control".to_string()]));
    }
}
