//! One running program: lines in, lines out, and a sure end. Whoever holds it calls [`Process::end`]; dropped without,
//! the child is still killed and reaped, but its group is not waited for.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::ndjson::Lines;

use crate::account_windows::AccountWindows;
use crate::argv;
use crate::cost::Spending;
use crate::env;
use crate::kin;
use crate::pool::Entry;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::spawner::{Spawner, Start};
use crate::stderr::Tail;
use crate::transcript::Transcript;

/// A line may hold a whole answer; past this it is skipped.
const MAX_LINE_BYTES: usize = 64 << 20;
const READ_BYTES: usize = 64 << 10;
/// How long a killed group may take to be gone; only a process stuck in the kernel takes longer.
const REAP_TIMEOUT: Duration = Duration::from_secs(2);

/// How a process is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its stdin is closed and it gets half the grace to go by itself, then SIGTERM and the other half, then SIGKILL.
    Polite,
    /// SIGKILL: it would call upstream again.
    AtOnce,
}

/// What is left of a process: for the log.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stderr: String,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Also the process group. A child that was not reaped yet keeps its number.
    pid: Option<Pid>,
    /// Lines on their way in. The task behind it writes while we read, so that no two full pipes can block each other.
    input: Option<mpsc::UnboundedSender<Bytes>>,
    /// Tells in the end whether the program has read it all.
    writer: JoinHandle<bool>,
    output: ChildStdout,
    lines: Lines,
    buffer: BytesMut,
    stderr: Tail,
    drainer: JoinHandle<()>,
    secrets: Vec<String>,
    scratch: Scratch,
    /// It may have started others, in groups of their own.
    has_kin: bool,
    sessions: Option<PathBuf>,
    /// How many lines of its conversation's history it was started with.
    told: usize,
    account_windows: AccountWindows,
    /// What it has cost.
    pub(crate) spending: Spending,
    started: Instant,
    /// The lines it has said so far.
    heard: u64,
    /// How many it had said when it was taken from the spares.
    heard_as_spare: Option<u64>,
    at_end: bool,
    /// Its entry among the processes of the pool that started it.
    entry: Option<Entry>,
}

impl Process {
    /// Starts the program for a model, with the beginning of a conversation or without one.
    pub(crate) async fn start(
        settings: &Settings,
        spawner: &Spawner,
        model: &str,
        transcript: Option<Transcript<'_>>,
    ) -> io::Result<Self> {
        let scratch = Scratch::create(&settings.scratch_root)?;
        let told = match transcript {
            Some(transcript) => tell(&transcript, &scratch).await,
            None => 0,
        };
        let environment = env::build(settings, &scratch);
        let secrets = env::secrets(&environment);
        let sessions = env::session_files(&environment, &scratch);
        let mut child = spawner
            .start(Start {
                program: settings.program.clone(),
                arguments: argv::of_model(model, settings.built_in.as_ref(), told > 0),
                environment,
                directory: settings
                    .built_in
                    .as_ref()
                    .map_or_else(|| scratch.work(), |built_in| built_in.working_directory.clone()),
            })
            .await?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            scratch.note_process(pid).await;
        }
        let missing = || io::Error::other("a child without its pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let stderr = Tail::default();
        let drainer = tokio::spawn(stderr.clone().drain(child.stderr.take().ok_or_else(missing)?));
        let (input, lines) = mpsc::unbounded_channel();
        let writer = tokio::spawn(write_lines(stdin, lines));
        let (input, lines, buffer) =
            (Some(input), Lines::new(MAX_LINE_BYTES), BytesMut::with_capacity(READ_BYTES));
        Ok(Self {
            child,
            pid,
            input,
            writer,
            output,
            lines,
            buffer,
            stderr,
            drainer,
            secrets,
            scratch,
            has_kin: settings.built_in.is_some(),
            sessions,
            told,
            account_windows: settings.account_windows.clone(),
            spending: Spending::default(),
            started: Instant::now(),
            heard: 0,
            heard_as_spare: None,
            at_end: false,
            entry: None,
        })
    }

    /// Counts it among the processes of a pool, which learns how its start went.
    pub(crate) fn enlist(&mut self, enter: impl FnOnce(Option<Pid>) -> Entry) {
        self.entry = Some(enter(self.pid));
    }

    /// The process group.
    pub(crate) const fn group(&self) -> Option<Pid> {
        self.pid
    }

    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// How many lines of the history it needs not be fed: it was started with them.
    pub(crate) const fn told(&self) -> usize {
        self.told
    }

    /// It has read its transcript, or never will.
    pub(crate) async fn forget_transcript(&self) {
        if self.told > 0 {
            drop(tokio::fs::remove_file(self.scratch.transcript()).await);
        }
    }

    /// It leaves the spares.
    pub(crate) const fn becomes_taken(&mut self) {
        self.heard_as_spare = Some(self.heard);
    }

    /// It was a spare and ended without a word to whoever took it: nothing was asked upstream.
    pub(crate) fn was_dead_spare(&self) -> bool {
        self.at_end && self.heard_as_spare == Some(self.heard)
    }

