//! The desk where the program's permission prompts are told to whoever listens, and answered. One for all processes of a
//! driver. A prompt is withdrawn when the process that asks does not wait for its answer any more.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

/// A listener that falls behind further than this is not told any more.
const EVENTS_AHEAD: usize = 256;

/// Pending prompts and who listens. Clones are the same desk.
#[derive(Clone, Default)]
pub struct Permissions(Arc<Mutex<Desk>>);

#[derive(Default)]
struct Desk {
    pending: Vec<Pending>,
    listeners: Vec<mpsc::Sender<PermissionEvent>>,
}

struct Pending {
    id: String,
    told: Bytes,
    answer: oneshot::Sender<Decision>,
}

/// What happened at the desk.
#[derive(Clone)]
pub struct PermissionEvent {
    /// `permission_request` or `permission_resolved`.
    pub name: &'static str,
    /// A JSON object; both have the prompt's `id`.
    pub data: Bytes,
}

/// The answer to a prompt.
pub enum Decision {
    /// The tool may run.
    Allow {
        /// With this input (a JSON object) in place of the model's.
        updated_input: Option<Box<RawValue>>,
    },
    /// It may not.
    Deny {
        /// What the model is told.
        message: Option<String>,
    },
}

impl Decision {
    /// `allow` or `deny`.
    #[must_use]
    pub const fn behavior(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::Deny { .. } => "deny",
        }
    }
}

/// There is no such prompt: answered, timed out, withdrawn or never there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such permission prompt is pending")]
pub struct UnknownPrompt;

/// All events from the moment of listening on, the pending prompts first.
pub struct PermissionEvents(mpsc::Receiver<PermissionEvent>);

/// A prompt that waits. Dropped, it is withdrawn.
pub(super) struct Ticket {
    desk: Permissions,
    pub(super) id: String,
    answer: oneshot::Receiver<Decision>,
}

impl Permissions {
    /// Listens. As long as anybody does, prompts wait for an answer.
    #[must_use]
    pub fn listen(&self) -> PermissionEvents {
        let mut desk = self.desk();
        let (listener, events) = mpsc::channel(EVENTS_AHEAD.max(desk.pending.len()));
        for pending in &desk.pending {
            // There is room for all of them.
            let _ =
                listener.try_send(PermissionEvent { name: "permission_request", data: pending.told.clone() });
        }
        desk.listeners.push(listener);
        PermissionEvents(events)
    }

    /// Answers a prompt.
    ///
    /// # Errors
    /// When it does not wait for an answer any more.
    pub fn answer(&self, id: &str, decision: Decision) -> Result<(), UnknownPrompt> {
        let mut desk = self.desk();
        let at = desk.pending.iter().position(|pending| pending.id == id).ok_or(UnknownPrompt)?;
        let pending = desk.pending.remove(at);
        let behavior = decision.behavior();
        pending.answer.send(decision).map_err(|_| UnknownPrompt)?;
        desk.tell(&resolved(id, behavior));
        Ok(())
    }

    /// Puts a prompt up; `None` when nobody listens. `members` are those of a JSON object, without its braces.
    pub(super) fn ask(&self, members: &str) -> Option<Ticket> {
        let id = format!("perm_{}", uuid::Uuid::new_v4().simple());
        let mut desk = self.desk();
        desk.listeners.retain(|listener| !listener.is_closed());
        if desk.listeners.is_empty() {
            return None;
        }
        let told = Bytes::from(format!(r#"{{"id":"{id}",{members}}}"#));
        desk.tell(&PermissionEvent { name: "permission_request", data: told.clone() });
        let (sender, answer) = oneshot::channel();
        desk.pending.push(Pending { id: id.clone(), told, answer: sender });
        drop(desk);
        Some(Ticket { desk: self.clone(), id, answer })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn tell(&mut self, event: &PermissionEvent) {
        self.listeners.retain(|listener| listener.try_send(event.clone()).is_ok());
    }
}

fn resolved(id: &str, behavior: &str) -> PermissionEvent {
    let data = format!(r#"{{"id":"{id}","behavior":"{behavior}"}}"#);
    PermissionEvent { name: "permission_resolved", data: data.into() }
}

impl Ticket {
    /// The answer; `None` when there can be none any more.
    pub(super) async fn answered(&mut self) -> Option<Decision> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut desk = self.desk.desk();
        let Some(at) = desk.pending.iter().position(|pending| pending.id == self.id) else { return };
        desk.pending.remove(at);
        desk.tell(&resolved(&self.id, "deny"));
    }
}

impl Stream for PermissionEvents {
    type Item = PermissionEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PermissionEvent>> {
        self.0.poll_recv(cx)
    }
}

/// Never shows what is said.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.behavior())
    }
}

/// Never shows what is asked.
impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let desk = self.desk();
        write!(f, "Permissions({} pending, {} listeners)", desk.pending.len(), desk.listeners.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(events: &mut PermissionEvents) -> Option<(&'static str, String)> {
        let event = events.0.try_recv().ok()?;
        Some((event.name, String::from_utf8(event.data.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn a_prompt_is_told_answered_once_and_gone() {
        let desk = Permissions::default();
        let mut listener = desk.listen();
        let mut ticket = desk.ask(r#""tool_name":"Bash""#).unwrap();
        let id = ticket.id.clone();
        let told = format!(r#"{{"id":"{id}","tool_name":"Bash"}}"#);
        assert_eq!(next(&mut listener), Some(("permission_request", told.clone())));
        // Who comes later is told as well.
        assert_eq!(next(&mut desk.listen()), Some(("permission_request", told)));
        desk.answer(&id, Decision::Allow { updated_input: None }).unwrap();
        assert!(matches!(ticket.answered().await, Some(Decision::Allow { .. })));
        assert_eq!(next(&mut listener).unwrap().0, "permission_resolved");
        assert_eq!(desk.answer(&id, Decision::Deny { message: None }), Err(UnknownPrompt));
    }

    #[test]
    fn nobody_is_asked_when_nobody_listens_and_a_prompt_that_is_given_up_is_withdrawn() {
        let desk = Permissions::default();
        assert!(desk.ask("").is_none());
        drop(desk.listen());
        assert!(desk.ask("").is_none());
        let mut listener = desk.listen();
        let ticket = desk.ask(r#""a":1"#).unwrap();
        let id = ticket.id.clone();
        drop(ticket);
        assert_eq!(next(&mut listener).unwrap().0, "permission_request");
        assert_eq!(next(&mut listener).unwrap().1, format!(r#"{{"id":"{id}","behavior":"deny"}}"#));
        assert_eq!(desk.answer(&id, Decision::Deny { message: None }), Err(UnknownPrompt));
    }
}
