//! Requests in the dialects of clouds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use messages::{Accumulator, RawEvent};
use policy::keys::KeyHash;
use serde_json::{Value, json};
use simulator::{Ended, turn};
use std::time::Duration;
use wire::event_stream::{Decoder, Frame};

use crate::support::{Answer, Proxy};

const INVOKE: &str = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke";
const STREAM: &str = "/model/us.anthropic.claude-sonnet-5-5/invoke-with-response-stream";
const MODELS: &str = "/v1/projects/mine/locations/us-east5/publishers/anthropic/models";

fn says(text: &str, version: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    json!({"anthropic_version": version, "max_tokens": 64, "messages": messages})
}

fn bedrock(text: &str) -> String {
    says(text, "bedrock-2023-05-31").to_string()
}

fn vertex(text: &str) -> Value {
    says(text, "vertex-2023-10-16")
}

/// All frames of a streamed answer, which must be whole ones.
async fn frames(answer: Answer) -> Vec<Frame> {
    let mut decoder = Decoder::new(1 << 20);
    decoder.push(&answer.bytes().await);
    let mut frames = Vec::new();
    while let Some(frame) = decoder.next_frame().unwrap() {
        frames.push(frame);
    }
    assert!(!decoder.has_partial());
    frames
}

fn event(frame: &Frame) -> RawEvent {
    assert_eq!(frame.header(":event-type"), Some("chunk"));
    let chunk: Value = serde_json::from_slice(&frame.payload).unwrap();
    RawEvent::from_json(STANDARD.decode(chunk["bytes"].as_str().unwrap()).unwrap().into()).unwrap()
}

#[tokio::test]
async fn an_invocation_is_a_message_that_differs_where_the_dialects_do() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("Hello").usage(12, 3));
    let body = r#"{ "max_tokens":64, "anthropic_version":"bedrock-2023-05-31", "temperature":0.50,
        "messages":[ {"role":"user","content":"Hi"} ], "anthropic_beta":["b-1","b-2"] }"#;
    let headers =
        [("anthropic-beta", "b-2,b-0"), ("x-amz-date", "20261122T000000Z"), ("amz-sdk-request", "1")];
    let answer = proxy.post(INVOKE, &headers, body).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("x-amzn-requestid"), answer.header("x-request-id"));
    let message = answer.json().await;
    assert_eq!(
        (&message["content"][0]["text"], &message["usage"]["input_tokens"]),
        (&json!("Hello"), &json!(12))
    );
    let sent = proxy.sent();
    assert_eq!(
        std::str::from_utf8(&sent.body).unwrap(),
        "{ \"max_tokens\":64, \"temperature\":0.50,\n        \"messages\":[ {\"role\":\"user\",\"content\":\"Hi\"} ],\
         \"model\":\"claude-haiku-4-5-20251001\" }"
    );
    assert_eq!(
        (sent.header("anthropic-version"), sent.header("anthropic-beta")),
        (Some("2023-06-01"), Some("b-2,b-0,b-1"))
    );
    assert_eq!((sent.header("x-amz-date"), sent.header("amz-sdk-request")), (None, None));
}

#[tokio::test]
async fn a_stream_of_bedrocks_has_the_same_events_in_frames() {
    let proxy = Proxy::start().await;
    proxy
        .simulator
        .script(turn().thinking("hm").texts(["Hel", "lo"]).tool("look", json!({"q": 1})).chunks_of(11));
    let answer = proxy.post(STREAM, &[], bedrock("Hi")).await;
    assert_eq!(answer.header("content-type"), "application/vnd.amazon.eventstream");
    let mut whole = Accumulator::default();
    frames(answer).await.iter().for_each(|frame| whole.push(&event(frame)).unwrap());
    let message: Value = serde_json::from_slice(&whole.finish().unwrap()).unwrap();
    assert_eq!(
        (&message["content"][1]["text"], &message["stop_reason"]),
        (&json!("Hello"), &json!("tool_use"))
    );
    assert_eq!(proxy.sent().json()["stream"], true);
}

#[tokio::test]
async fn a_frame_is_there_as_soon_as_its_event_is() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().text("one").hold().text("two"));
    let mut answer = proxy.post(STREAM, &[], bedrock("Hi")).await;
    let mut decoder = Decoder::new(1 << 20);
    let mut seen = String::new();
    while !seen.contains("one") {
        decoder.push(&answer.piece().await.unwrap());
        while let Some(frame) = decoder.next_frame().unwrap() {
            seen.push_str(&String::from_utf8_lossy(&event(&frame).data));
        }
    }
    drop(answer);
    assert!(
        proxy.simulator.active_becomes(0, Duration::from_secs(5)).await,
        "a hang-up ends the upstream exchange"
    );
    assert_eq!(proxy.simulator.requests().last().unwrap().ended, Some(Ended::ClientGone));
}

#[tokio::test]
async fn a_broken_stream_of_bedrocks_ends_with_an_exception_and_never_looks_complete() {
    let proxy = Proxy::start().await;
    for (turn, exception) in [
        (turn().text("Hel").cut(), "internalServerException"),
        (turn().text("Hel").stream_error("overloaded_error", "Busy"), "serviceUnavailableException"),
    ] {
        proxy.simulator.script(turn);
        let frames = frames(proxy.post(STREAM, &[], bedrock("Hi")).await).await;
        let (last, events) = frames.split_last().unwrap();
        assert_eq!(
            (last.header(":message-type"), last.header(":exception-type")),
            (Some("exception"), Some(exception))
        );
        assert!(events.iter().all(|frame| event(frame).name != "message_stop"));
    }
}

