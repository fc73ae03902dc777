//! A long history as a transcript: a file in the program's own format, which a new process reads at its start
//! (`--resume`). Feeding waits for the program once for each user message; this waits for a start, however long the
//! history is.
//!
//! The format is not documented: `doctor` and the tests hold it against the installed program. The file lies in the
//! process's scratch directory, readable by its owner alone, and goes as soon as the process is bound.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use messages::json::Text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;
use wire::json::peek;

use crate::program::TESTED_VERSION;
use crate::protocol::assistant_message;
use crate::turn::Line;

/// The user messages in a history from which on a start with a transcript is quicker than a spare that is fed.
///
/// Measured with 2.1.330 on two cores, from the request to the first event, beside other work: a fed spare took 0.1 s and
/// 8 to 12 ms for each (10: 0.2 s, 40: 0.5 to 0.65 s, 100: 0.7 to 1.1 s, 200: 1.8 s), a start with a transcript 0.48 to
/// 0.55 s for 1 as for 200. Their length matters to neither (20 of 20 KB, with answers as long: 0.3 s fed).
pub(crate) const FROM_TURNS: usize = 50;

const PRIVATE: u32 = 0o600;

/// Whether a transcript is the quicker way to tell this history: with a spare at hand from so many user messages on,
/// without one, where a process has to be started either way, from half of them. Zero: never.
pub(crate) fn pays(history: &[Line], from_turns: usize, spare: bool) -> bool {
    let from = if spare { from_turns } else { from_turns.div_ceil(2) };
    from > 0 && history.iter().filter(|line| line.answered).count() >= from
}

/// The lines of a history that a transcript holds. The others are fed.
#[derive(Clone, Copy)]
pub(crate) struct Transcript<'a> {
    lines: &'a [Line],
    /// The next line would have been an answer.
    breaks_off: bool,
}

impl<'a> Transcript<'a> {
    /// All of the history but an answer at its end that calls tools: the program itself would answer calls whose
    /// results it does not find.
    pub(crate) fn of(history: &'a [Line]) -> Self {
        match history.split_last() {
            Some((last, before)) if !last.answered && calls_tools(last) => {
                Self { lines: before, breaks_off: true }
            }
            _ => Self { lines: history, breaks_off: false },
        }
    }

    /// How many lines of the history it holds.
    pub(crate) const fn len(&self) -> usize {
        self.lines.len()
    }

    /// Writes the file for a process that will run in `directory`.
    pub(crate) async fn write(&self, path: &Path, directory: &Path) -> io::Result<()> {
        let text = self.text(directory)?;
        let mut options = tokio::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(PRIVATE).open(path).await?;
        file.write_all(&text).await?;
        file.flush().await
    }

    fn text(&self, directory: &Path) -> io::Result<Vec<u8>> {
        let mut written = Written::new(directory);
        for line in self.lines {
            let [message] = peek::members(&line.json, ["message"]).map_err(io::Error::other)?;
            written.add(if line.answered { "user" } else { "assistant" }, false, message)?;
        }
        if self.breaks_off {
            // After a user message at the end the program would put an answer of its own. Not so after what it notes
            // when a call upstream has failed, and that it never sends upstream.
            let content: &RawValue = serde_json::from_str(r#"[{"type":"text","text":"API Error"}]"#)?;
            written.add("assistant", true, assistant_message(content, "<synthetic>"))?;
        }
        Ok(written.text)
    }
}

/// Whether an assistant's line has a call in it.
fn calls_tools(line: &Line) -> bool {
    #[derive(Deserialize)]
    struct Told<'a> {
        #[serde(borrow)]
        message: Message<'a>,
    }
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        content: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Block<'a> {
        #[serde(rename = "type", borrow)]
        kind: Text<'a>,
    }
    let blocks = serde_json::from_slice(&line.json)
        .and_then(|told: Told<'_>| serde_json::from_str::<Vec<Block<'_>>>(told.message.content.get()));
    // A content that is a text has no blocks.
    blocks.is_ok_and(|blocks| blocks.iter().any(|block| block.kind.0 == "tool_use"))
}

/// A transcript on its way to the disk.
struct Written<'a> {
    directory: std::borrow::Cow<'a, str>,
    session_id: String,
    version: String,
    timestamp: String,
    previous: Option<String>,
    text: Vec<u8>,
}

