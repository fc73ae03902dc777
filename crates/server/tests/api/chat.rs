//! Chat completions: what the server keeps between requests, and what it does on the client's behalf.

use dialects::openai_chat::grammar::Checker;
use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Proxy, chat_request};

const CHAT: &str = "/v1/chat/completions";

fn tool() -> Value {
    json!({ "type": "function", "function": { "name": "look", "parameters": { "type": "object", "properties": {} } } })
}

/// A request of a client that thinks and has a tool.
fn thinking_request(model: &str, messages: &[Value], stream: bool) -> Value {
    json!({ "model": model, "max_tokens": 4096, "stream": stream, "reasoning_effort": "high", "tools": [tool()],
        "messages": messages })
}

/// The assistant's message of an answer, streamed or not, without any reasoning: as most clients send it back.
fn without_reasoning(answer: &str, stream: bool) -> Value {
    let calls = if stream {
        let chunks = answer
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        let opened = chunks.filter_map(|chunk| {
            let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
            call["id"].is_string().then(|| {
                json!({ "id": call["id"], "type": "function",
                "function": { "name": call["function"]["name"], "arguments": "{}" } })
            })
        });
        opened.collect::<Vec<_>>()
    } else {
        let answer: Value = serde_json::from_str(answer).unwrap();
        answer["choices"][0]["message"]["tool_calls"].as_array().unwrap().clone()
    };
    assert!(!calls.is_empty(), "{answer}");
    json!({ "role": "assistant", "content": null, "tool_calls": calls })
}

