//! The answer of one turn as it arrives.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use messages::RawEvent;
use tokio::sync::mpsc;

use crate::cost::Cost;
use crate::errors::TurnError;

/// What travels from the task that owns the process to the reader of the stream.
pub(crate) type Item = Result<RawEvent, TurnError>;

/// The events of one turn, `message_start` to `message_stop`; an error is always the last item.
///
/// Dropping it gives the turn up: the task that owns the process interrupts it at once and ends its group.
#[derive(Debug)]
pub struct TurnStream {
    pub(crate) first: Option<RawEvent>,
    pub(crate) rest: mpsc::Receiver<Item>,
    pub(crate) cost: Option<Cost>,
}

impl TurnStream {
    /// What the turn will have cost; once.
    pub const fn take_cost(&mut self) -> Option<Cost> {
        self.cost.take()
    }
}

impl Stream for TurnStream {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        self.rest.poll_recv(cx)
    }
}
