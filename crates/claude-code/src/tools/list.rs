//! The list of tools: checked, told to the program, and the way back from its names.

use std::collections::HashMap;

use bytes::Bytes;
use messages::json::{self, Members, Path};
use messages::{ApiError, Ignored, RawEvent};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::json::edit::Edit;

use super::names;
use crate::parameters::Kind;

/// The most tools of one request.
const MOST: usize = 128;

/// The caller's tools. Empty when there are none.
#[derive(Default)]
pub(crate) struct Tools {
    /// The caller's names by the short ones.
    names: HashMap<String, String>,
    /// The tools as MCP lists them, in order.
    listed: Vec<String>,
    told_chars: usize,
}

/// Never shows the caller's tools.
impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tools({})", self.listed.len())
    }
}

impl Tools {
    /// Reads the request's `tools`; what of them can't be carried is named in `ignored`.
    pub(crate) fn read(raw: Option<&RawValue>, ignored: &mut Ignored) -> Result<Self, ApiError> {
        let at = Path::Root.key("tools");
        let list: Vec<&RawValue> = raw.map_or(Ok(Vec::new()), |raw| json::read(raw.get(), &at))?;
        if list.len() > MOST {
            return Err(at.invalid(format!("at most {MOST} tools")));
        }
        let mut tools = Self::default();
        for (index, raw) in list.into_iter().enumerate() {
            tools.add(raw, &at.index(index), ignored)?;
        }
        Ok(tools)
    }

    fn add(&mut self, raw: &RawValue, at: &Path<'_>, ignored: &mut Ignored) -> Result<(), ApiError> {
        let mut members: Members<'_> = json::read(raw.get(), at)?;
        if members.take("type").is_some_and(|kind| kind.get() != r#""custom""#) {
            let told = "the claude-code backend has no tools of the API's own; the anthropic backend does";
            return Err(at.key("type").invalid(told));
        }
        let name: String = members.required("name", at)?;
        let schema =
            members.take("input_schema").ok_or_else(|| at.key("input_schema").invalid("field required"))?;
        check_schema(schema, &at.key("input_schema"), ignored)?;
        let description = members.take("description");
        members.take("cache_control").inspect(|_| ignored.note("cache_control"));
        ignored.rest_below(members, &at.to_string());
        let short = names::short(&name).into_owned();
        self.told_chars += short.len() + description.map_or(0, |text| text.get().len()) + schema.get().len();
        self.listed.push(listed(&short, description, schema));
        if self.names.insert(short, name).is_some() {
            return Err(at.key("name").invalid("tool names must be unique"));
        }
        Ok(())
    }