#[tokio::test(flavor = "multi_thread")]
async fn thinking_that_a_client_drops_is_put_back_for_four_rounds() {
    for (model, stream) in
        [("claude-sonnet-5-5", false), ("claude-sonnet-5-5", true), ("claude-haiku-4-5", true)]
    {
        let proxy = Proxy::start().await;
        let mut messages = vec![json!({ "role": "user", "content": "go" })];
        for round in 0..4 {
            proxy.simulator.script(
                turn().thinking(format!("thought {round}")).redacted_thinking("h").tool("look", json!({})),
            );
            let body = thinking_request(model, &messages, stream).to_string();
            let answer = proxy.post(CHAT, &[], body).await;
            let (status, text) = (answer.status, answer.text().await);
            assert_eq!(status, 200, "{text}");
            let message = without_reasoning(&text, stream);
            let id = message["tool_calls"][0]["id"].clone();
            messages.push(message);
            messages.push(json!({ "role": "tool", "tool_call_id": id, "content": "seen" }));
        }
        let last = proxy.asked().pop().unwrap();
        assert!(last["thinking"].is_object(), "thinking stays on: {last}");
        for round in 0..3 {
            let said = &last["messages"][1 + 2 * round]["content"];
            assert_eq!(said[0]["thinking"], format!("thought {round}"));
            assert_eq!(said[0]["signature"], simulator::sign(&format!("thought {round}")));
            assert_eq!(
                (&said[1]["type"], &said[2]["type"]),
                (&json!("redacted_thinking"), &json!("tool_use"))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_caller_thought_is_not_put_back_for_another() {
    let proxy =
        Proxy::with(json!({ "server": { "trusted_proxies": ["127.0.0.0/8"] }, "auth": { "open": true } }))
            .await;
    let user = json!({ "role": "user", "content": "go" });
    proxy.simulator.script(turn().thinking("private").tool_with_id("toolu_x", "look", json!({})));
    let first = thinking_request("claude-sonnet-5-5", std::slice::from_ref(&user), false).to_string();
    let alice = [("x-forwarded-for", "192.0.2.1")];
    let message = without_reasoning(&proxy.post(CHAT, &alice, first).await.text().await, false);
    let result = json!({ "role": "tool", "tool_call_id": "toolu_x", "content": "seen" });
    let next = thinking_request("claude-sonnet-5-5", &[user, message, result], false).to_string();
    for (address, thinks) in [("192.0.2.2", false), ("192.0.2.1", true)] {
        let answer = proxy.post(CHAT, &[("x-forwarded-for", address)], next.clone()).await;
        assert_eq!(answer.status, 200);
        let sent = proxy.asked().pop().unwrap();
        assert_eq!(sent.to_string().contains("private"), thinks, "{sent}");
        assert_eq!(
            sent["thinking"].is_object(),
            thinks,
            "without its thinking a tool loop goes on without any"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_the_model_refuses_is_left_out_and_remembered() {
    let proxy = Proxy::start().await;
    let refusal = || turn().error(400).message("`temperature` is deprecated for this model.");
    let mut body = chat_request("hi", false);
    body["model"] = json!("claude-sonnet-4-6");
    body["temperature"] = json!(0.5);
    proxy.simulator.script(refusal());
    let answer = proxy.post(CHAT, &[], body.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ignored-parameters")), (200, "temperature"));
    let sent = proxy.asked();
    assert_eq!(sent.len(), 2, "the refused one and the one without");
    assert!(sent[0].get("temperature").is_some() && sent[1].get("temperature").is_none());

    let answer = proxy.post(CHAT, &[], body.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ignored-parameters")), (200, "temperature"));
    assert_eq!(proxy.asked().len(), 3, "it is not tried again");
    let answer = proxy.post(CHAT, &[("x-strict", "true")], body.to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json().await["error"]["param"], "temperature");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_refusal_reaches_the_client_as_it_is() {
    let proxy = Proxy::start().await;
    let mut body = chat_request("hi", false);
    body["model"] = json!("claude-sonnet-4-6");
    body["temperature"] = json!(0.5);
    proxy.simulator.script(turn().error(400).message("prompt is too long: 9 > 8"));
    let answer = proxy.post(CHAT, &[], body.to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json().await["error"]["code"], "context_length_exceeded");
    assert_eq!(proxy.asked().len(), 1);
    body["temperature"] = json!(0.6);
    proxy.simulator.script(turn().error(400).message("`temperature` is deprecated for this model."));
    let answer = proxy.post(CHAT, &[("x-strict", "true")], body.to_string()).await;
    assert_eq!(answer.status, 400, "in strict mode nothing is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn caching_by_itself_is_asked_for_where_the_configuration_says_so() {
    let proxy = Proxy::with(json!({ "openai": { "auto_cache": true } })).await;
    assert_eq!(proxy.chat("hi", false).await.status, 200);
    assert_eq!(proxy.asked().pop().unwrap()["cache_control"], json!({ "type": "ephemeral" }));
    let proxy = Proxy::start().await;
    assert_eq!(proxy.chat("hi", false).await.status, 200);
    assert!(proxy.asked().pop().unwrap().get("cache_control").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_told_as_a_hash_unless_the_configuration_says_plain() {
    for (plain, told) in
        [(false, "81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd9ec58ce9"), (true, "bob")]
    {
        let proxy = Proxy::with(json!({ "openai": { "plain_user": plain } })).await;
        let mut body = chat_request("hi", false);
        body["user"] = json!("bob");
        assert_eq!(proxy.post(CHAT, &[], body.to_string()).await.status, 200);
        assert_eq!(proxy.asked().pop().unwrap()["metadata"]["user_id"], told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_without_a_schema_comes_back_as_content() {
    let proxy = Proxy::start().await;
    for stream in [false, true] {
        let mut body = chat_request("hi", stream);
        body["response_format"] = json!({ "type": "json_object" });
        proxy.simulator.script(turn().tool("json_answer", json!({ "a": [1] })));
        let answer = proxy.post(CHAT, &[], body.to_string()).await;
        assert_eq!(answer.status, 200);
        let text = answer.text().await;
        assert!(text.contains(r#"\"a\":"#) && !text.contains("tool_calls"), "{text}");
        assert!(text.contains(r#""finish_reason":"stop""#), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_search_found_is_cited() {
    let proxy = Proxy::start().await;
    let cited = json!({ "type": "web_search_result_location", "url": "https://a.example/", "title": "A",
        "cited_text": "x", "encrypted_index": "e" });
    for stream in [false, true] {
        let mut body = chat_request("hi", stream);
        body["web_search_options"] = json!({});
        proxy.simulator.script(turn().text("It is ").next_block().text("cold").citation(&cited));
        let text = proxy.post(CHAT, &[], body.to_string()).await.text().await;
        assert!(
            text.contains(
                r#""url_citation":{"start_index":6,"end_index":10,"title":"A","url":"https://a.example/"}"#
            ),
            "{text}"
        );
        let sent = proxy.asked().pop().unwrap();
        assert_eq!(sent["tools"], json!([{ "type": "web_search_20250305", "name": "web_search" }]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_follow_the_grammar_whatever_the_upstream_does() {
    let proxy = Proxy::start().await;
    let scripts: [fn() -> simulator::Turn; 6] = [
        || turn().thinking("hm").text("a").tool("look", json!({ "q": 1 })),
        || turn().text("a").ping().text("b").stop("max_tokens"),
        || turn().text("a").cut(),
        || turn().text("a").end(),
        || turn().text("a").stream_error("overloaded_error", "Overloaded"),
        || turn().stop("refusal"),
    ];
    for script in scripts {
        for choices in [1, 3] {
            let mut body = chat_request("hi", true);
            body["n"] = json!(choices);
            body["tools"] = json!([tool()]);
            body["stream_options"] = json!({ "include_usage": true });
            proxy.simulator.script(script().times(choices));
            let text = proxy.post(CHAT, &[], body.to_string()).await.text().await;
            let mut checker = Checker::new(choices as usize);
            for data in text.split_terminator("\n\n").filter_map(|frame| frame.strip_prefix("data: ")) {
                checker.push(data.as_bytes()).unwrap();
            }
            checker.finish().unwrap();
        }
    }
}
