//! Accepts connections and ends them: limits on their number, on waiting for a request, and on stopping.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::EXPECT;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::app::{App, Drain};
use crate::context::Peer;
use crate::live::Live;
use crate::telemetry::metrics::Metrics;
use crate::unread::ReadToTheEnd;

/// After a failed `accept` (no file descriptors left, mostly): long enough for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// From the moment running answers are cut until connections are dropped: time for the last error to be sent.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves until `Drain::begun`, then waits for running requests until `Drain::cut` and shortly after it.
pub(crate) async fn run(live: &Live, listener: TcpListener, router: Router) {
    let drain = Arc::clone(&live.get().drain);
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(live.get().config.server.max_connections));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = drain.begun.cancelled() => break,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, peer))) => {
                connections.spawn(connection(Terms::of(&live.get()), stream, peer, router.clone(), place));
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (Err(_), _) => break,
        }
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = async { drain.cut.cancelled().await; tokio::time::sleep(LAST_WORDS).await } => {
            tracing::warn!(connections = connections.len(), "connections dropped at shutdown");
        }
    }
}

/// What holds for a connection from its beginning to its end, which may be many configurations later.
struct Terms {
    header_timeout: Duration,
    idle_timeout: Duration,
    metrics: Arc<Metrics>,
    drain: Arc<Drain>,
}

impl Terms {
    fn of(app: &App) -> Self {
        let limits = &app.config.server;
        Self {
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            metrics: Arc::clone(&app.metrics),
            drain: Arc::clone(&app.drain),
        }
    }
}

async fn connection(
    terms: Terms,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: OwnedSemaphorePermit,
) {
    // Without it the kernel holds back small writes: deltas of a stream would come late and in lumps.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    terms.metrics.connections.inc();
    serve(&terms, stream, peer, router).await;
    terms.metrics.connections.dec();
    drop(place);
}

async fn serve(terms: &Terms, stream: TcpStream, peer: SocketAddr, router: Router) {
    let asked = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let asked = Arc::clone(&asked);
        move |request| {
            asked.store(true, Ordering::Relaxed);
            answer(router.clone(), peer, request)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // For each further request of a connection: idle time and reading its head together.
        .header_read_timeout(terms.idle_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut first_request = std::pin::pin!(tokio::time::sleep(terms.header_timeout));
    let mut waiting = true;
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = first_request.as_mut(), if waiting => {
                waiting = false;
                if !asked.load(Ordering::Relaxed) {
                    tracing::debug!(%peer, "no request in time");
                    return;
                }
            }
            () = terms.drain.begun.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    // Who asks before it sends a body has sent none when it is refused.
    let asks_first = request.headers().contains_key(EXPECT);
    let mut request =
        request.map(|body| if asks_first { Body::new(body) } else { Body::new(ReadToTheEnd::new(body)) });
    request.extensions_mut().insert(Peer(peer));
    router.oneshot(request).await
}
