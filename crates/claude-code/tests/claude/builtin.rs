//! Built-in tools on the real program: an agent's turn is one answer, and does what the operator allows.

use std::path::Path;
use std::time::Duration;

use claude_code::{
    AGENT_EVENT, BuiltIn, Decision, Driver, PermissionMode, Permissions, Settings, SetupError,
};
use futures_util::StreamExt;
use messages::RawEvent;
use serde_json::{Value, json};
use simulator::turn;

use crate::support::{House, answer, ask, collect, conversation, hello, program, programs};

fn agent(folder: &Path) -> BuiltIn {
    BuiltIn {
        tools: vec!["Read".into(), "Bash".into()],
        working_directory: folder.to_path_buf(),
        permission_mode: PermissionMode::Default,
        allowed: vec!["Bash(sleep *)".into()],
        max_turns: 10,
        permission_timeout: Duration::from_secs(60),
        permissions: Permissions::default(),
    }
}

async fn house(folder: &Path, change: impl FnOnce(Settings) -> Settings) -> House {
    House::that_keeps_with(|settings| change(Settings { built_in: Some(agent(folder)), ..settings })).await
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello file\n").unwrap();
    folder
}

fn read(folder: &Path) -> Value {
    json!({"file_path": folder.join("a.txt")})
}

fn parts(events: Vec<RawEvent>) -> (Vec<RawEvent>, Vec<Value>) {
    let (activities, answer): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.name == AGENT_EVENT);
    let read = |event: &RawEvent| serde_json::from_slice(&event.data).unwrap();
    (answer, activities.iter().map(read).collect())
}

/// A whole turn: the answer as a message, its last delta, and what was told beside it.
async fn whole(house: &House, request: &Value) -> (Value, Value, Vec<Value>) {
    let (events, error) = house.turn(request).await;
    assert!(error.is_none(), "{error:?}");
    let (told, activities) = parts(events);
    let delta = told.iter().find(|event| event.name == "message_delta").unwrap();
    (answer(&told), serde_json::from_slice(&delta.data).unwrap(), activities)
}

