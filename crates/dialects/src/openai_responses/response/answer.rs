//! A whole answer.

use bytes::Bytes;
use messages::{EventError, Message};

use super::composer::Composer;
use super::encoder::finished;
use crate::openai_responses::echo::Echo;

/// The response object that this Messages answer is. `created` and `completed_at` are in seconds since 1970.
pub fn encode_answer(
    messages_json: &[u8],
    echo: Echo,
    response_id: &str,
    created: u64,
    completed_at: u64,
) -> Result<Bytes, EventError> {
    let answer = Message::parse(messages_json)?;
    let mut composer = Composer::new(echo, response_id, created);
    for block in &answer.content {
        composer.start(block, &mut None);
        composer.stop(&mut None);
    }
    composer.count(&answer.usage);
    composer.end(answer.stop_reason, answer.refusal.as_deref());
    let (status, incomplete) = composer.close(&mut None);
    Ok(finished(&composer, status, incomplete, completed_at).to_json())
}
