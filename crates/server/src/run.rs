//! The life of the server: bind, serve, stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};

use crate::app::App;
use crate::live::Live;
use crate::{issued, limits, listener, probe, responses, router};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// A bound server.
pub struct Server {
    live: Live,
    listener: TcpListener,
}

impl Server {
    /// Binds the configured address; no request is served before [`Server::run`].
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub fn bind(app: Arc<App>) -> io::Result<Self> {
        let address = app.config.server.address();
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { live: Live::new(app), listener: socket.listen(BACKLOG)? })
    }

    /// Where it listens; the port is the real one where 0 was configured.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// By which its configuration is replaced.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Serves until `stop` resolves, then lets running requests end within `server.drain_timeout`. What still runs then
    /// is cut with an error in its dialect; what is made in the background and nobody has seen is left to the next
    /// start. The backends are shut down last.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { live, listener } = self;
        // No more than these: whoever holds a whole configuration keeps its backends from being shut down.
        let (drain, made) = {
            let app = live.get();
            (Arc::clone(&app.drain), Arc::clone(&app.responses))
        };
        // Before the first request: it may show a key that was issued, or that has nothing left to spend.
        if let Err(error) = live.know_issued_keys().await {
            tracing::error!(%error, "the keys that were issued are not known: every caller needs one");
            live.get().gate.ask_everybody();
        }
        limits::restore(&live.get()).await;
        let watching = tokio::spawn(probe::watch(live.clone()));
        let keys = tokio::spawn(issued::watch(live.clone()));
        responses::resume(&live.get()).await;
        let stopping = async {
            stop.await;
            drain.begun.cancel();
            let patience = live.get().config.server.drain_timeout;
            tracing::info!(patience_seconds = patience.as_secs(), "stopping");
            tokio::time::sleep(patience).await;
            drain.cut.cancel();
            std::future::pending::<()>().await;
        };
        let router = router::router(&live);
        let serving = async {
            listener::run(&live, listener, router).await;
            made.idle().await;
        };
        tokio::select! {
            () = serving => {}
            () = stopping => {}
        }
        drain.cut.cancel();
        watching.abort();
        keys.abort();
        made.close().await;
        live.shutdown().await;
        live.get().close_stores().await;
        tracing::info!("stopped");
    }
}