/// A line: a message, chained to the one before it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a, M> {
    parent_uuid: Option<&'a str>,
    is_sidechain: bool,
    user_type: &'static str,
    cwd: &'a str,
    session_id: &'a str,
    version: &'a str,
    git_branch: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    uuid: &'a str,
    timestamp: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_api_error_message: bool,
    message: M,
}

impl<'a> Written<'a> {
    fn new(directory: &'a Path) -> Self {
        Self {
            directory: directory.to_string_lossy(),
            session_id: Uuid::new_v4().to_string(),
            version: TESTED_VERSION.to_string(),
            // The program shortens what it takes for old.
            timestamp: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            previous: None,
            text: Vec::new(),
        }
    }

    fn add(&mut self, kind: &'static str, failed: bool, message: impl Serialize) -> io::Result<()> {
        let uuid = Uuid::new_v4().to_string();
        let entry = Entry {
            parent_uuid: self.previous.as_deref(),
            is_sidechain: false,
            user_type: "external",
            cwd: &self.directory,
            session_id: &self.session_id,
            version: &self.version,
            git_branch: "",
            kind,
            uuid: &uuid,
            timestamp: &self.timestamp,
            is_api_error_message: failed,
            message,
        };
        serde_json::to_writer(&mut self.text, &entry)?;
        self.text.push(b'\n');
        self.previous = Some(uuid);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{assistant_line, user_line};
    use serde_json::{Value, json};

    fn user(content: &Value) -> Line {
        let content = serde_json::value::to_raw_value(content).unwrap();
        Line { json: user_line(&content, false).unwrap(), answered: true }
    }

    fn assistant(content: &Value) -> Line {
        let content = serde_json::value::to_raw_value(content).unwrap();
        Line { json: assistant_line(&content, "claude-x").unwrap(), answered: false }
    }

    fn entries(history: &[Line]) -> Vec<Value> {
        let text = Transcript::of(history).text(Path::new("/scratch/1/w")).unwrap();
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn call() -> Value {
        json!([{"type": "tool_use", "id": "t", "name": "n", "input": {}}])
    }

    #[test]
    fn each_line_is_a_message_chained_to_the_one_before() {
        let entries = entries(&[user(&json!("a\u{2028}b")), assistant(&json!("c"))]);
        assert_eq!(entries[0]["message"]["content"], "a\u{2028}b");
        assert_eq!((&entries[0]["parentUuid"], &entries[0]["type"]), (&json!(null), &json!("user")));
        assert_eq!(
            (&entries[1]["parentUuid"], &entries[1]["type"]),
            (&entries[0]["uuid"], &json!("assistant"))
        );
        assert_eq!(entries[1]["message"]["content"], "c");
        assert_eq!(entries.len(), 2);
        assert!(entries.iter().all(|entry| entry["sessionId"] == entries[0]["sessionId"]));
    }

    #[test]
    fn calls_at_the_end_are_left_to_be_fed_and_what_stands_before_them_is_closed() {
        let history = [user(&json!("a")), assistant(&call())];
        assert_eq!(Transcript::of(&history).len(), 1);
        let entries = entries(&history);
        assert_eq!((entries.len(), &entries[1]["isApiErrorMessage"]), (2, &json!(true)));
        assert_eq!(entries[1]["message"]["model"], "<synthetic>");
    }

    #[test]
    fn calls_in_the_middle_and_texts_like_calls_are_part_of_it() {
        let answered =
            [user(&json!("a")), assistant(&call()), user(&json!("r")), assistant(&json!("[tool_use]"))];
        assert_eq!(Transcript::of(&answered).len(), 4);
        assert!(entries(&answered).iter().all(|entry| entry["isApiErrorMessage"].is_null()));
    }

    #[test]
    fn a_history_is_long_by_its_user_messages_and_sooner_without_a_spare() {
        let history: Vec<Line> = (0..10).flat_map(|_| [user(&json!("a")), assistant(&json!("b"))]).collect();
        let long = |from_turns| [true, false].map(|spare| pays(&history, from_turns, spare));
        assert_eq!(
            (long(10), long(11), long(20), long(21)),
            ([true; 2], [false, true], [false, true], [false; 2])
        );
        assert_eq!((long(0), pays(&[], 1, false)), ([false; 2], false));
    }
}
