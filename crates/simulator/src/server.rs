//! The listener: connections in, exchanges out. Everything ends when the [`Simulator`] is dropped.

use crate::exchange;
use crate::google;
use crate::queue::Queue;
use crate::record::{Ledger, Recorded};
use crate::script::Turn;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How a simulator is started.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens: loopback only.
    pub address: SocketAddr,
    /// The only key it takes; any when absent.
    pub key: Option<String>,
    /// Further model names it serves, under the rules their version implies.
    pub models: Vec<String>,
    /// How long Google's tokens and AWS's temporary credentials are good, in seconds.
    pub credentials_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self { address, key: None, models: Vec::new(), credentials_seconds: 3600 }
    }
}

/// What all exchanges share.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) queue: Queue,
    pub(crate) google_key: google::Key,
    pub(crate) google_tokens: google::Tokens,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// Counts releases; a held exchange waits for the count to pass what it has used.
    pub(crate) releases: watch::Sender<u64>,
    counter: AtomicU64,
}

impl State {
    /// The next number for ids.
    pub(crate) fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn service_account(&self) -> String {
        self.google_key.file(&format!("{}/token", self.url))
    }

    pub(crate) fn release(&self, times: u64) {
        self.releases.send_modify(|count| *count += times);
    }
}

/// A running simulator; stops when dropped.
pub struct Simulator {
    state: Arc<State>,
    address: SocketAddr,
    acceptor: JoinHandle<()>,
}

impl Simulator {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts with these settings.
    ///
    /// # Errors
    /// When the address is not loopback or can't be had.
    pub async fn start_with(settings: Settings) -> io::Result<Self> {
        if !settings.address.ip().is_loopback() {
            let reason = format!("{} is not a loopback address", settings.address.ip());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let listener = TcpListener::bind(settings.address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            settings,
            ledger: Arc::default(),
            queue: Queue::default(),
            google_key: google::Key::default(),
            google_tokens: google::Tokens::default(),
            url: format!("http://{address}"),
            releases: watch::Sender::new(0),
            counter: AtomicU64::new(0),
        });
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { state, address, acceptor })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        self.state.url.clone()
    }

    /// The credentials file of a Google service account that may use it as Vertex AI. The key is made when this is first
    /// called.
    #[must_use]
    pub fn service_account(&self) -> String {
        self.state.service_account()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues a turn for the next request it fits.
    pub fn script(&self, turn: Turn) {
        self.state.queue.push([turn]);
    }

    /// Queues turns in order.
    pub fn scripts(&self, turns: impl IntoIterator<Item = Turn>) {
        self.state.queue.push(turns);
    }

    /// Forgets the turns not used yet.
    pub fn clear_scripts(&self) {
        self.state.queue.clear();
    }

    /// How many scripted turns were not used yet.
    #[must_use]
    pub fn scripts_left(&self) -> usize {
        self.state.queue.len()
    }

    /// The requests so far, oldest first (control requests aside).
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.ledger.requests()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.ledger.clear();
    }

    /// How many exchanges are under way.
    #[must_use]
    pub fn active(&self) -> usize {
        self.state.ledger.open_ids().len()
    }

    /// Waits until exactly this many exchanges are under way; false when that does not come in time.
    pub async fn active_becomes(&self, count: usize, within: Duration) -> bool {
        let reached = async {
            while self.active() != count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(within, reached).await.is_ok()
    }

    /// Lets every exchange pass one hold: the one it waits at, else the next it comes to.
    pub fn release(&self) {
        self.state.release(1);
    }

    /// Serves until the process ends.
    pub async fn run(mut self) {
        // The task ends by abort alone, which only dropping `self` does.
        let _ = (&mut self.acceptor).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Accepts for ever. Aborted, it drops the set of connections and so ends them all.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&state)));
                }
                // Out of file descriptors, most likely: let some exchanges end.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection. Its errors are clients that left and cuts that a script asked for.
async fn serve(stream: TcpStream, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| exchange::answer(Arc::clone(&state), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
