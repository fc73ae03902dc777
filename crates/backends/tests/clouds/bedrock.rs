use std::collections::BTreeMap;
use std::time::Duration;

use backends::{AwsCredentials, Backend, Bedrock, BedrockSettings, Call, Environment, State};
use serde_json::{Value, json};
use simulator::{Ended, Settings, Simulator, aws, turn};

use crate::support::{ECHO, MODEL, TIMEOUTS, arrived, bytes, call, count, events, json_of, text};

const PATH: &str = "/model/us.anthropic.claude-sonnet-5-5/invoke";

fn key(secret: &str) -> AwsCredentials {
    AwsCredentials::Key {
        access_key_id: aws::ACCESS_KEY_ID.into(),
        secret_access_key: secret.into(),
        session_token: None,
    }
}

fn settings(simulator: &Simulator, credentials: AwsCredentials) -> BedrockSettings {
    BedrockSettings {
        name: "aws".into(),
        region: aws::REGION.into(),
        base_url: Some(simulator.url()),
        credentials,
        models: BTreeMap::new(),
        timeouts: TIMEOUTS,
    }
}

fn bedrock(simulator: &Simulator, credentials: AwsCredentials) -> Bedrock {
    Bedrock::new(&settings(simulator, credentials)).unwrap()
}

async fn signed() -> (Simulator, Bedrock) {
    let simulator = Simulator::start().await.unwrap();
    let backend = bedrock(&simulator, key(aws::SECRET_ACCESS_KEY));
    (simulator, backend)
}

#[tokio::test]
async fn a_message_is_invoked_by_a_signed_request() {
    let (simulator, backend) = signed().await;
    simulator.script(turn().text("Hello").usage(12, 3).header("x-amzn-requestid", "aws-1"));
    let reply = backend.send(call(&json!({"temperature": 0.5, "model": "claude-haiku-4-5"}))).await.unwrap();
    assert_eq!((reply.status.as_u16(), reply.headers["request-id"].to_str().unwrap()), (200, "aws-1"));
    assert_eq!(reply.headers["x-amzn-bedrock-output-token-count"], "3");
    let answer = json_of(reply).await;
    assert_eq!(
        (&answer["content"][0]["text"], &answer["usage"]["input_tokens"]),
        (&json!("Hello"), &json!(12))
    );
    let request = &simulator.requests()[0];
    // The `:` of the version is encoded in the path, and once more in what is signed.
    assert_eq!(request.path, "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke");
    assert_eq!(request.query, "", "a query would have to be signed, and means nothing to AWS");
    let body = std::str::from_utf8(&request.body).unwrap();
    assert!(body.ends_with(r#""temperature":0.5,"anthropic_version":"bedrock-2023-05-31"}"#), "{body}");
    assert_eq!(backend.health().state, State::Ok);
}

#[tokio::test]
async fn a_stream_comes_as_the_events_of_the_messages_api() {
    let (simulator, backend) = signed().await;
    simulator.script(
        turn().thinking("hm").texts(["Hel", "lo"]).tool("look", json!({"q": 1})).usage(9, 4).chunks_of(7),
    );
    let reply = backend.send(call(&json!({"stream": true}))).await.unwrap();
    let (events, error) = events(reply).await;
    assert!(error.is_none());
    let mut whole = messages::Accumulator::default();
    events.iter().for_each(|event| whole.push(event).unwrap());
    let message: Value = serde_json::from_slice(&whole.finish().unwrap()).unwrap();
    assert_eq!(message["content"][1]["text"], "Hello");
    assert_eq!(
        (&message["stop_reason"], &message["usage"]["output_tokens"]),
        (&json!("tool_use"), &json!(4))
    );
    assert_eq!(message["content"][2]["input"], json!({"q": 1}));
    let last = events.last().unwrap();
    assert!(last.name == "message_stop" && !last.data.windows(7).any(|part| part == b"bedrock"), "{last:?}");
    assert_eq!(simulator.requests()[0].path, format!("{PATH}-with-response-stream"));
}

#[tokio::test]
async fn features_go_from_the_header_into_the_body() {
    let (simulator, backend) = signed().await;
    let mut headers = http::HeaderMap::new();
    headers.insert(
        "anthropic-beta",
        "claude-code-20250219, context-management-2025-06-27,effort-2025-11-24".parse().unwrap(),
    );
    headers.insert("x-amzn-bedrock-trace", "ENABLED".parse().unwrap());
    headers.insert("x-api-key", "the caller's".parse().unwrap());
    let call = Call { headers, ..call(&json!({"context_management": {"edits": []}})) };
    assert_eq!(backend.send(call).await.unwrap().status, 200);
    let request = &simulator.requests()[0];
    assert_eq!(
        request.json()["anthropic_beta"],
        json!(["context-management-2025-06-27", "effort-2025-11-24"])
    );
    assert_eq!(
        (request.header("x-amzn-bedrock-trace"), request.header("x-api-key")),
        (Some("ENABLED"), None)
    );
    assert_eq!(request.header("anthropic-beta"), None);
}

#[tokio::test]
async fn a_feature_that_bedrock_does_not_know_is_left_out_of_a_second_try_and_from_then_on() {
    let (simulator, backend) = signed().await;
    let asking = |strict: bool| {
        let mut call = call(&json!({}));
        call.headers.insert("anthropic-beta", "effort-2025-11-24,advisor-tool-2026-03-01".parse().unwrap());
        call.strict = strict;
        call
    };
    let refused = backend.send(asking(true)).await.unwrap();
    assert_eq!(refused.status, 400, "in strict mode it is the caller's to leave it out");
    for requests in [2, 3] {
        let reply = backend.send(asking(false)).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.ignored), (200, vec!["anthropic-beta".to_owned()]));
        assert_eq!(simulator.requests().len(), requests);
        assert_eq!(
            simulator.requests().last().unwrap().json()["anthropic_beta"],
            json!(["effort-2025-11-24"])
        );
    }
    let (simulator, backend) = signed().await;
    assert_eq!(backend.send(asking(false)).await.unwrap().status, 200);
    assert_eq!(simulator.requests().len(), 2, "refused, and asked again");
}

