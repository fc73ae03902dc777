//! The task that refills the pool, in the background and never in a request's way: it waits until no turn is being
//! started (that costs a core, and so does this), starts one spare at a time, and only in a place that nobody wants.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::memory;
use super::spare::{Limits, Spare, Taken};
use super::{Inner, Pool};
use crate::counts::Phase;
use crate::supervise::stopped;

/// How often it looks when nothing is asked for: a spare that died is replaced by then, one that dies at once does not
/// keep a core busy.
const ROUND: Duration = Duration::from_secs(5);
/// A turn that was just started is left alone for this long, then asked for again.
const POLITE: Duration = Duration::from_millis(100);
/// Under a steady stream of requests it would otherwise never refill.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a spare costs before one was measured.
const USUAL_BYTES: u64 = 200 << 20;

/// Keeps the pool until the driver shuts down or is gone. The spares themselves hear of it.
pub(super) async fn keep(pool: Weak<Inner>, wishes: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    while let Some(inner) = pool.upgrade() {
        quiet(&inner).await;
        // Never cut off: a start that is under way has a place and a directory to give back.
        round(&inner).await;
        drop(inner);
        // A wish during the round is not lost: the notice is stored.
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = timeout(ROUND, wishes.notified()) => {}
        }
    }
}

/// Waits until no turn is being started: until its first event it costs a core.
async fn quiet(pool: &Inner) {
    let quiet = async {
        sleep(POLITE).await;
        while pool.gauge.is_pressed() {
            sleep(POLITE / 2).await;
        }
    };
    let _ = timeout(PATIENCE, quiet).await;
}

/// Gives up what is too much and starts what is missing.
async fn round(pool: &Arc<Inner>) {
    loop {
        let wanted = pool.wanted();
        while let Some(spare) = pool.shelf.surplus(&wanted) {
            drop(spare);
        }
        let room = room(pool).await;
        if room == Room::TooFull && !pool.make_room() {
            pool.kept.give_up_oldest();
        }
        match pool.shelf.missing(&wanted) {
            Some(model) if room == Room::ForOne => {
                if !add(pool, model).await {
                    return;
                }
                quiet(pool).await;
            }
            _ => return,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    ForOne,
    ForNone,
    TooFull,
}

/// What the limit on memory allows.
async fn room(pool: &Inner) -> Room {
    let Some(limit) = pool.settings.spares.max_memory_bytes else { return Room::ForOne };
    let groups = pool.register.all();
    let count = groups.len() as u64;
    let measured = tokio::task::spawn_blocking(move || memory::of_groups(&groups)).await;
    let Ok(used) = measured else { return Room::ForNone };
    let each = used.checked_div(count).map_or(USUAL_BYTES, |each| each.max(USUAL_BYTES / 2));
    match used {
        used if used > limit => Room::TooFull,
        used if used + each > limit => Room::ForNone,
        _ => Room::ForOne,
    }
}

/// A place for a spare, at the cost of the process that has waited longest for its conversation to go on.
async fn place(pool: &Inner) -> Option<OwnedSemaphorePermit> {
    let places = Arc::clone(&pool.places);
    if places.available_permits() == 0 && !pool.kept.give_up_idle() {
        return None;
    }
    timeout(PATIENCE, places.acquire_owned()).await.ok()?.ok()
}

/// Starts a spare and waits until it is ready, gone or taken. `false` when there is no place or it can't be started.
async fn add(pool: &Arc<Inner>, model: &str) -> bool {
    if *pool.stop.borrow() || pool.gauge.read().queued > 0 {
        return false;
    }
    let Some(permit) = place(pool).await else { return false };
    let counted = pool.gauge.enter(Phase::Starting);
    let process = match Pool::fresh(pool, model, None).await {
        Ok(process) => process,
        Err(failure) => {
            tracing::debug!(?failure, "no spare was started");
            return false;
        }
    };
    let settings = &pool.settings;
    let limits =
        Limits { start: settings.start_timeout, age: settings.spares.max_age, grace: settings.hangup_grace };
    let taken = Taken { process, permit };
    let (spare, sitter) = Spare::new(model, taken, counted, limits, pool.stop.subscribe());
    pool.shelf.put(spare);
    let (tell, ready) = oneshot::channel();
    tokio::spawn(sitter.run(tell));
    // A request that came meanwhile found neither the place nor the spare.
    if pool.gauge.read().queued > 0 && pool.places.available_permits() == 0 {
        pool.make_room();
    }
    ready.await.is_ok()
}
