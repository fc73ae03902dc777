//! What a handler left of a request's body. A refusal is often sent before the body was read (no key, wrong type, too
//! large); closing the connection then would reset it under the client, which loses the refusal, or the next request
//! that it sends on the same connection. So the rest is read and thrown away, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// A client that still sends after this much, or this long, is cut off.
const MOST_BYTES: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(10);

/// A request's body. Dropped early, it is read to its end in the background.
pub(crate) struct ReadToTheEnd<B>(Option<B>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static;

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> ReadToTheEnd<B> {
    pub(crate) const fn new(body: B) -> Self {
        Self(Some(body))
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Body for ReadToTheEnd<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Send + Unpin + 'static> Drop for ReadToTheEnd<B> {
    fn drop(&mut self) {
        let rest = self.0.take().filter(|body| !body.is_end_stream());
        // Without a runtime the server is gone, and the connection with it.
        if let (Some(rest), Ok(runtime)) = (rest, tokio::runtime::Handle::try_current()) {
            drop(runtime.spawn(tokio::time::timeout(LONGEST, discard(rest))));
        }
    }
}

async fn discard(mut rest: impl Body<Data = Bytes> + Unpin) {
    let mut read = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::StreamBody;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A body of this many pieces of 1 MB, and how many were read.
    fn pieces(count: usize) -> (impl Body<Data = Bytes> + Send + Unpin + 'static, Arc<AtomicUsize>) {
        let read = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&read);
        let pieces = futures_util::stream::iter((0..count).map(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![0; 1 << 20])))
        }));
        (StreamBody::new(pieces), read)
    }

    async fn read_when_dropped(count: usize) -> usize {
        let (body, read) = pieces(count);
        drop(ReadToTheEnd::new(body));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        read.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_is_read_to_its_end() {
        assert_eq!(read_when_dropped(3).await, 3);
    }

    #[tokio::test]
    async fn an_endless_body_is_not_read_for_ever() {
        assert!((64..70).contains(&read_when_dropped(1_000).await));
    }
}