#[tokio::test]
async fn tokens_are_counted_by_the_model_behind_the_profile() {
    let (simulator, backend) = signed().await;
    simulator.script(turn().usage(77, 0).when_path("/v1/messages/count_tokens"));
    let reply = backend.count_tokens(count()).await.unwrap();
    assert_eq!(&bytes(reply).await[..], br#"{"input_tokens":77}"#);
    assert_eq!(simulator.requests()[0].path, "/model/anthropic.claude-sonnet-5-5/count-tokens");
}

#[tokio::test]
async fn a_wrong_secret_is_this_servers_fault_and_shown_in_its_health() {
    let simulator = Simulator::start().await.unwrap();
    let backend = bedrock(&simulator, key("wrong"));
    let (status, message) = text(&backend).await.unwrap_err();
    assert_eq!(status, 502);
    assert!(message.starts_with("The request signature we calculated"), "{message}");
    let health = backend.health();
    assert!(
        health.state == State::Failing && health.detail.contains("InvalidSignatureException"),
        "{health:?}"
    );
}

#[tokio::test]
async fn another_region_or_service_than_the_signature_names_is_refused() {
    let simulator = Simulator::start().await.unwrap();
    let settings =
        BedrockSettings { region: "us-west-2".into(), ..settings(&simulator, key(aws::SECRET_ACCESS_KEY)) };
    let (status, message) = text(&Bedrock::new(&settings).unwrap()).await.unwrap_err();
    assert_eq!(status, 502);
    assert!(message.contains("valid region"), "{message}");
}

#[tokio::test]
async fn a_bearer_key_goes_instead_of_a_signature() {
    let simulator = Simulator::start().await.unwrap();
    let backend = bedrock(&simulator, AwsCredentials::Bearer(aws::BEARER_KEY.into()));
    assert_eq!(text(&backend).await.unwrap(), ECHO);
    let sent = simulator.requests()[0].header("authorization").unwrap().to_owned();
    assert_eq!(sent, format!("Bearer {}", aws::BEARER_KEY));
    assert_eq!(text(&bedrock(&simulator, AwsCredentials::Bearer("no".into()))).await.unwrap_err().0, 403);
}

#[tokio::test]
async fn the_role_of_a_container_or_machine_signs_with_its_token() {
    let simulator = Simulator::start().await.unwrap();
    let url = simulator.url();
    let of_container = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/container-credentials")),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "simulated-container-token".to_owned()),
    ];
    let of_machine = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.clone())];
    for environment in [Environment::from_iter(of_container), Environment::from_iter(of_machine)] {
        let backend = bedrock(&simulator, AwsCredentials::Standard(environment));
        assert_eq!(text(&backend).await.unwrap(), ECHO);
        assert_eq!(text(&backend).await.unwrap(), ECHO);
    }
    assert_eq!(arrived(&simulator, "/container-credentials").len(), 1, "they are kept while they are good");
    assert_eq!(arrived(&simulator, "/latest/api/token").len(), 1);
    assert!(arrived(&simulator, PATH).iter().all(|sent| sent.header("x-amz-security-token").is_some()));
}

