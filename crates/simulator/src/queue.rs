//! The turns waiting for a request that fits.

use crate::script::Turn;
use std::sync::{Mutex, PoisonError};

/// Scripted turns, oldest first.
#[derive(Default)]
pub(crate) struct Queue {
    turns: Mutex<Vec<Turn>>,
}

impl Queue {
    pub(crate) fn push(&self, turns: impl IntoIterator<Item = Turn>) {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).extend(turns);
    }

    pub(crate) fn clear(&self) {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The first turn for this request; used up after as many requests as it says.
    pub(crate) fn take(&self, path: &str, model: &str, text: &str) -> Option<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let place = turns.iter().position(|turn| fits(turn, path, model, text))?;
        let turn = turns.get_mut(place)?;
        match turn.times {
            0 => Some(turn.clone()),
            1 => Some(turns.remove(place)),
            _ => {
                turn.times -= 1;
                Some(turn.clone())
            }
        }
    }
}

fn fits(turn: &Turn, path: &str, model: &str, text: &str) -> bool {
    let within = |part: &Option<String>, whole: &str| part.as_ref().is_none_or(|part| whole.contains(part));
    turn.matching.path.as_deref().unwrap_or("/v1/messages") == path
        && within(&turn.matching.model, model)
        && within(&turn.matching.text, text)
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use crate::script::turn;

    #[test]
    fn a_turn_serves_the_requests_it_is_for_as_often_as_it_says() {
        let queue = Queue::default();
        queue.push([turn().text("b").when_text("beta").times(2), turn().text("any")]);
        let first_text = |text| {
            let turn = queue.take("/v1/messages", "claude-sonnet-5-5", text)?;
            Some(serde_json::to_value(&turn.steps[0]).unwrap()["text"].as_str().unwrap().to_owned())
        };
        assert_eq!(first_text("a beta test").as_deref(), Some("b"));
        assert_eq!(first_text("alpha").as_deref(), Some("any"));
        assert_eq!(first_text("alpha"), None);
        assert_eq!(first_text("beta").as_deref(), Some("b"));
        assert_eq!(first_text("beta"), None);
    }
}
