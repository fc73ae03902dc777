//! What a Messages request must be, each problem named by its path.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use messages::request::Request;
use serde_json::{Value, json};

fn base() -> Value {
    json!({"model": "claude-sonnet-5-5", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]})
}

fn with(key: &str, value: Value) -> Value {
    let mut body = base();
    if let Some(members) = body.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    body
}

fn told(body: &Value) -> String {
    let error = Request::parse(body.to_string().as_bytes()).expect_err("a 400");
    assert_eq!(error.status, 400);
    error.message
}

fn user(content: Value) -> Value {
    let turn = [("role".to_owned(), "user".into()), ("content".to_owned(), content)];
    with("messages", Value::Array(vec![Value::Object(turn.into_iter().collect())]))
}

#[test]
fn a_full_request_is_read_and_what_is_not_known_is_kept() {
    let body = r#"{"model":"claude-sonnet-5-5","max_tokens":100,"stream":true,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
            {"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"document","source":{"type":"file","file_id":"file_1"}},{"type":"new_block","n":12345678901234567890}]},
          {"role":"system","content":"note"},
          {"role":"system","output_config":{"effort":"low"}},
          {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"sig"},{"type":"tool_use","id":"t1","name":"n","input":{}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"r"}]}]}],
        "tools":[{"name":"n","input_schema":{"type":"object"}},{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"tool","name":"n"},
        "temperature":0.70,"top_k":null,"stop_sequences":["x"],"metadata":{"user_id":"u"},"thinking":{"type":"adaptive"},"speed":"fast","speed":1,"thread":{}}"#;
    let request = Request::parse(body.as_bytes()).unwrap();
    assert_eq!((&*request.model, request.max_tokens, request.stream), ("claude-sonnet-5-5", 100, true));
    assert_eq!(request.temperature.unwrap().get(), "0.70");
    assert!(request.top_k.is_none() && request.top_p.is_none());
    let others: Vec<_> = request.others.iter().map(|(name, _)| &**name).collect();
    assert_eq!(others, ["speed", "speed", "thread"]);
    let blocks = request.messages[0].blocks.as_ref().unwrap();
    assert_eq!(blocks[4].raw.get(), r#"{"type":"new_block","n":12345678901234567890}"#);
    assert_eq!(request.messages[3].blocks.as_ref().unwrap()[1].tool_use_id.as_deref(), Some("t1"));
    assert!(request.messages[1].blocks.is_none());
}

