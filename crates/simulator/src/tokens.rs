//! The simulator's rule for tokens: a quarter of the characters, rounded up.
//!
//! Input: every string in `system`, `messages` and `tools`, names and ids included; an image or document counts
//! 1,500 tokens. Output: text, thinking and tool input.

use serde_json::Value;

const TOKENS_OF_A_FILE: u64 = 1_500;

/// Tokens of an output of this many characters.
pub(crate) fn of_chars(chars: usize) -> u64 {
    (chars as u64).div_ceil(4)
}

/// Input tokens of a request; at least 1.
pub(crate) fn of_request(body: &Value) -> u64 {
    let mut count = Count::default();
    for name in ["system", "messages", "tools"] {
        body.get(name).inspect(|value| count.add(value));
    }
    (count.chars.div_ceil(4) + count.files * TOKENS_OF_A_FILE).max(1)
}

#[derive(Default)]
struct Count {
    chars: u64,
    files: u64,
}

impl Count {
    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.chars += text.chars().count() as u64,
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(members) if is_file(value) => {
                self.files += 1;
                members.iter().filter(|(name, _)| *name != "source").for_each(|(_, member)| self.add(member));
            }
            Value::Object(members) => members.values().for_each(|member| self.add(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn is_file(block: &Value) -> bool {
    let text_source = block["source"]["type"] == "text" || block["source"]["type"] == "content";
    (block["type"] == "image" || block["type"] == "document") && !text_source
}

#[cfg(test)]
mod tests {
    use super::of_request;
    use serde_json::json;

    #[test]
    fn four_characters_are_a_token_and_an_image_counts_whatever_its_bytes() {
        let text = json!({"messages": [{"role": "user", "content": "12345678"}]});
        assert_eq!(of_request(&text), 3);
        let source = |data: &str| json!({"type": "image", "source": {"type": "base64", "data": data}});
        let image = |data| json!({"messages": [{"content": [source(data)]}]});
        assert_eq!(of_request(&image("AA==")), of_request(&image("AAAAAAAAAAAAAAAA")));
    }
}
