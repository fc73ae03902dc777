//! Starts processes from one thread that lives as long as any of them.
//!
//! On Linux the kernel kills a child whose parent *thread* ends, when asked to: so that not even a SIGKILL of the proxy
//! leaves a process calling upstream. Asking needs code between fork and exec, which safe Rust has none of: the
//! `setpriv` program of util-linux does it and becomes the child. Where it is missing (macOS, small images) the end of
//! its stdin ends an idle program, and one in the middle of a turn when that turn is over.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::env::Variables;

/// Looked for at fixed places: what the search path holds is not asked to run before the program.
const SETPRIV: [&str; 2] = ["/usr/bin/setpriv", "/bin/setpriv"];

/// What to start.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Variables,
    pub(crate) directory: PathBuf,
}

struct Order {
    start: Start,
    reply: oneshot::Sender<io::Result<Child>>,
}

/// The thread that starts processes. It ends when this is dropped, and the children with it.
#[derive(Debug)]
pub(crate) struct Spawner {
    orders: mpsc::Sender<Order>,
}

impl Spawner {
    /// Starts the thread; within a tokio runtime, whose handle it takes.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let (orders, received) = mpsc::channel::<Order>();
        std::thread::Builder::new().name("claude-spawner".into()).spawn(move || {
            let _runtime = runtime.enter();
            let setpriv = SETPRIV.iter().map(Path::new).find(|path| path.exists());
            while let Ok(Order { start, reply }) = received.recv() {
                // When nobody waits any more, the child is dropped and so killed.
                drop(reply.send(spawn(&start, setpriv)));
            }
        })?;
        Ok(Self { orders })
    }

    /// Starts a process in a group of its own, with piped stdio.
    pub(crate) async fn start(&self, start: Start) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts processes is gone");
        let (reply, child) = oneshot::channel();
        self.orders.send(Order { start, reply }).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}

fn spawn(start: &Start, setpriv: Option<&Path>) -> io::Result<Child> {
    let mut command = command(start, setpriv);
    command
        .env_clear()
        .envs(start.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&start.directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command.spawn()
}

fn command(start: &Start, setpriv: Option<&Path>) -> Command {
    let mut command = match setpriv {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(&start.program);
            command
        }
        None => Command::new(&start.program),
    };
    command.args(&start.arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn start(program: &str, arguments: &[&str]) -> Start {
        Start {
            program: program.into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            environment: vec![("ONLY".into(), "this".into())],
            directory: "/".into(),
        }
    }

    #[tokio::test]
    async fn a_child_gets_the_given_environment_and_directory_and_a_group_of_its_own() {
        let spawner = Spawner::new().unwrap();
        let child =
            spawner.start(start("/bin/sh", &["-c", "/usr/bin/env; pwd; ps -o pgid= -p $$; echo $$"])).await;
        let output = child.unwrap().wait_with_output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("ONLY=this") && !text.contains("HOME="), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_child_dies_with_the_thread_that_started_it() {
        let spawner = Spawner::new().unwrap();
        let mut child = spawner.start(start("/bin/sh", &["-c", "echo up; exec sleep 60"])).await.unwrap();
        let mut up = [0; 3];
        child.stdout.as_mut().unwrap().read_exact(&mut up).await.unwrap();
        drop(spawner);
        let status =
            tokio::time::timeout(std::time::Duration::from_secs(5), child.wait()).await.unwrap().unwrap();
        assert!(!status.success());
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error() {
        let spawner = Spawner::new().unwrap();
        let child = spawner.start(start("/nowhere/claude", &[])).await;
        let failed = match child {
            Err(_) => true,
            Ok(child) => !child.wait_with_output().await.unwrap().status.success(),
        };
        assert!(failed);
    }
}
