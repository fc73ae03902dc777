//! Which bodies the simulator refuses, and that it takes what real clients send.

use crate::client::{USUAL, on, request, says, send, user, with};
use serde_json::{Value, json};
use simulator::{Simulator, redact, sign};

const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn talk(messages: Value) -> Value {
    with(says(""), "messages", messages)
}

fn assistant(content: impl Into<Value>) -> Value {
    json!({"role": "assistant", "content": content.into()})
}

fn call(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "look", "input": {}})
}

fn result(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": "seen"})
}

fn image(media_type: &str, data: &str) -> Value {
    let source = json!({"type": "base64", "media_type": media_type, "data": data});
    talk(json!([user(json!([{"type": "image", "source": source}]))]))
}

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object"}})
}

/// Each is refused with a 400 whose message starts like this.
async fn refused(cases: &[(Value, &str)]) {
    let simulator = Simulator::start().await.unwrap();
    for (body, start) in cases {
        let answer = send(&simulator, body).await;
        let status = answer.status;
        let error = answer.json().await;
        let message = error["error"]["message"].as_str().unwrap_or_default();
        assert_eq!(
            (status, &error["error"]["type"]),
            (400, &json!("invalid_request_error")),
            "{body} → {error}"
        );
        assert!(message.starts_with(start), "{body}\n  says {message}\n  not  {start}");
    }
}

async fn taken(cases: &[Value]) {
    let simulator = Simulator::start().await.unwrap();
    for body in cases {
        let answer = send(&simulator, body).await;
        let status = answer.status;
        assert_eq!(status, 200, "{body} → {}", answer.text().await);
    }
}

fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

#[tokio::test]
async fn top_level_fields_are_checked() {
    refused(&[
        (with(says("hi"), "foo", 1), "foo: Extra inputs are not permitted"),
        (without(says("hi"), "max_tokens"), "max_tokens: Field required"),
        (without(says("hi"), "model"), "model: Field required"),
        (without(says("hi"), "messages"), "messages: Field required"),
        (with(says("hi"), "max_tokens", -1), "max_tokens: Input should be greater than or equal to 0"),
        (with(says("hi"), "max_tokens", "10"), "max_tokens: Input should be a valid integer"),
        (with(says("hi"), "max_tokens", 1_000_000), "max_tokens: 1000000 > 128000, which is the maximum"),
        (with(says("hi"), "model", 5), "model: Input should be a valid string"),
        (with(says("hi"), "stream", "yes"), "stream: Input should be a valid boolean"),
        (with(says("hi"), "stop_sequences", json!([" "])), "stop_sequences: each stop sequence must contain"),
        (with(says("hi"), "metadata", json!({"team": 1})), "metadata.team: Extra inputs are not permitted"),
        (
            with(says("hi"), "context_management", json!({})),
            "context_management: Extra inputs are not permitted",
        ),
        (with(says("hi"), "system", 3), "system: Input should be a valid string or list"),
        (
            on("claude-sonnet-4-5", with(says("hi"), "temperature", 2)),
            "temperature: Input should be less than",
        ),
        (json!([]), "Input should be a valid dictionary"),
    ])
    .await;
}

#[tokio::test]
async fn messages_are_checked() {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    refused(&[
        (talk(json!([])), "messages: at least one message is required"),
        (talk(json!("hi")), "messages: Input should be a valid list"),
        (
            talk(json!([{"role": "tool", "content": "x"}])),
            "messages.0.role: Input should be 'user', 'assistant'",
        ),
        (talk(json!([{"role": "user"}])), "messages.0.content: Field required"),
        (talk(json!([{"role": "user", "content": "x", "name": "bob"}])), "messages.0.name: Extra inputs"),
        (talk(json!([user("")])), "messages.0: user messages must have non-empty content"),
        (
            talk(json!([user("a"), assistant(""), user("b")])),
            "messages.1: all messages must have non-empty content",
        ),
        (talk(json!([user(text(""))])), "messages.0.content.0.text: text content blocks must be non-empty"),
        (
            talk(json!([user(text(" \n"))])),
            "messages.0.content.0.text: text content blocks must contain non-white",
        ),
        (
            talk(json!([user(json!([{"type": "audio"}]))])),
            "messages.0.content.0: Input tag 'audio' found using 'type'",
        ),
        (
            talk(json!([user(json!([{"type": "text", "text": "a", "foo": 1}]))])),
            "messages.0.content.0.text.foo: Extra",
        ),
        (talk(json!([assistant("a"), user("b")])), "messages: first message must use the \"user\" role"),
        (talk(json!([user("a"), assistant("b")])), "This model does not support assistant message prefill."),
        (
            on("claude-sonnet-4-5", talk(json!([user("a"), assistant("b ")]))),
            "messages.1: final assistant content cannot",
        ),
        (
            talk(json!([user("a"), assistant("b"), {"role": "system", "content": "c"}, user("d")])),
            "messages.2: a system",
        ),
        (
            on("claude-opus-4-7", talk(json!([user("a"), {"role": "system", "content": "c"}]))),
            "messages: Unexpected role",
        ),
        (
            talk(json!([user("a"), {"role": "system", "content": []}])),
            "messages.1: system messages must have",
        ),
    ])
    .await;
}

