//! The free text of a custom tool's call, taken out of `{"input":"…"}` while that still arrives.

use std::borrow::Cow;

use messages::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::compact::compact;

#[derive(Deserialize)]
struct Input<'a> {
    #[serde(borrow)]
    input: Text<'a>,
}

/// The text in a whole input; one of another shape is given as it stands.
pub(crate) fn whole(input: &str) -> Cow<'_, str> {
    serde_json::from_str::<Input<'_>>(input).map_or_else(|_| compact(input), |read| read.input.0)
}

/// Decodes the text as its pieces come.
#[derive(Debug, Default)]
pub(crate) struct InputText {
    raw: String,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    /// The opening is not whole yet.
    #[default]
    Opening,
    /// Inside of the text, read up to here.
    Inside(usize),
    /// The text has ended.
    Done,
    /// Another shape: only the end will tell.
    Other,
}

impl InputText {
    /// The text that this piece brings.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.raw.push_str(piece);
        if self.stage == Stage::Opening {
            self.stage = opening(&self.raw);
        }
        match self.stage {
            Stage::Inside(at) => self.decode(at),
            Stage::Opening | Stage::Done | Stage::Other => String::new(),
        }
    }

    /// What is left to say at the end of the call.
    pub(crate) fn finish(self) -> String {
        match self.stage {
            Stage::Opening | Stage::Other if !self.raw.is_empty() => whole(&self.raw).into_owned(),
            _ => String::new(),
        }
    }

    fn decode(&mut self, from: usize) -> String {
        let mut text = String::new();
        let mut at = from;
        self.stage = loop {
            let rest = self.raw.get(at..).unwrap_or_default();
            let plain = rest.find(['"', '\\']).unwrap_or(rest.len());
            text.push_str(rest.get(..plain).unwrap_or_default());
            at += plain;
            let rest = rest.get(plain..).unwrap_or_default();
            if rest.is_empty() {
                break Stage::Inside(at);
            }
            if rest.starts_with('"') {
                break Stage::Done;
            }
            let Some(length) = escape_length(rest) else { break Stage::Inside(at) };
            text.push_str(&unescaped(rest.get(..length).unwrap_or_default()));
            at += length;
        };
        text
    }
}

/// Where the text of `{"input":"…` begins.
fn opening(raw: &str) -> Stage {
    let mut rest = raw;
    for token in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start_matches([' ', '\n', '\r', '\t']);
        match rest.strip_prefix(token) {
            Some(after) => rest = after,
            None if token.starts_with(rest) => return Stage::Opening,
            None => return Stage::Other,
        }
    }
    Stage::Inside(raw.len() - rest.len())
}

/// The length of the escape that `rest` begins with; `None` while it is not whole. Halves of a pair belong together.
fn escape_length(rest: &str) -> Option<usize> {
    const UNIT: usize = "\\uXXXX".len();
    let is_unicode = |at: usize| rest.as_bytes().get(at + 1) == Some(&b'u');
    rest.as_bytes().get(1)?;
    if !is_unicode(0) {
        return rest.chars().nth(1).map(|letter| 1 + letter.len_utf8());
    }
    let unit = rest.get(2..UNIT)?;
    let is_high = u16::from_str_radix(unit, 16).is_ok_and(|unit| (0xd800..0xdc00).contains(&unit));
    if !is_high {
        return Some(UNIT);
    }
    let next = rest.as_bytes().get(UNIT..UNIT + 2);
    match next {
        Some(b"\\u") => rest.get(UNIT..2 * UNIT).map(|_| 2 * UNIT),
        None if rest.get(UNIT..).is_none_or(|after| after.is_empty() || after == "\\") => None,
        _ => Some(UNIT),
    }
}

fn unescaped(escape: &str) -> String {
    let quoted = format!("\"{escape}\"");
    serde_json::from_str(&quoted).unwrap_or_else(|_| char::REPLACEMENT_CHARACTER.to_string())
}

/// The text of a call whose input came whole in its start.
pub(crate) fn of_start(input: &RawValue) -> String {
    whole(input.get()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gathered(json: &str, cut: usize) -> String {
        let letters: Vec<char> = json.chars().collect();
        let mut input = InputText::default();
        let mut text: String =
            letters.chunks(cut).map(|piece| input.push(&piece.iter().collect::<String>())).collect();
        text.push_str(&input.finish());
        text
    }

    #[test]
    fn text_comes_as_soon_as_it_is_there() {
        let mut input = InputText::default();
        let pieces = [r#"{"in"#, r#"put": "a\"#, r#"n\ud83d"#, r#"\ude00b"#, r#""}"#];
        assert_eq!(pieces.map(|piece| input.push(piece)), ["", "a", "\n", "😀b", ""]);
        assert_eq!(input.finish(), "");
    }

    #[test]
    fn another_shape_is_given_as_it_stands() {
        assert_eq!(gathered(r#"{ "code": 1 }"#, 3), r#"{"code":1}"#);
        assert_eq!(gathered(r#"{"x": 1, "input": "late"}"#, 3), "late");
        assert_eq!(gathered(r#"{"input": 7}"#, 3), r#"{"input":7}"#);
    }

    #[test]
    fn half_a_character_does_not_hold_up_the_rest() {
        assert_eq!(gathered(r#"{"input":"\ud83dx"}"#, 2), "\u{fffd}x");
    }

    proptest! {
        #[test]
        fn any_split_gives_the_text(text in ".{0,40}", cut in 1..7_usize, ascii in any::<bool>()) {
            let mut json = serde_json::json!({ "input": text }).to_string();
            if ascii {
                json = json.chars().map(escaped).collect();
            }
            prop_assert_eq!(gathered(&json, cut), text);
        }
    }

    fn escaped(letter: char) -> String {
        let mut units = [0; 2];
        if letter.is_ascii() {
            return letter.to_string();
        }
        letter.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    }
}
