//! Conversations as they were sent and as they arrived, made comparable.

use serde_json::{Value, json};
use simulator::Recorded;

/// How the caller's tools are named upstream.
const TOOL_PREFIX: &str = "mcp__client__";

/// The conversation in a Messages request, without what the program is known to add: texts become blocks; cache marks,
/// reminders, its own system messages and the prefix of tool names go.
pub(super) fn of(request: &Value) -> Vec<Value> {
    let messages = request["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().filter(|message| message["role"] != "system").map(plain).collect()
}

fn plain(message: &Value) -> Value {
    let mut content = match &message["content"] {
        Value::Array(blocks) => blocks.clone(),
        text => vec![json!({ "type": "text", "text": text })],
    };
    content.retain(|block| !block["text"].as_str().is_some_and(|text| text.starts_with("<system-reminder>")));
    for block in &mut content {
        if let Some(fields) = block.as_object_mut() {
            fields.remove("cache_control");
            let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
            if let Some(own) = name.strip_prefix(TOOL_PREFIX).map(str::to_owned) {
                fields.insert("name".to_owned(), own.into());
            }
        }
    }
    json!({ "role": message["role"], "content": content })
}

/// Whether the one request that arrived holds exactly the conversation that was sent; else, where not.
pub(super) fn arrived(sent: &Value, arrived: &[Recorded]) -> Result<(), String> {
    let [one] = arrived else { return Err(format!("the API was called {} times for it", arrived.len())) };
    let (sent, got) = (of(sent), of(&one.json()));
    if let Some(place) = sent.iter().zip(&got).position(|(sent, got)| sent != got) {
        return Err(format!("messages[{place}] arrived changed{}", block(sent.get(place), got.get(place))));
    }
    if sent.len() == got.len() {
        Ok(())
    } else {
        Err(format!("{} messages arrived for {}", got.len(), sent.len()))
    }
}

/// Which block of a message differs.
fn block(sent: Option<&Value>, got: Option<&Value>) -> String {
    let blocks =
        |message: Option<&Value>| message.and_then(|m| m["content"].as_array().cloned()).unwrap_or_default();
    let (sent, got) = (blocks(sent), blocks(got));
    match sent.iter().zip(&got).position(|(sent, got)| sent != got) {
        Some(place) => format!(" (content[{place}])"),
        None => format!(" ({} content blocks for {})", got.len(), sent.len()),
    }
}

/// The session that a request names: each process has its own.
pub(super) fn session(request: &Recorded) -> Option<String> {
    let in_body = request.json()["metadata"]["user_id"].as_str().map(str::to_owned);
    request.header("x-claude-code-session-id").map(str::to_owned).or(in_body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(messages: &Value) -> Recorded {
        let body = json!({ "messages": messages }).to_string().into();
        Recorded {
            id: 1,
            method: "POST".into(),
            path: "/v1/messages".into(),
            query: String::new(),
            headers: Vec::new(),
            body,
            started_ms: 0.0,
            status: Some(200),
            ended: None,
            ended_ms: None,
        }
    }

    fn sent() -> Value {
        json!({ "messages": [{ "role": "user", "content": "hi" }] })
    }

    #[test]
    fn what_the_program_is_known_to_add_is_no_difference() {
        let got = recorded(&json!([
            { "role": "user", "content": [
                { "type": "text", "text": "<system-reminder>today</system-reminder>" },
                { "type": "text", "text": "hi", "cache_control": { "type": "ephemeral" } },
            ] },
            { "role": "system", "content": "" },
        ]));
        assert_eq!(arrived(&sent(), &[got]), Ok(()));
    }

    #[test]
    fn a_difference_is_told_by_its_place() {
        let changed = recorded(&json!([{ "role": "user", "content": "ho" }]));
        let told = arrived(&sent(), std::slice::from_ref(&changed)).unwrap_err();
        assert!(told.contains("messages[0]") && told.contains("content[0]"), "{told}");
        let more =
            recorded(&json!([{ "role": "user", "content": "hi" }, { "role": "user", "content": "x" }]));
        assert!(arrived(&sent(), &[more]).unwrap_err().starts_with("2 messages"));
        assert!(arrived(&sent(), &[changed.clone(), changed]).unwrap_err().contains("2 times"));
    }
}