#[test]
fn top_level_problems_name_their_member() {
    let rows = [
        (json!([]), "must be an object"),
        (with("model", json!(null)), "model: field required"),
        (with("model", json!(7)), "model: must be a string"),
        (with("model", json!(" ")), "model: must not be empty"),
        (with("max_tokens", json!(null)), "max_tokens: field required"),
        (with("max_tokens", json!(0)), "max_tokens: must be at least 1"),
        (with("max_tokens", json!(-1)), "max_tokens: must be a non-negative integer"),
        (with("max_tokens", json!(1.5)), "max_tokens: must be a non-negative integer"),
        (with("stream", json!("yes")), "stream: must be a boolean"),
        (with("temperature", json!(1.1)), "temperature: must be between 0 and 1"),
        (with("top_p", json!("0.5")), "top_p: must be a number"),
        (with("top_k", json!(-1)), "top_k: must be a non-negative integer"),
        (
            with("stop_sequences", json!(["a", " "])),
            "stop_sequences[1]: each stop sequence must contain non-whitespace",
        ),
        (with("metadata", json!("x")), "metadata: must be an object"),
        (
            with("tools", json!([{"name": "a b", "input_schema": {}}])),
            "tools[0].name: must be 1 to 128 characters of a-z, A-Z, 0-9, _ and -",
        ),
        (with("tools", json!([{"name": "a"}])), "tools[0].input_schema: field required"),
        (with("tool_choice", json!({"type": "tool"})), "tool_choice.name: field required"),
        (with("thinking", json!({"type": "enabled"})), "thinking.budget_tokens: field required"),
        (
            with("thinking", json!({"type": "enabled", "budget_tokens": 2000})),
            "thinking.budget_tokens: must be less than max_tokens",
        ),
        (with("system", json!(1)), "system: must be a string or an array of text blocks"),
        (
            with("system", json!([{"type": "image", "source": {}}])),
            "system[0].type: no such block in a system message",
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(told(&body), expected);
    }
}

#[test]
fn problems_in_the_conversation_name_turn_and_block() {
    let image =
        |source: Value| user(json!([{"type": "text", "text": "x"}, {"type": "image", "source": source}]));
    let media = "messages[0].content[1].source.media_type: must be one of image/jpeg, image/png, image/gif, image/webp";
    let rows = [
        (with("messages", json!(null)), "messages: field required"),
        (with("messages", json!([])), "messages: at least one message is required"),
        (with("messages", json!(["x"])), "messages[0]: must be an object"),
        (with("messages", json!([{"content": "x"}])), "messages[0].role: field required"),
        (with("messages", json!([{"role": "user"}])), "messages[0].content: field required"),
        (
            with("messages", json!([{"role": "tool", "content": "x"}])),
            "messages[0].role: must be user, assistant or system",
        ),
        (
            with("messages", json!([{"role": "assistant", "content": "x"}])),
            "messages[0].role: the first message must be the user's",
        ),
        (
            with("messages", json!([{"role": "user", "content": "x"}, {"role": "system", "content": []}])),
            "messages[1].content: must not be empty",
        ),
        (user(json!("")), "messages[0].content: must not be empty"),
        (user(json!([])), "messages[0].content: must not be empty"),
        (user(json!(3)), "messages[0].content: must be a string or an array of content blocks"),
        (user(json!(["x"])), "messages[0].content[0]: must be an object"),
        (user(json!([{"text": "x"}])), "messages[0].content[0].type: field required"),
        (user(json!([{"type": "text", "text": ""}])), "messages[0].content[0].text: must not be empty"),
        (
            user(json!([{"type": "text", "text": {"a": "secret"}}])),
            "messages[0].content[0].text: must be a string",
        ),
        (
            user(json!([{"type": "thinking", "thinking": "x", "signature": "s"}])),
            "messages[0].content[0].type: no such block in a user message",
        ),
        (image(json!({"type": "base64", "media_type": "image/bmp", "data": "AAAA"})), media),
        (
            image(json!({"type": "base64", "media_type": "image/png"})),
            "messages[0].content[1].source.data: field required",
        ),
        (image(json!({"type": "url"})), "messages[0].content[1].source.url: field required"),
        (
            image(json!({"type": "file", "file_id": 1})),
            "messages[0].content[1].source.file_id: must be a string",
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(told(&body), expected);
    }
}

#[test]
fn every_tool_use_has_its_result_and_every_result_its_tool_use() {
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "n", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
    let turns = |list: Value| with("messages", list);
    let go = json!({"role": "user", "content": "go"});
    let assistant = |blocks: Value| json!({"role": "assistant", "content": blocks});
    let answer = |blocks: Value| json!({"role": "user", "content": blocks});
    let note = json!({"role": "system", "content": "note"});

    let legal = [
        json!([go, assistant(json!([call("a"), call("b")])), answer(json!([result("b"), result("a")]))]),
        json!([
            go,
            assistant(json!([call("a")])),
            answer(json!([result("a")])),
            assistant(json!([call("b")])),
            answer(json!([result("b")]))
        ]),
        // Neighbours of one role are one turn for the API.
        json!([
            go,
            assistant(json!([call("a")])),
            assistant(json!([call("b")])),
            answer(json!([result("a")])),
            answer(json!([result("b")]))
        ]),
        json!([go, assistant(json!([call("a")])), note, answer(json!([result("a")]))]),
        json!([
            go,
            assistant(json!([{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}])),
            go
        ]),
    ];
    for list in legal {
        let body = turns(list).to_string();
        assert!(Request::parse(body.as_bytes()).is_ok(), "{body}");
    }

    let unanswered = "no tool_result in the user turn after it, for these ids: a";
    let unknown = "no tool_use with this id waits for a result in the assistant turn before";
    let rows = [
        (json!([go, assistant(json!([call("a")])), go]), format!("messages[1].content[0].id: {unanswered}")),
        (json!([go, assistant(json!([call("a")]))]), format!("messages[1].content[0].id: {unanswered}")),
        (
            json!([
                go,
                assistant(json!([call("a")])),
                go,
                assistant(json!("x")),
                answer(json!([result("a")]))
            ]),
            format!("messages[1].content[0].id: {unanswered}"),
        ),
        (json!([answer(json!([result("a")]))]), format!("messages[0].content[0].tool_use_id: {unknown}")),
        (
            json!([go, assistant(json!([call("a")])), answer(json!([result("a"), result("a")]))]),
            format!("messages[2].content[1].tool_use_id: {unknown}"),
        ),
        (
            json!([go, assistant(json!([call("a"), call("a")])), answer(json!([result("a")]))]),
            "messages[1].content[1].id: tool_use ids must be unique".to_owned(),
        ),
        (
            json!([go, assistant(json!([{"type": "tool_use", "id": "a", "name": "n", "input": "{}"}]))]),
            "messages[1].content[0].input: must be an object".to_owned(),
        ),
        (
            json!([
                go,
                assistant(json!([call("a")])),
                answer(json!([{"type": "tool_result", "tool_use_id": "a", "content": [call("b")]}]))
            ]),
            "messages[2].content[0].content[0].type: no such block in a tool_result message".to_owned(),
        ),
    ];
    for (list, expected) in rows {
        assert_eq!(told(&turns(list)), expected);
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    let twice = |body: &str| Request::parse(body.as_bytes()).unwrap_err().message;
    let messages = r#""messages":[{"role":"user","content":"x"}]"#;
    assert_eq!(
        twice(&format!(r#"{{"model":"a","max_tokens":1,"model":"b",{messages}}}"#)),
        "model: given twice"
    );
    let body =
        r#"{"model":"a","max_tokens":1,"messages":[{"role":"user","role":"assistant","content":"x"}]}"#;
    assert_eq!(twice(body), "messages[0].role: given twice");
}

#[test]
fn what_is_no_json_or_nests_without_end_is_a_400_and_no_crash() {
    let deep = format!(r#"{{"model":"a","max_tokens":1,"messages":{}"#, "[".repeat(2_000_000));
    let tool = format!(
        r#"{{"type":"tool_use","id":"a","name":"n","input":{}1{}}}"#,
        r#"{"a":"#.repeat(400),
        "}".repeat(400)
    );
    let nested =
        format!(r#"{{"model":"a","max_tokens":1,"messages":[{{"role":"assistant","content":[{tool}]}}]}}"#);
    for body in [deep.as_bytes(), nested.as_bytes(), b"", b"{", b"nope", b"\xff{}", b"{} {}"] {
        assert_eq!(Request::parse(body).unwrap_err().status, 400);
    }
}
