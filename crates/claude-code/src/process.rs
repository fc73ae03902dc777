//! One running program: lines in, lines out, and a sure end. Whoever holds it calls [`Process::end`]; dropped without,
//! the child is still killed and reaped, but its group is not waited for.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::ndjson::Lines;

use crate::argv;
use crate::env;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::spawner::{Spawner, Start};
use crate::stderr::Tail;

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
    writer: JoinHandle<()>,
    output: ChildStdout,
    lines: Lines,
    buffer: BytesMut,
    stderr: Tail,
    drainer: JoinHandle<()>,
    secrets: Vec<String>,
    scratch: Scratch,
    sessions: Option<PathBuf>,
}

impl Process {
    /// Starts the program for a model.
    pub(crate) async fn start(settings: &Settings, spawner: &Spawner, model: &str) -> io::Result<Self> {
        let scratch = Scratch::create(&settings.scratch_root)?;
        let environment = env::build(settings, &scratch);
        let secrets = env::secrets(&environment);
        let sessions = env::session_files(&environment, &scratch);
        let mut child = spawner
            .start(Start {
                program: settings.program.clone(),
                arguments: argv::of_model(model),
                environment,
                directory: scratch.work(),
            })
            .await?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
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
            sessions,
        })
    }

    /// Sends a line. When the process is gone it is lost: the end of the output tells.
    pub(crate) fn send(&self, line: Bytes) {
        if let Some(input) = &self.input {
            drop(input.send(line));
        }
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
                Ok(Some(line)) => return Ok(Some(line)),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a line of the program was skipped");
                    continue;
                }
            }
            self.buffer.clear();
            self.buffer.reserve(READ_BYTES);
            if self.output.read_buf(&mut self.buffer).await? == 0 {
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
        if let Some(sessions) = self.sessions.filter(|_| killed) {
            forget_session(sessions, self.pid).await;
        }
        let stderr = self.stderr.redacted(&self.secrets);
        self.scratch.remove().await;
        Exit { status, stderr }
    }

    /// Whether it goes by itself: at the end of its stdin, or at least on SIGTERM.
    async fn leaves(&mut self, grace: Duration) -> bool {
        if self.gone_within(grace / 2).await {
            return true;
        }
        self.signal(Signal::TERM);
        self.gone_within(grace / 2).await
    }

    /// Waits for the exit while the output is read: a process blocked on a full pipe would never go.
    async fn gone_within(&mut self, limit: Duration) -> bool {
        let mut sink = [0_u8; 4096];
        let (child, output) = (&mut self.child, &mut self.output);
        let drained = async {
            while matches!(output.read(&mut sink).await, Ok(1..)) {}
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

async fn write_lines(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Bytes>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            return;
        }
    }
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
