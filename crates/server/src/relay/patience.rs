//! The two clocks of a running stream: when to reassure a silent client, and when to give up.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Proxies and clients give up on a silent stream after 30 to 60 s; the API itself pings about as often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Rings when nothing was sent for a while.
pub(crate) struct KeepAlive {
    alarm: Pin<Box<Sleep>>,
    last_sent: Instant,
}

impl KeepAlive {
    pub(crate) fn new() -> Self {
        Self { alarm: Box::pin(tokio::time::sleep(KEEP_ALIVE)), last_sent: Instant::now() }
    }

    /// Something was sent: the silence begins anew.
    pub(crate) fn sent(&mut self) {
        self.last_sent = Instant::now();
    }

    /// Ready when the client has waited long enough to need a sign of life.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The alarm is set again only when it rings: most deltas come long before.
        while self.alarm.as_mut().poll(cx).is_ready() {
            let due = self.last_sent + KEEP_ALIVE;
            if due <= Instant::now() {
                self.last_sent = Instant::now();
                self.alarm.as_mut().reset(self.last_sent + KEEP_ALIVE);
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(due);
        }
        Poll::Pending
    }
}

/// Rings when the server stops waiting for running streams.
pub(super) struct Cut(Pin<Box<WaitForCancellationFutureOwned>>);

impl Cut {
    pub(super) fn new(cut: WaitForCancellationFutureOwned) -> Self {
        Self(Box::pin(cut))
    }

    pub(super) fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}
