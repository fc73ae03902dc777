//! JSON schemas as structured outputs take them: every object closed, what is not supported said in the description,
//! so that the model may still follow it. The order of properties stays: the model writes in it.
//! <https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations>

use std::borrow::Cow;

use messages::ApiError;
use messages::json::{self, Members, Path, Text};
use serde_json::value::RawValue;

/// Each level is read anew, so a schema's size is bounded. OpenAI allows 120,000 characters.
const LARGEST_BYTES: usize = 256 * 1024;

const STRING_FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema at `at` in a shape that the API accepts.
pub(crate) fn acceptable(raw: &RawValue, at: &Path<'_>) -> Result<Box<RawValue>, ApiError> {
    if raw.get().len() > LARGEST_BYTES {
        return Err(at.invalid(format!("must not be larger than {LARGEST_BYTES} bytes")));
    }
    let json = transform(json::read(raw.get(), at)?, at)?;
    RawValue::from_string(json).map_err(|_| at.invalid("must be a JSON schema"))
}

/// A schema as it is written: members in order, and what is left for the description.
#[derive(Default)]
struct Schema {
    members: Vec<(&'static str, String)>,
    description: String,
    title: Option<String>,
}

fn transform(mut given: Members<'_>, at: &Path<'_>) -> Result<String, ApiError> {
    let mut schema = Schema::default();
    for definitions in ["$defs", "definitions"] {
        if let Some(list) = given.take(definitions) {
            schema.members.push((definitions, each_member(list, &at.key(definitions))?));
        }
    }
    if let Some(reference) = given.take("$ref") {
        schema.members.push(("$ref", reference.get().to_owned()));
        return Ok(schema.write());
    }
    schema.description = given.optional::<Text<'_>>("description", at)?.unwrap_or_default().0.into_owned();
    schema.title = given.take("title").map(|title| title.get().to_owned());
    schema.shape(&mut given, at)?;
    schema.tell(&given);
    Ok(schema.write())
}

impl Schema {
    /// What kind of value it is: one of given values, one of several schemas, or of a type.
    fn shape(&mut self, given: &mut Members<'_>, at: &Path<'_>) -> Result<(), ApiError> {
        for (from, to) in [("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")] {
            if let Some(variants) = given.take(from) {
                self.members.push((to, each_item(variants, &at.key(from))?));
                return Ok(());
            }
        }
        let literal = ["enum", "const"].into_iter().find_map(|key| Some((key, given.take(key)?)));
        if let Some((key, values)) = literal {
            given.take("type");
            self.members.push((key, values.get().to_owned()));
            return Ok(());
        }
        let at_type = at.key("type");
        let Some(kind) = given.take("type") else {
            if given.0.iter().any(|(name, _)| name == "properties") {
                return self.object(given, at);
            }
            return Err(at_type.invalid("field required (or enum, const, $ref, anyOf, allOf)"));
        };
        if kind.get().starts_with('[') {
            let kinds: Vec<Text<'_>> = json::read(kind.get(), &at_type)?;
            return self.any_type(&kinds, given, at);
        }
        let Text(kind) = json::read(kind.get(), &at_type)?;
        self.one_type(&kind, given, at)
    }

