//! The one thread that owns the connection. Jobs come by a bounded queue; a full one is an answer, not a wait.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::open::{OpenError, Opened};
use crate::StoreError;

/// Jobs that may wait.
const QUEUE: usize = 1024;
/// Writes that are committed together.
const BATCH: usize = 128;
/// How often what has expired is looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// What became of a job, told once it is known whether it was committed.
type Report = Box<dyn FnOnce(Result<(), StoreError>)>;

/// Does its work, or hears that there is no transaction to do it in.
type Write = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Report + Send>;

enum Job {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    Write(Write),
    Close(oneshot::Sender<()>),
}

/// The way to the thread.
#[derive(Debug)]
pub(super) struct Thread {
    jobs: Mutex<Option<SyncSender<Job>>>,
    patience: Duration,
}

impl Thread {
    /// `sweep` is called at the start and then once a minute.
    pub(super) fn start(
        opened: Opened,
        patience: Duration,
        sweep: fn(&Connection),
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let started = std::thread::Builder::new().name("store".into()).spawn(move || {
            let Opened { connection, lock } = opened;
            let closed = run(&connection, &queue, sweep);
            // Told only when the file is whole without its log, and free for the next server.
            drop(connection);
            drop(lock);
            if let Some(closed) = closed {
                let _ = closed.send(());
            }
        });
        started.map_err(not_started)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), patience })
    }

    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Read(Box::new(move |connection| {
            // Who has gone needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(job(connection));
            }
        })))?;
        self.wait(answered).await
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Write(Box::new(move |connection| {
            let done = connection.and_then(|connection| in_savepoint(connection, job));
            Box::new(move |committed| {
                let _ = answer.send(committed.and(done));
            })
        })))?;
        self.wait(answered).await
    }

    /// Waits until all that came before is done and the file is closed.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.send(Job::Close(closed)).is_ok() {
            let _ = tokio::time::timeout(self.patience, wait).await;
        }
        if let Ok(mut jobs) = self.jobs.lock() {
            *jobs = None;
        }
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("it is closed".into());
        let jobs = self.jobs.lock().map_err(|_| closed())?;
        match jobs.as_ref().ok_or_else(closed)?.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }

    async fn wait<T>(&self, answered: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        match tokio::time::timeout(self.patience, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(StoreError::Unavailable("it is closed".into())),
            Err(_) => Err(StoreError::Slow),
        }
    }
}

pub(super) fn not_started(source: io::Error) -> OpenError {
    OpenError::Io { action: "starting a thread for", path: PathBuf::from("the store"), source }
}

/// Works until nobody can ask any more, or somebody waits for the end.
fn run(
    connection: &Connection,
    queue: &Receiver<Job>,
    sweep: fn(&Connection),
) -> Option<oneshot::Sender<()>> {
    sweep(connection);
    let mut swept = Instant::now();
    loop {
        let first = queue.recv_timeout(SWEEP.saturating_sub(swept.elapsed()));
        if swept.elapsed() >= SWEEP {
            sweep(connection);
            swept = Instant::now();
        }
        match first {
            Ok(job) => {
                let last = work(connection, job, queue);
                if last.is_some() {
                    return last;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// Does a job, and with a write those that wait behind it. After the last one, says who waits for the end.
fn work(connection: &Connection, mut job: Job, queue: &Receiver<Job>) -> Option<oneshot::Sender<()>> {
    loop {
        job = match job {
            Job::Read(read) => {
                read(connection);
                return None;
            }
            Job::Close(closed) => return Some(closed),
            Job::Write(write) => write_batch(connection, write, queue)?,
        };
    }
}

/// One commit for all writes that wait. Returns the first job that is no write.
fn write_batch(connection: &Connection, first: Write, queue: &Receiver<Job>) -> Option<Job> {
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    let in_it = || begun.clone().map(|()| connection);
    let mut reports = vec![first(in_it())];
    let mut next = None;
    while reports.len() < BATCH && next.is_none() {
        match queue.try_recv() {
            Ok(Job::Write(write)) => reports.push(write(in_it())),
            Ok(other) => next = Some(other),
            Err(_) => break,
        }
    }
    let commit = || connection.execute_batch("COMMIT").map_err(StoreError::from);
    let committed = begun.and_then(|()| commit());
    if committed.is_err() && !connection.is_autocommit() {
        // What can't be committed must not stay open: nothing would ever be written again.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for report in reports {
        report(committed.clone());
    }
    next
}

/// All of a job or nothing of it, whatever else is in its batch.
fn in_savepoint<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT job")?;
    let done = job(connection);
    let end = if done.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    // A full disk takes the savepoint with it; the job's own error says so already.
    let ended = connection.execute_batch(end);
    done.and_then(|value| ended.map(|()| value).map_err(StoreError::from))
}