fn kinds(activities: &[Value]) -> Vec<&str> {
    activities.iter().map(|activity| activity["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_reads_a_file_and_both_calls_upstream_are_one_answer_with_one_usage() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    let script = turn().text("Let me see. ").tool_with_id("toolu_r", "Read", read(folder.path()));
    house.simulator.script(script.usage(100, 10));
    house.simulator.script(turn().text("It says hello.").usage(200, 20));
    let (said, delta, activities) = whole(&house, &hello()).await;
    let texts = json!([{"type": "text", "text": "Let me see. "}, {"type": "text", "text": "It says hello."}]);
    assert_eq!(said["content"], texts);
    assert_eq!(delta["delta"]["stop_reason"], "end_turn");
    assert_eq!(
        (&delta["usage"]["input_tokens"], &delta["usage"]["output_tokens"]),
        (&json!(300), &json!(30))
    );
    assert_eq!(kinds(&activities), ["tool_use", "tool_result"]);
    assert_eq!(activities[0]["input"], read(folder.path()));
    assert!(activities[1]["content"].to_string().contains("hello file"), "{activities:?}");
    let upstream = house.simulator.requests();
    assert_eq!(upstream.len(), 2);
    let tools: Vec<_> =
        upstream[0].json()["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(tools, ["Bash", "Read"]);
    // The same process goes on, and remembers what its tools said.
    house.waiting_are(0, 1).await;
    let before = programs();
    house.simulator.script(turn().text("still there").usage(7, 3));
    let messages = json!([{"role": "user", "content": "hello"}, said, {"role": "user", "content": "and?"}]);
    let (_, delta, _) = whole(&house, &ask(&messages)).await;
    assert_eq!(delta["usage"]["input_tokens"], 7);
    assert_eq!(programs(), before);
    assert!(house.simulator.requests()[2].json().to_string().contains("hello file"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_listener_a_tool_that_needs_permission_is_denied_at_once() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    house.simulator.script(turn().tool_with_id("toolu_b", "Bash", json!({"command": "touch made"})));
    house.simulator.script(turn().text("I may not."));
    let (said, _, activities) = whole(&house, &hello()).await;
    assert_eq!(said["content"][0]["text"], "I may not.");
    assert_eq!(kinds(&activities), ["tool_use", "permission_decision", "tool_result"]);
    assert_eq!(
        (&activities[1]["behavior"], &activities[1]["because"]),
        (&json!("deny"), &json!("nobody_listens"))
    );
    assert!(!folder.path().join("made").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_allows_with_another_input_denies_with_a_reason_or_lets_time_pass() {
    let folder = folder();
    let house = house(folder.path(), |mut settings| {
        settings.built_in.as_mut().unwrap().permission_timeout = Duration::from_secs(1);
        settings
    })
    .await;
    let desk = house.driver.permissions().unwrap();
    let mut listener = desk.listen();
    let answering = tokio::spawn(async move {
        let mut asked = 0;
        while let Some(event) = listener.next().await {
            if event.name != "permission_request" {
                continue;
            }
            let prompt: Value = serde_json::from_slice(&event.data).unwrap();
            assert_eq!(
                (&prompt["tool_name"], prompt["input"]["command"].is_string()),
                (&json!("Bash"), true)
            );
            let input = serde_json::value::to_raw_value(&json!({"command": "touch other"})).unwrap();
            let decision = match asked {
                0 => Some(Decision::Allow { updated_input: Some(input) }),
                1 => Some(Decision::Deny { message: Some("not on a Sunday".into()) }),
                _ => None,
            };
            asked += 1;
            if let Some(decision) = decision {
                desk.answer(prompt["id"].as_str().unwrap(), decision).unwrap();
            }
            if asked == 3 {
                return listener;
            }
        }
        panic!("the desk is gone")
    });
    for n in 0..3 {
        let command = json!({"command": format!("touch made{n}")});
        house.simulator.script(turn().tool_with_id(format!("toolu_{n}"), "Bash", command));
    }
    house.simulator.script(turn().text("done"));
    let (_, _, activities) = whole(&house, &hello()).await;
    drop(answering.await.unwrap());
    let decisions = activities.iter().filter(|activity| activity["kind"] == "permission_decision");
    let decisions: Vec<_> = decisions.map(|decision| decision["because"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["answered", "answered", "no_answer"]);
    let mut files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort_unstable();
    assert_eq!(files, ["a.txt", "other"]);
    assert!(house.simulator.requests()[2].json().to_string().contains("not on a Sunday"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callers_tool_suspends_while_built_in_ones_run_before_between_and_after() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object"}});
    let mut request = hello();
    request["tools"] = json!([tool("look"), tool("Read")]);
    let script = turn().text("I look.").tool_with_id("toolu_1", "mcp__client__look", json!({}));
    let script = script.tool_with_id("toolu_b", "Bash", json!({"command": "touch made"}));
    let script = script.tool_with_id("toolu_2", "mcp__client__Read", json!({}));
    house.simulator.script(script.usage(100, 10));
    let (said, delta, activities) = whole(&house, &request).await;
    assert_eq!(delta["delta"]["stop_reason"], "tool_use");
    assert_eq!(delta["usage"]["input_tokens"], 100);
    let names: Vec<_> =
        said["content"].as_array().unwrap().iter().map(|block| block["name"].clone()).collect();
    assert_eq!(names, [Value::Null, json!("look"), json!("Read")]);
    assert_eq!(kinds(&activities), ["tool_use"]);
    house.waiting_are(1, 0).await;
    let before = programs();
    house.simulator.script(turn().text("done").usage(200, 20));
    let result =
        |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": format!("result of {id}")});
    // In another order than that of the calls.
    let results = json!({"role": "user", "content": [result("toolu_2"), result("toolu_1")]});
    request["messages"] = json!([{"role": "user", "content": "hello"}, said, results]);
    let (said, delta, activities) = whole(&house, &request).await;
    assert_eq!(said["content"][0]["text"], "done");
    assert_eq!(
        (&delta["usage"]["input_tokens"], &delta["usage"]["output_tokens"]),
        (&json!(200), &json!(20))
    );
    assert_eq!(kinds(&activities), ["permission_decision", "tool_result"]);
    assert_eq!(programs(), before);
    let upstream = house.simulator.requests();
    assert_eq!(upstream.len(), 2);
    let told = conversation(&upstream[1].json()).to_string_all();
    for part in ["result of toolu_1", "result of toolu_2", "nobody is there"] {
        assert!(told.contains(part), "{told}");
    }
}

trait Together {
    fn to_string_all(&self) -> String;
}

impl Together for Vec<Value> {
    fn to_string_all(&self) -> String {
        self.iter().map(ToString::to_string).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_takes_no_more_calls_upstream_than_it_may() {
    let folder = folder();
    let house = house(folder.path(), |mut settings| {
        settings.built_in.as_mut().unwrap().max_turns = 3;
        settings
    })
    .await;
    house.simulator.script(turn().text("again").tool("Read", read(folder.path())).times(0));
    let (said, delta, activities) = whole(&house, &hello()).await;
    assert_eq!(delta["delta"]["stop_reason"], "pause_turn");
    assert_eq!(said["content"].as_array().unwrap().len(), 3);
    assert_eq!(activities.last().unwrap()["kind"], "max_turns_reached");
    house.nothing_is_left_within(Duration::from_secs(10)).await;
    assert_eq!(house.simulator.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_upstream_that_fails_or_meets_its_limit_ends_the_turn_there() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    let reads = || turn().text("Let me see. ").tool("Read", read(folder.path()));
    house.simulator.script(reads());
    house.simulator.script(turn().error(529));
    let (events, error) = house.turn(&hello()).await;
    let (told, _) = parts(events);
    assert_eq!(error.unwrap().error.status, 529);
    assert!(!told.iter().any(|event| event.name == "message_stop" || event.name == "message_delta"));
    house.simulator.script(reads());
    house.simulator.script(turn().text("It sa").stop("max_tokens"));
    let (said, delta, _) = whole(&house, &hello()).await;
    assert_eq!(said["content"][1]["text"], "It sa");
    assert_eq!(delta["delta"]["stop_reason"], "max_tokens");
    house.nothing_is_left_within(Duration::from_secs(10)).await;
    assert_eq!(house.simulator.requests().len(), 4);
}

/// The arguments but for the model, and the working directory.
fn identity(pid: i32) -> (Vec<String>, std::path::PathBuf) {
    let line = String::from_utf8(std::fs::read(format!("/proc/{pid}/cmdline")).unwrap()).unwrap();
    let arguments = line.split('\0').map(str::to_string).filter(|argument| !argument.starts_with("--model="));
    (arguments.collect(), std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_is_an_agent_too_and_all_have_the_same_arguments_and_folder() {
    let folder = folder();
    let house = house(folder.path(), |mut settings| {
        settings.spares.default_model = Some("claude-sonnet-5-5".into());
        (settings.spares.min_idle, settings.spares.max_idle) = (1, 1);
        settings
    })
    .await;
    house.driver.version().await.unwrap();
    house.driver.keep_spares();
    let ready = tokio::time::timeout(Duration::from_secs(30), async {
        while house.driver.counts().spare == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    ready.await.expect("a spare");
    house.simulator.script(turn().tool("Read", read(folder.path())));
    house.simulator.script(turn().text("It says hello."));
    let mut request = hello();
    request["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    request["system"] = json!("--permission-mode=acceptEdits");
    whole(&house, &request).await;
    house.simulator.script(turn().text("ok"));
    let mut other = hello();
    other["model"] = json!("claude-opus-5-5");
    whole(&house, &other).await;
    house.waiting_are(0, 2).await;
    let found: Vec<_> = programs().into_iter().map(identity).collect();
    assert!(found.len() >= 2 && found.iter().all(|one| *one == found[0]), "{found:?}");
    assert_eq!(found[0].1, folder.path().canonicalize().unwrap());
    assert!(found[0].0.contains(&"--permission-mode=default".to_string()));
    assert!(found[0].0.contains(&"--tools=Read,Bash".to_string()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_agent_is_no_part_of_the_answer_but_of_its_usage() {
    let folder = folder();
    let house = house(folder.path(), |mut settings| {
        settings.built_in.as_mut().unwrap().tools.push("Agent".into());
        settings
    })
    .await;
    let task =
        json!({"description": "look", "prompt": "the inner question", "subagent_type": "general-purpose"});
    let script = turn().text("I delegate. ").tool_with_id("toolu_t", "Agent", task);
    house.simulator.script(script.when_text("hello").usage(10, 1));
    let script = turn().tool_with_id("toolu_s", "Read", read(folder.path())).when_text("the inner question");
    house.simulator.script(script.usage(1000, 100));
    let script = turn().text("the inner answer").when_text("hello file");
    house.simulator.script(script.usage(2000, 200));
    let script = turn().text("Done.").when_text("the inner answer");
    house.simulator.script(script.usage(7, 3));
    let (said, delta, activities) = whole(&house, &hello()).await;
    let texts = json!([{"type": "text", "text": "I delegate. "}, {"type": "text", "text": "Done."}]);
    assert_eq!(said["content"], texts);
    assert_eq!(
        (&delta["usage"]["input_tokens"], &delta["usage"]["output_tokens"]),
        (&json!(3017), &json!(304))
    );
    assert_eq!(kinds(&activities), ["tool_use", "tool_use", "tool_result", "tool_result"]);
    assert_eq!(activities[1]["parent_tool_use_id"], "toolu_t");
}

/// A time that no other run of these tests has its tools sleep for.
fn seconds(whole: &str) -> String {
    format!("{whole}.{}", std::process::id())
}

/// Waits until a tool sleeps for so many seconds, or none does any longer. One that was killed and not yet taken notice
/// of by whoever inherited it has no arguments.
async fn sleeping(seconds: &str, wanted: bool) {
    let arguments = format!("sleep\0{seconds}\0").into_bytes();
    let sleeps = || {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = pids.map(|pid| std::fs::read(pid.path().join("cmdline")).unwrap_or_default());
        lines.any(|line| line == arguments)
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while sleeps() != wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("the tool runs: {}", sleeps()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_ends_the_tool_that_runs() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    let seconds = seconds("600");
    let command = format!("sleep {seconds} && true");
    house.simulator.script(turn().text("I wait.").tool("Bash", json!({ "command": command })));
    let mut stream = house.start(&hello()).await.unwrap();
    while let Some(event) = stream.next().await {
        if event.unwrap().name == AGENT_EVENT {
            break;
        }
    }
    sleeping(&seconds, true).await;
    drop(stream);
    house.nothing_is_left_within(Duration::from_secs(10)).await;
    sleeping(&seconds, false).await;
    assert_eq!(house.simulator.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_leaves_no_tool_running() {
    let folder = folder();
    let house = house(folder.path(), |settings| settings).await;
    let seconds = seconds("601");
    let command = format!("sleep {seconds} && true");
    house.simulator.script(turn().text("I wait.").tool("Bash", json!({ "command": command })));
    let stream = house.start(&hello()).await.unwrap();
    sleeping(&seconds, true).await;
    for pid in programs() {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    let (_, error) = collect(stream).await;
    assert!(error.is_some());
    sleeping(&seconds, false).await;
}

#[test]
fn a_driver_without_a_folder_to_work_in_is_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let with = |change: fn(&mut BuiltIn)| {
        let mut built_in = agent(root.path());
        change(&mut built_in);
        let mut settings = Settings::new(program(), claude_code::Credentials::ApiKey, root.path().join("s"));
        settings.operator_env = crate::support::operator(root.path());
        Driver::new(Settings { built_in: Some(built_in), ..settings }).map(drop)
    };
    assert!(with(|_| {}).is_ok());
    let missing = with(|built_in| built_in.working_directory = "/nowhere/at/all".into());
    assert!(missing.unwrap_err().to_string().contains("claude_code.working_directory /nowhere/at/all"));
    let relative = with(|built_in| built_in.working_directory = "here".into());
    assert!(matches!(relative, Err(SetupError::WorkingDirectory { .. })));
    let hostile = with(|built_in| built_in.tools.push("Read,--dangerously-skip-permissions".into()));
    assert!(matches!(hostile, Err(SetupError::ToolName { .. })));
}
