//! The fuzz targets over their corpus and mutations of it, with the stable toolchain: a short run of `make fuzz`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod mutating;
#[path = "../../../fuzz/src/lib.rs"]
pub mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use mutating::dice::Dice;

type Target = (&'static str, fn(&[u8]));

/// A target's name, which is that of its corpus and binary, and its function.
const TARGETS: [Target; 11] = [
    ("sse", targets::sse),
    ("ndjson", targets::ndjson),
    ("json_edit", targets::json_edit),
    ("chat_request", targets::chat_request),
    ("completion_request", targets::completion_request),
    ("messages_request", targets::messages_request),
    ("chat_chunks", targets::chat_chunks),
    ("responses_request", targets::responses_request),
    ("response_events", targets::response_events),
    ("event_stream", targets::event_stream),
    ("cloud_request", targets::cloud_request),
];

const MUTATIONS: usize = 2000;

/// What is put into the bytes: what means something to one of the decoders.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b":",
    b",",
    b"null",
    b"\\ud800",
    b"\xff",
    b"\0",
    b"\r",
    b"\n",
    b"\n\n",
    b"data: ",
    b"\"type\":\"custom\"",
    b"\"n\":8,",
    b"\"stream\":true,",
    b"\"role\":\"tool\"",
    b"-1e999",
    b"[[[[[[[[",
    b"\xef\xbb\xbf",
    b"\"cache_control\":{},",
];

fn files(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let named = paths.into_iter().filter(|path| fits(path.file_name().unwrap().to_str().unwrap()));
    named.map(|path| fs::read(path).unwrap()).collect()
}

/// The target's own corpus, and for requests the golden fixtures.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = files(&root.join("../../fuzz/corpus").join(target), |_| true);
    let prefix = match target {
        "chat_request" => "request-",
        "completion_request" => "completion-",
        "responses_request" => "request-",
        _ => return seeds,
    };
    let golden = if target == "responses_request" { "tests/responses/golden" } else { "tests/golden" };
    seeds.extend(files(&root.join(golden), |name| name.starts_with(prefix) && name.ends_with(".in.json")));
    seeds
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(5) {
        0 => bytes.truncate(at),
        1 => {
            let byte = u8::try_from(dice.below(256)).unwrap();
            if let Some(there) = bytes.get_mut(at) {
                *there = byte;
            }
        }
        2 => drop(bytes.drain(at..(at + dice.below(9)).min(bytes.len()))),
        3 => {
            let end = (at + dice.below(40)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied())),
    }
}

fn run(target: &str) {
    let (_, function) = TARGETS.into_iter().find(|(name, _)| *name == target).expect("a target");
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "{target} has a corpus");
    seeds.iter().for_each(|seed| function(seed));
    let mut dice = Dice(20_261_122);
    for _ in 0..MUTATIONS {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(3) {
            mutate(&mut bytes, &mut dice);
        }
        function(&bytes);
    }
}

#[test]
fn streams_are_read_the_same_however_they_are_split() {
    run("sse");
    run("ndjson");
    run("event_stream");
}

#[test]
fn a_request_in_a_clouds_dialect_is_unwrapped_or_refused() {
    run("cloud_request");
}

#[test]
fn an_edit_breaks_no_json() {
    run("json_edit");
}

#[test]
fn a_chat_completion_is_translated_or_refused() {
    run("chat_request");
}

#[test]
fn a_legacy_completion_is_translated_or_refused() {
    run("completion_request");
}

#[test]
fn a_request_of_the_responses_api_is_translated_or_refused() {
    run("responses_request");
}

#[test]
fn events_of_a_response_follow_their_grammar_whatever_comes() {
    run("response_events");
}

#[test]
fn a_messages_request_is_read_or_refused() {
    run("messages_request");
}

#[test]
fn chunks_follow_their_grammar_whatever_the_events() {
    run("chat_chunks");
}

#[test]
fn every_target_has_its_binary_and_its_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(fuzz.join("fuzz_targets").join(name).with_extension("rs").exists(), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(!seeds(name).is_empty(), "{name}");
    }
}
