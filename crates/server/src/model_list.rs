//! The models that can be asked for: the backend's own list where it has one, else the built-in table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::Backend;
use bytes::Bytes;
use dialects::models::{self, Page, Rules, Table};
use policy::config::Aliases;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

/// New models appear monthly, and a new key may list others. Five minutes serve both.
const KEPT: Duration = Duration::from_secs(300);
/// More models than the API lists in one page.
const WHOLE_LIST: &str = "limit=1000";

/// Lists of models in both shapes.
pub(crate) struct ModelList {
    backend: Arc<dyn Backend>,
    table: Table,
    kept: Mutex<Option<(Instant, Bytes)>>,
}

impl ModelList {
    pub(crate) fn new(backend: Arc<dyn Backend>, aliases: &Aliases) -> Self {
        let named = aliases.exact_names();
        let table =
            named.fold(models::embedded().clone(), |table, (alias, model)| table.with_alias(alias, model));
        Self { backend, table, kept: Mutex::default() }
    }

    /// The model that serves `name`: an alias or a retired id becomes today's id.
    pub(crate) fn resolve(&self, name: &str) -> String {
        self.table.resolve(name).into_owned()
    }

    /// What the model takes.
    pub(crate) fn rules(&self, model: &str) -> Rules {
        self.table.rules(model)
    }

    /// `GET /v1/models` for OpenAI's clients.
    pub(crate) async fn list_openai(&self) -> Bytes {
        let upstream = self.whole().await.and_then(|list| models::openai_list_from_anthropic(&list));
        upstream.unwrap_or_else(|| self.table.list_openai())
    }

    /// `GET /v1/models` for Anthropic's clients; `query` chooses the page.
    pub(crate) async fn list_anthropic(&self, query: &str) -> Bytes {
        match self.backend.models(query).await {
            Some(list) => list,
            None => self.table.list_anthropic(&page(query)),
        }
    }

    /// `GET /v1/models/{id}` for OpenAI's clients.
    pub(crate) async fn get_openai(&self, id: &str) -> Option<Bytes> {
        match self.listed(id).await {
            Some(model) => models::openai_model_from_anthropic(&model),
            None => self.table.get_openai(id),
        }
    }

    /// `GET /v1/models/{id}` for Anthropic's clients.
    pub(crate) async fn get_anthropic(&self, id: &str) -> Option<Bytes> {
        match self.listed(id).await {
            Some(model) => Some(model),
            None => self.table.get_anthropic(id),
        }
    }

    /// One entry of the backend's own list, as it stands there.
    async fn listed(&self, id: &str) -> Option<Bytes> {
        let list = self.whole().await?;
        let entries: Entries<'_> = serde_json::from_slice(&list).ok()?;
        let has_id =
            |entry: &&&RawValue| serde_json::from_str::<Entry>(entry.get()).is_ok_and(|entry| entry.id == id);
        entries.data.iter().find(has_id).map(|entry| list.slice_ref(entry.get().as_bytes()))
    }

    /// The backend's whole list. Asked for once by any number of callers; a failure is not kept.
    async fn whole(&self) -> Option<Bytes> {
        let mut kept = self.kept.lock().await;
        if let Some((at, list)) = &*kept
            && at.elapsed() < KEPT
        {
            return Some(list.clone());
        }
        let list = self.backend.models(WHOLE_LIST).await?;
        *kept = Some((Instant::now(), list.clone()));
        Some(list)
    }
}

#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
}

fn page(query: &str) -> Page<'_> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Page {
        limit: value("limit").and_then(|limit| limit.parse().ok()),
        after_id: value("after_id"),
        before_id: value("before_id"),
    }
}