    /// `["string","null"]` becomes `anyOf`: the rest of the schema belongs to the types it fits.
    fn any_type(
        &mut self,
        kinds: &[Text<'_>],
        given: &mut Members<'_>,
        at: &Path<'_>,
    ) -> Result<(), ApiError> {
        let mut variants = Vec::with_capacity(kinds.len());
        for Text(kind) in kinds {
            let mut variant = Self::default();
            variant.one_type(kind, given, at)?;
            variants.push(variant.write());
        }
        if variants.is_empty() {
            return Err(at.key("type").invalid("must not be empty"));
        }
        self.members.push(("anyOf", format!("[{}]", variants.join(","))));
        Ok(())
    }

    fn one_type(&mut self, kind: &str, given: &mut Members<'_>, at: &Path<'_>) -> Result<(), ApiError> {
        match kind {
            "object" => self.object(given, at),
            "array" => self.array(given, at),
            "string" => {
                let format = given.take("format");
                let supported = format.filter(|raw| STRING_FORMATS.contains(&raw.get().trim_matches('"')));
                self.members.push(("type", quoted("string")));
                self.members.extend(supported.map(|raw| ("format", raw.get().to_owned())));
                given
                    .0
                    .extend(format.filter(|_| supported.is_none()).map(|raw| (Cow::Borrowed("format"), raw)));
                Ok(())
            }
            "integer" | "number" | "boolean" | "null" => {
                self.members.push(("type", quoted(kind)));
                Ok(())
            }
            _ => Err(at.key("type").invalid("must be a type of JSON Schema")),
        }
    }

    fn object(&mut self, given: &mut Members<'_>, at: &Path<'_>) -> Result<(), ApiError> {
        self.members.push(("type", quoted("object")));
        let properties = given.take("properties");
        let properties = properties.map(|list| each_member(list, &at.key("properties"))).transpose()?;
        self.members.push(("properties", properties.unwrap_or_else(|| "{}".to_owned())));
        given.take("additionalProperties");
        self.members.push(("additionalProperties", "false".to_owned()));
        self.members.extend(given.take("required").map(|list| ("required", list.get().to_owned())));
        Ok(())
    }

    fn array(&mut self, given: &mut Members<'_>, at: &Path<'_>) -> Result<(), ApiError> {
        self.members.push(("type", quoted("array")));
        if let Some(items) = given.take("items") {
            let at = at.key("items");
            self.members.push(("items", transform(json::read(items.get(), &at)?, &at)?));
        }
        let least = given.take("minItems");
        match least {
            Some(least) if matches!(least.get(), "0" | "1") => {
                self.members.push(("minItems", least.get().to_owned()));
            }
            Some(least) => given.0.push((Cow::Borrowed("minItems"), least)),
            None => {}
        }
        Ok(())
    }

    /// What the API does not know goes into the description.
    fn tell(&mut self, rest: &Members<'_>) {
        let rest: Vec<_> = rest.0.iter().map(|(name, value)| format!("{name}: {}", value.get())).collect();
        if !rest.is_empty() {
            let gap = if self.description.is_empty() { "" } else { "\n\n" };
            self.description = format!("{}{gap}{{{}}}", self.description, rest.join(", "));
        }
    }

    fn write(self) -> String {
        let mut members: Vec<String> =
            self.members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        members.extend(self.title.map(|title| format!("\"title\":{title}")));
        if !self.description.is_empty() {
            members.push(format!("\"description\":{}", quoted(&self.description)));
        }
        format!("{{{}}}", members.join(","))
    }
}

fn each_member(list: &RawValue, at: &Path<'_>) -> Result<String, ApiError> {
    let list: Members<'_> = json::read(list.get(), at)?;
    let mut written = Vec::with_capacity(list.0.len());
    for (name, value) in list.0 {
        let at = at.key(&name);
        written.push(format!("{}:{}", quoted(&name), transform(json::read(value.get(), &at)?, &at)?));
    }
    Ok(format!("{{{}}}", written.join(",")))
}

fn each_item(list: &RawValue, at: &Path<'_>) -> Result<String, ApiError> {
    let list: Vec<&RawValue> = json::read(list.get(), at)?;
    let mut written = Vec::with_capacity(list.len());
    for (index, item) in list.into_iter().enumerate() {
        let at = at.index(index);
        written.push(transform(json::read(item.get(), &at)?, &at)?);
    }
    Ok(format!("[{}]", written.join(",")))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(schema: &str) -> String {
        let raw: &RawValue = serde_json::from_str(schema).unwrap();
        acceptable(raw, &Path::Root.key("schema"))
            .map_or_else(|error| error.message, |raw| raw.get().to_owned())
    }

    #[test]
    fn objects_are_closed_at_every_level_and_keep_their_order() {
        let given = r##"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"array","items":{"$ref":"#/$defs/P"},"minItems":1}},
            "required":["z","a"],"additionalProperties":true,"$defs":{"P":{"type":"object","title":"P","properties":{}}}}"##;
        let expected = r##"{"$defs":{"P":{"type":"object","properties":{},"additionalProperties":false,"title":"P"}},"type":"object","properties":{"z":{"type":"string"},"a":{"type":"array","items":{"$ref":"#/$defs/P"},"minItems":1}},"additionalProperties":false,"required":["z","a"]}"##;
        assert_eq!(written(given), expected);
    }

    #[test]
    fn what_is_not_supported_is_told_in_the_description() {
        assert_eq!(
            written(r#"{"type":"integer","minimum":1,"maximum":10,"description":"A \"number\""}"#),
            r#"{"type":"integer","description":"A \"number\"\n\n{minimum: 1, maximum: 10}"}"#
        );
        assert_eq!(
            written(r#"{"type":"string","format":"phone","pattern":"^x$"}"#),
            r#"{"type":"string","description":"{pattern: \"^x$\", format: \"phone\"}"}"#
        );
        assert_eq!(written(r#"{"type":"string","format":"date"}"#), r#"{"type":"string","format":"date"}"#);
    }

    #[test]
    fn several_types_and_variants_become_any_of() {
        let either = r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#;
        assert_eq!(written(r#"{"type":["string","null"]}"#), either);
        assert_eq!(written(r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#), either);
        assert_eq!(written(r#"{"type":"string","enum":["a","b"]}"#), r#"{"enum":["a","b"]}"#);
    }

    #[test]
    fn a_schema_that_says_nothing_is_refused_with_its_place() {
        assert_eq!(
            written(r#"{"type":"object","properties":{"a":{"type":"array","items":{}}}}"#),
            "schema.properties.a.items.type: field required (or enum, const, $ref, anyOf, allOf)"
        );
        let untyped = r#"{"properties":{}}"#;
        assert_eq!(written(untyped), r#"{"type":"object","properties":{},"additionalProperties":false}"#);
        assert_eq!(written(r#"{"type":"date"}"#), "schema.type: must be a type of JSON Schema");
        assert_eq!(written(r#"{"anyOf":[{"type":"null"},7]}"#), "schema.anyOf[1]: must be an object");
    }
}