#[tokio::test]
async fn tool_calls_and_results_are_paired() {
    refused(&[
        (talk(json!([user(json!([result("t1")]))])), "messages.0.content.0: unexpected `tool_use_id` found"),
        (
            talk(json!([user("a"), assistant(json!([call("t1"), call("t2")])), user(json!([result("t1")]))])),
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t2.",
        ),
        (
            talk(json!([user("a"), assistant(json!([call("t1")]))])),
            "messages.1: `tool_use` ids were found without",
        ),
        (
            talk(json!([
                user("a"),
                assistant(json!([call("t1")])),
                user(json!([{"type": "text", "text": "first"}, result("t1")]))
            ])),
            "messages.1: `tool_use` ids were found without",
        ),
        (
            talk(json!([user("a"), assistant(json!([call("t1"), call("t1")])), user(json!([result("t1")]))])),
            "messages.1.content.1: `tool_use` ids must be unique",
        ),
        (
            talk(json!([
                user("a"),
                assistant(json!([call("t1")])),
                user(json!([result("t1"), result("t1")]))
            ])),
            "messages.2.content.1: each tool_use must have a single result.",
        ),
    ])
    .await;
    let text = json!({"type": "text", "text": "and?"});
    taken(&[
        talk(json!([
            user("a"),
            assistant(json!([call("t1"), call("t2")])),
            user(json!([result("t2"), result("t1"), text]))
        ])),
        talk(json!([
            user("a"),
            assistant(json!([call("t1"), call("t2")])),
            user(json!([result("t1")])),
            user(json!([result("t2")]))
        ])),
    ])
    .await;
}

#[tokio::test]
async fn tools_are_checked() {
    let tools = |tools: Value| with(says("hi"), "tools", tools);
    let long = "x".repeat(65);
    refused(&[
        (tools(json!([tool("a"), tool("a")])), "tools: Tool names must be unique."),
        (tools(json!([tool("a b")])), "tools.0.custom.name: String should match pattern"),
        (tools(json!([tool(&long)])), "tools.0.custom.name: String should have at most 64 characters"),
        (tools(json!([{"name": "a"}])), "tools.0.custom.input_schema: Field required"),
        (
            tools(json!([{"name": "a", "input_schema": {}}])),
            "tools.0.custom.input_schema.type: Field required",
        ),
        (
            tools(json!([{"type": "function", "name": "a"}])),
            "tools.0: Input tag 'function' found using 'type'",
        ),
        (
            with(tools(json!([tool("a")])), "tool_choice", json!({"type": "tool", "name": "b"})),
            "tool_choice: Tool 'b' not found in provided tools",
        ),
        (
            with(tools(json!([tool("a")])), "tool_choice", json!({"type": "required"})),
            "tool_choice: Input tag 'required'",
        ),
    ])
    .await;
}

#[tokio::test]
async fn images_are_looked_at() {
    refused(&[
        (
            image("image/tiff", PNG),
            "messages.0.content.0.image.source.base64.media_type: Input should be 'image/jpeg'",
        ),
        (
            image("image/png", "not base64"),
            "messages.0.content.0.image.source.base64.data: invalid base64 data",
        ),
        (
            image("image/jpeg", PNG),
            "messages.0.content.0.image.source.base64.data: The image was specified using",
        ),
        (
            image("image/png", "aGVsbG8="),
            "messages.0.content.0.image.source.base64.data: Could not process image",
        ),
    ])
    .await;
    taken(&[image("image/png", PNG)]).await;
}

