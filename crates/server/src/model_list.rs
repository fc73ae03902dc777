//! The models that can be asked for: the backends' own lists where any has one, else the built-in table.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backends::{Backend, ReportedModel};
use bytes::Bytes;
use dialects::models::{self, Listing, Offer, Page, Rules, Table};
use futures_util::future::join_all;
use policy::config::Aliases;

/// New models appear monthly, and a new key may list others. Five minutes serve both.
const KEPT: Duration = Duration::from_secs(300);
/// How long a list waits for what only a process of Claude Code can tell.
const PATIENCE: Duration = Duration::from_secs(3);
/// More models than the API lists in one page.
const WHOLE_LIST: &str = "limit=1000";

/// Lists of models in both shapes.
pub(crate) struct ModelList {
    backends: Vec<Arc<dyn Backend>>,
    /// The operator's own names, which count before all others.
    named: Vec<(String, String)>,
    table: Mutex<Merged>,
    kept: tokio::sync::Mutex<Option<(Instant, Arc<Listing>)>>,
}

/// The table with what the backends are known to offer.
struct Merged {
    offers: Vec<Arc<[ReportedModel]>>,
    table: Arc<Table>,
}

impl ModelList {
    pub(crate) fn new(backends: Vec<Arc<dyn Backend>>, aliases: &Aliases) -> Self {
        let named: Vec<_> =
            aliases.exact_names().map(|(alias, model)| (alias.to_owned(), model.to_owned())).collect();
        let table = Mutex::new(Merged { offers: Vec::new(), table: merged(&[], &named) });
        Self { backends, named, table, kept: tokio::sync::Mutex::default() }
    }

    /// The model that serves `name`: an alias or a retired id becomes today's id.
    pub(crate) fn resolve(&self, name: &str) -> String {
        self.table().resolve(name).into_owned()
    }

    /// What the model takes.
    pub(crate) fn rules(&self, model: &str) -> Rules {
        self.table().rules(model)
    }

    /// `GET /v1/models` for OpenAI's clients.
    pub(crate) async fn list_openai(&self) -> Bytes {
        match self.listing().await {
            Some(listing) => listing.openai(),
            None => self.asked_table().await.list_openai(),
        }
    }

    /// `GET /v1/models` for Anthropic's clients; `query` chooses the page.
    pub(crate) async fn list_anthropic(&self, query: &str) -> Bytes {
        let page = page(query);
        match self.listing().await {
            Some(listing) => listing.anthropic(&page),
            None => self.asked_table().await.list_anthropic(&page),
        }
    }

    /// `GET /v1/models/{id}` for OpenAI's clients.
    pub(crate) async fn get_openai(&self, id: &str) -> Option<Bytes> {
        match self.listing().await.and_then(|listing| listing.get_openai(id)) {
            Some(model) => Some(model),
            None => self.asked_table().await.get_openai(id),
        }
    }

    /// `GET /v1/models/{id}` for Anthropic's clients.
    pub(crate) async fn get_anthropic(&self, id: &str) -> Option<Bytes> {
        match self.listing().await.and_then(|listing| listing.get_anthropic(id)) {
            Some(model) => Some(model),
            None => self.asked_table().await.get_anthropic(id),
        }
    }

    /// The table as far as the backends' offers are known.
    fn table(&self) -> Arc<Table> {
        let offers: Vec<_> = self.backends.iter().filter_map(|backend| backend.known_models()).collect();
        let mut kept = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = || kept.offers.iter().zip(&offers);
        let same = kept.offers.len() == offers.len() && pairs().all(|(one, other)| Arc::ptr_eq(one, other));
        if !same {
            let table = merged(&offers, &self.named);
            *kept = Merged { offers, table };
        }
        Arc::clone(&kept.table)
    }

    /// The table with the backends' offers, if they tell them soon. Otherwise they go on being asked.
    async fn asked_table(&self) -> Arc<Table> {
        let unknown = self.backends.iter().filter(|backend| backend.known_models().is_none());
        let asked = unknown.cloned().map(|backend| tokio::spawn(async move { backend.ask_models().await }));
        // A table without them is better than none.
        let _ = tokio::time::timeout(PATIENCE, join_all(asked)).await;
        self.table()
    }

    /// The backends' own lists. Asked for once by any number of callers; a failure of all is not kept.
    async fn listing(&self) -> Option<Arc<Listing>> {
        let mut kept = self.kept.lock().await;
        if let Some((at, listing)) = &*kept
            && at.elapsed() < KEPT
        {
            return Some(Arc::clone(listing));
        }
        let lists = join_all(self.backends.iter().map(|backend| backend.models(WHOLE_LIST))).await;
        let lists: Vec<Bytes> = lists.into_iter().flatten().collect();
        let listing = Arc::new(Listing::of_all(lists.iter().map(|list| &**list), &self.table())?);
        *kept = Some((Instant::now(), Arc::clone(&listing)));
        Some(listing)
    }
}

fn merged(offers: &[Arc<[ReportedModel]>], named: &[(String, String)]) -> Arc<Table> {
    let offered =
        offers.iter().flat_map(|offers| offers.iter()).fold(models::embedded().clone(), |table, model| {
            let ReportedModel { name, id, display_name, efforts } = model;
            table.with_offer(&Offer { name, id, display_name, efforts })
        });
    Arc::new(named.iter().fold(offered, |table, (alias, model)| table.with_alias(alias, model)))
}

fn page(query: &str) -> Page<'_> {
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Page {
        limit: value("limit").and_then(|limit| limit.parse().ok()),
        after_id: value("after_id"),
        before_id: value("before_id"),
    }
}
