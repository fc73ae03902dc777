//! The caller's results as MCP's, where they arrive upstream exactly as they came. Where they would not, the whole
//! conversation is told to another process instead.

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The program writes longer results to a file and shows the model the beginning.
const LONGEST_BYTES: usize = 400_000;

/// A result for a waiting call.
#[derive(Debug)]
pub(crate) struct ToolResult {
    pub(crate) tool_use_id: String,
    /// MCP's `CallToolResult`.
    pub(crate) json: String,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    is_error: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    source: Option<Source<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The results that a message's content consists of; `None` when it holds anything else, or a result that the program
/// would change.
pub(crate) fn results(content: &RawValue) -> Option<Vec<ToolResult>> {
    let blocks: Vec<Block<'_>> = serde_json::from_str(content.get()).ok()?;
    blocks.iter().map(result).collect()
}

fn result(block: &Block<'_>) -> Option<ToolResult> {
    let tool_use_id = block.tool_use_id.as_ref().filter(|_| block.kind.0 == "tool_result")?.0.to_string();
    let content = block.content.filter(|content| content.get().len() <= LONGEST_BYTES)?.get();
    let failed = block.is_error.unwrap_or_default();
    let parts = if content.starts_with('"') {
        vec![text(serde_json::from_str(content).ok()?, failed)?]
    } else {
        let parts: Vec<Part<'_>> = serde_json::from_str(content).ok()?;
        parts.iter().map(|part| told(part, failed)).collect::<Option<Vec<_>>>()?
    };
    // A failed call is told as one text.
    if parts.is_empty() || (failed && parts.len() > 1) {
        return None;
    }
    let json = format!(r#"{{"content":[{}],"isError":{failed}}}"#, parts.join(","));
    Some(ToolResult { tool_use_id, json })
}

fn told(part: &Part<'_>, failed: bool) -> Option<String> {
    match (&*part.kind.0, part.text, &part.source) {
        ("text", Some(given), None) => text(given, failed),
        ("image", None, Some(source)) if !failed && source.kind.0 == "base64" => {
            let (data, kind) = (source.data?.get(), source.media_type?.get());
            Some(format!(r#"{{"type":"image","data":{data},"mimeType":{kind}}}"#))
        }
        _ => None,
    }
}

/// Blank texts are replaced by the program; the text of an error it trims.
fn text(raw: &RawValue, failed: bool) -> Option<String> {
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    let trimmed = text.trim();
    let changed = trimmed.is_empty() || (failed && trimmed.len() != text.len());
    (!changed).then(|| format!(r#"{{"type":"text","text":{}}}"#, raw.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(content: &Value) -> Option<Vec<Value>> {
        let raw = serde_json::value::to_raw_value(content).unwrap();
        let results = results(&raw)?;
        Some(results.iter().map(|result| serde_json::from_str(&result.json).unwrap()).collect())
    }

    fn result(content: &Value, is_error: bool) -> Value {
        json!([{"type": "tool_result", "tool_use_id": "t", "content": content, "is_error": is_error}])
    }

    #[test]
    fn texts_images_and_errors_become_mcp() {
        let text = json!({"type": "text", "text": "r"});
        let image =
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}});
        let mcp = json!({"type": "image", "mimeType": "image/png", "data": "AA"});
        assert_eq!(
            told(&result(&json!([text, image]), false)),
            Some(vec![json!({"content": [text, mcp], "isError": false})])
        );
        assert_eq!(told(&result(&json!("r"), true)), Some(vec![json!({"content": [text], "isError": true})]));
    }

    #[test]
    fn what_the_program_would_change_is_not_answered_so() {
        let image = json!({"type": "image", "source": {"type": "url", "url": "https://x"}});
        for (content, is_error) in [
            (json!(" \n"), false),
            (json!([]), false),
            (json!(" padded "), true),
            (json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), true),
            (json!([image]), false),
            (json!([{"type": "document", "source": {}}]), false),
            (json!("x".repeat(LONGEST_BYTES)), false),
        ] {
            assert_eq!(told(&result(&content, is_error)), None, "{content:.60}");
        }
        assert_eq!(told(&json!([{"type": "tool_result", "tool_use_id": "t"}])), None);
        let mut with_text = result(&json!("r"), false);
        with_text.as_array_mut().unwrap().push(json!({"type": "text", "text": "and"}));
        assert_eq!(told(&with_text), None);
        assert_eq!(told(&json!("only text")), None);
    }
}