#[tokio::test]
async fn each_model_has_its_own_rules() {
    let sampled = |model: &str, names: &[&str]| {
        names.iter().fold(on(model, says("hi")), |body, name| with(body, name, json!(0.5)))
    };
    let thinking = |model: &str, thinking: Value| on(model, with(says("hi"), "thinking", thinking));
    let effort = |model: &str| on(model, with(says("hi"), "output_config", json!({"effort": "low"})));
    refused(&[
        (sampled("claude-opus-4-7", &["temperature"]), "`temperature` is deprecated for this model."),
        (sampled("claude-sonnet-5-5", &["top_p"]), "`top_p` is deprecated for this model."),
        (
            sampled("claude-haiku-4-5", &["temperature", "top_p"]),
            "`temperature` and `top_p` cannot both be specified",
        ),
        (
            thinking("claude-opus-5-5", json!({"type": "enabled", "budget_tokens": 2000})),
            "\"thinking.type.enabled\" is not",
        ),
        (thinking("claude-haiku-4-5", json!({"type": "adaptive"})), "adaptive thinking is not supported"),
        (
            thinking("claude-haiku-4-5", json!({"type": "enabled", "budget_tokens": 100})),
            "thinking.enabled.budget_tokens: Input",
        ),
        (
            thinking("claude-haiku-4-5", json!({"type": "enabled", "budget_tokens": 2000})),
            "`max_tokens` must be greater than",
        ),
        (effort("claude-haiku-4-5"), "This model does not support the effort parameter."),
    ])
    .await;
    taken(&[
        sampled("claude-haiku-4-5", &["temperature"]),
        effort("claude-opus-4-5"),
        thinking("claude-opus-5-5", json!({"type": "adaptive", "display": "omitted"})),
        thinking("claude-sonnet-5-5", json!({"type": "disabled"})),
        on("claude-sonnet-4-5", talk(json!([user("a"), assistant("b")]))),
    ])
    .await;
}

#[tokio::test]
async fn thinking_comes_back_as_it_was_sent_or_not_at_all() {
    let history = |block: Value| {
        talk(json!([user("a"), assistant(json!([block, {"type": "text", "text": "b"}])), user("c")]))
    };
    let thinking =
        |signature: &str| history(json!({"type": "thinking", "thinking": "hm", "signature": signature}));
    taken(&[thinking(&sign("hm")), history(json!({"type": "redacted_thinking", "data": redact("x")}))]).await;
    refused(&[
        (thinking(&sign("ha")), "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (thinking(""), "messages.1.content.0: Invalid `signature` in `thinking` block"),
        (
            history(json!({"type": "redacted_thinking", "data": "abcd"})),
            "messages.1.content.0: Invalid `data`",
        ),
    ])
    .await;
    let looped = talk(json!([user("a"), assistant(json!([call("t1")])), user(json!([result("t1")]))]));
    let manual =
        with(with(looped, "thinking", json!({"type": "enabled", "budget_tokens": 1024})), "max_tokens", 4096);
    refused(&[(on("claude-haiku-4-5", manual), "messages.1.content.0.type: Expected `thinking`")]).await;
}

#[tokio::test]
async fn what_claude_code_sends_is_taken() {
    let simulator = Simulator::start().await.unwrap();
    let cached = |text: &str| json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}});
    let body = json!({
        "model": "claude-sonnet-5-5",
        "messages": [
            {"role": "user", "content": [cached("hi")]},
            {"role": "system", "content": [], "output_config": {"effort": "medium"}},
        ],
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2;"}, cached("You are"), cached("brief")],
        "tools": [{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}, "defer_loading": true}],
        "metadata": {"user_id": "{\"device_id\":\"d\"}"},
        "max_tokens": 128_000,
        "thinking": {"type": "adaptive", "display": "updates"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "medium"},
        "diagnostics": {"previous_message_id": null},
        "speed": "standard",
        "stream": true,
    });
    let betas = "claude-code-20250219,context-management-2025-06-27,per-turn-control-2026-07-01";
    let headers = [USUAL, &[("anthropic-beta", betas)]].concat();
    let answer =
        request(&simulator, "POST", "/v1/messages?beta=true", &headers, body.to_string()).await.unwrap();
    let status = answer.status;
    assert_eq!(status, 200, "{}", answer.text().await);
    let answer = send(&simulator, &body).await;
    assert_eq!(answer.status, 400, "without its beta header a beta field is unknown");
}
