//! The whole URL table.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, head, post};
use http::HeaderValue;
use tower_http::cors::{Any, CorsLayer};

use crate::live::Live;
use crate::{gate, routes};

/// All routes behind the gate.
pub(crate) fn router(live: &Live) -> Router {
    let cors = cors(&live.get().config.server.cors_origins);
    let routes = Router::new()
        .route("/", head(routes::root))
        .route("/v1/messages", post(routes::messages::create))
        .route("/v1/messages/count_tokens", post(routes::messages::count_tokens))
        .route("/v1/chat/completions", post(routes::chat_completions::create))
        .route("/v1/completions", post(routes::completions::create))
        .route("/v1/responses", post(routes::responses::create))
        .route("/v1/responses/input_tokens", post(routes::responses::input_tokens))
        .route("/v1/responses/{id}", get(routes::responses::retrieve).delete(routes::responses::delete))
        .route("/v1/responses/{id}/cancel", post(routes::responses::cancel))
        .route("/v1/responses/{id}/input_items", get(routes::responses::input_items))
        .route("/model/{id}/invoke", post(routes::bedrock::invoke))
        .route("/model/{id}/invoke-with-response-stream", post(routes::bedrock::stream))
        .route("/model/{id}/count-tokens", post(routes::bedrock::count_tokens))
        .route("/inference-profiles", get(routes::bedrock::inference_profiles))
        .route(routes::vertex::PATH, post(routes::vertex::predict))
        .route("/v1/models", get(routes::models::list))
        .route("/v1/models/{*id}", get(routes::models::retrieve))
        .route(routes::permissions::PATH, get(routes::permissions::listen).post(routes::permissions::answer))
        .route("/admin/usage", get(routes::admin::usage))
        .route("/admin/keys", get(routes::admin::list).post(routes::admin::create))
        .route("/admin/keys/{id}", delete(routes::admin::revoke))
        .route("/admin/keys/{id}/rotate", post(routes::admin::rotate))
        .route("/health", get(routes::health::report))
        .route("/health/live", get(routes::health::live))
        .route("/health/ready", get(routes::health::ready))
        .route("/metrics", get(routes::metrics))
        .fallback(routes::no_such_path)
        .method_not_allowed_fallback(routes::wrong_method)
        // The pipeline reads bodies itself, within the configured bounds.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(live.clone(), gate::pass));
    match cors {
        // Outside the gate: a browser asks for permission without credentials.
        Some(cors) => routes.layer(cors),
        None => routes,
    }
}

/// Nothing is said about other origins unless some are configured.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new().allow_methods(Any).allow_headers(Any).expose_headers(Any);
    if origins.iter().any(|origin| origin == "*") {
        return Some(layer.allow_origin(Any));
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    Some(layer.allow_origin(origins.collect::<Vec<_>>()))
}
