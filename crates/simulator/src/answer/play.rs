//! Plays a stream in time: sends, waits, closes. Ends at once when the client goes.

use super::Hangup;
use super::body::{Piece, Pieces};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;

/// One act of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Send(Vec<u8>),
    Pause(u64),
    Hold,
    /// Silence until the client goes.
    Stall,
    /// Close the connection.
    Abort,
}

/// Time for what was handed over before to reach the socket, when the connection is to be closed after it.
const BEFORE_ABORT: Duration = Duration::from_millis(10);

/// Waits for releases. Each release since the exchange began lets it pass one hold, be it before or after the hold
/// is reached: a test needs no sleep between seeing the text before a hold and releasing it.
pub(crate) struct Waiter {
    releases: watch::Receiver<u64>,
    used: u64,
}

impl Waiter {
    pub(crate) fn new(releases: watch::Receiver<u64>) -> Self {
        let used = *releases.borrow();
        Self { releases, used }
    }

    pub(super) async fn hold(&mut self) {
        let used = self.used;
        if self.releases.wait_for(|count| *count > used).await.is_err() {
            // The simulator stopped, and this exchange with it.
            std::future::pending::<()>().await;
        }
        self.used += 1;
    }
}

pub(super) async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Starts playing; the pieces come out of the channel.
pub(super) fn start(acts: Vec<Act>, waiter: Waiter) -> Pieces {
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(play(acts, waiter, sender));
    pieces
}

async fn play(acts: Vec<Act>, mut waiter: Waiter, sender: Sender<Result<Piece, Hangup>>) {
    let count = acts.len();
    for (index, act) in acts.into_iter().enumerate() {
        let wait = async {
            match act {
                Act::Send(bytes) => {
                    let piece = Piece { bytes: Bytes::from(bytes), last: index + 1 == count };
                    sender.send(Ok(piece)).await.is_ok()
                }
                Act::Pause(ms) => {
                    pause(ms).await;
                    true
                }
                Act::Hold => {
                    waiter.hold().await;
                    true
                }
                Act::Stall => std::future::pending().await,
                Act::Abort => {
                    tokio::time::sleep(BEFORE_ABORT).await;
                    let _ = sender.send(Err(Hangup)).await;
                    false
                }
            }
        };
        let goes_on = tokio::select! {
            goes_on = wait => goes_on,
            () = sender.closed() => false,
        };
        if !goes_on {
            return;
        }
    }
}
