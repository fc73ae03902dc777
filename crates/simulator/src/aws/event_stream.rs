//! AWS's framing of a stream, as Bedrock writes it: one Messages event in base64 in each frame.

use super::exception;
use crate::base64;
use crate::refusal::Refusal;
use serde_json::json;

/// The frame of an event. `p` pads it, so that its length tells nothing about the text.
pub(crate) fn chunk(event: &str) -> Vec<u8> {
    let padding = &"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"[..event.len() % 42];
    let payload = json!({ "bytes": base64::encode(event.as_bytes()), "p": padding }).to_string();
    frame(
        &[(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")],
        &payload,
    )
}

/// The frame of an error that ends a stream. Names of exceptions begin in lower case here.
pub(crate) fn ended(error: &Refusal) -> Vec<u8> {
    let (_, name) = exception(error);
    let name = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
    let payload = json!({ "message": error.message }).to_string();
    frame(
        &[(":exception-type", &name), (":content-type", "application/json"), (":message-type", "exception")],
        &payload,
    )
}

fn frame(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(name.len() as u8);
        block.extend(name.bytes());
        block.push(7);
        block.extend((value.len() as u16).to_be_bytes());
        block.extend(value.bytes());
    }
    let total = 4 + 4 + 4 + block.len() + payload.len() + 4;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend((total as u32).to_be_bytes());
    bytes.extend((block.len() as u32).to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(block);
    bytes.extend(payload.bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes
}
