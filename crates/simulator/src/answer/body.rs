//! The response body, which also notices how its exchange ends: read to the end, cut, or dropped because the
//! client is gone.

use super::Hangup;
use crate::record::{Ended, Exchange};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// What a playing script hands over; an error closes the connection.
pub(super) type Pieces = Receiver<Result<Piece, Hangup>>;

/// Some bytes of a stream. The last are known as such, so that a client that closes as soon as it has them did not
/// leave early.
pub(super) struct Piece {
    pub(super) bytes: Bytes,
    pub(super) last: bool,
}

pub(crate) struct AnswerBody {
    source: Source,
    exchange: Option<Exchange>,
}

enum Source {
    Full(Option<Bytes>),
    Stream(Pieces),
}

impl AnswerBody {
    pub(crate) fn full(bytes: Bytes, exchange: Option<Exchange>) -> Self {
        let mut body = Self { source: Source::Full(Some(bytes).filter(|bytes| !bytes.is_empty())), exchange };
        if body.is_end_stream() {
            body.end(Ended::Complete);
        }
        body
    }

    pub(super) fn stream(pieces: Pieces, exchange: Exchange) -> Self {
        Self { source: Source::Stream(pieces), exchange: Some(exchange) }
    }

    fn end(&mut self, how: Ended) {
        if let Some(exchange) = &mut self.exchange {
            exchange.end(how);
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        let piece = match &mut self.source {
            Source::Full(bytes) => bytes.take().map(Ok),
            Source::Stream(pieces) => match std::task::ready!(pieces.poll_recv(context)) {
                Some(Ok(piece)) => {
                    if piece.last {
                        self.source = Source::Full(None);
                    }
                    Some(Ok(piece.bytes))
                }
                other => other.map(|piece| piece.map(|piece| piece.bytes)),
            },
        };
        match &piece {
            None => self.end(Ended::Complete),
            Some(Err(_)) => self.end(Ended::Cut),
            Some(Ok(_)) if self.is_end_stream() => self.end(Ended::Complete),
            Some(Ok(_)) => {}
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Source::Stream(_) => SizeHint::default(),
        }
    }
}
