//! The HTTP server: the only crate that knows axum.
//!
//! [`App`] holds what requests share, [`Server`] binds and serves it, [`Live`] puts another configuration in its place.

mod affinity;
mod app;
mod cache;
mod clouds;
mod context;
mod dialect;
mod error;
mod gate;
pub mod issued;
mod learned;
mod ledger;
mod limits;
mod listener;
mod live;
mod model_list;
mod pipeline;
mod probe;
mod query;
mod relay;
mod reply_headers;
pub mod report;
mod responses;
mod router;
mod routes;
mod run;
mod stores;
mod telemetry;
mod thoughts;
mod unread;
mod upstreams;

pub use app::App;
pub use dialect::Dialect;
pub use live::Live;
pub use run::Server;
pub use stores::Stores;
pub use telemetry::logs;
