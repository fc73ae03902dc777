//! Several backends: who serves, and what happens when one can't. Whatever happens, nobody is asked a second time once an
//! answer has begun, and no client sees an error that another backend could have spared it.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use simulator::{Before, Simulator, Turn, turn};

use crate::support::{Answer, Proxy, anthropic_request, chat_request};

/// A server over two simulators, `a` and `b`, the second of which stands by.
struct Two {
    proxy: Proxy,
    a: Simulator,
    b: Simulator,
}

impl Two {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// `routing` is merged over the usual section.
    async fn with(routing: Value) -> Self {
        let (a, b) = (Simulator::start().await.unwrap(), Simulator::start().await.unwrap());
        let mut section = json!({ "routes": [{ "models": ["*"], "targets": ["a", "b"] }] });
        section.as_object_mut().unwrap().extend(routing.as_object().unwrap().clone());
        let proxy = Proxy::with(json!({
            "backends": { "a": api(&a.url()), "b": api(&b.url()) },
            "routing": section, "claude": { "timeout": 2, "response_timeout": 3 }
        }));
        Self { proxy: proxy.await, a, b }
    }

    /// What either of them was asked.
    fn asked(&self) -> [usize; 2] {
        [asked(&self.a), asked(&self.b)]
    }

    async fn health(&self) -> Value {
        self.proxy.get("/health", &[]).await.json().await["backends"].take()
    }
}

fn api(url: &str) -> Value {
    json!({ "kind": "anthropic", "base_url": url, "api_key": "sim-key" })
}

fn asked(simulator: &Simulator) -> usize {
    simulator.requests().iter().filter(|request| request.method == "POST").count()
}

fn who(answer: &Answer) -> (u16, &str, &str) {
    (answer.status.as_u16(), answer.header("x-backend"), answer.header("x-attempts"))
}

fn overloaded_stream() -> Turn {
    turn().bare().stream_error("overloaded_error", "Overloaded")
}

fn cut_before_its_first_event() -> Turn {
    turn().bare().bytes("event: message_st").close()
}

