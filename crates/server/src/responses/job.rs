//! Making one response in the background: from its place in the queue to its end in the store. An event is told to
//! readers when it is in the log, so that what was seen is what a later reader, or the next server, finds.

use std::sync::Arc;
use std::time::Duration;

use backends::BackendError;
use bytes::{Bytes, BytesMut};
use dialects::openai_responses::{self, Ending as Told};
use http_body_util::BodyExt;
use messages::{ApiError, ErrorKind};
use store::{Ending, Event, ResponseStore, Status};
use wire::sse;

use super::events::{ending, error_event, failed_event, framed, with_output};
use super::keeping::{output_of, status_of};
use super::live::Run;
use crate::app::App;
use crate::pipeline::{self, Ended, Exchange, Journey, stopping};
use crate::relay::{EventRelay, MAX_EVENT_BYTES, Sink};

/// `response.created`, `response.queued`, `response.in_progress`: as long as nothing else was told, a response can be
/// made anew without anybody noticing.
pub(super) const EVENTS_BEFORE_OUTPUT: u64 = 3;
/// How many times a store that fails is asked to take the end of a response.
const MOST_TRIES: u32 = 6;

/// What it takes to make a response.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) store: Arc<dyn ResponseStore>,
    pub(super) journey: Journey,
    pub(super) sink: Sink,
    pub(super) exchange: Exchange,
}

/// The end of a response: its object, and the events that nobody has seen yet.
struct Last {
    response: Bytes,
    events: Vec<Event>,
}

/// Makes it, or leaves it to the next server.
pub(super) async fn run(app: Arc<App>, run: Arc<Run>, job: Job) {
    let (id, store) = (job.id.clone(), Arc::clone(&job.store));
    let _registered = Registered { app: &app, id: &id };
    let last = tokio::select! {
        biased;
        () = run.cancel.cancelled() => Some(ended_early(&run, Told::Cancelled)),
        () = app.drain.cut.cancelled() => interrupted(&run),
        last = make(&app, &run, job) => Some(last),
    };
    if let Some(last) = last {
        end(&app, &*store, &run, &id, last).await;
    }
}

/// However its task ends, nobody waits for it any longer.
struct Registered<'a> {
    app: &'a App,
    id: &'a str,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.app.responses.runs.end(self.id);
    }
}

/// The server stops. What nobody has seen is made by the next one.
fn interrupted(run: &Run) -> Option<Last> {
    (run.told() > EVENTS_BEFORE_OUTPUT).then(|| ended_early(run, Told::Failed(&stopping())))
}

fn ended_early(run: &Run, how: Told<'_>) -> Last {
    let before = run.response();
    let response = openai_responses::ended(&before, how).unwrap_or(before);
    let sequence = run.told();
    match how {
        Told::Failed(_) => {
            let response = with_output(&response, &run.events());
            Last { events: vec![failed_event(sequence, &response)], response }
        }
        // There is no event of its own for it.
        Told::Cancelled | Told::InProgress => {
            let error = ApiError::new(ErrorKind::InvalidRequest, "The response was cancelled.");
            let sse = error_event(&error.with_code("response_cancelled"), sequence);
            Last { response, events: vec![Event { sequence, sse }] }
        }
    }
}

async fn make(app: &App, run: &Run, job: Job) -> Last {
    let Job { id, store, journey, mut sink, mut exchange } = job;
    // Closed never; waiting is what `queued` means.
    let _place = app.responses.places.acquire().await;
    let before = run.response();
    let begun = openai_responses::ended(&before, Told::InProgress).unwrap_or(before);
    run.set(begun.clone());
    if let Err(error) = store.begin(&id, begun).await {
        app.responses.broken(&error);
    }
    exchange.calling();
    let events = match pipeline::send_for_events(app, journey, &mut exchange).await {
        Ok(events) => events,
        Err(failure) => {
            let response = fail(&mut sink, &mut exchange, failure);
            return Last { events: vec![failed_event(run.told(), &response)], response };
        }
    };
    let relay = EventRelay::new(events, sink, exchange);
    Log { app, run, store: &*store, id: &id, next: run.told() }.read(relay).await
}

/// It did not even begin. The response object as it failed.
fn fail(sink: &mut Sink, exchange: &mut Exchange, failure: BackendError) -> Bytes {
    exchange.failed(failure.detail);
    exchange.end(Ended::BackendFailed);
    sink.fail(&failure.error, &mut BytesMut::new());
    sink.object()
}

/// The log of one response.
struct Log<'a> {
    app: &'a App,
    run: &'a Run,
    store: &'a dyn ResponseStore,
    id: &'a str,
    next: u64,
}

impl Log<'_> {
    /// Logs and tells event by event what the relay says, up to the last one.
    async fn read(mut self, mut relay: EventRelay) -> Last {
        let mut decoder = sse::Decoder::new(MAX_EVENT_BYTES);
        while let Some(Ok(frame)) = relay.frame().await {
            decoder.push(frame.data_ref().map_or(&[][..], |data| data));
            let mut events = Vec::new();
            while let Ok(Some(frame)) = decoder.next_frame() {
                if frame.data.is_empty() {
                    continue;
                }
                events.push(self.event(&frame));
                if let Some(response) = ending(&frame) {
                    return Last { response, events };
                }
            }
            if !events.is_empty() {
                self.append(events).await;
            }
        }
        // A relay ends with one of the events above, whatever happens.
        ended_early(self.run, Told::Failed(&stopping()))
    }

    fn event(&mut self, frame: &sse::Frame) -> Event {
        let name = String::from_utf8_lossy(&frame.event);
        let event = Event { sequence: self.next, sse: framed(&name, &frame.data) };
        self.next += 1;
        event
    }

    async fn append(&self, events: Vec<Event>) {
        if let Err(error) = self.store.append(self.id, events.clone()).await {
            // Who reads along still gets the answer, and its end is tried again.
            self.app.responses.broken(&error);
        }
        self.run.tell(events);
    }
}

/// The end of a response, in the store and for its readers.
async fn end(app: &App, store: &dyn ResponseStore, run: &Run, id: &str, last: Last) {
    let Last { response, events } = last;
    let status = status_of(&response);
    let output = if status == Status::Cancelled { Vec::new() } else { output_of(&response) };
    let ending = Ending { status, response: response.clone(), output, events: events.clone() };
    let mut untold = Some((response, events));
    for attempt in 0..MOST_TRIES {
        let kept = store.end(id, ending.clone()).await;
        if let Some((response, events)) = untold.take() {
            run.set(response);
            run.tell(events);
        }
        let Err(error) = kept else { return };
        app.responses.broken(&error);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1 << attempt)) => {}
            () = app.drain.cut.cancelled() => return,
        }
    }
}