#[tokio::test]
async fn errors_are_awss_exceptions() {
    let proxy = Proxy::start().await;
    for (upstream, status, exception) in [
        (429, 429, "ThrottlingException"),
        (529, 503, "ServiceUnavailableException"),
        (404, 404, "ResourceNotFoundException"),
    ] {
        proxy.simulator.script(turn().error(upstream).message("why").header("retry-after", "7"));
        let answer = proxy.post(STREAM, &[], bedrock("Hi")).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-amzn-errortype")), (status, exception));
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.json().await, json!({"message": "why"}));
    }
    for (body, told) in [
        ("{}", "anthropic_version: field required: \"bedrock-2023-05-31\""),
        (
            r#"{"anthropic_version":"bedrock-2023-05-31","model":"m"}"#,
            "model: is named by the path here, not in the body",
        ),
        (r#"{"anthropic_version":"2023"}"#, "anthropic_version: must be \"bedrock-2023-05-31\" or a date"),
    ] {
        let answer = proxy.post(INVOKE, &[], body).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-amzn-errortype")), (400, "ValidationException"));
        assert_eq!(answer.json().await["message"], told);
    }
}

#[tokio::test]
async fn tokens_are_counted_in_either_clouds_way() {
    let proxy = Proxy::start().await;
    proxy.simulator.script(turn().usage(77, 0).when_path("/v1/messages/count_tokens").times(2));
    let body = json!({"input": {"invokeModel": {"body": STANDARD.encode(bedrock("Hi"))}}});
    let path = "/model/anthropic.claude-sonnet-5-5/count-tokens";
    assert_eq!(proxy.post(path, &[], body.to_string()).await.text().await, r#"{"inputTokens":77}"#);
    let mut body = vertex("Hi");
    body.as_object_mut().unwrap().remove("max_tokens");
    body["model"] = json!("claude-sonnet-5-5");
    let answer = proxy.post(&format!("{MODELS}/count-tokens:rawPredict"), &[], body.to_string()).await;
    assert_eq!(answer.text().await, r#"{"input_tokens":77}"#);
}

#[tokio::test]
async fn a_prediction_is_a_message_and_its_stream_passes_byte_for_byte() {
    let proxy = Proxy::start().await;
    let path = format!("{MODELS}/claude-haiku-4-5@20251001:rawPredict");
    let answer = proxy.post(&path, &[("x-goog-user-project", "p")], vertex("Hi").to_string()).await;
    assert_eq!(answer.json().await["content"][0]["text"], "You said: \"Hi\"");
    let sent = proxy.sent();
    assert_eq!(
        (&sent.json()["model"], sent.header("x-goog-user-project")),
        (&json!("claude-haiku-4-5-20251001"), None)
    );
    let twice = simulator::Turn { id: Some("msg_1".into()), ..turn().texts(["Hel", "lo"]).times(2) };
    proxy.simulator.script(twice);
    let mut body = vertex("Hi");
    body["stream"] = json!(true);
    let path = format!("{MODELS}/claude-sonnet-5-5:streamRawPredict");
    let streamed = proxy.post(&path, &[], body.to_string()).await.text().await;
    assert_eq!(streamed, proxy.messages("Hi", true).await.text().await);
}

#[tokio::test]
async fn a_verb_that_vertex_has_not_is_no_path() {
    let proxy = Proxy::start().await;
    for last in
        ["claude-sonnet-5-5:predict", "claude-sonnet-5-5", "count-tokens:streamRawPredict", ":rawPredict"]
    {
        let answer = proxy.post(&format!("{MODELS}/{last}"), &[], vertex("Hi").to_string()).await;
        assert_eq!(answer.status, 404, "{last}");
        assert_eq!(answer.json().await["error"]["type"], "not_found_error");
    }
}

#[tokio::test]
async fn the_inference_profiles_are_those_of_the_models_here() {
    let proxy = Proxy::start().await;
    let listed = proxy.get("/inference-profiles?maxResults=1000", &[]).await.json().await;
    let ids: Vec<_> = listed["inferenceProfileSummaries"].as_array().unwrap().iter().collect();
    assert!(
        ids.iter()
            .any(|profile| profile["inferenceProfileId"] == "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    );
}

#[tokio::test]
async fn callers_of_clouds_show_a_key_of_this_server() {
    let key = "ccp_of_the_clouds";
    let proxy = Proxy::with(json!({"auth": {"api_keys": [KeyHash::of(key).to_string()]}})).await;
    let bearer = format!("Bearer {key}");
    assert_eq!(proxy.post(INVOKE, &[("authorization", &bearer)], bedrock("Hi")).await.status, 200);
    let signed = "AWS4-HMAC-SHA256 Credential=AKIA/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0";
    let answer = proxy.post(INVOKE, &[("authorization", signed)], bedrock("Hi")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("x-amzn-errortype")),
        (403, "UnrecognizedClientException")
    );
    let message = answer.json().await["message"].as_str().unwrap().to_owned();
    assert!(message.contains("AWS_BEARER_TOKEN_BEDROCK"), "{message}");
    let path = format!("{MODELS}/claude-sonnet-5-5:rawPredict");
    assert_eq!(proxy.post(&path, &[("authorization", &bearer)], vertex("Hi").to_string()).await.status, 200);
    let answer =
        proxy.post(&path, &[("authorization", "Bearer ya29.googles")], vertex("Hi").to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-should-retry")), (401, "false"));
}

#[tokio::test]
async fn other_methods_are_not_taken() {
    let proxy = Proxy::start().await;
    let answer = proxy.send(Method::GET, INVOKE, &[], bytes::Bytes::new()).await;
    assert!(answer.json().await["message"].as_str().unwrap().contains("does not take GET"));
}