    /// Sends a line. When the process is gone it is lost: the end of the output tells.
    pub(crate) fn send(&self, line: Bytes) {
        if let Some(input) = &self.input {
            drop(input.send(line));
        }
    }

    /// Whether a program whose output ended may have read the last line that it was sent. `false` is sure: then it did
    /// nothing about that line and never will.
    pub(crate) async fn may_have_read_all(&mut self) -> bool {
        self.kill();
        self.input = None;
        (&mut self.writer).await.unwrap_or(true)
    }

    /// SIGKILL, for one that must do nothing more. [`end`](Self::end) is still to be called.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// The next line, or `None` at the end of the output. Lines that are too long are skipped. Loses nothing when it is
    /// dropped before it resolves.
    pub(crate) async fn next_line(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.lines.next_line() {
                Ok(Some(line)) => {
                    self.account_windows.observe(&line);
                    self.spending.observe(&line);
                    self.said_something();
                    return Ok(Some(line));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a line of the program was skipped");
                    continue;
                }
            }
            self.buffer.clear();
            self.buffer.reserve(READ_BYTES);
            if self.output.read_buf(&mut self.buffer).await? == 0 {
                self.at_end = true;
                return Ok(None);
            }
            self.lines.push(&self.buffer);
        }
    }

    /// Ends the process and everything in its group, reaps it and removes its directory. Takes hardly more than the
    /// grace and [`REAP_TIMEOUT`] at worst.
    pub(crate) async fn end(mut self, ending: Ending, grace: Duration) -> Exit {
        self.input = None;
        let left = ending == Ending::Polite && self.leaves(grace).await;
        let killed = !left;
        self.signal(Signal::KILL);
        let status = timeout(REAP_TIMEOUT, self.child.wait()).await.ok().and_then(Result::ok);
        self.writer.abort();
        // What a dying process wrote is still in the pipe; a survivor of its group would keep that open.
        if timeout(Duration::from_millis(100), &mut self.drainer).await.is_err() {
            self.drainer.abort();
        }
        if self.has_kin {
            kin::end(self.scratch.tmp()).await;
        }
        if let Some(sessions) = self.sessions.filter(|_| killed) {
            forget_session(sessions, self.pid).await;
        }
        let exit = Exit { status, stderr: self.stderr.redacted(&self.secrets) };
        if let Some(entry) = self.entry.filter(|_| self.heard == 0) {
            entry.ended_unheard(self.at_end, &exit);
        }
        self.scratch.remove().await;
        exit
    }

    fn said_something(&mut self) {
        self.heard += 1;
        if let Some(entry) = self.entry.as_ref().filter(|_| self.heard == 1) {
            entry.answers();
        }
    }

    /// Whether it goes by itself: at the end of its stdin, or at least on SIGTERM.
    async fn leaves(&mut self, grace: Duration) -> bool {
        if self.gone_within(grace / 2).await {
            return true;
        }
        self.signal(Signal::TERM);
        self.gone_within(grace / 2).await
    }

    /// Waits for the exit while the output is read: a process blocked on a full pipe would never go, and what it says
    /// of account and cost comes after its answer.
    async fn gone_within(&mut self, limit: Duration) -> bool {
        let Self { child, output, lines, buffer, account_windows, spending, .. } = self;
        let drained = async {
            buffer.clear();
            while matches!(output.read_buf(buffer).await, Ok(1..)) {
                lines.push(buffer);
                while let Some(line) = lines.next_line().transpose() {
                    for line in line.iter() {
                        account_windows.observe(line);
                        spending.observe(line);
                    }
                }
                buffer.clear();
            }
            std::future::pending::<()>().await;
        };
        let gone = async {
            tokio::select! {
                _ = child.wait() => {}
                () = drained => {}
            }
        };
        timeout(limit, gone).await.is_ok()
    }

    /// Signals the group. After the leader was reaped its number is only free when no member of the group is left.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // An error means that nobody is left to be signalled.
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// Writes a transcript and tells how many lines it holds: none when it can't be written. Then all are fed.
async fn tell(transcript: &Transcript<'_>, scratch: &Scratch) -> usize {
    match transcript.write(&scratch.transcript(), &scratch.work()).await {
        Ok(()) => transcript.len(),
        Err(error) => {
            tracing::warn!(%error, "a transcript could not be written");
            drop(tokio::fs::remove_file(scratch.transcript()).await);
            0
        }
    }
}

/// Writes until there is nothing more to write or nobody to read. `false` when the last line was not read to its end:
/// what a program has not read when it ends stays in the pipe.
async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Bytes>) -> bool {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return false;
        }
    }
    rustix::io::ioctl_fionread(&stdin).map_or(true, |unread| unread == 0)
}

/// Removes the files that a killed program leaves about itself below the operator's configuration: `PID.json` and
/// `PID.….key`. It removes them itself when it is allowed to end.
async fn forget_session(folder: PathBuf, pid: Option<Pid>) {
    let Some(pid) = pid else { return };
    let prefix = format!("{}.", pid.as_raw_nonzero());
    let forget = move || {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)) {
            drop(std::fs::remove_file(entry.path()));
        }
    };
    drop(tokio::task::spawn_blocking(forget).await);
}
