//! Reads a request's body: JSON only, bounded in size and in time, gzip undone.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;
use messages::{ApiError, ErrorKind};

/// No more than this is reserved on the word of a `content-length`.
const MAX_RESERVED_BYTES: u64 = 1 << 20;

/// What a body may be.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Largest body in bytes, before and after decompression.
    pub(crate) max_bytes: u64,
    /// Longest wait for the next part of it.
    pub(crate) patience: Duration,
}

/// The whole body, decoded.
pub(crate) async fn read(headers: &HeaderMap, body: Body, bounds: Bounds) -> Result<Bytes, ApiError> {
    check_content_type(headers)?;
    let gzip = check_encoding(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bounds.max_bytes) {
        return Err(too_large(bounds.max_bytes));
    }
    let bytes = collect(body, announced.unwrap_or(0), bounds).await?;
    if gzip { tokio::task::block_in_place(|| gunzip(&bytes, bounds.max_bytes)) } else { Ok(bytes) }
}

/// A web page can send other types without asking first, so only JSON is taken.
fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "The request needs the header `content-type: application/json`.";
    Err(ApiError::new(ErrorKind::InvalidRequest, message).with_status(415))
}

/// Whether the body is gzip; anything but that and plain is refused.
fn check_encoding(headers: &HeaderMap) -> Result<bool, ApiError> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = encodings.next().map_or("identity", |value| value.to_str().unwrap_or("unreadable"));
    let gzip = ["gzip", "x-gzip"].iter().any(|name| encoding.trim().eq_ignore_ascii_case(name));
    if encodings.next().is_some() || !(gzip || encoding.trim().eq_ignore_ascii_case("identity")) {
        let message = "`content-encoding` can be `gzip` or absent.";
        return Err(ApiError::new(ErrorKind::InvalidRequest, message).with_status(415));
    }
    Ok(gzip)
}

async fn collect(mut body: Body, announced: u64, bounds: Bounds) -> Result<Bytes, ApiError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let next = tokio::time::timeout(bounds.patience, body.frame())
            .await
            .map_err(|_| too_slow(bounds.patience))?;
        let Some(frame) = next else { break };
        let frame = frame.map_err(|_| broken())?;
        let Ok(data) = frame.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > bounds.max_bytes {
            return Err(too_large(bounds.max_bytes));
        }
        // A small body comes in one piece, which is then used as it is.
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(announced.min(MAX_RESERVED_BYTES) as usize);
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn gunzip(bytes: &[u8], max_bytes: u64) -> Result<Bytes, ApiError> {
    let mut plain = Vec::with_capacity(bytes.len().saturating_mul(4).min(MAX_RESERVED_BYTES as usize));
    let mut decoder = flate2::read::MultiGzDecoder::new(bytes).take(max_bytes + 1);
    decoder
        .read_to_end(&mut plain)
        .map_err(|_| ApiError::new(ErrorKind::InvalidRequest, "The body is not valid gzip."))?;
    if plain.len() as u64 > max_bytes {
        return Err(too_large(max_bytes));
    }
    Ok(plain.into())
}

fn too_large(max_bytes: u64) -> ApiError {
    let message = format!("The request body exceeds {max_bytes} bytes (limit: `server.max_body_bytes`).");
    ApiError::new(ErrorKind::RequestTooLarge, message)
}

fn too_slow(patience: Duration) -> ApiError {
    let message = format!("No part of the request body arrived for {} s.", patience.as_secs_f64());
    ApiError::new(ErrorKind::Timeout, message).with_status(408)
}

fn broken() -> ApiError {
    ApiError::new(ErrorKind::InvalidRequest, "The request body ended early or was malformed.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const BOUNDS: Bounds = Bounds { max_bytes: 64, patience: Duration::from_millis(50) };

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    async fn status_of(pairs: &[(&'static str, &'static str)], body: impl Into<Body>) -> u16 {
        read(&headers(pairs), body.into(), BOUNDS).await.map_or_else(|error| error.status, |_| 200)
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        assert_eq!(status_of(&[], "{}").await, 415);
        assert_eq!(status_of(&[("content-type", "text/plain")], "{}").await, 415);
        assert_eq!(status_of(&[("content-type", "Application/JSON; charset=utf-8")], "{}").await, 200);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_413_announced_or_not() {
        let json = ("content-type", "application/json");
        assert_eq!(status_of(&[json, ("content-length", "65")], "{}").await, 413);
        assert_eq!(status_of(&[json], vec![b' '; 65]).await, 413);
        assert_eq!(status_of(&[json], vec![b' '; 64]).await, 200);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn gzip_is_undone_and_a_bomb_is_413() {
        let pairs = [("content-type", "application/json"), ("content-encoding", "gzip")];
        let plain = read(&headers(&pairs), gzipped(b"{\"a\":1}").into(), BOUNDS).await.unwrap();
        assert_eq!(&plain[..], b"{\"a\":1}");
        assert_eq!(status_of(&pairs, gzipped(&[b' '; 1 << 16])).await, 413);
        assert_eq!(status_of(&pairs, "not gzip").await, 400);
        assert_eq!(status_of(&[pairs[0], ("content-encoding", "br")], "{}").await, 415);
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_408() {
        let stuck =
            http_body_util::StreamBody::new(futures_util::stream::pending::<Result<_, std::io::Error>>());
        let stuck =
            Body::new(http_body_util::BodyExt::map_frame(stuck, |frame: http_body::Frame<Bytes>| frame));
        assert_eq!(status_of(&[("content-type", "application/json")], stuck).await, 408);
    }
}
