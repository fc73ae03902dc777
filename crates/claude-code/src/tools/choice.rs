//! `tool_choice`: which tool the model may or must call, for this request only.

use messages::json::{self, Path, Text};
use messages::{ApiError, Ignored};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::list::Tools;
use super::names;

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// The request's `tool_choice` for the program's own request, or nothing without tools.
pub(crate) fn choice(
    raw: Option<&RawValue>,
    tools: &Tools,
    ignored: &mut Ignored,
) -> Result<Option<Box<RawValue>>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let at = Path::Root.key("tool_choice");
    let choice: Choice<'_> = json::read(raw.get(), &at)?;
    if tools.is_empty() {
        if !matches!(&*choice.kind.0, "auto" | "none") {
            return Err(at.invalid("there are no tools to choose from"));
        }
        ignored.note("tool_choice");
        return Ok(None);
    }
    let Some(name) = choice.name.filter(|_| choice.kind.0 == "tool") else { return Ok(Some(raw.to_owned())) };
    if !tools.has(&name.0) {
        return Err(at.key("name").invalid("no such tool"));
    }
    let failed = |error: &dyn std::fmt::Display| at.invalid(error.to_string());
    let told = names::renamed(raw.get(), &names::upstream(&name.0)).map_err(|error| failed(&error))?;
    RawValue::from_string(told).map(Some).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn chosen(choice: &Value, tools: &Value) -> Result<Option<Value>, ApiError> {
        let raw = |value: &Value| serde_json::value::to_raw_value(value).unwrap();
        let tools = Tools::read(Some(&raw(tools)), &mut Ignored::default())?;
        let chosen = super::choice(Some(&raw(choice)), &tools, &mut Ignored::default())?;
        Ok(chosen.map(|chosen| serde_json::from_str(chosen.get()).unwrap()))
    }

    #[test]
    fn a_named_tool_is_named_as_the_program_does_and_the_rest_stays() {
        let tools = json!([{"name": "t", "input_schema": {"type": "object"}}]);
        let any = json!({"type": "any", "disable_parallel_tool_use": true});
        assert_eq!(chosen(&any, &tools).unwrap(), Some(any));
        let named = json!({"type": "tool", "name": "t", "disable_parallel_tool_use": true});
        let told = json!({"type": "tool", "name": "mcp__client__t", "disable_parallel_tool_use": true});
        assert_eq!(chosen(&named, &tools).unwrap(), Some(told));
        let other = chosen(&json!({"type": "tool", "name": "u"}), &tools).unwrap_err();
        assert_eq!(other.path.as_deref(), Some("tool_choice.name"));
    }

    #[test]
    fn without_tools_there_is_nothing_to_choose() {
        assert_eq!(chosen(&json!({"type": "auto"}), &json!([])).unwrap(), None);
        assert_eq!(
            chosen(&json!({"type": "any"}), &json!([])).unwrap_err().path.as_deref(),
            Some("tool_choice")
        );
    }
}