type Named = (&'static str, fn() -> Turn);

/// Every way to fail before an answer has begun, in both dialects, as a stream and not.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_it_has_begun_is_served_by_the_next() {
    let everywhere: [Named; 8] = [
        ("500", || turn().error(500)),
        ("502", || turn().error(502)),
        ("503", || turn().error(503)),
        ("529", || turn().error(529)),
        ("429", || turn().error(429)),
        ("408", || turn().error(408)),
        ("504", || turn().error(504)),
        ("closed", || turn().first(Before::Close)),
    ];
    let streams: [Named; 2] = [("an error event", overloaded_stream), ("cut", cut_before_its_first_event)];
    for stream in [false, true] {
        for (name, script) in everywhere.iter().chain(streams.iter().filter(|_| stream)) {
            for path in ["/v1/messages", "/v1/chat/completions"] {
                let two = Two::start().await;
                two.a.script(script());
                let body = anthropic_request("hi", stream).to_string();
                let answer = two.proxy.post(path, &[], body).await;
                assert_eq!(who(&answer), (200, "b", "2"), "{name} {path} stream: {stream}");
                let text = answer.text().await;
                assert!(text.contains("hi") && !text.contains("error"), "{name}: {text}");
                assert_eq!(two.asked(), [1, 1], "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_where_nobody_listens_is_passed_over() {
    let b = Simulator::start().await.unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let settings = json!({
        "backends": { "a": api(&nobody), "b": api(&b.url()) },
        "routing": { "routes": [{ "models": ["*"], "targets": ["a", "b"] }] }
    });
    let proxy = Proxy::with(settings).await;
    for stream in [false, true] {
        let answer = proxy.messages("hi", stream).await;
        assert_eq!(who(&answer), (200, "b", "2"));
    }
    let count = json!({ "model": "claude-sonnet-5-5", "messages": [{ "role": "user", "content": "hi" }] });
    let counted = proxy.post("/v1/messages/count_tokens", &[], count.to_string()).await;
    assert_eq!(who(&counted), (200, "b", "2"));
    let metrics = proxy.metrics().await;
    assert!(metrics.contains(r#"ccp_attempts_total{backend="a",outcome="unreachable"} 3"#), "{metrics}");
    assert!(metrics.contains(r#"ccp_attempts_total{backend="b",outcome="answered"} 3"#), "{metrics}");
    assert!(metrics.contains(r#"backend="b",model="claude-sonnet-5-5",status="200""#), "{metrics}");
    assert_eq!(proxy.get("/health/ready", &[]).await.status, 200, "one that can serve is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stays_silent_is_given_up_in_time() {
    let two = Two::with(json!({ "attempt_timeout": 0.3 })).await;
    for (stream, script) in [
        (false, turn().first(Before::Stall)),
        (true, turn().first(Before::Stall)),
        (true, turn().bare().stall()),
    ] {
        two.a.script(script);
        let began = Instant::now();
        let answer = two.proxy.messages("hi", stream).await;
        assert_eq!(who(&answer), (200, "b", "2"));
        assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    }
    assert!(two.a.active_becomes(0, Duration::from_secs(1)).await, "the silent exchanges are left");
}

/// A complaint about the request would be the same everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_refused_by_the_first() {
    for status in [400, 401, 403, 404, 413, 422] {
        let two = Two::start().await;
        two.a.script(turn().error(status));
        let answer = two.proxy.messages("hi", false).await;
        assert_eq!(who(&answer), (status, "a", "1"));
        assert_eq!(two.asked(), [1, 0], "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let two = Two::start().await;
    for (stream, script) in [
        (true, turn().text("one two").cut()),
        (true, turn().text("one two").close()),
        (true, turn().text("one").stream_error("overloaded_error", "Overloaded")),
        (false, turn().text("one two").cut()),
    ] {
        two.a.script(script);
        let answer = two.proxy.messages("hi", stream).await;
        assert_eq!((answer.header("x-backend"), answer.header("x-attempts")), ("a", "1"), "{stream}");
        assert!(answer.text().await.contains("error"));
    }
    assert_eq!(two.asked(), [4, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_error_is_the_callers_when_all_fail() {
    let two = Two::start().await;
    two.a.script(turn().error(500));
    two.b.script(turn().error(529).message("Overloaded indeed"));
    let answer = two.proxy.messages("hi", false).await;
    assert_eq!(who(&answer), (529, "b", "2"));
    assert!(answer.text().await.contains("Overloaded indeed"));
    assert_eq!(two.asked(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_to_wait_is_left_alone_until_then() {
    let two = Two::start().await;
    two.a.script(turn().error(429).header("retry-after", "1"));
    assert_eq!(who(&two.proxy.messages("hi", false).await), (200, "b", "2"));
    assert_eq!(who(&two.proxy.messages("hi", true).await), (200, "b", "1"));
    assert_eq!(two.asked(), [1, 2]);
    assert_eq!(two.health().await["a"]["retry_after_seconds"], 1.0);
    let metrics = two.proxy.metrics().await;
    assert!(metrics.contains(r#"ccp_backend_available{backend="a"} 0"#), "{metrics}");

    two.b.script(turn().error(529).header("retry-after", "7"));
    let last = two.proxy.messages("hi", false).await;
    assert_eq!((who(&last), last.header("retry-after")), ((529, "b", "1"), "7"));
    let all = two.proxy.chat("hi", false).await;
    assert_eq!((all.status, all.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert!(!all.headers.contains_key("x-backend"), "it reached nobody");
    assert_eq!(two.asked(), [1, 3]);

    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(who(&two.proxy.messages("hi", false).await), (200, "a", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_again_and_again_is_left_alone_and_tried_after_a_pause() {
    let two = Two::with(json!({ "breaker_failures": 3, "breaker_pause": 0.5 })).await;
    two.a.script(turn().error(500).times(3));
    for _ in 0..3 {
        assert_eq!(who(&two.proxy.messages("hi", false).await), (200, "b", "2"));
    }
    assert_eq!(two.health().await["a"]["breaker"], "open");
    assert_eq!(who(&two.proxy.messages("hi", false).await), (200, "b", "1"));
    assert_eq!(two.asked(), [3, 4]);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(two.health().await["a"]["breaker"], "half-open");
    assert_eq!(who(&two.proxy.messages("hi", false).await), (200, "a", "1"));
    assert_eq!(two.health().await["a"]["breaker"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_streams_break_off_is_left_alone_as_well() {
    let two = Two::with(json!({ "breaker_failures": 3 })).await;
    two.a.script(turn().text("one").cut().times(3));
    for _ in 0..3 {
        assert!(two.proxy.messages("hi", true).await.text().await.contains("error"));
    }
    assert_eq!(who(&two.proxy.messages("hi", true).await), (200, "b", "1"));
}

/// The same beginning goes to the same backend, however the conversation goes on; others are spread.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_where_it_began() {
    let shared = json!([{ "backend": "a", "weight": 1 }, { "backend": "b", "weight": 1 }]);
    let two = Two::with(json!({ "routes": [{ "models": ["*"], "targets": shared }] })).await;
    let mut served = Vec::new();
    for conversation in 0..12 {
        let first = format!("conversation {conversation}");
        let before = two.proxy.messages(&first, false).await.header("x-backend").to_owned();
        let mut later = anthropic_request(&first, true);
        let more =
            [json!({ "role": "assistant", "content": "Yes." }), json!({ "role": "user", "content": "And?" })];
        later["messages"].as_array_mut().unwrap().extend(more);
        let after = two.proxy.post("/v1/messages", &[], later.to_string()).await;
        assert_eq!(after.header("x-backend"), before);
        let chat = two.proxy.post("/v1/chat/completions", &[], chat_request(&first, false).to_string()).await;
        assert_eq!(chat.header("x-backend"), before, "in either dialect");
        served.push(before);
    }
    assert!(served.contains(&"a".to_owned()) && served.contains(&"b".to_owned()), "{served:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_drawn_anew_where_conversations_need_not_stay() {
    let shared = json!([{ "backend": "a", "weight": 1 }, { "backend": "b", "weight": 1 }]);
    let two = Two::with(json!({ "routes": [{ "models": ["*"], "targets": shared }], "sticky": false })).await;
    for _ in 0..30 {
        assert_eq!(two.proxy.messages("the same", false).await.status, 200);
    }
    assert!(two.asked().iter().all(|asked| *asked > 0), "{:?}", two.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn models_go_where_their_route_says_under_the_name_it_says() {
    let routes = json!([
        { "models": ["claude-opus-*"], "targets": [{ "backend": "b", "model": "claude-sonnet-5-5" }] },
        { "models": ["claude-*"], "targets": ["a"] },
    ]);
    let two = Two::with(json!({ "routes": routes })).await;
    let ask = async |model: &str, path: &str| {
        let mut body = anthropic_request("hi", false);
        body["model"] = json!(model);
        two.proxy.post(path, &[], body.to_string()).await
    };
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let opus = ask("claude-opus-5-5", path).await;
        assert_eq!((who(&opus), opus.header("x-model-served")), ((200, "b", "1"), "claude-sonnet-5-5"));
        assert_eq!(opus.json().await["model"], "claude-opus-5-5");
        assert_eq!(two.b.requests().last().unwrap().json()["model"], "claude-sonnet-5-5");
        assert_eq!(who(&ask("claude-sonnet-5-5", path).await), (200, "a", "1"));
        let unknown = ask("gpt-99", path).await;
        assert_eq!((unknown.status, unknown.header("x-backend")), (StatusCode::NOT_FOUND, ""));
        let error = unknown.json().await["error"].take();
        assert!(error["message"].as_str().unwrap().contains("gpt-99"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_attempts_together_end_at_the_deadline() {
    let two = Two::with(json!({ "deadline": 0.5 })).await;
    two.a.script(turn().first(Before::Stall));
    let began = Instant::now();
    let answer = two.proxy.messages("hi", false).await;
    assert_eq!(who(&answer), (504, "a", "1"));
    assert!(answer.text().await.contains("routing.deadline"));
    assert!(began.elapsed() < Duration::from_millis(1500));
    assert_eq!(two.asked(), [1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_attempts_are_made_than_configured() {
    let two = Two::with(json!({ "max_attempts": 1 })).await;
    two.a.script(turn().error(529));
    assert_eq!(who(&two.proxy.messages("hi", false).await), (529, "a", "1"));
    assert_eq!(two.asked(), [1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_choices_and_responses_in_the_background_are_served_by_the_next_as_well() {
    let two = Two::start().await;
    two.a.script(turn().error(529).times(0));
    let mut chat = chat_request("hi", true);
    chat["n"] = json!(3);
    let answer = two.proxy.post("/v1/chat/completions", &[], chat.to_string()).await;
    assert_eq!(who(&answer), (200, "b", "2"));
    assert!(answer.text().await.contains("[DONE]"));

    let asked = json!({ "model": "claude-sonnet-5-5", "input": "hi", "background": true });
    let queued = two.proxy.post("/v1/responses", &[], asked.to_string()).await;
    let path = format!("/v1/responses/{}", queued.json().await["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let response = two.proxy.get(&path, &[]).await.json().await;
        if response["status"] == "completed" {
            break;
        }
        assert!(Instant::now() < deadline && response["status"] != "failed", "{response}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_backends_are_known_by_name() {
    let two = Two::start().await;
    two.proxy.messages("hi", false).await;
    let health = two.health().await;
    for name in ["a", "b"] {
        assert_eq!(health[name]["breaker"], "closed", "{health}");
    }
    let models = two.proxy.get("/v1/models", &[("anthropic-version", "2023-06-01")]).await.json().await;
    let ids: Vec<_> = models["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    let mut once = ids.clone();
    once.dedup();
    assert!(!ids.is_empty() && once == ids, "each model is listed once: {ids:?}");
}
