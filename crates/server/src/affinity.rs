//! What a conversation begins with: the system prompt, the tools and the first message of the user. That stays when it
//! goes on, and so does the backend that follows from it.

use bytes::Bytes;
use policy::route::Affinity;
use serde_json::Value;
use serde_json::value::RawValue;
use wire::json::peek;

/// Claude Code begins its system prompt with a line that differs from request to request.
const BILLING_LINE: &str = "x-anthropic-billing-header:";

/// The affinity of a Messages request. What can't be read counts as absent: the backend will say what is wrong with it.
pub(crate) fn of(body: &Bytes, owner: &str) -> Affinity {
    let [system, tools, messages] = peek::members(body, ["system", "tools", "messages"]).unwrap_or_default();
    let system = system.map(|raw| canonical(raw.get())).unwrap_or_default();
    let tools = tools.map(|raw| canonical(raw.get())).unwrap_or_default();
    let messages: Vec<&RawValue> =
        messages.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let first = messages.first().map(|raw| canonical(raw.get())).unwrap_or_default();
    Affinity::of([owner.as_bytes(), system.as_bytes(), tools.as_bytes(), first.as_bytes()])
}

/// The value without what may change while a conversation goes on: marks for the prompt cache, and whether a text is
/// written as one or as a block.
fn canonical(json: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return String::new() };
    simplify(&mut value);
    value.to_string()
}

fn simplify(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("cache_control");
            members.values_mut().for_each(simplify);
        }
        Value::Array(items) => {
            items.retain(|item| !text(item).is_some_and(|text| text.starts_with(BILLING_LINE)));
            items.iter_mut().for_each(simplify);
            if let [only] = items.as_slice()
                && let Some(only) = text(only)
            {
                *value = Value::from(only);
            }
        }
        _ => {}
    }
}

/// The text of a block that is nothing but a text.
fn text(block: &Value) -> Option<&str> {
    let is_text =
        block.get("type")? == "text" && block.as_object()?.keys().all(|key| key == "type" || key == "text");
    is_text.then(|| block.get("text")?.as_str()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn affinity(body: &Value) -> Affinity {
        of(&Bytes::from(body.to_string()), "anna")
    }

    fn request() -> Value {
        json!({ "model": "m", "system": [{ "type": "text", "text": "Be brief." }], "tools": [{ "name": "look" }],
                "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }] })
    }

    #[test]
    fn it_stays_while_a_conversation_goes_on() {
        let first = affinity(&request());
        let mut later = request();
        later["max_tokens"] = json!(7);
        later["messages"].as_array_mut().unwrap().push(json!({ "role": "assistant", "content": "Hello." }));
        assert_eq!(affinity(&later), first);
        let mut marked = request();
        marked["messages"][0]["content"][0]["cache_control"] = json!({ "type": "ephemeral" });
        marked["system"][0]["cache_control"] = json!({ "type": "ephemeral" });
        assert_eq!(affinity(&marked), first);
        let mut short = request();
        short["messages"][0]["content"] = json!("hi");
        short["system"] = json!("Be brief.");
        assert_eq!(affinity(&short), first);
        let mut billed = request();
        let line = json!({ "type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=1;" });
        billed["system"].as_array_mut().unwrap().insert(0, line);
        assert_eq!(affinity(&billed), first);
    }

    #[test]
    fn another_beginning_or_another_owner_is_another_conversation() {
        let first = affinity(&request());
        for (place, value) in
            [("/system", json!("Be kind.")), ("/tools", json!([])), ("/messages/0/content", json!("ho"))]
        {
            let mut other = request();
            *other.pointer_mut(place).unwrap() = value;
            assert_ne!(affinity(&other), first, "{place}");
        }
        assert_ne!(of(&Bytes::from(request().to_string()), "ben"), first);
        assert_eq!(of(&Bytes::from_static(b"nonsense"), "a"), of(&Bytes::from_static(b"{}"), "a"));
    }
}
