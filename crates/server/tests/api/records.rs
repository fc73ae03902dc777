//! What is written down about an exchange: once, whoever ends it, and never what was said.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use simulator::turn;

use crate::support::{Proxy, chat_request};

/// The log of this whole test program, at the most talkative level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn of_all_tests() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || writer.clone());
            subscriber.try_init().unwrap();
            log
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }

    /// The lines about exchanges of this model, which only one test asks for.
    fn exchanges(&self, model: &str) -> Vec<Value> {
        let lines = self.text();
        let parsed = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed.filter(|line| line["target"] == "access" && line["model"] == model).collect()
    }
}

/// A server that serves `name` under a name that no other test uses, so that its lines can be told apart.
async fn known_as(name: &str) -> Proxy {
    Proxy::with(json!({ "openai": { "aliases": { name: "claude-sonnet-5-5" } } })).await
}

async fn ask(proxy: &Proxy, name: &str, stream: bool) -> crate::support::Answer {
    let mut body = chat_request("hi", stream);
    body["model"] = json!(name);
    proxy.post("/v1/chat/completions", &[], body.to_string()).await
}

/// How many exchanges the metrics count in all.
async fn counted(proxy: &Proxy) -> u64 {
    let metrics = proxy.metrics().await;
    let counts = metrics.lines().filter(|line| line.starts_with("ccp_requests_total{"));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_is_one_line_and_one_count_before_and_during_the_answer() {
    let log = Log::of_all_tests();
    let proxy = known_as("hung-up").await;
    proxy.simulator.script(turn().text("one").hold());
    let mut answer = ask(&proxy, "hung-up", true).await;
    answer.expect("one").await;
    drop(answer);
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(5)).await);
    proxy.simulator.script(turn().hold());
    let waiting = tokio::time::timeout(Duration::from_millis(300), ask(&proxy, "hung-up", false)).await;
    assert!(waiting.is_err(), "the turn is held");
    assert!(proxy.simulator.active_becomes(0, Duration::from_secs(5)).await);
    tokio::time::sleep(Duration::from_millis(100)).await;

    assert_eq!(counted(&proxy).await, 2);
    let lines = log.exchanges("hung-up");
    let seen: Vec<_> = lines.iter().map(|line| (line["status"].as_u64(), line["ended"].as_str())).collect();
    assert_eq!(seen, [(Some(200), Some("client_gone")), (Some(499), Some("client_gone"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_an_exchange_is_one_line_and_one_count() {
    let log = Log::of_all_tests();
    let proxy = known_as("ended").await;
    let scripts = [turn().text("one"), turn().text("one").cut(), turn().error(429)];
    for (number, script) in (1..).zip(scripts) {
        proxy.simulator.script(script);
        ask(&proxy, "ended", true).await.bytes().await;
        assert_eq!(counted(&proxy).await, number);
    }
    let lines = log.exchanges("ended");
    let seen: Vec<_> = lines.iter().map(|line| (line["status"].as_u64(), line["ended"].as_str())).collect();
    let expected =
        [(Some(200), Some("complete")), (Some(200), Some("backend_failed")), (Some(429), Some("complete"))];
    assert_eq!(seen, expected);
    assert!(lines[0]["output_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_said_and_no_key_is_in_log_metrics_or_errors() {
    const PROMPT: &str = "canary-prompt-7391";
    const ANSWER: &str = "canary-answer-2846";
    const KEY: &str = "canary-key-5023";
    let log = Log::of_all_tests();
    let proxy =
        Proxy::with(json!({ "auth": { "api_keys": [policy::keys::KeyHash::of(KEY).to_string()] } })).await;
    let key = [("x-api-key", KEY), ("anthropic-version", "2023-06-01")];
    let mut told = String::new();
    for path in ["/v1/messages", "/v1/chat/completions"] {
        for script in [turn().text(ANSWER), turn().text(ANSWER).cut(), turn().error(529)] {
            proxy.simulator.script(script);
            let body = crate::support::anthropic_request(PROMPT, true).to_string();
            proxy.post(path, &key, body).await.bytes().await;
        }
        let wrong =
            json!({ "model": PROMPT, "messages": [{ "role": PROMPT, "content": [PROMPT] }], "stream": 7 });
        told += &proxy.post(path, &key, wrong.to_string()).await.text().await;
        told += &proxy.post(path, &key, format!("{{\"messages\": {PROMPT}}}")).await.text().await;
        let stranger = [("x-api-key", ANSWER), key[1]];
        told += &proxy.post(path, &stranger, "{}").await.text().await;
    }
    let metrics = proxy.get("/metrics", &key).await.text().await;
    for canary in [PROMPT, ANSWER, KEY, "sim-key"] {
        assert!(!metrics.contains(canary), "{canary} is in the metrics");
        assert!(!told.contains(canary), "{canary} is in an error: {told}");
        let leaked: Vec<_> =
            log.text().lines().filter(|line| says(line, canary)).map(str::to_owned).collect();
        assert!(leaked.is_empty(), "{canary} is in the log: {leaked:?}");
    }
}

/// Whether a line of ours tells a canary in another place than the model's name, which is what the caller named it.
fn says(line: &str, canary: &str) -> bool {
    let Ok(mut line) = serde_json::from_str::<Value>(line) else { return line.contains(canary) };
    let Some(fields) = line.as_object_mut() else { return false };
    fields.remove("model");
    fields.remove("model_served");
    // Below the server's own code: what a TRACE of an HTTP library shows is not ours to promise.
    let ours = fields["target"].as_str().is_some_and(|target| !target.starts_with("hyper"));
    ours && line.to_string().contains(canary)
}
