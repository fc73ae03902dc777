//! The one HTTP client: pooled HTTP/1.1 connections, `TCP_NODELAY`, and a limit on every wait.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, Sleep};

use crate::{BackendError, upstream_error};

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, for the head of a streamed answer, and between two pieces of a body (`claude.timeout`).
    pub quiet: Duration,
    /// Until a non-streamed answer begins (`claude.response_timeout`).
    pub response: Duration,
}

/// Upstream connections for one backend. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeouts: Timeouts,
}

impl HttpClient {
    /// A client with no connections yet. Certificates are the system's; without any, only `http:` upstreams work.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(timeouts.quiet));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let tls = HttpsConnectorBuilder::new().with_native_roots().unwrap_or_else(|error| {
            tracing::warn!(%error, "no system certificates: https upstreams cannot be reached");
            let nothing_trusted = rustls::RootCertStore::empty();
            let config =
                rustls::ClientConfig::builder().with_root_certificates(nothing_trusted).with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(config)
        });
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(55))
            .build(tls.https_or_http().enable_http1().wrap_connector(tcp));
        Self { client, timeouts }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// 502 when the upstream cannot be reached or hangs up, 504 when it stays silent.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        stream: bool,
    ) -> Result<Response<UpstreamBody>, BackendError> {
        let (limit, key) = if stream {
            (self.timeouts.quiet, "claude.timeout")
        } else {
            (self.timeouts.response, "claude.response_timeout")
        };
        let answer = tokio::time::timeout(limit, self.client.request(request))
            .await
            .map_err(|_| BackendError::timeout("the upstream API to answer", limit.as_secs_f64(), key))?
            .map_err(|error| unreachable_because(&error))?;
        Ok(answer.map(|body| UpstreamBody::new(body, self.timeouts.quiet)))
    }

    /// Sends a request whose answer is short, and waits for all of it.
    ///
    /// # Errors
    /// As [`HttpClient::send`]; 502 when the answer is longer than `most_bytes` or breaks off.
    pub async fn fetch(
        &self,
        request: Request<Full<Bytes>>,
        most_bytes: usize,
    ) -> Result<(StatusCode, Bytes), BackendError> {
        let answer = self.send(request, true).await?;
        let status = answer.status();
        Ok((status, upstream_error::whole(answer.into_body(), most_bytes).await?))
    }
}

/// The causes of a client error in one line: the outermost alone says little.
fn unreachable_because(error: &hyper_util::client::legacy::Error) -> BackendError {
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        detail.push_str(": ");
        detail.push_str(&inner.to_string());
        cause = inner.source();
    }
    BackendError::unreachable(detail)
}

/// An answer's body as it comes, with a limit on silence. Dropping it closes the upstream exchange.
pub struct UpstreamBody {
    /// What was read of it already.
    ahead: Option<Bytes>,
    body: Incoming,
    alarm: Pin<Box<Sleep>>,
    limit: Duration,
    last_frame: Instant,
}

impl UpstreamBody {
    fn new(body: Incoming, limit: Duration) -> Self {
        let alarm = Box::pin(tokio::time::sleep(limit));
        Self { ahead: None, body, alarm, limit, last_frame: Instant::now() }
    }

    /// The same body with these bytes before what it has left, for one whose beginning was looked at.
    #[must_use]
    pub fn preceded_by(mut self, bytes: Bytes) -> Self {
        self.ahead = Some(bytes);
        self
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BackendError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BackendError>>> {
        let this = self.get_mut();
        if let Some(ahead) = this.ahead.take() {
            return Poll::Ready(Some(Ok(Frame::data(ahead))));
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.last_frame = Instant::now();
            return Poll::Ready(
                frame.map(|result| result.map_err(|error| BackendError::cut(error.to_string()))),
            );
        }
        // The alarm is set again only when it rings: setting it for every frame costs more than reading the clock.
        loop {
            ready!(this.alarm.as_mut().poll(cx));
            let due = this.last_frame + this.limit;
            if due <= Instant::now() {
                let seconds = this.limit.as_secs_f64();
                return Poll::Ready(Some(Err(BackendError::timeout(
                    "the next part of the upstream API's answer",
                    seconds,
                    "claude.timeout",
                ))));
            }
            this.alarm.as_mut().reset(due);
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, ahead) =
            (self.body.size_hint(), self.ahead.as_ref().map_or(0, |bytes| bytes.len() as u64));
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + ahead);
        }
        hint.set_lower(hint.lower() + ahead);
        hint
    }
}
