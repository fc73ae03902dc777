//! What survives a request, as the parts of the server get it.

use std::sync::Arc;

use store::{KeyStore, ResponseStore, UsageLedger};

/// What is kept where. Each may be missing: then it is not kept.
#[derive(Clone, Default)]
pub struct Stores {
    /// Responses that callers come back to.
    pub responses: Option<Arc<dyn ResponseStore>>,
    /// What each request used.
    pub usage: Option<Arc<dyn UsageLedger>>,
    /// Keys that were issued.
    pub keys: Option<Arc<dyn KeyStore>>,
}
