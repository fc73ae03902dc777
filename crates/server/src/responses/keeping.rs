//! A response on its way into the store. It is told to its caller when it is there, so that who has seen the end of an
//! answer can go on from it. Where it cannot be kept the answer is given all the same, as one that is not.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use serde_json::value::RawValue;
use store::{Event, Item, NewResponse, ResponseStore, Status};
use wire::json::{edit::Edit, peek};

/// What is known of a response before it is made.
pub(crate) struct Keep {
    pub(super) store: Arc<dyn ResponseStore>,
    pub(super) failures: Counter,
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) previous: Option<String>,
    pub(super) created_at: u64,
    pub(super) expires_at: u64,
    pub(super) input: Vec<Item>,
}

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keep").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Keep {
    /// Keeps the ended `response`. Returns the response object to tell: another one where it could not be kept.
    pub(crate) async fn end(self, response: Bytes) -> Bytes {
        let (status, output) = (status_of(&response), output_of(&response));
        let (store, failures, id) = (Arc::clone(&self.store), self.failures.clone(), self.id.clone());
        let kept = store.insert(NewResponse { status, output, ..self.begun(response.clone()) }).await;
        match kept {
            Ok(()) => response,
            Err(error) => {
                failures.inc();
                tracing::warn!(%error, response = id, "a response was not kept");
                not_kept(&response)
            }
        }
    }

    /// The row of a response that waits to be made in the background. `request` is what it takes to make it.
    pub(super) fn queued(self, response: Bytes, request: Bytes, events: Vec<Event>) -> NewResponse {
        let request = Some(request);
        NewResponse { status: Status::Queued, background: true, request, events, ..self.begun(response) }
    }

    fn begun(self, response: Bytes) -> NewResponse {
        NewResponse {
            id: self.id,
            owner: self.owner,
            previous: self.previous,
            created_at: self.created_at,
            expires_at: self.expires_at,
            status: Status::InProgress,
            background: false,
            response,
            request: None,
            input: self.input,
            output: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// The same response as one that is not there to come back to.
fn not_kept(response: &Bytes) -> Bytes {
    Edit::new(response).set("store", "false").finish().unwrap_or_else(|_| response.clone())
}

/// `status` of a response object.
pub(super) fn status_of(response: &Bytes) -> Status {
    let status = member(response, "status").and_then(|raw| serde_json::from_str(raw.get()).ok());
    status.and_then(|name: Cow<'_, str>| Status::parse(&name)).unwrap_or(Status::Failed)
}

/// `output` of a response object.
pub(super) fn output_of(response: &Bytes) -> Vec<Item> {
    let output = member(response, "output").and_then(|raw| serde_json::from_str(raw.get()).ok());
    let items: Vec<&RawValue> = output.unwrap_or_default();
    items.into_iter().map(|raw| item(Bytes::copy_from_slice(raw.get().as_bytes()))).collect()
}

fn member<'r>(response: &'r [u8], name: &str) -> Option<&'r RawValue> {
    peek::members(response, [name]).ok().and_then(|[found]| found)
}

/// An item with the id by which it is found again.
pub(super) fn item(json: Bytes) -> Item {
    let id = member(&json, "id").and_then(|raw| serde_json::from_str(raw.get()).ok());
    Item { id: id.unwrap_or_default(), json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_object_is_read_for_its_status_and_items() {
        let response = Bytes::from_static(
            br#"{"id":"resp_1","status":"incomplete","output":[{"type":"message","id":"msg_\u0031"},{}],"store":true}"#,
        );
        assert_eq!(status_of(&response), Status::Incomplete);
        let items = output_of(&response);
        assert_eq!((items[0].id.as_str(), items[1].id.as_str()), ("msg_1", ""));
        assert_eq!(&items[0].json[..], br#"{"type":"message","id":"msg_\u0031"}"#);
        assert!(std::str::from_utf8(&not_kept(&response)).unwrap().ends_with(r#""store":false}"#));
    }
}
