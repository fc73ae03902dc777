//! What a client sends back of a response reaches the API as it was: thinking with its signature, calls exactly.

use dialects::openai_responses::{Earlier, Echo, encode_answer};
use serde_json::{Value, json};

use crate::checked::RESPONSE_ID;
use crate::{COMPLETED, CREATED, attempt, bytes, parse};

fn tools() -> Value {
    json!([{"type": "function", "name": "look"}, {"type": "custom", "name": "patch"}, {"type": "local_shell"},
        {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "f"}]}])
}

fn output(content: &Value, summary: bool) -> Vec<Value> {
    let mut request = json!({"model": "claude-sonnet-5-5", "input": "go", "tools": tools()});
    if summary {
        request["reasoning"] = json!({"effort": "high", "summary": "auto"});
    }
    let echo: Echo = attempt(request.to_string().as_bytes(), &Earlier::default(), false).unwrap().echo;
    let answer =
        json!({"id": "msg_1", "model": "m", "content": content, "stop_reason": "end_turn", "usage": {}});
    let response = encode_answer(&bytes(&answer), echo, RESPONSE_ID, CREATED, COMPLETED).unwrap();
    parse(&response)["output"].as_array().unwrap().clone()
}

/// The outputs that the calls among these items wait for.
fn results(items: &[Value]) -> Vec<Value> {
    let result = |item: &Value| match item["type"].as_str().unwrap() {
        "function_call" => {
            Some(json!({"type": "function_call_output", "call_id": item["call_id"], "output": "done"}))
        }
        "custom_tool_call" => {
            Some(json!({"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "done"}))
        }
        "local_shell_call" => {
            Some(json!({"type": "local_shell_call_output", "id": item["call_id"], "output": "done"}))
        }
        _ => None,
    };
    items.iter().filter_map(result).collect()
}

fn turns(input: &[Value], earlier: &Earlier<'_>) -> Value {
    let request = json!({"model": "claude-sonnet-5-5", "input": input, "tools": tools()});
    let done = attempt(request.to_string().as_bytes(), earlier, true).unwrap();
    parse(&done.body)["messages"].clone()
}

fn contents() -> Vec<Value> {
    let signed = json!({"type": "thinking", "thinking": "hm — \"so\"", "signature": "c2ln+/="});
    let hidden = json!({"type": "thinking", "thinking": "", "signature": "aGlkZGVu"});
    let redacted = json!({"type": "redacted_thinking", "data": "enc=="});
    let text = json!({"type": "text", "text": "Two calls.\n"});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "a\\\"b", "n": [1, 2.5, null]}});
    let bare = json!({"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}});
    let patch = json!({"type": "tool_use", "id": "toolu_3", "name": "patch", "input": {"input": "*** Begin\n\"x\" \\"}});
    let spaced = json!({"type": "tool_use", "id": "toolu_4", "name": "ns__f", "input": {"a": 1}});
    let shell = json!({"type": "tool_use", "id": "toolu_5", "name": "local_shell", "input": {"command": ["ls"], "timeout_ms": 9}});
    vec![
        json!([text]),
        json!([signed, text]),
        json!([signed, redacted, hidden, text, call, bare]),
        json!([signed, call, patch, spaced, shell]),
        json!([redacted, patch]),
        json!([signed, text, hidden, bare]),
    ]
}

#[test]
fn an_output_that_is_sent_back_becomes_the_same_blocks() {
    for content in contents() {
        for summary in [false, true] {
            let said = output(&content, summary);
            let mut input = vec![json!({"role": "user", "content": "go"})];
            input.extend(said.clone());
            input.extend(results(&said));
            input.push(json!({"role": "user", "content": "on"}));
            assert_eq!(turns(&input, &Earlier::default())[1]["content"], content);
        }
    }
}

/// As Codex does: no ids, no status, no annotations, calls and outputs in the order in which they happened.
#[test]
fn a_client_that_keeps_the_needed_members_alone_loses_nothing() {
    let kept = [
        "type",
        "role",
        "content",
        "text",
        "summary",
        "encrypted_content",
        "call_id",
        "name",
        "namespace",
        "arguments",
        "input",
        "action",
    ];
    for content in contents() {
        let said = output(&content, true);
        let mut input = vec![
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]}),
        ];
        input.extend(said.iter().map(|item| {
            let mut item = item.clone();
            item.as_object_mut().unwrap().retain(|name, _| kept.contains(&name.as_str()));
            if item["type"] == "reasoning" {
                item["content"] = Value::Null;
            }
            item
        }));
        input.extend(results(&said));
        input.push(json!({"role": "user", "content": "on"}));
        assert_eq!(turns(&input, &Earlier::default())[1]["content"], content);
    }
}

/// Four rounds of thinking and two calls, statelessly and over what the server keeps: the same conversation.
#[test]
fn rounds_of_thinking_and_tools_stay_block_identical() {
    let round = |number: usize| {
        json!([{"type": "thinking", "thinking": format!("t{number}"), "signature": format!("s{number}")}, {"type": "redacted_thinking", "data": format!("d{number}")},
            {"type": "tool_use", "id": format!("toolu_{number}a"), "name": "look", "input": {"n": number}}, {"type": "tool_use", "id": format!("toolu_{number}b"), "name": "patch", "input": {"input": "x"}}])
    };
    let mut input = vec![json!({"type": "message", "role": "user", "content": "go"})];
    let mut kept = vec![bytes(&json!(input))];
    for number in 0..4 {
        let said = output(&round(number), number % 2 == 0);
        let results = results(&said);
        let stored = Earlier { conversation: &kept, referenced: &[] };
        let over_the_store = turns(
            &results,
            &Earlier { conversation: &[kept.clone(), vec![bytes(&json!(said))]].concat(), ..stored },
        );
        input.extend(said.clone());
        input.extend(results.clone());
        let stateless = turns(&input, &Earlier::default());
        assert_eq!(stateless, over_the_store);
        assert_eq!(stateless.as_array().unwrap().len(), 3 + 2 * number);
        assert_eq!(stateless[1 + 2 * number]["content"], round(number));
        kept.push(bytes(&json!(said)));
        kept.push(bytes(&json!(results)));
    }
}

#[test]
fn thinking_stays_on_in_a_tool_loop_whose_reasoning_came_back() {
    let said = output(
        &json!([{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]),
        false,
    );
    let ask = |items: &[Value]| {
        let mut input = vec![json!({"role": "user", "content": "go"})];
        input.extend(items.to_vec());
        input.extend(results(items));
        let request = json!({"model": "claude-sonnet-5-5", "input": input, "tools": tools(), "reasoning": {"effort": "high", "summary": "auto"}});
        parse(&attempt(request.to_string().as_bytes(), &Earlier::default(), false).unwrap().body)["thinking"]
            .clone()
    };
    assert_eq!(ask(&said), json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(ask(&said[1..]), Value::Null);
}
