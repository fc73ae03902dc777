//! The few events that are written or read here; all others are the dialect's.

use bytes::{Bytes, BytesMut};
use messages::ApiError;
use serde_json::value::RawValue;
use store::Event;
use wire::json::{edit::Edit, peek};
use wire::sse;

/// The last event of a response that can't be made.
pub(super) fn failed_event(sequence: u64, response: &Bytes) -> Event {
    let response = String::from_utf8_lossy(response);
    let data =
        format!("{{\"type\":\"response.failed\",\"sequence_number\":{sequence},\"response\":{response}}}");
    Event { sequence, sse: framed("response.failed", data.as_bytes()) }
}

/// What a reader gets whose stream ends before the response does.
pub(super) fn error_event(error: &ApiError, sequence: u64) -> Bytes {
    let code = error.code.unwrap_or("server_error");
    let data = serde_json::json!({
        "type": "error", "sequence_number": sequence, "code": code, "message": error.message, "param": null,
    });
    framed("error", data.to_string().as_bytes())
}

/// The response object with the items that were told as done: what was seen stays true.
pub(super) fn with_output(response: &Bytes, events: &[Bytes]) -> Bytes {
    let items: Vec<String> = events.iter().filter_map(done_item).collect();
    let output = format!("[{}]", items.join(","));
    Edit::new(response).set("output", &output).finish().unwrap_or_else(|_| response.clone())
}

fn done_item(event: &Bytes) -> Option<String> {
    let data = event.strip_prefix(b"event: response.output_item.done\ndata: ")?;
    let [item] = peek::members(data.trim_ascii_end(), ["item"]).ok()?;
    item.map(|item| item.get().to_owned())
}

/// One event as it is sent.
pub(super) fn framed(name: &str, data: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(data.len() + name.len() + 32);
    sse::write_event(&mut out, name, data);
    out.freeze()
}

/// The response object of an event that ends a response.
pub(super) fn ending(frame: &sse::Frame) -> Option<Bytes> {
    if !matches!(&*frame.event, b"response.completed" | b"response.incomplete" | b"response.failed") {
        return None;
    }
    let [response] = peek::members(&frame.data, ["response"]).ok()?;
    response.map(RawValue::get).map(|response| Bytes::copy_from_slice(response.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_as_done_is_in_a_response_that_failed_later() {
        let event = |name: &str, data: &str| framed(name, data.as_bytes());
        let told = [
            event("response.output_item.added", r#"{"item":{"id":"a","status":"in_progress"}}"#),
            event("response.output_item.done", r#"{"output_index":0,"item":{"id":"a", "n": 1.0}}"#),
            event("response.output_item.added", r#"{"item":{"id":"b"}}"#),
        ];
        let response = Bytes::from_static(br#"{"id":"resp_1","output":[]}"#);
        let failed = with_output(&response, &told);
        assert_eq!(&failed[..], br#"{"id":"resp_1","output":[{"id":"a", "n": 1.0}]}"#);
    }
}
