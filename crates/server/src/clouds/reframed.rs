//! A stream of server-sent events, written again as AWS event-stream frames while it passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use dialects::bedrock;
use http_body::Frame;
use messages::{ApiError, ErrorKind};
use wire::sse::Decoder;

use crate::relay::MAX_EVENT_BYTES;

/// A streamed answer in Bedrock's framing. An `error` event becomes the exception that ends a stream there.
pub(super) struct Reframed {
    body: Body,
    decoder: Decoder,
}

impl Reframed {
    pub(super) fn new(body: Body) -> Self {
        Self { body, decoder: Decoder::new(MAX_EVENT_BYTES) }
    }

    fn take(&mut self, chunk: &[u8]) -> BytesMut {
        let mut out = BytesMut::with_capacity(chunk.len() * 3 / 2);
        self.decoder.push(chunk);
        loop {
            match self.decoder.next_frame() {
                Ok(None) => return out,
                Ok(Some(event)) if event.event == "error" => {
                    bedrock::write_error(&mut out, &told(&event.data));
                }
                Ok(Some(event)) => bedrock::write_event(&mut out, &event.data),
                Err(too_long) => {
                    let message = format!("The answer cannot be passed on: {too_long}.");
                    bedrock::write_error(&mut out, &ApiError::new(ErrorKind::Api, message));
                }
            }
        }
    }
}

fn told(event: &[u8]) -> ApiError {
    let unknown = || ApiError::new(ErrorKind::Api, "The answer ended with an error.");
    bedrock::error_of_messages(500, event).unwrap_or_else(unknown)
}

impl http_body::Body for Reframed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)?) else {
                return Poll::Ready(None);
            };
            let Ok(chunk) = frame.into_data() else { continue };
            let out = self.take(&chunk);
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out.freeze()))));
            }
        }
    }
}
