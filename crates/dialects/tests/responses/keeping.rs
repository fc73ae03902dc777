//! What the server keeps of a response, and what it asks for again.

use dialects::openai_responses::{
    Earlier, Echo, Ending, deleted, ended, input_items, input_tokens, item_list, peek,
};
use messages::{ApiError, ErrorKind};
use serde_json::json;

use crate::{CREATED, attempt, bytes, parse};

#[test]
fn a_reference_stands_for_what_is_kept_under_its_id() {
    let kept = [
        bytes(
            &json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}]}),
        ),
        bytes(
            &json!({"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"}),
        ),
    ];
    let earlier = Earlier { conversation: &[], referenced: &kept };
    let body = json!({"model": "claude-sonnet-5-5", "input": [{"role": "user", "content": "hi"}, {"type": "item_reference", "id": "msg_1"}, {"id": "fc_1"},
        {"type": "function_call_output", "call_id": "c", "output": "done"}]});
    let body = bytes(&body);
    assert_eq!(peek(&body).unwrap().references, ["msg_1", "fc_1"]);
    let done = parse(&attempt(&body, &earlier, true).unwrap().body);
    assert_eq!(
        done["messages"][1]["content"],
        json!([{"type": "text", "text": "Hi."}, {"type": "tool_use", "id": "c", "name": "f", "input": {}}])
    );
    let items = input_items(&body, &earlier, "resp_9").unwrap();
    assert_eq!(items[1..3], kept);
    let lost = attempt(&body, &Earlier::default(), true).unwrap_err();
    assert_eq!((lost.status, lost.path.as_deref()), (400, Some("input[1].id")));
}

#[test]
fn what_is_kept_of_a_request_is_the_same_conversation_again() {
    for (name, body) in crate::fixtures::Fixtures("responses/golden").inputs() {
        let Some(direct) = name.starts_with("request-").then(|| attempt(&body, &Earlier::default(), false))
        else {
            continue;
        };
        let Ok(direct) = direct else { continue };
        let items = input_items(&body, &Earlier::default(), "resp_9").unwrap();
        let list = items.iter().map(|item| parse(item)).collect::<Vec<_>>();
        assert!(list.iter().all(|item| item["id"].is_string() && item["type"].is_string()), "{name}");
        let mut request = parse(&body);
        let as_items = json!({"input": list});
        request["input"] = as_items["input"].clone();
        let again = attempt(&bytes(&request), &Earlier::default(), false).unwrap();
        assert_eq!(parse(&again.body), parse(&direct.body), "{name}");
    }
}

#[test]
fn a_list_of_items_names_its_ends() {
    let items = [bytes(&json!({"id": "a"})), bytes(&json!({"id": "b"}))];
    let expected = json!({"object": "list", "data": [{"id": "a"}, {"id": "b"}], "first_id": "a", "last_id": "b", "has_more": true});
    assert_eq!(parse(&item_list(&items, true)), expected);
    let none = json!({"object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false});
    assert_eq!(parse(&item_list(&[], false)), none);
}

#[test]
fn a_kept_response_changes_its_state_and_nothing_else() {
    let queued = Echo::default().queued("resp_1", CREATED);
    let before = parse(&queued);
    assert_eq!(before["status"], "queued");
    let mut expected = before.clone();
    expected["status"] = "cancelled".into();
    assert_eq!(parse(&ended(&queued, Ending::Cancelled).unwrap()), expected);
    expected["status"] = "in_progress".into();
    assert_eq!(parse(&ended(&queued, Ending::InProgress).unwrap()), expected);
    expected["status"] = "failed".into();
    expected["error"] = json!({"code": "rate_limit_exceeded", "message": "slow"});
    let error = ApiError::new(ErrorKind::RateLimit, "slow");
    assert_eq!(parse(&ended(&queued, Ending::Failed(&error)).unwrap()), expected);
}

#[test]
fn small_answers_have_openais_shape() {
    assert_eq!(parse(&deleted("resp_1")), json!({"id": "resp_1", "object": "response", "deleted": true}));
    assert_eq!(parse(&input_tokens(7)), json!({"object": "response.input_tokens", "input_tokens": 7}));
}

#[test]
fn how_an_mcp_server_is_logged_in_to_is_not_repeated() {
    let body = json!({"input": "hi", "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://mcp.example/", "require_approval": "never",
        "authorization": "s3cret", "headers": {"Authorization": "Bearer s3cret"}}]});
    let done = attempt(&bytes(&body), &Earlier::default(), false).unwrap();
    assert_eq!(parse(&done.body)["mcp_servers"][0]["authorization_token"], "s3cret");
    let object = done.echo.queued("resp_1", CREATED);
    assert!(!String::from_utf8_lossy(&object).contains("s3cret"));
    assert!(!format!("{:?}", done.echo).contains("s3cret"));
}
