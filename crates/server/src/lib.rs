//! The HTTP server: the only crate that knows axum.
//!
//! [`App`] holds what requests share, [`Server`] binds and serves it, [`Live`] puts another configuration in its place.

mod affinity;
mod app;
mod clouds;
mod context;
mod dialect;
mod error;
mod gate;
mod learned;
mod limits;
mod listener;
mod live;
mod model_list;
mod pipeline;
mod probe;
mod query;
mod relay;
mod reply_headers;
mod responses;
mod router;
mod routes;
mod run;
mod telemetry;
mod thoughts;
mod unread;
mod upstreams;

pub use app::App;
pub use dialect::Dialect;
pub use live::Live;
pub use run::Server;
pub use telemetry::logs;
