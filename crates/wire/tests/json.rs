//! What peeking and editing promise: the whole body is checked, and no byte changes that was not asked to.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wire::json::edit::Edit;
use wire::json::{Malformed, canonical, peek};

fn refused(body: &[u8]) -> Malformed {
    peek::members(body, ["model"]).unwrap_err()
}

fn edited(body: &str, change: impl FnOnce(Edit<'_>) -> Edit<'_>) -> String {
    let body = Bytes::copy_from_slice(body.as_bytes());
    String::from_utf8(change(Edit::new(&body)).finish().unwrap().to_vec()).unwrap()
}

#[test]
fn members_are_found_as_they_stand() {
    let body =
        br#" { "stream" : true, "n": 12345678901234567890.0, "model":"a\u0062" , "x": {"model": 1} } "#;
    let [model, n, gone] = peek::members(body, ["model", "n", "gone"]).unwrap();
    assert_eq!(model.unwrap().get(), r#""a\u0062""#);
    assert_eq!(n.unwrap().get(), "12345678901234567890.0");
    assert!(gone.is_none());
}

#[test]
fn a_name_written_with_escapes_is_the_same_name() {
    let [model] = peek::members(br#"{"m\u006fdel": 1}"#, ["model"]).unwrap();
    assert_eq!(model.unwrap().get(), "1");
}

#[test]
fn a_wanted_member_given_twice_is_refused_by_name() {
    let malformed = refused(b"{\"model\": 1,\n \"x\": 0, \"x\": 0, \"mod\\u0065l\": 2}");
    assert_eq!(malformed.reason, "`model` is given twice");
    assert_eq!((malformed.offset, malformed.line, malformed.column), (44, 2, 32));
}

#[test]
fn errors_after_the_wanted_members_are_found_too() {
    for body in
        ["{\"model\":1}x", "{\"model\":1,}", "{\"model\":1,\"x\":[1,}", "{\"model\":1", "{\"model\":1} {}"]
    {
        assert!(refused(body.as_bytes()).offset >= 9, "{body}");
    }
}

#[test]
fn an_error_tells_where() {
    let malformed = refused(b"{\"a\": 1,\n \"b\": nul}");
    assert_eq!((malformed.offset, malformed.line, malformed.column), (18, 2, 10));
    assert_eq!(malformed.to_string(), "expected ident (line 2, column 10)");
}

#[test]
fn what_is_no_object_is_refused_without_quoting_it() {
    for body in ["\"secret\"", "[\"secret\"]", "42", "null", "true"] {
        assert_eq!(refused(body.as_bytes()).reason, "the body is not a JSON object");
    }
    assert_eq!(refused(b"").reason, "EOF while parsing a value");
}

#[test]
fn bytes_that_are_not_utf8_are_refused_even_in_a_member_nobody_reads() {
    let malformed = refused(b"{\"x\": \"\xFF\", \"model\": 1}");
    assert_eq!((malformed.offset, malformed.reason.as_str()), (7, "the body is not UTF-8"));
}

#[test]
fn deep_nesting_is_refused_and_brackets_in_strings_are_no_nesting() {
    let nested = |depth: usize| format!("{{\"x\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(peek::members(nested(511).as_bytes(), ["x"]).is_ok());
    assert_eq!(refused(nested(512).as_bytes()).reason, "nested more than 512 levels deep");
    assert!(refused("[".repeat(2_000_000).as_bytes()).reason.starts_with("nested"));
    let text = format!("{{\"x\":\"\\\"{}\"}}", "[{".repeat(2_000));
    assert!(peek::members(text.as_bytes(), ["x"]).is_ok());
}

#[test]
fn no_edit_gives_the_same_buffer() {
    let body = Bytes::from_static(b"{\"a\": 1}");
    for edit in [Edit::new(&body), Edit::new(&body).remove("b")] {
        assert_eq!(edit.finish().unwrap().as_ptr(), body.as_ptr());
    }
}

#[test]
fn only_the_edited_bytes_change() {
    let body = "{ \"z\": 1.50,\n\t\"model\" : \"old\" ,\"n\":12345678901234567890 }\n";
    assert_eq!(
        edited(body, |edit| edit.set("model", "\"new\"")),
        "{ \"z\": 1.50,\n\t\"model\" : \"new\" ,\"n\":12345678901234567890 }\n"
    );
    assert_eq!(
        edited(body, |edit| edit.set("stream", "true")),
        "{ \"z\": 1.50,\n\t\"model\" : \"old\" ,\"n\":12345678901234567890,\"stream\":true }\n"
    );
    assert_eq!(edited(body, |edit| edit.remove("model")), "{ \"z\": 1.50 ,\"n\":12345678901234567890 }\n");
}

#[test]
fn members_are_removed_with_their_commas() {
    let body = r#"{ "a":1, "b":2, "c":3 }"#;
    let without = |keys: &'static [&'static str]| {
        edited(body, |edit| keys.iter().fold(edit, |edit, key| edit.remove(key)))
    };
    assert_eq!(without(&["a"]), r#"{ "b":2, "c":3 }"#);
    assert_eq!(without(&["c"]), r#"{ "a":1, "b":2 }"#);
    assert_eq!(without(&["a", "b"]), r#"{ "c":3 }"#);
    assert_eq!(without(&["b", "c"]), r#"{ "a":1 }"#);
    assert_eq!(without(&["a", "c"]), r#"{ "b":2 }"#);
    assert_eq!(without(&["a", "b", "c"]), "{  }");
}

#[test]
fn a_member_may_be_added_to_an_empty_object() {
    assert_eq!(edited("{ }", |edit| edit.set("a", "1").set("b\"", "[]")), r#"{"a":1,"b\"":[] }"#);
    assert_eq!(edited(r#"{"x":0}"#, |edit| edit.remove("x").set("a", "1")), r#"{"a":1}"#);
}

#[test]
fn the_last_change_of_a_member_counts() {
    assert_eq!(edited(r#"{"a":1,"b":2}"#, |edit| edit.remove("a").set("a", "3")), r#"{"a":3,"b":2}"#);
    assert_eq!(edited(r#"{"a":1,"b":2}"#, |edit| edit.set("a", "3").remove("a")), r#"{"b":2}"#);
}

#[test]
fn what_would_spoil_the_body_is_refused() {
    let body = Bytes::from_static(b"{\"a\": 1, \"a\": 2}");
    assert_eq!(Edit::new(&body).set("a", "3").finish().unwrap_err().reason, "`a` is given twice");
    assert_eq!(
        Edit::new(&body).set("b", "1,").finish().unwrap_err().reason,
        "the new value of `b` is not JSON"
    );
    assert!(Edit::new(&body).set("b", "3").finish().is_ok());
    let cut = Bytes::from_static(b"{\"a\": 1");
    assert!(Edit::new(&cut).set("b", "3").finish().is_err());
}

/// An object's text with white space in every place it may stand in, and what it means.
fn object() -> impl Strategy<Value = (String, Map<String, Value>)> {
    let space = prop::sample::select(&["", " ", "\n\t", "\r\n "][..]);
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!({"a": [1, {"b": "}],\\\""}]})),
    ];
    let member = (leaf, [space.clone(), space.clone(), space.clone(), space.clone()]);
    (prop::collection::btree_map("[a-f\"é]{0,2}", member, 0..6), space).prop_map(|(members, end)| {
        let text = |(key, (value, [a, b, c, d])): (&String, &(Value, [&str; 4]))| {
            format!("{a}{}{b}:{c}{value}{d}", Value::from(key.as_str()))
        };
        let texts: Vec<String> = members.iter().map(text).collect();
        let meaning = members.into_iter().map(|(key, (value, _))| (key, value)).collect();
        (format!("{end}{{{end}{}}}{end}", texts.join(",")), meaning)
    })
}

fn change() -> impl Strategy<Value = (String, Option<Value>)> {
    ("[a-f\"é]{0,2}", prop::option::of(any::<String>().prop_map(Value::from)))
}

proptest! {
    #[test]
    fn an_edit_means_what_the_same_change_of_the_value_means(
        (text, mut meaning) in object(),
        changes in prop::collection::vec(change(), 0..5),
    ) {
        let body = Bytes::from(text);
        let mut edit = Edit::new(&body);
        for (key, value) in &changes {
            match value {
                Some(value) => {
                    meaning.insert(key.clone(), value.clone());
                    edit = edit.set(key, &value.to_string());
                }
                None => {
                    meaning.remove(key);
                    edit = edit.remove(key);
                }
            }
        }
        let result = edit.finish().unwrap();
        prop_assert_eq!(serde_json::from_slice::<Map<String, Value>>(&result).unwrap(), meaning);
    }

    #[test]
    fn replacing_a_value_keeps_the_bytes_around_it((text, _) in object(), new in any::<String>()) {
        let body = Bytes::from(text);
        let new = Value::from(new).to_string();
        let [old] = peek::members(&body, ["a"]).unwrap();
        let result = Edit::new(&body).set("a", &new).finish().unwrap();
        if let Some(old) = old {
            let start = old.get().as_ptr().addr() - body.as_ptr().addr();
            prop_assert_eq!(&result[..start], &body[..start]);
            prop_assert_eq!(&result[start..start + new.len()], new.as_bytes());
            prop_assert_eq!(&result[start + new.len()..], &body[start + old.get().len()..]);
        }
    }

    #[test]
    fn peek_accepts_exactly_what_a_json_parser_accepts(
        (text, _) in object(),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"{}[]\",:\\ 0x\n\x01\xFF".as_slice()),
    ) {
        let mut body = text.into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let parsed = serde_json::from_slice::<Map<String, Value>>(&body);
        prop_assert_eq!(peek::members(&body, ["zz"]).is_ok(), parsed.is_ok());
        if let Err(malformed) = peek::members(&body, ["zz"]) {
            prop_assert!(malformed.offset <= body.len());
        }
    }
}

#[test]
fn the_same_document_has_one_form() {
    let form = |body: &str| String::from_utf8(canonical(body.as_bytes()).unwrap()).unwrap();
    let expected = r#"{"a":[1.0,{"x":null,"y":"} \" ]",},[],true],"b":{},}"#;
    assert_eq!(form(r#"{"b":{},"a":[1.0,{"y":"} \" ]","x":null},[],true]}"#), expected);
    assert_eq!(
        form(" {\n\"a\" : [ 1.0 , {\"x\":null , \"y\":\"} \\\" ]\"},[ ],true ]\t, \"b\":{ } } "),
        expected
    );
    assert_ne!(form(r#"{"a":1,"a":2}"#), form(r#"{"a":2,"a":1}"#));
    assert_ne!(form(r#"{"a":1}"#), form(r#"{"a":1.0}"#));
    assert!(canonical(b"{\"a\":}").is_err() && canonical(b"[]").is_err());
}
