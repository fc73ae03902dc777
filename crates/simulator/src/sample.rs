//! A small value that satisfies a JSON schema, for forced tool calls and structured outputs.

use serde_json::{Map, Value, json};

pub(crate) fn of(schema: &Value) -> Value {
    value(schema, schema, 0)
}

/// Deep enough for any sensible schema; recursive ones end here.
const MAX_DEPTH: usize = 12;

fn value(schema: &Value, root: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|path| root.pointer(path.trim_start_matches('#')))
    {
        return value(target, root, depth + 1);
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    for name in ["enum", "anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[name].as_array().and_then(|options| options.first()) {
            return if name == "enum" { first.clone() } else { value(first, root, depth + 1) };
        }
    }
    match kind(schema) {
        "object" => object(schema, root, depth),
        "array" => array(schema, root, depth),
        "integer" => json!(schema["minimum"].as_i64().unwrap_or(1)),
        "number" => json!(schema["minimum"].as_f64().unwrap_or(1.5)),
        "boolean" => json!(true),
        "null" => Value::Null,
        _ => json!("example"),
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ if schema["properties"].is_object() => "object",
        _ => "string",
    }
}

/// The required members, in the order of `required`; all of them when none is.
fn object(schema: &Value, root: &Value, depth: usize) -> Value {
    let mut members = Map::new();
    let Some(properties) = schema["properties"].as_object() else { return Value::Object(members) };
    let required: Vec<&str> = match schema["required"].as_array() {
        Some(names) if !names.is_empty() => names.iter().filter_map(Value::as_str).collect(),
        _ => properties.keys().map(String::as_str).collect(),
    };
    for name in required {
        let member = properties.get(name).map_or(Value::Null, |schema| value(schema, root, depth + 1));
        members.insert(name.to_owned(), member);
    }
    Value::Object(members)
}

fn array(schema: &Value, root: &Value, depth: usize) -> Value {
    let count = schema["minItems"].as_u64().unwrap_or(1).min(16);
    (0..count).map(|_| value(&schema["items"], root, depth + 1)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_sample_has_what_the_schema_asks_for() {
        let schema = json!({
            "type": "object",
            "required": ["unit", "days", "place"],
            "properties": {
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "minItems": 2, "items": {"type": "integer"}},
                "place": {"$ref": "#/$defs/place"},
                "note": {"type": "string"},
            },
            "$defs": {"place": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}},
        });
        let expected = json!({"unit": "celsius", "days": [1, 1], "place": {"name": "example"}});
        assert_eq!(super::of(&schema), expected);
    }

    #[test]
    fn a_schema_that_holds_itself_comes_to_an_end() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(super::of(&schema)["next"]["next"].is_object());
    }
}
