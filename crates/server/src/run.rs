//! The life of the server: bind, serve, stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpSocket};

use crate::app::App;
use crate::{listener, probe, responses, router};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// A bound server.
pub struct Server {
    app: Arc<App>,
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
        Ok(Self { app, listener: socket.listen(BACKLOG)? })
    }

    /// Where it listens; the port is the real one where 0 was configured.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves, then lets running requests end within `server.drain_timeout`. What still runs then
    /// is cut with an error in its dialect; what is made in the background and nobody has seen is left to the next
    /// start. The backends are shut down last.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { app, listener } = self;
        let watching = tokio::spawn(probe::watch(Arc::clone(&app)));
        responses::resume(&app).await;
        let stopping = async {
            stop.await;
            app.drain.begun.cancel();
            tracing::info!(patience_seconds = app.config.server.drain_timeout.as_secs(), "stopping");
            tokio::time::sleep(app.config.server.drain_timeout).await;
            app.drain.cut.cancel();
            std::future::pending::<()>().await;
        };
        let router = router::router(Arc::clone(&app));
        let serving = async {
            listener::run(&app, listener, router).await;
            app.responses.idle().await;
        };
        tokio::select! {
            () = serving => {}
            () = stopping => {}
        }
        app.drain.cut.cancel();
        watching.abort();
        app.responses.close().await;
        join_all(app.upstreams.iter().map(|upstream| upstream.backend.shutdown())).await;
        tracing::info!("stopped");
    }
}
