//! JSON without white space between its tokens.

use std::borrow::Cow;

/// The same JSON, compact. Strings and numbers stay as they are.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let mut out = Vec::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        if in_string || !is_space(byte) {
            out.push(byte);
        }
        match byte {
            b'"' if !escaped => in_string = !in_string,
            b'\\' if in_string && !escaped => {
                escaped = true;
                continue;
            }
            _ => {}
        }
        escaped = false;
    }
    if out.len() == json.len() {
        return Cow::Borrowed(json);
    }
    String::from_utf8(out).map_or(Cow::Borrowed(json), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_space_between_tokens_goes() {
        let json = "{ \"a b\" : [ 1.50,\t\"q\\\" \\\\\" ,\n null ] , \"é\":12345678901234567890 }";
        assert_eq!(compact(json), "{\"a b\":[1.50,\"q\\\" \\\\\",null],\"é\":12345678901234567890}");
        assert!(matches!(compact("{\"a\":\" \"}"), Cow::Borrowed(_)));
    }
}
