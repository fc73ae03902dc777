//! Answers a request from the cache, or makes the answer for it and for whoever asks the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use messages::{ApiError, ErrorKind};

use super::recording::{Head, Reader};
use super::{Entrance, Making, request};
use crate::app::App;
use crate::error;
use crate::pipeline::{self, Ended, Exchange, Journey, is_event_stream};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What of an answer's head holds for everyone that it is given to. The rest is about the one call upstream.
const FOR_ALL: [HeaderName; 6] = [
    CONTENT_TYPE,
    CACHE_CONTROL,
    HeaderName::from_static("x-accel-buffering"),
    HeaderName::from_static("x-ignored-parameters"),
    HeaderName::from_static("x-model-served"),
    HeaderName::from_static("x-backend"),
];

/// The response to a planned request.
pub(crate) async fn serve(app: Arc<App>, journey: Journey, mut exchange: Exchange) -> Response {
    let Some(cache) = app.cache.clone() else { return pipeline::answer(app, journey, exchange).await };
    let Some((key, freshness)) = request::wanted(&app, cache.settings, exchange.dialect, &journey) else {
        app.metrics.cache("bypass");
        return pipeline::answer(app, journey, exchange).await;
    };
    match cache.enter(key, freshness) {
        Entrance::Found(reader) => match reader.head().await {
            Some(head) => {
                app.metrics.cache("hit");
                replay(reader, &head, exchange)
            }
            // Whoever made it is gone without one.
            None => pipeline::answer(app, journey, exchange).await,
        },
        Entrance::Make(making) => {
            app.metrics.cache("miss");
            exchange.cache = Some("miss");
            make(app, making, journey, exchange).await
        }
    }
}

/// Makes the answer apart from its caller, who may leave it to others that have come.
async fn make(app: Arc<App>, making: Making, journey: Journey, mut exchange: Exchange) -> Response {
    let reader = making.recording.reader();
    let (whole, dialect, request_id) =
        (exchange.tell_when_whole(), exchange.dialect, Arc::clone(&exchange.request_id));
    tokio::spawn(record(making, pipeline::answer(app, journey, exchange), whole));
    match reader.head().await {
        Some(Head { status, mut headers }) => {
            headers.insert(X_CACHE, HeaderValue::from_static("miss"));
            response(status, headers, body(reader, None))
        }
        None => {
            let error = ApiError::new(ErrorKind::Api, "The answer could not be made.");
            error::respond(dialect, &error, &request_id, HeaderMap::new())
        }
    }
}

/// Records the answer as long as somebody reads it.
async fn record(making: Making, answer: impl Future<Output = Response>, whole: Arc<AtomicBool>) {
    let recording = Arc::clone(&making.recording);
    let made = async {
        let (head, mut body) = answer.await.into_parts();
        let is_good = head.status == StatusCode::OK;
        recording.begin(Head { status: head.status, headers: head.headers });
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return None };
            if let Ok(data) = frame.into_data() {
                recording.push(data).await;
            }
        }
        Some(is_good && whole.load(Ordering::Acquire))
    };
    let deserted = async {
        loop {
            recording.deserted().await;
            if making.give_up() {
                return;
            }
        }
    };
    let good = tokio::select! {
        good = made => good,
        () = deserted => None,
    };
    if let Some(good) = good {
        making.done(good);
    }
}

/// The answer that was made for another request.
fn replay(reader: Reader, head: &Head, mut exchange: Exchange) -> Response {
    exchange.cache = Some("hit");
    exchange.answered(head.status.as_u16());
    let mut headers: HeaderMap = FOR_ALL
        .into_iter()
        .filter_map(|name| Some((name.clone(), head.headers.get(name)?.clone())))
        .collect();
    headers.insert(X_CACHE, HeaderValue::from_static("hit"));
    headers.insert(AGE, HeaderValue::from(reader.age().as_secs()));
    if is_event_stream(&headers) {
        exchange.streaming();
    }
    let body = match reader.whole() {
        Some(whole) => {
            exchange.sent(whole.len());
            exchange.end(Ended::Complete);
            Body::from(whole)
        }
        None => body(reader, Some(exchange)),
    };
    response(head.status, headers, body)
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The pieces as they come; the exchange, if it is one of its own, ends with them.
fn body(reader: Reader, exchange: Option<Exchange>) -> Body {
    Body::from_stream(stream::unfold((reader, exchange), |(mut reader, mut exchange)| async move {
        let next: Option<Result<Bytes, _>> = reader.next().await;
        if let Some(exchange) = &mut exchange {
            match &next {
                Some(Ok(piece)) => exchange.sent(piece.len()),
                Some(Err(_)) => exchange.end(Ended::BackendFailed),
                None => exchange.end(Ended::Complete),
            }
        }
        Some((next?, (reader, exchange)))
    }))
}
