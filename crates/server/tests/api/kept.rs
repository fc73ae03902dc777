//! Whose a kept response is, and what happens where none can be kept.

use serde_json::json;

use simulator::turn;

use crate::responses::{create, create_as, created, events, get, id, said};
use crate::support::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn another_keys_response_is_not_there() {
    let hash = |key: &str| {
        use sha2::{Digest, Sha256};
        let hex: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    };
    let keys = json!([hash("mine-0123456789abcdef"), hash("theirs-0123456789abcdef")]);
    let proxy = Proxy::with(json!({ "auth": { "api_keys": keys } })).await;
    let mine = [("authorization", "Bearer mine-0123456789abcdef")];
    let theirs = [("authorization", "Bearer theirs-0123456789abcdef")];
    let response = create_as(&proxy, &mine, json!({})).await.json().await;
    let background = create_as(&proxy, &mine, json!({ "background": true })).await.json().await;
    for response in [&response, &background] {
        let path = format!("/v1/responses/{}", id(response));
        assert_eq!(proxy.get(&path, &theirs).await.status, 404);
        assert_eq!(proxy.get(&format!("{path}?stream=true"), &theirs).await.status, 404);
        assert_eq!(proxy.get(&format!("{path}/input_items"), &theirs).await.status, 404);
        assert_eq!(proxy.post(&format!("{path}/cancel"), &theirs, "").await.status, 404);
        let delete = proxy.send(http::Method::DELETE, &path, &theirs, bytes::Bytes::new()).await;
        assert_eq!(delete.status, 404);
        let refused = create_as(&proxy, &theirs, json!({ "previous_response_id": id(response) })).await;
        assert_eq!(refused.json().await["error"]["code"], "previous_response_not_found");
        let item = json!([{ "type": "item_reference", "id": response["output"][0]["id"] }]);
        if item[0]["id"].is_string() {
            assert!(create_as(&proxy, &theirs, json!({ "input": item })).await.status.is_client_error());
        }
        assert_eq!(proxy.get(&path, &mine).await.status, 200, "it is still there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_storing_off_answers_say_so_and_nothing_is_on_disk() {
    let proxy = Proxy::with(json!({ "openai": { "store": false } })).await;
    let answer = create(&proxy, json!({})).await;
    assert_eq!(answer.header("x-ignored-parameters"), "");
    let response = answer.json().await;
    assert_eq!(response["store"], false);
    assert_eq!(get(&proxy, id(&response)).await.status, 404);
    let answer = create(&proxy, json!({ "store": true })).await;
    assert_eq!(answer.header("x-ignored-parameters"), "store");
    assert_eq!(answer.json().await["store"], false);
    let refused = create_as(&proxy, &[("x-strict", "true")], json!({ "store": true })).await;
    assert_eq!(
        (refused.status.as_u16(), refused.json().await["error"]["param"].clone()),
        (400, json!("store"))
    );
    for more in [json!({ "background": true }), json!({ "previous_response_id": id(&response) })] {
        let refused = create(&proxy, more).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text().await.contains("openai.store"));
    }
    let files = std::fs::read_dir(proxy.data_dir.path()).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.filter(|name| name.to_string_lossy().starts_with("responses")).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_loses_no_answer() {
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join("responses.sqlite"), "no database ".repeat(100)).unwrap();
    let proxy = Proxy::over(dir, json!({})).await;
    proxy.simulator.script(turn().text("hello"));
    let response = created(&proxy, json!({})).await;
    assert_eq!((said(&response), &response["store"]), ("hello", &json!(false)));
    proxy.simulator.script(turn().text("hello"));
    let text = create(&proxy, json!({ "stream": true })).await.text().await;
    let events = events(&text, 0);
    let last = events.last().unwrap();
    assert_eq!(
        (last["type"].as_str(), &last["response"]["store"]),
        (Some("response.completed"), &json!(false))
    );
    for refused in [
        get(&proxy, id(&response)).await,
        create(&proxy, json!({ "background": true })).await,
        create(&proxy, json!({ "previous_response_id": id(&response) })).await,
    ] {
        assert_eq!(refused.status, 503);
        let error = refused.json().await["error"].clone();
        assert_eq!(
            (error["code"].as_str(), error["type"].as_str()),
            (Some("store_unavailable"), Some("server_error"))
        );
    }
    assert!(proxy.metrics().await.contains("ccp_store_failures_total 5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_responses_are_counted_like_other_requests_but_not_limited() {
    let limits = json!({ "rate_limiting": { "requests_per_minute": 60, "burst_size": 1 } });
    let proxy = Proxy::with(limits).await;
    let answer = create(&proxy, json!({})).await;
    assert_eq!(answer.header("x-ratelimit-limit-requests"), "60");
    let response = answer.json().await;
    assert_eq!(create(&proxy, json!({})).await.status, 429);
    for _ in 0..5 {
        assert_eq!(get(&proxy, id(&response)).await.status, 200);
    }
    let metrics = proxy.metrics().await;
    let count = |part: &str| metrics.lines().find(|line| line.contains(part)).map(str::to_owned);
    let counted = count("dialect=\"openai-responses\",backend=\"anthropic\",model=\"\",status=\"200\"");
    assert!(counted.is_some_and(|line| line.ends_with(" 5")), "{metrics}");
}
