//! What the caller said last: the text that scripts match, the echo repeats and steering is read from.

use serde_json::Value;

/// The last user message, seen as text, `<system-reminder>` parts aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// Its text blocks.
    texts: Vec<String>,
    /// The texts of its tool results.
    pub(crate) tool_results: Vec<String>,
}

impl Prompt {
    pub(crate) fn of(body: &Value) -> Self {
        let last = body["messages"]
            .as_array()
            .and_then(|messages| messages.iter().rev().find(|message| message["role"] == "user"));
        let mut prompt = Self::default();
        match last.map(|message| &message["content"]) {
            Some(Value::String(text)) => prompt.add_text(text),
            Some(Value::Array(blocks)) => blocks.iter().for_each(|block| prompt.add(block)),
            _ => {}
        }
        prompt
    }

    fn add(&mut self, block: &Value) {
        match block["type"].as_str() {
            Some("text") => self.add_text(block["text"].as_str().unwrap_or_default()),
            Some("tool_result") => self.tool_results.push(without_reminders(&result_text(&block["content"]))),
            _ => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        let text = without_reminders(text);
        if !text.trim().is_empty() {
            self.texts.push(text);
        }
    }

    /// The last text block. Claude Code puts a prompt that failed and the next one into one message.
    pub(crate) fn text(&self) -> &str {
        self.texts.last().map_or("", String::as_str)
    }

    /// All texts and tool results, one a line.
    pub(crate) fn all(&self) -> String {
        self.texts.iter().chain(&self.tool_results).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn result_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Claude Code puts reminders about the environment beside what the user said.
fn without_reminders(text: &str) -> String {
    const OPEN: &str = "<system-reminder>";
    const CLOSE: &str = "</system-reminder>";
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((_, behind)) = after.split_once(CLOSE) else { break };
        kept.push_str(before);
        rest = behind;
    }
    kept.push_str(rest);
    if kept.len() == text.len() { kept } else { kept.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::Prompt;
    use serde_json::json;

    #[test]
    fn reminders_are_not_what_the_user_said() {
        let body = json!({"messages": [
            {"role": "user", "content": "first"},
            {"role": "assistant", "content": "answer"},
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>\ncwd\n</system-reminder>\n"},
                {"type": "text", "text": "<system-reminder>x</system-reminder>\nsecond"},
            ]},
            {"role": "system", "content": []},
        ]});
        assert_eq!(Prompt::of(&body).text(), "second");
    }

    #[test]
    fn tool_results_are_text_of_their_own() {
        let result =
            json!({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "12°"}]});
        let prompt = Prompt::of(&json!({"messages": [{"role": "user", "content": [result]}]}));
        assert_eq!((prompt.text(), prompt.tool_results.as_slice()), ("", &["12°".to_owned()][..]));
    }
}
