//! The input of a response as items with ids: what the server keeps beside the response and lists.

use std::borrow::Cow;

use bytes::Bytes;
use messages::ApiError;
use messages::json::{self, Members, Text};
use serde::Serialize;
use serde_json::value::RawValue;

use super::kept::Kept;
use super::{Earlier, stored};
use crate::openai::ROOT;

/// The items of a request's `input`, each a JSON object: every one with an id, its type said, content as parts, and in
/// place of a reference what it names. To be kept together as a JSON array for [`Earlier::conversation`].
pub fn input_items(body: &[u8], earlier: &Earlier<'_>, response_id: &str) -> Result<Vec<Bytes>, ApiError> {
    let mut fields: Members<'_> = json::read(json::text(body)?, &ROOT)?;
    let at = ROOT.key("input");
    let input = fields.take("input").ok_or_else(|| at.invalid("field required"))?;
    let own = response_id.strip_prefix("resp_").unwrap_or(response_id);
    if input.get().starts_with('"') {
        let content = parts(input, "user");
        let id = format!("msg_{own}i000");
        return Ok(vec![Bytes::from(format!(
            r#"{{"id":"{id}","type":"message","role":"user","status":"completed","content":{content}}}"#
        ))]);
    }
    let list: Vec<&RawValue> = json::read(input.get(), &at)?;
    let kept = Kept::read(earlier.referenced);
    let mut items = Vec::with_capacity(list.len());
    for (index, raw) in list.into_iter().enumerate() {
        let members: Members<'_> = json::read(raw.get(), &at.index(index))?;
        items.push(item(members, &kept, &format!("{own}i{index:03x}")));
    }
    Ok(items)
}

/// What `GET /v1/responses/{id}/input_items` answers with these items.
#[must_use]
pub fn item_list(items: &[Bytes], has_more: bool) -> Bytes {
    #[derive(Serialize)]
    struct List<'a> {
        object: &'static str,
        data: Vec<&'a RawValue>,
        first_id: Option<String>,
        last_id: Option<String>,
        has_more: bool,
    }
    let data: Vec<&RawValue> = items.iter().filter_map(|item| serde_json::from_slice(item).ok()).collect();
    let id = |raw: Option<&&RawValue>| {
        let members: Members<'_> = serde_json::from_str(raw?.get()).ok()?;
        text(&members, "id").map(Cow::into_owned)
    };
    let (first_id, last_id) = (id(data.first()), id(data.last()));
    stored::json(&List { object: "list", data, first_id, last_id, has_more })
}

fn item(mut members: Members<'_>, kept: &Kept<'_>, own: &str) -> Bytes {
    let role = text(&members, "role").map(Cow::into_owned);
    let kind = text(&members, "type").map(Cow::into_owned);
    let kind = kind.unwrap_or_else(|| if role.is_some() { "message" } else { "item_reference" }.to_owned());
    let found = text(&members, "id").and_then(|id| kept.json(&id));
    let bare = kind == "reasoning" && text(&members, "encrypted_content").is_none();
    if let Some(found) = found.filter(|_| bare || kind == "item_reference") {
        return found.clone();
    }
    let id = text(&members, "id").filter(|id| !id.is_empty()).map(Cow::into_owned);
    let id = id.unwrap_or_else(|| format!("{}_{own}", prefix(&kind)));
    members.take("id");
    members.take("type");
    let mut written =
        vec![format!(r#""id":{}"#, stored::raw(&*id)), format!(r#""type":{}"#, stored::raw(&*kind))];
    let has_status = matches!(
        &*kind,
        "message" | "function_call" | "function_call_output" | "custom_tool_call" | "custom_tool_call_output"
    );
    if has_status && text(&members, "status").is_none() {
        members.take("status");
        written.push(r#""status":"completed""#.to_owned());
    }
    for (name, value) in members.0 {
        let as_parts = kind == "message" && name == "content" && value.get().starts_with('"');
        let role = role.as_deref().unwrap_or_default();
        let value = if as_parts { Cow::Owned(parts(value, role)) } else { Cow::Borrowed(value.get()) };
        written.push(format!("{}:{value}", stored::raw(&*name)));
    }
    format!("{{{}}}", written.join(",")).into()
}

fn text<'m>(members: &'m Members<'_>, key: &str) -> Option<Cow<'m, str>> {
    let (_, value) = members.0.iter().find(|(name, _)| name == key)?;
    let Text(text) = serde_json::from_str(value.get()).ok()?;
    Some(text)
}

/// A string of content as the part that it stands for.
fn parts(content: &RawValue, role: &str) -> String {
    match role {
        "assistant" => {
            format!(r#"[{{"type":"output_text","text":{content},"annotations":[],"logprobs":[]}}]"#)
        }
        _ => format!(r#"[{{"type":"input_text","text":{content}}}]"#),
    }
}

fn prefix(kind: &str) -> &'static str {
    match kind {
        "reasoning" => "rs",
        "function_call" | "function_call_output" => "fc",
        "custom_tool_call" | "custom_tool_call_output" => "ctc",
        "local_shell_call" | "local_shell_call_output" => "lsh",
        "web_search_call" => "ws",
        "mcp_call" | "mcp_list_tools" => "mcp",
        _ => "msg",
    }
}
