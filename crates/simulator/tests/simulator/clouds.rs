//! The faces of the clouds: what they refuse, and how.

use crate::client::{Answer, request, with};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};
use simulator::{Simulator, aws, google, turn};
use std::time::{Duration, SystemTime};

const INVOKE: &str = "/model/us.anthropic.claude-sonnet-5-5/invoke";
const PREDICT: &str = "/v1/projects/simulated-project/locations/global/publishers/anthropic/models/claude-sonnet-5-5:rawPredict";

fn says(text: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": messages})
}

/// By a bearer key.
async fn invoke(simulator: &Simulator, path: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {}", aws::BEARER_KEY);
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    request(simulator, "POST", path, &headers, body.to_string()).await.unwrap()
}

/// The headers of a signed request.
fn signed(path: &str, body: &str, secret: &str, time: SystemTime) -> Vec<(String, String)> {
    let identity = Credentials::new(aws::ACCESS_KEY_ID, secret, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(aws::REGION)
        .name("bedrock")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let uri = format!("http://localhost{path}");
    let body = SignableBody::Bytes(body.as_bytes());
    let signable = SignableRequest::new("POST", uri, std::iter::empty(), body).unwrap();
    let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
    instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn send(
    simulator: &Simulator,
    path: &str,
    headers: &[(String, String)],
    body: &str,
) -> (u16, String, String) {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = request(simulator, "POST", path, &headers, body.to_owned()).await.unwrap();
    let (status, kind) = (answer.status, answer.header("x-amzn-errortype").to_owned());
    let message = answer.json().await["message"].as_str().unwrap_or_default().to_owned();
    (status, kind.split(':').next().unwrap_or_default().to_owned(), message)
}

#[tokio::test]
async fn a_signature_is_made_again_from_all_that_arrived() {
    let simulator = Simulator::start().await.unwrap();
    let body = says("Hi").to_string();
    let dated = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke";
    let now = SystemTime::now();
    let good = |path| signed(path, &body, aws::SECRET_ACCESS_KEY, now);
    for path in [INVOKE, dated] {
        assert_eq!(send(&simulator, path, &good(path), &body).await.0, 200, "{path}");
    }
    let refused = async |path, headers: &[(String, String)], body: &str| {
        let (status, kind, message) = send(&simulator, path, headers, body).await;
        assert_eq!((status, kind.as_str()), (403, "InvalidSignatureException"), "{message}");
        message
    };
    let mismatch = "The request signature we calculated does not match";
    assert!(refused(dated, &good(INVOKE), &body).await.starts_with(mismatch), "another path");
    assert!(
        refused(INVOKE, &good(INVOKE), &says("Ho").to_string()).await.starts_with(mismatch),
        "another body"
    );
    let wrong = signed(INVOKE, &body, "wrong", now);
    assert!(refused(INVOKE, &wrong, &body).await.starts_with(mismatch), "another secret");
    for hour in [now - Duration::from_secs(3600), now + Duration::from_secs(3600)] {
        let late = signed(INVOKE, &body, aws::SECRET_ACCESS_KEY, hour);
        assert!(refused(INVOKE, &late, &body).await.starts_with("Signature expired"));
    }
    let more = [good(INVOKE), vec![("x-amz-more".to_owned(), "1".to_owned())]].concat();
    assert!(refused(INVOKE, &more, &body).await.contains("must be a 'SignedHeader'"));
    let hashed = [good(INVOKE), vec![("x-amz-content-sha256".to_owned(), "0".to_owned())]].concat();
    refused(INVOKE, &hashed, &body).await;
}

#[tokio::test]
async fn nobody_is_served_by_bedrock_without_credentials() {
    let simulator = Simulator::start().await.unwrap();
    let (status, kind, _) = send(&simulator, INVOKE, &[], "{}").await;
    assert_eq!((status, kind.as_str()), (403, "MissingAuthenticationTokenException"));
    let unknown = [("authorization".to_owned(), "Bearer unknown".to_owned())];
    assert_eq!(send(&simulator, INVOKE, &unknown, "{}").await.0, 403);
}

#[tokio::test]
async fn bedrock_refuses_what_the_messages_api_has_in_its_body() {
    let simulator = Simulator::start().await.unwrap();
    for (body, told) in [
        (with(says("Hi"), "model", "claude-sonnet-5-5"), "model: Extra inputs are not permitted"),
        (with(says("Hi"), "stream", true), "stream: Extra inputs are not permitted"),
        (
            with(says("Hi"), "anthropic_version", "2023-06-01"),
            "anthropic_version: Input should be 'bedrock-2023-05-31'",
        ),
        (json!({"max_tokens": 5}), "anthropic_version: Field required"),
        (with(says("Hi"), "anthropic_beta", "a"), "anthropic_beta: Input should be a valid list"),
    ] {
        let answer = invoke(&simulator, INVOKE, &body).await;
        assert_eq!((answer.status, answer.json().await["message"].as_str()), (400, Some(told)));
    }
}

#[tokio::test]
async fn a_stream_of_bedrocks_is_frames_with_sound_checksums() {
    let simulator = Simulator::start().await.unwrap();
    simulator.script(turn().text("Hello").usage(3, 2));
    let answer = invoke(&simulator, &format!("{INVOKE}-with-response-stream"), &says("Hi")).await;
    assert_eq!(answer.header("content-type"), "application/vnd.amazon.eventstream");
    let bytes = answer.chunks().await.0.concat();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut at, mut frames) = (0, 0);
    while at < bytes.len() {
        let total = number(at) as usize;
        assert_eq!(number(at + 8), crc32fast::hash(&bytes[at..at + 8]));
        assert_eq!(number(at + total - 4), crc32fast::hash(&bytes[at..at + total - 4]));
        (at, frames) = (at + total, frames + 1);
    }
    assert_eq!(frames, 6, "start, block start, delta, block stop, delta, stop");
}

#[tokio::test]
async fn vertex_gives_tokens_for_proof_alone() {
    let simulator = Simulator::start().await.unwrap();
    let ask = async |form: &str| request(&simulator, "POST", "/token", &[], form.to_owned()).await.unwrap();
    for form in [
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c",
        "grant_type=refresh_token&client_id=simulated-client&client_secret=wrong&refresh_token=x",
        "",
    ] {
        let answer = ask(form).await;
        assert_eq!(
            (answer.status, answer.json().await["error"].as_str()),
            (400, Some("invalid_grant")),
            "{form}"
        );
    }
    let (id, secret, refresh) = (google::CLIENT_ID, google::CLIENT_SECRET, google::REFRESH_TOKEN);
    let form =
        format!("grant_type=refresh_token&client_id={id}&client_secret={secret}&refresh_token={refresh}");
    let token = ask(&form).await.json().await["access_token"].as_str().unwrap().to_owned();
    for (token, status) in [(token.as_str(), 200), ("ya29.simulated-9", 401), ("other", 401)] {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = with(says("Hi"), "anthropic_version", "vertex-2023-10-16").to_string();
        let answer = request(&simulator, "POST", PREDICT, &headers, body).await.unwrap();
        assert_eq!(answer.status, status, "{token}");
        if status == 401 {
            assert_eq!(answer.json().await["error"]["status"], "UNAUTHENTICATED");
        }
    }
}
