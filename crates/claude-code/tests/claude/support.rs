//! The real program between a driver and the simulator: temporary directories, a cleared environment, loopback only.

use std::path::{Path, PathBuf};
use std::time::Duration;

use claude_code::{Credentials, Driver, OperatorEnvironment, Settings, TurnError, TurnStream, find_program};
use futures_util::StreamExt;
use messages::RawEvent;
use serde_json::{Value, json};
use simulator::{Recorded, Simulator};
use tokio::sync::{Mutex, MutexGuard};

const MODEL: &str = "claude-sonnet-5-5";

/// The program under test: `CCP_TEST_CLAUDE`, else the project's own pinned install. Never skipped.
pub(crate) fn program() -> PathBuf {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("CCP_TEST_CLAUDE").map(PathBuf::from);
    find_program(named.as_deref(), None, Some(&project)).unwrap_or_else(|error| {
        panic!("these tests need the real program: run `make tools`, or name it in CCP_TEST_CLAUDE ({error})")
    })
}

/// One at a time: a start costs a core for half a second, and a test must know whose processes it sees.
static OPEN: Mutex<()> = Mutex::const_new(());

pub(crate) struct House {
    pub(crate) simulator: Simulator,
    pub(crate) driver: Driver,
    pub(crate) scratch: PathBuf,
    /// The operator's home.
    pub(crate) home: PathBuf,
    _root: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|settings| settings).await
    }

    /// A house whose processes wait for their conversation to go on.
    pub(crate) async fn that_keeps() -> Self {
        Self::that_keeps_with(|settings| settings).await
    }

    pub(crate) async fn that_keeps_with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let minute = Duration::from_secs(60);
        Self::with(|settings| change(Settings { hold_time: minute, idle_time: minute, ..settings })).await
    }

    pub(crate) async fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let alone = OPEN.lock().await;
        let simulator = Simulator::start().await.unwrap();
        let root = tempfile::Builder::new().prefix("ccp").tempdir().unwrap();
        let (scratch, home) = (root.path().join("s"), root.path().join("home"));
        std::fs::create_dir(&home).unwrap();
        let mut settings = Settings::new(program(), Credentials::ApiKey, &scratch);
        settings.base_url = Some(simulator.url());
        settings.operator_env = operator(&home);
        // Every turn has its own process, unless a test is about going on.
        (settings.hold_time, settings.idle_time) = (Duration::ZERO, Duration::ZERO);
        let driver = Driver::new(change(settings)).unwrap();
        Self { simulator, driver, scratch, home, _root: root, _alone: alone }
    }

    pub(crate) async fn start(&self, request: &Value) -> Result<TurnStream, TurnError> {
        let turn = self.driver.read_turn(request.to_string().as_bytes(), "").unwrap();
        self.driver.start(turn).await
    }

    /// A whole turn: its events, and its error if it ended with one.
    pub(crate) async fn turn(&self, request: &Value) -> (Vec<RawEvent>, Option<TurnError>) {
        match self.start(request).await {
            Ok(stream) => collect(stream).await,
            Err(error) => (Vec::new(), Some(error)),
        }
    }

    /// What the one request upstream was.
    pub(crate) fn upstream(&self) -> Recorded {
        let mut requests = self.simulator.requests();
        let seen: Vec<_> = requests.iter().map(|r| (r.status, &*r.path, r.json()["model"].clone())).collect();
        assert_eq!(requests.len(), 1, "one turn is one request upstream: {seen:?}");
        requests.remove(0)
    }

    /// A whole turn that must succeed: the answer as a message to send back.
    pub(crate) async fn answer(&self, request: &Value) -> Value {
        let (events, error) = self.turn(request).await;
        assert!(error.is_none(), "{error:?}");
        answer(&events)
    }

    /// Until this many processes hold calls and this many are idle.
    pub(crate) async fn waiting_are(&self, held: usize, idle: usize) {
        let waited = tokio::time::timeout(Duration::from_secs(5), async {
            while (self.driver.counts().held, self.driver.counts().idle) != (held, idle) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{:?}", self.driver.counts());
    }

    /// Until no process, no scratch directory and no upstream exchange is left.
    pub(crate) async fn nothing_is_left_within(&self, limit: Duration) {
        let empty = || {
            let counts = self.driver.counts();
            let waiting = counts.held + counts.idle;
            let processes = counts.queued + counts.starting + counts.running + counts.ending + waiting;
            processes == 0 && files(&self.scratch) == 0 && descendants().is_empty()
        };
        let waited = tokio::time::timeout(limit, async {
            while !empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let left = (self.driver.counts(), files(&self.scratch));
        assert!(waited.await.is_ok(), "left: {left:?}, processes {:?}", descendants());
    }
}

/// Whatever a test leaves running ends with it, and must leave no file.
impl Drop for House {
    fn drop(&mut self) {
        let ended = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| ended.block_on(self.driver.shutdown()));
        assert!(std::thread::panicking() || files(&self.scratch) == 0, "a scratch directory is left");
    }
}

pub(crate) fn operator(home: &Path) -> OperatorEnvironment {
    let variables = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", home.to_str().unwrap()),
        ("ANTHROPIC_API_KEY", "sk-ant-test-key"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-test-token"),
    ];
    variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

pub(crate) async fn collect(mut stream: TurnStream) -> (Vec<RawEvent>, Option<TurnError>) {
    let mut events = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the last item");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

pub(crate) fn ask(messages: &Value) -> Value {
    json!({"model": MODEL, "max_tokens": 100, "messages": messages})
}

pub(crate) fn hello() -> Value {
    ask(&json!([{"role": "user", "content": "hello"}]))
}

pub(crate) fn names(events: &[RawEvent]) -> Vec<&str> {
    events.iter().map(|event| &*event.name).collect()
}

/// The text of an answer.
pub(crate) fn text(events: &[RawEvent]) -> String {
    let deltas = events.iter().map(|event| serde_json::from_slice::<Value>(&event.data).unwrap());
    deltas.filter_map(|event| event["delta"]["text"].as_str().map(str::to_string)).collect()
}

/// The answer that these events are, as a message to send back.
pub(crate) fn answer(events: &[RawEvent]) -> Value {
    let mut answer = messages::Accumulator::default();
    events.iter().for_each(|event| answer.push(event).unwrap());
    let answer: Value = serde_json::from_slice(&answer.finish().unwrap()).unwrap();
    json!({"role": "assistant", "content": answer["content"]})
}

/// The conversation in a request, without what the program adds: texts become blocks, cache marks go.
pub(crate) fn conversation(body: &Value) -> Vec<Value> {
    body["messages"].as_array().unwrap().iter().map(plain).collect()
}

fn plain(message: &Value) -> Value {
    let mut content = match &message["content"] {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        content => content.as_array().unwrap().clone(),
    };
    for block in &mut content {
        let block = block.as_object_mut().unwrap();
        block.remove("cache_control");
        if let Some(bare) = block.get("name").and_then(|name| name.as_str()?.strip_prefix("mcp__client__")) {
            *block.get_mut("name").unwrap() = json!(bare);
        }
        // A text and a list of one text are the same result.
        if let Some(Value::String(text)) = block.get("content") {
            let text = json!([{"type": "text", "text": text}]);
            block.insert("content".into(), text);
        }
    }
    json!({"role": message["role"], "content": content})
}

/// A program of the test's own.
pub(crate) fn executable(path: &Path, script: &str) {
    std::fs::write(path, script).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// The processes that descend from this one, zombies included.
pub(crate) fn descendants() -> Vec<i32> {
    let mine = std::process::id().cast_signed();
    let parents: Vec<(i32, i32)> = processes().collect();
    let mut found = vec![mine];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The running programs that serve a model; without what they start themselves, which looks like them for a moment.
pub(crate) fn programs() -> Vec<i32> {
    let mine = std::process::id().cast_signed();
    let serves = |pid: &i32| {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument.starts_with(b"--model="))
    };
    processes().filter(|(_, parent)| *parent == mine).map(|(pid, _)| pid).filter(serves).collect()
}

fn processes() -> impl Iterator<Item = (i32, i32)> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent))
    })
}

/// The open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    files(Path::new("/proc/self/fd"))
}
