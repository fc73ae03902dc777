//! One real request through the configured backend.

use backends::{Backend, Call, ReplyBody, State};
use bytes::Bytes;
use claude_code::OperatorEnvironment;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use policy::config::{Config, Upstream};

use super::report::Report;
use crate::setup;

/// Whether each backend serves; with `with_request`, by a real request.
pub(super) async fn check(
    report: &mut Report,
    config: &Config,
    environment: &OperatorEnvironment,
    with_request: bool,
) {
    let backends = match setup::backends(config, environment, None) {
        Ok(backends) => backends,
        Err(error) => return report.failed("backend", &format!("{error:#}")),
    };
    for backend in &backends {
        // Where there is but one, its name says nothing new.
        let of = if backends.len() > 1 { format!("{}: ", backend.name()) } else { String::new() };
        backend.probe().await;
        let health = backend.health();
        match health.state {
            State::Failing => report.failed("access", &format!("{of}{}", health.detail)),
            _ if health.detail.is_empty() => report.ok("access", &format!("{of}granted")),
            _ => report.ok("access", &format!("{of}{}", health.detail)),
        }
        let can_ask = !matches!(config.backends.get(backend.name()), Some(Upstream::Passthrough { .. }));
        if with_request && can_ask && health.state != State::Failing {
            match ask(&**backend, config).await {
                Ok(answered) => report.ok("round trip", &format!("{of}{answered}")),
                Err(why) => report.failed("round trip", &format!("{of}{why}")),
            }
        }
        backend.shutdown().await;
    }
}

/// One small request to the default model.
async fn ask(backend: &dyn Backend, config: &Config) -> Result<String, String> {
    let model = dialects::models::resolve(&config.claude.default_model).into_owned();
    let body = serde_json::json!({
        "model": model,
        "max_tokens": 16,
        "messages": [{ "role": "user", "content": "Reply with: ok" }],
    });
    let call = Call::of_our_own(Bytes::from(body.to_string()), &model, false);
    let began = std::time::Instant::now();
    let reply = backend.send(call).await.map_err(|error| error.error.message)?;
    let status = reply.status;
    match reply.body {
        ReplyBody::Bytes(body) => {
            let answer = body.collect().await.map_err(|error| error.error.message)?.to_bytes();
            if !status.is_success() {
                let told = dialects::openai_chat::error_from_upstream(status.as_u16(), &answer);
                return Err(format!("{status}: {}", told.message));
            }
        }
        ReplyBody::Json(_) => {}
        ReplyBody::Events(mut events) => {
            while let Some(event) = events.next().await {
                event.map_err(|error| error.error.message)?;
            }
        }
    }
    Ok(format!("{model} answered in {:.1} s", began.elapsed().as_secs_f64()))
}
