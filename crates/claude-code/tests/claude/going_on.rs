//! A conversation goes on in the process that has heard it, and in no other.

use std::time::{Duration, Instant};

use crate::spares::until;
use crate::support::{House, answer, ask, collect, conversation, names, programs};
use claude_code::{Settings, TurnError};
use messages::RawEvent;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use simulator::{Before, turn};

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_turns_go_on_in_one_process_with_their_own_parameters() {
    let house = House::that_keeps().await;
    let mut messages = Vec::new();
    let mut pids = Vec::new();
    for (round, change) in [
        json!({"temperature": 0.5, "stop_sequences": ["x"]}),
        json!({"thinking": {"type": "adaptive"}, "max_tokens": 50}),
        json!({"max_tokens": 60}),
    ]
    .into_iter()
    .enumerate()
    {
        messages.push(user(&format!("question {round}")));
        let mut request = ask(&json!(messages));
        request["model"] = json!("claude-sonnet-4-6");
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        messages.push(house.answer(&request).await);
        house.waiting_are(0, 1).await;
        pids.push(programs());
        let body = house.simulator.requests()[round].json();
        assert_eq!(conversation(&body), conversation(&request));
        for name in ["stop_sequences", "thinking", "max_tokens"] {
            assert_eq!(body.get(name), request.get(name), "{name} of round {round}");
        }
        // Without thinking the program names the API's default itself.
        assert!([&request["temperature"], &json!(1), &Value::Null].contains(&&body["temperature"]));
    }
    assert!(pids[0].len() == 1 && pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    assert_eq!(house.simulator.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_history_is_told_to_another_process() {
    let house = House::that_keeps().await;
    house.simulator.script(turn().text("yes"));
    let answer = house.answer(&ask(&json!([user("a")]))).await;
    let said = json!({"role": "assistant", "content": "no"});
    for messages in [json!([user("a"), said, user("b")]), json!([user("A"), answer, user("b")])] {
        let before = programs();
        let request = ask(&messages);
        house.answer(&request).await;
        assert!(programs().len() > before.len());
        let asked = house.simulator.requests().pop().unwrap().json();
        assert_eq!(conversation(&asked), conversation(&request));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_requests_with_the_same_past_never_share_a_process() {
    let house = House::that_keeps().await;
    let mut past = vec![user("a")];
    past.push(house.answer(&ask(&json!(past))).await);
    house.waiting_are(0, 1).await;
    let with = |text: &str| {
        let mut messages = past.clone();
        messages.push(user(text));
        ask(&json!(messages))
    };
    let requests = ["one", "two", "three"].map(with);
    let answers = futures_util::future::join_all(requests.iter().map(|request| house.answer(request))).await;
    for (answer, text) in answers.iter().zip(["one", "two", "three"]) {
        assert_eq!(answer["content"][0]["text"], format!("You said: \"{text}\""));
    }
    house.waiting_are(0, 3).await;
    assert_eq!(programs().len(), 3);
    let arrived: Vec<_> =
        house.simulator.requests().iter().map(|request| conversation(&request.json())).collect();
    assert!(requests.iter().all(|request| arrived.contains(&conversation(request))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_that_waits_gives_its_place_to_a_new_conversation() {
    let house = House::that_keeps_with(|settings| Settings { max_processes: 2, ..settings }).await;
    let mut pids = Vec::new();
    for text in ["a", "b", "c", "d"] {
        house.answer(&ask(&json!([user(text)]))).await;
        let now = programs();
        assert!(now.len() <= 2, "{now:?}");
        pids.extend(now.into_iter().filter(|pid| !pids.contains(pid)).collect::<Vec<_>>());
    }
    assert_eq!(pids.len(), 4);
    house.waiting_are(0, 2).await;
    let request = ask(&json!([user("c"), {"role": "assistant", "content": "You said: \"c\""}, user("more")]));
    let before = programs();
    house.answer(&request).await;
    assert_eq!(programs(), before, "the younger ones are still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_waits_is_gone_after_its_time_or_at_shutdown() {
    let house =
        House::that_keeps_with(|settings| Settings { idle_time: Duration::from_millis(300), ..settings })
            .await;
    house.answer(&ask(&json!([user("a")]))).await;
    house.nothing_is_left_within(Duration::from_secs(5)).await;
    drop(house);
    let house = House::that_keeps().await;
    house.answer(&ask(&json!([user("a")]))).await;
    house.waiting_are(0, 1).await;
    house.driver.shutdown().await;
    house.nothing_is_left_within(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_died_while_it_waited_is_replaced_without_a_word() {
    let house = House::that_keeps().await;
    let answer = house.answer(&ask(&json!([user("a")]))).await;
    for pid in programs() {
        signal(&[pid], Signal::KILL);
    }
    let request = ask(&json!([user("a"), answer, user("b")]));
    house.answer(&request).await;
    let requests = house.simulator.requests();
    assert_eq!((requests.len(), conversation(&requests[1].json())), (2, conversation(&request)));
}

/// Two turns of a conversation: the first is answered, then this happens to its process and the second is asked.
async fn second_turn(
    house: &House,
    happens: Signal,
) -> (Vec<i32>, impl Future<Output = (Vec<RawEvent>, Option<TurnError>)>) {
    let answer = house.answer(&ask(&json!([user("a")]))).await;
    house.waiting_are(0, 1).await;
    // At rest: nothing of the first turn is under way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let process = programs();
    signal(&process, happens);
    let request = ask(&json!([user("a"), answer, user("b")]));
    (process, async move { house.turn(&request).await })
}

fn signal(processes: &[i32], signal: Signal) {
    for pid in processes {
        kill_process(Pid::from_raw(*pid).unwrap(), signal).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_when_it_may_have_asked_is_an_error_and_the_model_is_not_asked_again() {
    let house = House::that_keeps().await;
    house.simulator.scripts([turn().text("yes"), turn().first(Before::Hold)]);
    let (process, second) = second_turn(&house, Signal::CONT).await;
    let killed = async {
        assert!(house.simulator.active_becomes(1, Duration::from_secs(10)).await);
        signal(&process, Signal::KILL);
    };
    let ((events, error), ()) = futures_util::future::join(second, killed).await;
    assert!(events.is_empty());
    assert_eq!(error.unwrap().error.status, 500);
    assert_eq!(house.simulator.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_in_the_middle_of_a_later_answer_ends_the_stream_with_an_error() {
    let house = House::that_keeps().await;
    house.simulator.scripts([turn().text("yes"), turn().text("half").stall()]);
    let (process, second) = second_turn(&house, Signal::CONT).await;
    let killed = async {
        assert!(house.simulator.active_becomes(1, Duration::from_secs(10)).await);
        tokio::time::sleep(Duration::from_millis(500)).await;
        signal(&process, Signal::KILL);
    };
    let ((events, error), ()) = futures_util::future::join(second, killed).await;
    assert!(names(&events).contains(&"message_start") && !names(&events).contains(&"message_stop"));
    assert_eq!(error.unwrap().error.status, 500);
    assert_eq!(house.simulator.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_before_it_has_read_the_question_is_replaced_without_a_word() {
    let house = House::that_keeps().await;
    // Stopped, it reads nothing: the question stays in the pipe.
    let (process, second) = second_turn(&house, Signal::STOP).await;
    let killed = async {
        let running = || house.driver.counts().running == 1;
        until("the question is on its way", Duration::from_secs(5), running).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        signal(&process, Signal::KILL);
    };
    let ((events, error), ()) = futures_util::future::join(second, killed).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(crate::support::text(&events), "You said: \"b\"");
    assert_eq!(house.simulator.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_on_begins_at_least_four_times_sooner_than_a_cold_start() {
    let house = House::that_keeps().await;
    house.answer(&ask(&json!([user("warm files")]))).await;
    let mut messages = Vec::new();
    let mut waits = Vec::new();
    for round in 0..9 {
        messages.push(user(&format!("question {round}")));
        let asked = Instant::now();
        let stream = house.start(&ask(&json!(messages))).await.unwrap();
        waits.push(asked.elapsed());
        let (events, _) = collect(stream).await;
        messages.push(answer(&events));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let cold = waits.remove(0);
    waits.sort_unstable();
    println!("cold {cold:?}, going on {waits:?}");
    assert!(waits[waits.len() / 2] * 4 < cold, "cold {cold:?}, going on {waits:?}");
}
