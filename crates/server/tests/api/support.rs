//! A server and the simulator behind it, in this process, and a client that sees every byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use backends::{Anthropic, AnthropicSettings, Backend, Credential, HttpClient, Timeouts, UpstreamBody};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use policy::access::Gate;
use policy::config::{self, Config};
use serde_json::{Value, json};
use server::{App, Live, Server, Stores};
use simulator::Simulator;
use store::{ResponseStore, Sqlite, SqliteKeys, SqliteUsage, Unavailable, UsageSettings};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

/// A running server over the `anthropic` backend, whose API is the simulator.
pub(crate) struct Proxy {
    pub(crate) simulator: Simulator,
    pub(crate) address: SocketAddr,
    live: Live,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    client: HttpClient,
    /// Where this server keeps responses; the next one may find them there.
    pub(crate) data_dir: Arc<TempDir>,
}

/// An answer whose body has not been read yet.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: std::pin::Pin<Box<UpstreamBody>>,
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// A server with these settings in its `config.json`.
    pub(crate) async fn with(settings: Value) -> Self {
        Self::over(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// The same with what an earlier server left.
    pub(crate) async fn over(data_dir: Arc<TempDir>, settings: Value) -> Self {
        let simulator = Simulator::start().await.unwrap();
        let (config, backends, gate) = parts(&simulator, settings);
        let stores = stores(&data_dir, &config);
        let server = Server::bind(App::new(config, backends, gate, stores)).unwrap();
        let (address, live) = (server.address().unwrap(), server.live());
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(async {
            stopped.await.ok();
        }));
        let client = HttpClient::new(Timeouts { quiet: PATIENCE, response: PATIENCE });
        Self { simulator, address, live, stop: Some(stop), serving, client, data_dir }
    }

    /// Puts another configuration in place of the one in force, with backends of its own.
    pub(crate) async fn reload(&self, settings: Value) {
        let (config, backends, gate) = parts(&self.simulator, settings);
        self.live.reload(config, backends, gate).await.unwrap();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a JSON body with further headers.
    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        self.send(Method::POST, path, &headers, body.into()).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Bytes::new()).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.send(request.body(Full::new(body)).unwrap(), true).await.unwrap();
        let (parts, body) = answer.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: Box::pin(body) }
    }

    /// An Anthropic request with one user message.
    pub(crate) async fn messages(&self, text: &str, stream: bool) -> Answer {
        let body = anthropic_request(text, stream).to_string();
        self.post("/v1/messages", &[("anthropic-version", "2023-06-01")], body).await
    }

    /// A chat completion request with one user message.
    pub(crate) async fn chat(&self, text: &str, stream: bool) -> Answer {
        self.post("/v1/chat/completions", &[], chat_request(text, stream).to_string()).await
    }

    /// The last call that reached the API; what asks for its health is none.
    pub(crate) fn sent(&self) -> simulator::Recorded {
        let mut requests = self.simulator.requests();
        requests.retain(|request| request.path.starts_with("/v1/messages"));
        requests.pop().unwrap()
    }

    /// The Messages requests that reached the API.
    pub(crate) fn asked(&self) -> Vec<Value> {
        let asked = self.simulator.requests().into_iter().filter(|request| request.path == "/v1/messages");
        asked.map(|request| request.json()).collect()
    }

    /// Tells the server to stop, as SIGTERM would.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has stopped.
    pub(crate) async fn stopped(self) {
        tokio::time::timeout(PATIENCE, self.serving).await.expect("the server hangs").unwrap();
    }

    /// The text of `/metrics`.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics", &[]).await.text().await
    }
}

/// What a server with these settings in its `config.json` is made of.
fn parts(simulator: &Simulator, mut settings: Value) -> (Config, Vec<Arc<dyn Backend>>, Gate) {
    settings["anthropic"] = json!({ "base_url": simulator.url(), "api_key": "sim-key" });
    let server = settings.as_object_mut().unwrap().entry("server").or_insert_with(|| json!({}));
    server["host"] = json!("127.0.0.1");
    server["port"] = json!(0);
    let environment = BTreeMap::from([("HOME".to_owned(), "/nonexistent".to_owned())]);
    let config = config::parse(&settings.to_string(), &environment).unwrap().config;
    let timeouts = Timeouts { quiet: config.claude.timeout, response: config.claude.response_timeout };
    let backends = config.backends.iter().map(|(name, upstream)| api(name, upstream, timeouts)).collect();
    let gate = Gate::new(&config, None, false);
    (config, backends, gate)
}

fn api(name: &str, upstream: &config::Upstream, timeouts: Timeouts) -> Arc<dyn Backend> {
    let (base_url, credential) = match upstream {
        config::Upstream::Anthropic(section) => {
            let key = section.api_key.as_ref().expect("tests use API keys");
            (section.base_url.clone(), Credential::ApiKey(key.expose().to_owned()))
        }
        config::Upstream::Passthrough { base_url } => (base_url.clone(), Credential::Callers),
        other => panic!("these tests have no backend of kind {}", other.kind()),
    };
    Arc::new(
        Anthropic::new(&AnthropicSettings { name: name.to_owned(), base_url, credential, timeouts }).unwrap(),
    )
}

fn stores(dir: &TempDir, config: &config::Config) -> Stores {
    let settings = UsageSettings { dir: dir.path().to_owned(), retention_days: 90, patience: PATIENCE };
    Stores {
        responses: config.openai.store.then(|| store(dir, config.openai.store_max_bytes)),
        usage: config.usage.enabled.then(|| Arc::new(SqliteUsage::open(&settings).unwrap()) as _),
        keys: Some(Arc::new(SqliteKeys::open(dir.path(), PATIENCE).unwrap())),
    }
}

fn store(dir: &TempDir, max_bytes: u64) -> Arc<dyn ResponseStore> {
    let settings =
        store::Settings { dir: dir.path().to_owned(), max_bytes, patience: Duration::from_secs(10) };
    match Sqlite::open(&settings) {
        Ok(store) => Arc::new(store),
        Err(error) => Arc::new(Unavailable::new(error.to_string())),
    }
}

pub(crate) fn anthropic_request(text: &str, stream: bool) -> Value {
    json!({
        "model": "claude-sonnet-5-5", "max_tokens": 256, "stream": stream,
        "messages": [{ "role": "user", "content": text }],
    })
}

pub(crate) fn chat_request(text: &str, stream: bool) -> Value {
    json!({ "model": "claude-sonnet-5-5", "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The next piece of the body as it came; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Option<Bytes> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some(data),
                    Err(_) => continue,
                },
                Err(error) => panic!("the answer was cut: {error}"),
            }
        }
    }

    /// Reads on until the body so far contains `text`.
    pub(crate) async fn expect(&mut self, text: &str) -> String {
        let mut seen = BytesMut::new();
        loop {
            let piece = self.piece().await;
            let so_far = || String::from_utf8_lossy(&seen).into_owned();
            let Some(piece) = piece else { panic!("the answer ended without {text:?}: {}", so_far()) };
            seen.extend_from_slice(&piece);
            let so_far = String::from_utf8_lossy(&seen).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
        }
    }

    /// The rest of the body.
    pub(crate) async fn bytes(mut self) -> Bytes {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece().await {
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
    }

    pub(crate) async fn text(self) -> String {
        String::from_utf8(self.bytes().await.to_vec()).unwrap()
    }

    pub(crate) async fn json(self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }
}
