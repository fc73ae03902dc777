//! What goes on in a process beside its answers: permission prompts are put up and answered, and what the built-in tools
//! do is noted for the next answer.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use messages::{RawEvent, Usage};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::activity::Activity;
use super::built_in::BuiltIn;
use super::permissions::{Decision, Permissions};
use super::usage;
use crate::process::Process;
use crate::protocol::agent::{Beside, PermissionAsked, allow_line, deny_line};

/// What the model is told when nobody said anything.
const NOBODY: &str =
    "Permission denied: nobody is there to ask. Go on without this, or say what you could not do.";

/// The agent's side of a session.
#[derive(Debug)]
pub(crate) struct Agent {
    permissions: Permissions,
    patience: Duration,
    tools: Vec<String>,
    prompts: JoinSet<Answered>,
    /// The prompts that wait, by the program's ids.
    asked: Vec<(String, AbortHandle)>,
    /// What the caller may be told beside the next events.
    activities: Vec<RawEvent>,
    /// Calls whose results are the built-in tools'.
    calls: HashSet<String>,
    /// The messages of sub-agents.
    inner_messages: HashSet<String>,
    /// What was used up to the program's last result, from the one before it on.
    spent: Option<Usage>,
    /// What was told of the usage since the program's last own account of it.
    told_usage: Usage,
}

#[derive(Debug)]
struct Answered {
    asked: PermissionAsked,
    /// Of the prompt at the desk.
    id: String,
    decision: Option<Decision>,
}

impl Agent {
    pub(crate) fn new(built_in: &BuiltIn) -> Self {
        Self {
            permissions: built_in.permissions.clone(),
            patience: built_in.permission_timeout,
            tools: built_in.tools.clone(),
            prompts: JoinSet::new(),
            asked: Vec::new(),
            activities: Vec::new(),
            calls: HashSet::new(),
            inner_messages: HashSet::new(),
            spent: None,
            told_usage: Usage::default(),
        }
    }

    /// The program's next line; permission prompts are answered meanwhile. Loses nothing when it is dropped before it
    /// resolves.
    pub(crate) async fn next_line(&mut self, process: &mut Process) -> io::Result<Option<Bytes>> {
        loop {
            tokio::select! {
                biased;
                Some(answered) = self.prompts.join_next(), if !self.prompts.is_empty() => {
                    // One that was withdrawn is aborted.
                    if let Ok(answered) = answered {
                        self.decided(process, answered);
                    }
                }
                line = process.next_line() => {
                    if let Ok(Some(line)) = &line {
                        self.observe(process, line);
                    }
                    return line;
                }
            }
        }
    }

    /// Whether the program waits for somebody's permission.
    pub(super) fn waits(&self) -> bool {
        !self.prompts.is_empty()
    }

    pub(super) fn take_activities(&mut self) -> Vec<RawEvent> {
        std::mem::take(&mut self.activities)
    }

    /// What an answer used: as its messages say, or when the turn is over as the program does, less what was told
    /// since its last own account.
    pub(super) fn usage(&mut self, seen: Usage, over: bool) -> Usage {
        match self.spent.take().filter(|_| over) {
            Some(all) => usage::less(all, std::mem::take(&mut self.told_usage)),
            None => {
                self.told_usage = usage::sum(self.told_usage, seen);
                seen
            }
        }
    }

    /// How many messages sub-agents have got so far.
    pub(super) fn inner_messages(&self) -> usize {
        self.inner_messages.len()
    }

    pub(super) fn note(&mut self, activity: &Activity<'_>) {
        self.activities.extend(activity.event());
    }

    fn observe(&mut self, process: &Process, line: &Bytes) {
        match Beside::parse(line) {
            Beside::Asks(asked) => self.ask(process, asked),
            Beside::Withdraws(request_id) => {
                self.asked.retain(|(id, prompt)| {
                    if *id == request_id {
                        prompt.abort();
                    }
                    *id != request_id
                });
            }
            Beside::Calls { calls, message_id, parent } => {
                self.inner_messages.extend(parent.as_ref().and(message_id));
                for call in calls {
                    let (id, name, input) = (&*call.id, &*call.name, &*call.input);
                    let parent_tool_use_id = parent.as_deref();
                    self.note(&Activity::ToolUse { id, name, input, parent_tool_use_id });
                    self.calls.insert(call.id);
                }
            }
            Beside::Results(results) => {
                for result in results {
                    if self.calls.remove(&result.tool_use_id) {
                        let content = result.content.as_deref();
                        self.note(&Activity::result(&result.tool_use_id, result.is_error, content));
                    }
                }
            }
            Beside::Ends { usage } => self.spent = usage.and_then(|usage| usage::read(&usage)),
            Beside::Begins { tools, version } => self.miss_tools(&tools, &version),
            Beside::Nothing => {}
        }
    }

    fn ask(&mut self, process: &Process, asked: PermissionAsked) {
        let Some(mut ticket) = self.permissions.ask(&asked.told) else {
            return self.decided(process, Answered { asked, id: String::new(), decision: None });
        };
        let (id, name) = (ticket.id.clone(), asked.tool_name.clone());
        let tool_use_id = asked.tool_use_id.as_deref();
        let activity = Activity::PermissionRequest { id: &id, tool_use_id, tool_name: &name };
        self.activities.extend(activity.event());
        let (request_id, patience) = (asked.request_id.clone(), self.patience);
        let prompt = self.prompts.spawn(async move {
            let decision = timeout(patience, ticket.answered()).await.ok().flatten();
            Answered { asked, id, decision }
        });
        self.asked.push((request_id, prompt));
    }

    fn decided(&mut self, process: &Process, answered: Answered) {
        let Answered { asked, id, decision } = answered;
        self.asked.retain(|(request_id, _)| *request_id != asked.request_id);
        let because = match (&decision, id.is_empty()) {
            (Some(_), _) => "answered",
            (None, true) => "nobody_listens",
            (None, false) => "no_answer",
        };
        let behavior = decision.as_ref().map_or("deny", Decision::behavior);
        self.note(&Activity::PermissionDecision { id: &id, behavior, because });
        let line = match decision {
            Some(Decision::Allow { updated_input }) => {
                allow_line(&asked.request_id, updated_input.as_deref().unwrap_or(&asked.input))
            }
            Some(Decision::Deny { message: Some(message) }) => deny_line(&asked.request_id, &message),
            Some(Decision::Deny { message: None }) => deny_line(&asked.request_id, "Permission denied."),
            None => deny_line(&asked.request_id, NOBODY),
        };
        match line {
            Ok(line) => process.send(line),
            Err(error) => tracing::warn!(%error, "an answer to a permission prompt could not be written"),
        }
    }

    /// A name that this version of the program does not know has no effect: that is the operator's to know.
    fn miss_tools(&mut self, known: &[String], version: &str) {
        // It lists this one under its former name.
        let knows = |name: &str| known.iter().any(|tool| tool == name || (name == "Agent" && tool == "Task"));
        let missing: Vec<_> = self.tools.iter().filter(|name| !knows(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            tracing::warn!(tools = missing, version, "Claude Code has no such built-in tools");
            self.tools.clear();
        }
    }
}