    /// How long the names, descriptions and schemas are that the model is told.
    pub(crate) fn told_chars(&self) -> usize {
        self.told_chars
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// MCP's `tools/list` result.
    pub(crate) fn list(&self) -> String {
        format!(r#"{{"tools":[{}]}}"#, self.listed.join(","))
    }

    /// Whether the program knows all tools: it leaves out those that the API would refuse.
    pub(crate) fn are_among(&self, known: &[String]) -> bool {
        self.names.keys().all(|short| known.iter().any(|name| names::bare(name) == Some(short)))
    }

    /// Whether the caller has a tool of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.get(&*names::short(name)).is_some_and(|known| known == name)
    }

    /// Whether a tool that the program calls so is the caller's.
    pub(crate) fn know(&self, upstream: &str) -> bool {
        names::bare(upstream).is_some_and(|short| self.names.contains_key(short))
    }

    /// An event as the caller is to see it: the start of a call names the tool as the caller does.
    pub(crate) fn outward(&self, event: RawEvent) -> RawEvent {
        if event.name != "content_block_start" {
            return event;
        }
        match self.renamed(&event.data) {
            Some(data) => RawEvent { name: event.name, data },
            None => event,
        }
    }

    fn renamed(&self, data: &Bytes) -> Option<Bytes> {
        let start: Start<'_> = serde_json::from_slice(data).ok()?;
        let block: CallStart = serde_json::from_str(start.content_block.get()).ok()?;
        let short = names::bare(&block.name).filter(|_| block.kind == "tool_use")?;
        let name = self.names.get(short).map_or(short, String::as_str);
        let block = names::renamed(start.content_block.get(), name).ok()?;
        Edit::new(data).set("content_block", &block).finish().ok()
    }
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    content_block: &'a RawValue,
}

#[derive(Deserialize)]
struct CallStart {
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

/// Said to only read, so that the program does not wait for one call before it makes the next: what the tool does is
/// the caller's business, and nobody is asked.
fn listed(short: &str, description: Option<&RawValue>, schema: &RawValue) -> String {
    let description = description.map_or(r#""""#, RawValue::get);
    format!(
        r#"{{"name":"{short}","description":{description},"inputSchema":{},"annotations":{{"readOnlyHint":true}},"_meta":{{"anthropic/maxResultSizeChars":500000}}}}"#,
        schema.get()
    )
}

/// What the API refuses anyway, and the program would silently drop the tool or the whole list for.
fn check_schema(schema: &RawValue, at: &Path<'_>, ignored: &mut Ignored) -> Result<(), ApiError> {
    let mut members: Members<'_> = json::read(schema.get(), at)?;
    let kind = json::read::<Kind<'_>>(schema.get(), at).map(|kind| kind.kind.0);
    if kind.is_ok_and(|kind| kind != "object") || members.take("type").is_none() {
        return Err(at.key("type").invalid("must be \"object\""));
    }
    let properties = at.key("properties");
    let known: Option<Members<'_>> = members.optional("properties", at)?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    for (name, _) in known.map(|known| known.0).unwrap_or_default() {
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            return Err(properties.invalid("names must be 1 to 64 characters of a-z, A-Z, 0-9, _, . and -"));
        }
    }
    let required: Option<Vec<String>> = members.optional("required", at)?;
    drop(required);
    // The program flattens these: a model would see another schema.
    for word in ["anyOf", "oneOf", "allOf"] {
        members.take(word).inspect(|_| ignored.note_at(&at.key(word)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(tools: &Value) -> Result<(Tools, Vec<String>), ApiError> {
        let raw = serde_json::value::to_raw_value(tools).unwrap();
        let mut ignored = Ignored::default();
        Ok((Tools::read(Some(&raw), &mut ignored)?, ignored.names()))
    }

    fn tool(name: &str) -> Value {
        json!({"name": name, "input_schema": {"type": "object"}})
    }

    #[test]
    fn what_can_not_be_carried_is_refused_by_its_path() {
        let search = json!({"type": "web_search_20250305", "name": "web_search"});
        let boolean = json!({"name": "t", "input_schema": {"type": "object", "properties": {"a b": true}}});
        let many: Vec<_> = (0..129).map(|n| tool(&format!("t{n}"))).collect();
        for (tools, path) in [
            (json!([tool("a"), search]), "tools[1].type"),
            (json!([tool("a"), tool("a")]), "tools[1].name"),
            (json!([{"name": "t", "input_schema": {"properties": {}}}]), "tools[0].input_schema.type"),
            (json!([{"name": "t", "input_schema": {"type": "string"}}]), "tools[0].input_schema.type"),
            (json!([boolean]), "tools[0].input_schema.properties"),
            (
                json!([{"name": "t", "input_schema": {"type": "object", "required": "a"}}]),
                "tools[0].input_schema.required",
            ),
            (json!(many), "tools"),
        ] {
            let error = read(&tools).unwrap_err();
            assert_eq!((error.status, error.path.as_deref()), (400, Some(path)));
        }
        assert!(read(&json!(many[..128])).is_ok());
    }

    #[test]
    fn a_schema_keeps_its_bytes_and_what_is_lost_is_named() {
        let raw = r#"[{"name":"t","cache_control":{},"strict":true,"input_schema":{"type":"object", "x":[1.0,12345678901234567890],"anyOf":[]}}]"#;
        let raw = RawValue::from_string(raw.into()).unwrap();
        let mut ignored = Ignored::default();
        let tools = Tools::read(Some(&raw), &mut ignored).unwrap();
        assert!(tools.list().contains(r#"{"type":"object", "x":[1.0,12345678901234567890],"anyOf":[]}"#));
        assert_eq!(ignored.names(), ["tools[0].input_schema.anyOf", "cache_control", "tools[0].strict"]);
    }

    #[test]
    fn a_call_goes_out_under_the_callers_name_and_nothing_else_changes() {
        let long = "n".repeat(80);
        let (tools, _) = read(&json!([tool(&long)])).unwrap();
        let event = |name: &str| {
            let data = format!(
                r#"{{"type":"content_block_start", "index":1,"content_block":{{"type":"tool_use","id":"t","name":"{name}","input":{{}}}}}}"#
            );
            RawEvent::from_json(data.into()).unwrap()
        };
        assert_eq!(tools.outward(event(&names::upstream(&long))).data, event(&long).data);
        assert_eq!(tools.outward(event("mcp__client__gone")).data, event("gone").data);
        assert_eq!(tools.outward(event("other")).data, event("other").data);
    }
}
