use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use backends::{Backend, CloudSetupError, Environment, GoogleCredentials, State, Vertex, VertexSettings};
use serde_json::{Value, json};
use simulator::{Settings, Simulator, google, turn};

use crate::support::{ECHO, TIMEOUTS, arrived, bytes, call, count, json_of, text};

const MODELS: &str = "/v1/projects/simulated-project/locations/global/publishers/anthropic/models";

fn settings(simulator: &Simulator, credentials: GoogleCredentials) -> VertexSettings {
    VertexSettings {
        name: "gcp".into(),
        project: None,
        region: "global".into(),
        base_url: Some(simulator.url()),
        credentials,
        models: BTreeMap::new(),
        timeouts: TIMEOUTS,
    }
}

fn vertex(simulator: &Simulator, credentials: GoogleCredentials) -> Vertex {
    Vertex::new(&settings(simulator, credentials)).unwrap()
}

async fn by_account() -> (Simulator, Vertex) {
    let simulator = Simulator::start().await.unwrap();
    let backend = vertex(&simulator, GoogleCredentials::File(simulator.service_account()));
    (simulator, backend)
}

#[tokio::test]
async fn a_service_account_proves_itself_and_predicts() {
    let (simulator, backend) = by_account().await;
    simulator.script(turn().text("Hello").usage(12, 3));
    let reply =
        backend.send(call(&json!({"model": "claude-haiku-4-5-20251001", "temperature": 0.5}))).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(json_of(reply).await["content"][0]["text"], "Hello");
    let request = &arrived(&simulator, "/v1/projects")[0];
    assert_eq!(request.path, format!("{MODELS}/claude-haiku-4-5@20251001:rawPredict"));
    let body = std::str::from_utf8(&request.body).unwrap();
    assert!(body.ends_with(r#""temperature":0.5,"anthropic_version":"vertex-2023-10-16"}"#), "{body}");
    assert!(!body.contains("\"model\""));
    assert_eq!(backend.health().state, State::Ok);
}

#[tokio::test]
async fn a_stream_passes_byte_for_byte() {
    let (simulator, backend) = by_account().await;
    simulator.script(turn().texts(["Hel", "lo"]).chunks_of(5));
    let mut call = call(&json!({"stream": true}));
    call.headers.insert("anthropic-beta", "claude-code-20250219,b-1".parse().unwrap());
    let reply = backend.send(call).await.unwrap();
    assert_eq!(reply.headers["content-type"], "text/event-stream; charset=utf-8");
    let streamed = String::from_utf8(bytes(reply).await.to_vec()).unwrap();
    assert!(streamed.starts_with("event: message_start\n") && streamed.contains("\"Hel\""), "{streamed}");
    let request = &arrived(&simulator, "/v1/projects")[0];
    assert!(request.path.ends_with("claude-sonnet-5-5:streamRawPredict"));
    assert_eq!((request.header("anthropic-beta"), &request.json()["stream"]), (Some("b-1"), &json!(true)));
}

#[tokio::test]
async fn tokens_are_counted_for_the_model_that_the_body_names() {
    let (simulator, backend) = by_account().await;
    simulator.script(turn().usage(77, 0).when_path("/v1/messages/count_tokens"));
    let reply = backend.count_tokens(count()).await.unwrap();
    assert_eq!(&bytes(reply).await[..], br#"{"input_tokens":77}"#);
    assert_eq!(arrived(&simulator, "/v1/projects")[0].path, format!("{MODELS}/count-tokens:rawPredict"));
}

#[tokio::test]
async fn one_token_serves_many_and_is_renewed_when_it_ends() {
    let settings = Settings { credentials_seconds: 2, ..Settings::default() };
    let simulator = Simulator::start_with(settings).await.unwrap();
    let backend = vertex(&simulator, GoogleCredentials::File(simulator.service_account()));
    let many = || futures_util::future::join_all((0..20).map(|_| text(&backend)));
    assert!(many().await.iter().all(Result::is_ok));
    assert_eq!(arrived(&simulator, "/token").len(), 1);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert!(many().await.iter().all(Result::is_ok));
    assert_eq!(arrived(&simulator, "/token").len(), 2);
}

fn person(simulator: &Simulator, refresh_token: &str) -> String {
    json!({
        "type": "authorized_user",
        "client_id": google::CLIENT_ID,
        "client_secret": google::CLIENT_SECRET,
        "refresh_token": refresh_token,
        "quota_project_id": google::PROJECT,
        "token_uri": format!("{}/token", simulator.url()),
    })
    .to_string()
}

#[tokio::test]
async fn a_persons_refresh_token_is_enough() {
    let simulator = Simulator::start().await.unwrap();
    let backend = vertex(&simulator, GoogleCredentials::File(person(&simulator, google::REFRESH_TOKEN)));
    assert_eq!(text(&backend).await.unwrap(), ECHO);
    let request = &arrived(&simulator, "/v1/projects")[0];
    assert_eq!(request.header("x-goog-user-project"), Some(google::PROJECT));
    let backend = vertex(&simulator, GoogleCredentials::File(person(&simulator, "revoked")));
    let (status, detail) = text(&backend).await.unwrap_err();
    assert_eq!(status, 502);
    assert!(
        detail.contains("Token has been expired or revoked") && !detail.contains("revoked\""),
        "{detail}"
    );
    assert_eq!(backend.health().state, State::Failing);
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn application_default_credentials_are_found_where_gcloud_leaves_them() {
    let simulator = Simulator::start().await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let named = written(home.path(), "account.json", &simulator.service_account());
    let usual = ".config/gcloud/application_default_credentials.json";
    written(home.path(), usual, &person(&simulator, google::REFRESH_TOKEN));
    let home = home.path().to_str().unwrap();
    for variables in [vec![("HOME", home)], vec![("GOOGLE_APPLICATION_CREDENTIALS", named.as_str())]] {
        let environment = Environment::from_iter(variables);
        assert_eq!(text(&vertex(&simulator, GoogleCredentials::Default(environment))).await.unwrap(), ECHO);
    }
    let missing = Environment::from_iter([("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")]);
    let refused = Vertex::new(&settings(&simulator, GoogleCredentials::Default(missing))).err().unwrap();
    assert!(matches!(refused, CloudSetupError::Credentials(why) if why.contains("/nowhere.json")));
}

#[tokio::test]
async fn a_machine_of_googles_has_its_own() {
    let simulator = Simulator::start().await.unwrap();
    let host = simulator.url().replace("http://", "");
    let variables = [("GCE_METADATA_HOST", host.as_str()), ("GOOGLE_CLOUD_PROJECT", google::PROJECT)];
    let backend = vertex(&simulator, GoogleCredentials::Default(Environment::from_iter(variables)));
    assert_eq!(text(&backend).await.unwrap(), ECHO);
    let nobody = GoogleCredentials::Default(Environment::default());
    assert!(matches!(Vertex::new(&settings(&simulator, nobody)), Err(CloudSetupError::NoProject)));
}

#[tokio::test]
async fn another_providers_token_is_exchanged() {
    let simulator = Simulator::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "subject", &format!("{}\n", google::SUBJECT_TOKEN));
    let account = |impersonation: Value| {
        json!({
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": format!("{}/sts", simulator.url()),
            "credential_source": {"file": file},
            "service_account_impersonation_url": impersonation,
        })
        .to_string()
    };
    for impersonation in [Value::Null, json!(format!("{}/v1/impersonate", simulator.url()))] {
        let credentials = GoogleCredentials::File(account(impersonation));
        let settings =
            VertexSettings { project: Some(google::PROJECT.into()), ..settings(&simulator, credentials) };
        assert_eq!(text(&Vertex::new(&settings).unwrap()).await.unwrap(), ECHO);
    }
    assert_eq!(arrived(&simulator, "/v1/impersonate").len(), 1);
}

#[tokio::test]
async fn a_token_that_is_refused_is_this_servers_fault() {
    let simulator = Simulator::start().await.unwrap();
    let credentials = GoogleCredentials::AccessToken("ya29.expired".into());
    let backend = Vertex::new(&VertexSettings {
        project: Some(google::PROJECT.into()),
        ..settings(&simulator, credentials)
    });
    let backend = backend.unwrap();
    let (status, message) = text(&backend).await.unwrap_err();
    assert_eq!(status, 502);
    assert!(message.contains("invalid authentication credentials"), "{message}");
    assert_eq!(backend.health().state, State::Failing);
}

#[tokio::test]
async fn errors_are_those_of_the_messages_api_whoever_made_them() {
    let (simulator, backend) = by_account().await;
    for (status, kind) in [
        (429, "rate_limit_error"),
        (529, "overloaded_error"),
        (500, "api_error"),
        (400, "invalid_request_error"),
    ] {
        simulator.script(turn().error(status).header("retry-after", "7"));
        let reply = backend.send(call(&json!({"stream": true}))).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.headers["retry-after"].to_str().unwrap()), (status, "7"));
        let error = json_of(reply).await;
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(kind)));
    }
    let reply = backend.send(call(&json!({"model": "claude-never"}))).await.unwrap();
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn what_can_never_work_is_refused_at_once() {
    let simulator = Simulator::start().await.unwrap();
    let account = || GoogleCredentials::File(simulator.service_account());
    let refused = |settings: VertexSettings| Vertex::new(&settings).is_err();
    assert!(refused(VertexSettings {
        base_url: Some("localhost".into()),
        ..settings(&simulator, account())
    }));
    assert!(refused(VertexSettings { region: "evil.test/".into(), ..settings(&simulator, account()) }));
    assert!(refused(VertexSettings { project: Some("a/b".into()), ..settings(&simulator, account()) }));
    assert!(refused(settings(&simulator, GoogleCredentials::File("{}".into()))));
    let unkeyed = simulator.service_account().replace("BEGIN PRIVATE", "BEGIN PUBLIC");
    assert!(refused(settings(&simulator, GoogleCredentials::File(unkeyed))));
}
