//! One answer of an agent, from its first message upstream to the end of the turn.

use std::sync::Arc;

use messages::RawEvent;
use tokio::sync::mpsc;

use super::activity::Activity;
use super::merge::{End, Merge, Merged};
use super::usage;
use crate::conversation::Said;
use crate::counts::{Counted, Phase};
use crate::errors::Failure;
use crate::relay::Then;
use crate::session::{Finished, Progress, Session, deliver};
use crate::stream::Item;

impl Session<'_> {
    /// Relays all messages of the turn as one answer.
    pub(crate) async fn relay_agent(
        &mut self,
        most: u32,
        events: &mpsc::Sender<Item>,
        counted: &mut Counted,
    ) -> Result<Finished, Failure> {
        let mut merge = Merge::new(Arc::clone(&self.tools), most);
        let mut said = Said::default();
        let inner_before = self.inner_messages();
        loop {
            let line = match self.next_in_time().await {
                // It is not the program that lets others wait.
                Err(Failure::Silent(_)) if self.agent.as_ref().is_some_and(super::Agent::waits) => continue,
                line => line?,
            };
            let begun = merge.begun();
            let mut merged = merge.take(line);
            if begun + self.inner_messages() - inner_before >= most
                && matches!(merged, Merged::Wait)
                && let Some(end) = merge.pause()
            {
                merged = Merged::Finish(end);
            }
            match merged {
                Merged::Wait => {}
                Merged::Forward(event) => {
                    if event.name == "message_start" {
                        counted.becomes(Phase::Running);
                    }
                    self.pass(event, &mut said, events).await;
                }
                Merged::Fail(failure) => return Err(failure),
                Merged::Finish(end) => return self.finish(end, said, most, events).await,
            }
            if merge.begun() > begun && merge.begun() >= most {
                self.forbid_another_call()?;
            }
            if self.progress == Progress::Told {
                self.tell_activities(events).await;
            }
        }
    }

    fn inner_messages(&self) -> u32 {
        let messages = self.agent.as_ref().map_or(0, super::Agent::inner_messages);
        u32::try_from(messages).unwrap_or(u32::MAX)
    }

    async fn pass(&mut self, event: RawEvent, said: &mut Said, events: &mpsc::Sender<Item>) {
        said.observe(&event);
        self.progress = Progress::Told;
        deliver(events, event).await;
    }

    async fn tell_activities(&mut self, events: &mpsc::Sender<Item>) {
        let activities = self.agent.as_mut().map(super::Agent::take_activities).unwrap_or_default();
        for activity in activities {
            deliver(events, activity).await;
        }
    }

    async fn finish(
        &mut self,
        end: End,
        mut said: Said,
        most: u32,
        events: &mpsc::Sender<Item>,
    ) -> Result<Finished, Failure> {
        let End { delta, last, then, seen, paused } = end;
        let mut total = seen;
        if let Some(agent) = &mut self.agent {
            total = agent.usage(seen, then == Then::Rests);
            if paused {
                agent.note(&Activity::MaxTurnsReached { max_turns: most });
            }
        }
        if then == Then::Rests {
            self.open.is_over();
        }
        self.tell_activities(events).await;
        let delta = usage::told(&delta, total).map_err(|error| Failure::Broken(error.to_string()))?;
        self.pass(delta, &mut said, events).await;
        said.observe(&last);
        Ok(Finished { last, then, said })
    }
}
