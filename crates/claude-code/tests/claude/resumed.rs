//! Long histories on the real program: a process that is started with a transcript hears what one that is fed hears.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::spares::{keeping, until, warm};
use crate::support::{House, ask, collect, conversation, executable, programs, text};
use claude_code::{Credentials, Settings};
use serde_json::{Value, json};
use simulator::turn;

fn user(content: &Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: &Value) -> Value {
    json!({"role": "assistant", "content": content})
}

/// So many questions and answers, and one more question.
fn dialogue(turns: usize) -> Vec<Value> {
    let turn =
        |number| [user(&json!(format!("question {number}"))), assistant(&json!(format!("answer {number}")))];
    (0..turns).flat_map(turn).chain([user(&json!("and now?"))]).collect()
}

/// One that uses all that is bound or set when the process already runs.
fn request() -> Value {
    let mut request = ask(&json!(dialogue(2)));
    request["model"] = json!("claude-sonnet-4-6");
    request["system"] = json!("Be brief.");
    request["stop_sequences"] = json!(["END"]);
    request["max_tokens"] = json!(77);
    request["temperature"] = json!(0.25);
    request["tools"] = json!([{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}]);
    request["tool_choice"] = json!({"type": "any"});
    request
}

fn resuming(from_turns: usize) -> impl FnOnce(Settings) -> Settings {
    move |settings| Settings { resume_from_turns: from_turns, ..settings }
}

fn command_line(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}

fn resumed() -> Vec<i32> {
    programs().into_iter().filter(|pid| command_line(*pid).contains("--resume=../transcript.jsonl")).collect()
}

fn files_below(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.map(|entry| entry.path()).flat_map(|path| {
        let below = if path.is_dir() { files_below(&path, name) } else { Vec::new() };
        below.into_iter().chain(path.to_string_lossy().ends_with(name).then_some(path))
    });
    found.collect()
}

/// What the one call upstream was, without what differs between any two processes: the session in `metadata`, and the
/// directory in the reminders under a login.
fn asked(house: &House) -> Value {
    let mut body = house.upstream().json();
    body.as_object_mut().unwrap().remove("metadata");
    let (body, root) = (body.to_string(), format!("{}/", house.scratch.display()));
    let mut parts = body.split(&root);
    let first = parts.next().unwrap().to_string();
    serde_json::from_str(&parts.fold(first, |text, part| text + "scratch" + &part[8..])).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resumed_process_asks_what_a_fed_one_asks_and_its_transcript_is_gone_by_then() {
    for credentials in [Credentials::ApiKey, Credentials::OauthToken] {
        let fed = {
            let house = House::with(|settings| Settings { credentials, ..resuming(0)(settings) }).await;
            assert!(house.turn(&request()).await.1.is_none());
            asked(&house)
        };
        let house = House::with(|settings| Settings { credentials, ..resuming(1)(settings) }).await;
        house.simulator.script(turn().text("half").hold().text(" done"));
        let stream = house.start(&request()).await.unwrap();
        assert_eq!(resumed().len(), 1);
        assert_eq!(files_below(&house.scratch, ".jsonl"), Vec::<PathBuf>::new());
        assert_eq!(files_below(&house.home, ".jsonl"), Vec::<PathBuf>::new());
        house.simulator.release();
        let (events, error) = collect(stream).await;
        assert!(error.is_none() && text(&events) == "half done", "{error:?}");
        assert_eq!(asked(&house), fed);
        house.nothing_is_left_within(Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_loop_is_resumed_and_goes_on_in_the_same_process() {
    let house = House::that_keeps_with(resuming(1)).await;
    let call = |id: &str| json!([{"type": "tool_use", "id": id, "name": "look", "input": {}}]);
    let result = |id: &str| user(&json!([{"type": "tool_result", "tool_use_id": id, "content": "r"}]));
    let mut messages = vec![user(&json!("go"))];
    for id in ["toolu_1", "toolu_2", "toolu_3"] {
        messages.extend([assistant(&call(id)), result(id)]);
    }
    let with_tools = |messages: &[Value]| {
        let mut request = ask(&json!(messages));
        request["tools"] =
            json!([{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}]);
        request
    };
    messages.push(house.answer(&with_tools(&messages)).await);
    assert_eq!(conversation(&house.upstream().json()), conversation(&ask(&json!(messages[..7]))));
    house.waiting_are(0, 1).await;
    let process = resumed();
    messages.push(user(&json!("thanks")));
    house.answer(&with_tools(&messages)).await;
    let asked = house.simulator.requests().pop().unwrap().json();
    assert_eq!(conversation(&asked), conversation(&ask(&json!(messages))));
    house.waiting_are(0, 1).await;
    assert!(process.len() == 1 && process == programs());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_is_fed_up_to_the_length_at_which_a_start_is_quicker() {
    let house = warm(|settings| resuming(4)(keeping(1, 1)(settings))).await;
    let spares = programs();
    for (turns, by_spare) in [(4, false), (3, true)] {
        house.simulator.clear_requests();
        let request = ask(&json!(dialogue(turns)));
        house.simulator.script(turn().text("half").hold().text(" done"));
        let stream = house.start(&request).await.unwrap();
        assert_eq!(resumed().is_empty(), by_spare, "{turns} turns");
        assert!(spares.iter().all(|pid| programs().contains(pid)));
        assert_eq!(conversation(&house.upstream().json()), conversation(&request));
        house.simulator.release();
        assert!(collect(stream).await.1.is_none());
    }
    until("the spare that was fed ends", Duration::from_secs(10), || {
        spares.iter().all(|pid| !programs().contains(pid))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_spare_half_the_length_is_resumed() {
    let house = House::with(resuming(4)).await;
    for (turns, is_resumed) in [(1, false), (2, true)] {
        house.simulator.script(turn().text("half").stall());
        let stream = house.start(&ask(&json!(dialogue(turns)))).await.unwrap();
        assert_eq!(!resumed().is_empty(), is_resumed, "{turns} turns");
        drop(stream);
        house.nothing_is_left_within(Duration::from_secs(10)).await;
    }
}

/// The real program, but one that does not find its transcript.
fn losing_transcripts(folder: &Path) -> PathBuf {
    let (program, real) = (folder.join("claude"), crate::support::program());
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--resume*) echo start >> '{}'; /bin/rm ../transcript.jsonl;; esac\nexec '{}' \"$@\"\n",
        folder.join("resumed").display(),
        real.display()
    );
    executable(&program, &script);
    program
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_can_not_be_resumed_is_fed_instead() {
    let folder = tempfile::tempdir().unwrap();
    let program = losing_transcripts(folder.path());
    let house = House::with(|settings| Settings { program, ..resuming(1)(settings) }).await;
    assert!(house.turn(&request()).await.1.is_none());
    assert_eq!(conversation(&house.upstream().json()), conversation(&request()));
    house.driver.count_tokens(request().to_string().as_bytes()).await.unwrap();
    let starts = std::fs::read_to_string(folder.path().join("resumed")).unwrap();
    assert_eq!(starts.lines().count(), 2, "both were started with a transcript first");
    house.nothing_is_left_within(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_a_long_history_are_counted_with_a_transcript() {
    let house = House::with(resuming(1)).await;
    house.driver.count_tokens(ask(&json!(dialogue(3))).to_string().as_bytes()).await.unwrap();
    let asked = house.simulator.requests();
    let whole = asked.iter().find(|request| request.json()["messages"].as_array().unwrap().len() == 7);
    assert_eq!(conversation(&whole.unwrap().json()), conversation(&ask(&json!(dialogue(3)))));
}