#[tokio::test]
async fn credentials_that_expire_are_renewed_once_for_all_who_need_them() {
    let settings = Settings { credentials_seconds: 2, ..Settings::default() };
    let simulator = Simulator::start_with(settings).await.unwrap();
    let environment = Environment::from_iter([("AWS_EC2_METADATA_SERVICE_ENDPOINT", simulator.url())]);
    let backend = bedrock(&simulator, AwsCredentials::Standard(environment));
    let many = || futures_util::future::join_all((0..20).map(|_| text(&backend)));
    assert!(many().await.iter().all(Result::is_ok));
    assert_eq!(arrived(&simulator, "/latest/api/token").len(), 1);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert!(many().await.iter().all(Result::is_ok));
    assert_eq!(arrived(&simulator, "/latest/api/token").len(), 2);
}

#[tokio::test]
async fn errors_are_those_of_the_messages_api_in_awss_words() {
    let (simulator, backend) = signed().await;
    for (status, told, kind) in [
        (429, 429, "rate_limit_error"),
        (529, 503, "overloaded_error"),
        (500, 500, "api_error"),
        (404, 404, "not_found_error"),
    ] {
        simulator.script(turn().error(status).header("retry-after", "7"));
        let reply = backend.send(call(&json!({"stream": true}))).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.headers["retry-after"].to_str().unwrap()), (told, "7"));
        let error = json_of(reply).await;
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)));
    }
    let (status, message) = {
        let reply = backend.send(call(&json!({"model": "claude-never"}))).await.unwrap();
        (reply.status.as_u16(), json_of(reply).await["error"]["message"].clone())
    };
    assert_eq!((status, message), (400, json!("The provided model identifier is invalid.")));
}

#[tokio::test]
async fn an_exception_within_a_stream_ends_it_with_its_status() {
    let (simulator, backend) = signed().await;
    simulator.script(turn().text("Hel").stream_error("rate_limit_error", "Slow down"));
    let (seen, error) = events(backend.send(call(&json!({"stream": true}))).await.unwrap()).await;
    let error = error.unwrap().error;
    assert_eq!((error.status, error.message.as_str()), (429, "Slow down"));
    assert!(seen.iter().any(|event| event.name == "content_block_delta"));
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_with_an_error() {
    let (simulator, backend) = signed().await;
    simulator.script(turn().text("Hel").cut());
    let (_, error) = events(backend.send(call(&json!({"stream": true}))).await.unwrap()).await;
    assert_eq!(error.unwrap().error.status, 502);
}

#[tokio::test]
async fn dropping_the_answer_ends_the_exchange() {
    let (simulator, backend) = signed().await;
    simulator.script(turn().text("a").stall());
    let reply = backend.send(call(&json!({"stream": true}))).await.unwrap();
    drop(reply);
    assert!(simulator.active_becomes(0, Duration::from_secs(5)).await);
    assert_eq!(simulator.requests()[0].ended, Some(Ended::ClientGone));
}

#[tokio::test]
async fn the_table_names_another_profile() {
    let simulator = Simulator::start().await.unwrap();
    let models = BTreeMap::from([(MODEL.to_owned(), "global.anthropic.claude-opus-4-6-v1".to_owned())]);
    let backend =
        Bedrock::new(&BedrockSettings { models, ..settings(&simulator, key(aws::SECRET_ACCESS_KEY)) })
            .unwrap();
    let answer = json_of(backend.send(call(&json!({}))).await.unwrap()).await;
    assert_eq!(answer["model"], "claude-opus-4-6");
}

#[tokio::test]
async fn what_can_never_work_is_refused_at_once() {
    let simulator = Simulator::start().await.unwrap();
    for (base_url, region) in
        [("localhost:1", "us-east-1"), ("http://localhost", "evil.test/"), ("http://localhost", "")]
    {
        let settings = BedrockSettings {
            base_url: Some(base_url.into()),
            region: region.into(),
            ..settings(&simulator, key("k"))
        };
        assert!(Bedrock::new(&settings).is_err(), "{base_url} {region}");
    }
}
