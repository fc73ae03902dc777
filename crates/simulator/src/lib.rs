//! A strict stand-in for the Messages API on loopback: a turn is a script.
//!
//! It takes what the real API takes and refuses what that refuses, in its words; it answers scripted turns byte for
//! byte, as late and as badly as a test wants; it remembers what arrived and how each exchange ended. Its bytes are
//! made by none of this project's encoders, so that a fault of theirs can't hide here.
//!
//! Served: `POST /v1/messages` (JSON and SSE), `POST /v1/messages/count_tokens`, `GET /v1/models` and `/{id}`,
//! `HEAD /`. Any key will do (`x-api-key` or `Authorization: Bearer`) unless [`Settings::key`] names one. Versions
//! `2023-06-01` and `2026-10-21`; the latter has no sampling parameters.
//!
//! As Bedrock ([`aws`] has region and keys): `POST /model/{id}/invoke`, `/invoke-with-response-stream` and
//! `/count-tokens`, `GET /inference-profiles`, with a signature that is made again from what arrived, or a bearer key; and
//! the endpoints at which a container (`/container-credentials`) and a machine find their role. As Vertex AI ([`google`]):
//! `…:rawPredict`, `:streamRawPredict` and `count-tokens:rawPredict` in one project, with a token that its own endpoints
//! gave (`/token`, `/sts`, `/v1/impersonate`, the metadata server's path) for proof. Turns serve whichever of the three asks.
//!
//! # From Rust
//! ```
//! use simulator::{Ended, Simulator, turn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let simulator = Simulator::start().await?;
//! simulator.script(turn().text("one").hold().text("two").usage(10, 2));
//! simulator.script(turn().error(529).header("retry-after", "1").when_text("busy"));
//! let url = simulator.url(); // point the client here …
//! simulator.release(); // … let it pass the hold …
//! for request in simulator.requests() {
//!     assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
//!     assert_ne!(request.ended, Some(Ended::ClientGone));
//! } // … and drop the simulator to stop it.
//! # assert!(url.starts_with("http://127.0.0.1:")); Ok(()) }
//! ```
//!
//! # From elsewhere
//! `claude-simulator [--host 127.0.0.1] [--port 0] [--key KEY] [--model NAME]… [--credentials-seconds N]` prints its URL as the first line on
//! stdout. Control, without a key:
//!
//! | request | what it does |
//! | --- | --- |
//! | `POST /__sim/script` | queues a [`Turn`] or a list of them |
//! | `DELETE /__sim/script` | forgets the turns not used yet |
//! | `GET /__sim/requests` (`?path=…`, `?after=ID`) | what arrived: `id`, `method`, `path`, `query`, `headers`, `body` (text), `json`, `started_ms`, `status`, `ended` (`complete`, `client_gone`, `cut` or null), `ended_ms` |
//! | `DELETE /__sim/requests` | forgets them |
//! | `GET /__sim/active` | `{"active": N, "ids": […]}`: exchanges under way |
//! | `POST /__sim/release` (`{"times": N}`) | lets every exchange pass one hold |
//! | `GET /__sim/service-account` | the credentials file of a Google service account that may use it |
//!
//! ```python
//! import json, subprocess, urllib.request
//! simulator = subprocess.Popen(["claude-simulator"], stdout=subprocess.PIPE, text=True)
//! url = simulator.stdout.readline().strip()
//! def control(method, path, body=None):
//!     data = None if body is None else json.dumps(body).encode()
//!     return json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/__sim/{path}", data, method=method)))
//! control("POST", "script", [
//!     {"steps": [{"thinking": "hm"}, {"text": ["Hel", "lo"]}, "hold", {"tool": {"name": "look", "input": {"q": 1}}}]},
//!     {"match": {"text": "busy"}, "times": 0, "http_error": {"status": 529}, "headers": {"retry-after": "1"}},
//!     {"steps": [{"text": "a"}, {"pause_ms": 50}, "ping", {"error": {"type": "overloaded_error"}}], "chunk_bytes": 7},
//!     {"steps": [{"text": "a"}, "cut"], "usage": {"input_tokens": 5, "cache_read_input_tokens": 3}},
//! ])
//! control("POST", "release")
//! arrived = control("GET", "requests")
//! ```
//! Steps are those of [`Step`] in snake case.
//!
//! # By prompt
//! For demos and load a prompt steers its own answer: `[[sim n=20 gap=50]]`, `[[sim error=529]]`; [`STEERING`] (and
//! `--help`) has the whole list.
//!
//! # Rules
//! - The first queued turn whose `match` fits answers; without one the prompt steers; without that the last text of
//!   the user is repeated (a tool's result after a tool call), within `max_tokens` and `stop_sequences`. A forced tool
//!   is called, a JSON schema kept to, with sample values. `<system-reminder>` parts are passed over.
//! - A release lets each exchange that has begun pass one hold: the one it waits at, else the next it comes to.
//! - A client that leaves is noticed at once, also in a pause or hold.
//! - Tokens are a quarter of the characters, rounded up: in, of every string in `system`, `messages` and `tools`, an
//!   image or document counting 1,500; out, of what was written. `count_tokens` counts the same.
//! - Thinking is signed by [`sign`], redacted thinking made by [`redact`]; other signatures are refused when they come
//!   back. A refused request uses up no turn.
//! - The last 2,000 requests are remembered, 256 MB of bodies at most.

mod admit;
mod answer;
pub mod aws;
mod base64;
mod check;
mod clock;
mod control;
mod echo;
mod exchange;
mod face;
pub mod google;
mod models;
mod prompt;
mod queue;
mod record;
mod refusal;
mod sample;
mod script;
mod server;
mod signature;
mod steer;
mod tokens;

pub use record::{Ended, Recorded};
pub use script::{
    Before, HttpError, Match, Pieces, RawEvent, Step, StreamError, Thinking, Tool, Turn, UsageScript, turn,
};
pub use server::{Settings, Simulator};
pub use signature::{redact, sign};
pub use steer::STEERING;
