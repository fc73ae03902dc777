//! Remembers what was thought before tool calls, for clients that do not send it back. Each thought belongs to the
//! caller it was given to and to the model that had it; all of them are bounded in size and in time, and in memory alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dialects::openai_chat::{Thought, Thoughts};
use messages::Event;

/// A tool loop that pauses longer goes on without its thinking.
const KEPT: Duration = Duration::from_secs(3600);
const MOST_BYTES: usize = 64 << 20;

/// Whose thought, before which call.
type Key = (String, String);

/// Thoughts by caller and call.
#[derive(Default)]
pub(crate) struct ThoughtMemory(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    thoughts: HashMap<Key, Kept>,
    /// The oldest first.
    order: VecDeque<(Instant, Key)>,
    bytes: usize,
}

struct Kept {
    at: Instant,
    model: String,
    thought: Thought,
}

impl ThoughtMemory {
    /// The thought before this call of this caller's, if that model had it and it is remembered.
    pub(crate) fn recall(&self, owner: &str, call_id: &str, model: &str) -> Option<Thought> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = shelf.thoughts.get(&(owner.to_owned(), call_id.to_owned()))?;
        (kept.model == model && kept.at.elapsed() < KEPT).then(|| kept.thought.clone())
    }

    fn keep(&self, owner: &str, model: &str, thoughts: Vec<(String, Thought)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(
            owner,
            model,
            thoughts,
            Instant::now(),
            MOST_BYTES,
        );
    }
}

impl Shelf {
    fn keep(
        &mut self,
        owner: &str,
        model: &str,
        thoughts: Vec<(String, Thought)>,
        at: Instant,
        most_bytes: usize,
    ) {
        for (call_id, thought) in thoughts {
            let key = (owner.to_owned(), call_id);
            self.forget(&key);
            self.bytes += size_bytes(&key, &thought);
            self.order.push_back((at, key.clone()));
            self.thoughts.insert(key, Kept { at, model: model.to_owned(), thought });
        }
        while let Some((told, key)) = self.order.front().cloned() {
            let too_old = at.duration_since(told) >= KEPT;
            if !too_old && self.bytes <= most_bytes {
                break;
            }
            self.order.pop_front();
            // A call that was told again has a younger place.
            if self.thoughts.get(&key).is_some_and(|kept| kept.at == told) {
                self.forget(&key);
            }
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(kept) = self.thoughts.remove(key) {
            self.bytes = self.bytes.saturating_sub(size_bytes(key, &kept.thought));
        }
    }
}

fn size_bytes((owner, call_id): &Key, thought: &Thought) -> usize {
    2 * (owner.len() + call_id.len()) + thought.size_bytes() + 128
}

/// Where the thoughts of one exchange's answers go.
#[derive(Clone)]
pub(crate) struct ThoughtKeeper {
    pub(crate) memory: Arc<ThoughtMemory>,
    pub(crate) owner: String,
    pub(crate) model: String,
}

impl std::fmt::Debug for ThoughtKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThoughtKeeper").field("model", &self.model).finish_non_exhaustive()
    }
}

impl ThoughtKeeper {
    /// Remembers the thoughts of a whole answer.
    pub(crate) fn answer(&self, messages_json: &[u8]) {
        if let Ok(thoughts) = Thoughts::of_answer(messages_json) {
            self.memory.keep(&self.owner, &self.model, thoughts);
        }
    }

    /// Follows a streamed answer.
    pub(crate) fn stream(self) -> ThoughtStream {
        ThoughtStream { keeper: self, thoughts: Thoughts::default() }
    }
}

/// The thoughts of one streamed answer.
pub(crate) struct ThoughtStream {
    keeper: ThoughtKeeper,
    thoughts: Thoughts,
}

impl ThoughtStream {
    /// Takes note of an event. An answer that breaks off leaves nothing behind: its thinking may be cut.
    pub(crate) fn push(&mut self, event: &Event<'_>) {
        self.thoughts.push(event);
        if matches!(event, Event::MessageStop) {
            let thoughts = std::mem::take(&mut self.thoughts).finish();
            self.keeper.memory.keep(&self.keeper.owner, &self.keeper.model, thoughts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::openai_chat::ThinkingBlock;

    fn thought(text: &str) -> Thought {
        let thinking = ThinkingBlock::Thinking { thinking: text.into(), signature: "s".into() };
        Thought { opening: vec![thinking], before: vec![] }
    }

    #[test]
    fn a_thought_is_its_owners_and_its_models() {
        let memory = ThoughtMemory::default();
        memory.keep("a", "opus", vec![("call".into(), thought("hm"))]);
        assert_eq!(memory.recall("a", "call", "opus"), Some(thought("hm")));
        assert_eq!(memory.recall("b", "call", "opus"), None);
        assert_eq!(memory.recall("a", "call", "haiku"), None);
        assert_eq!(memory.recall("a", "other", "opus"), None);
    }

    #[test]
    fn the_oldest_go_when_there_is_too_much_or_their_time_is_up() {
        let mut shelf = Shelf::default();
        let long = "x".repeat(1000);
        let start = Instant::now();
        for number in 0..100 {
            shelf.keep("a", "m", vec![(format!("call_{number}"), thought(&long))], start, 10_000);
            assert!(shelf.bytes <= 10_000, "{}", shelf.bytes);
        }
        let has =
            |shelf: &Shelf, number: u32| shelf.thoughts.contains_key(&("a".into(), format!("call_{number}")));
        assert!(has(&shelf, 99) && !has(&shelf, 0));
        shelf.keep("a", "m", vec![("call_99".into(), thought("again"))], start + KEPT / 2, 10_000);
        shelf.keep("a", "m", vec![("late".into(), thought("late"))], start + KEPT, 10_000);
        assert_eq!((shelf.thoughts.len(), shelf.order.len()), (2, 2));
        assert!(has(&shelf, 99));
        shelf.keep("a", "m", vec![], start + 3 * KEPT, 10_000);
        assert_eq!((shelf.bytes, shelf.order.len()), (0, 0));
    }
}
