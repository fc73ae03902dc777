//! One real request through the configured backend.

use backends::{Backend, Call, ReplyBody, State};
use bytes::Bytes;
use claude_code::OperatorEnvironment;
use futures_util::StreamExt;
use http::HeaderMap;
use http_body_util::BodyExt;
use policy::config::Config;

use super::report::Report;
use crate::setup;

/// Whether the backend serves; with `with_request`, by a real request.
pub(super) async fn check(
    report: &mut Report,
    config: &Config,
    environment: &OperatorEnvironment,
    with_request: bool,
) {
    let backend = match setup::backend(config, environment) {
        Ok(backend) => backend,
        Err(error) => return report.failed("backend", &format!("{error:#}")),
    };
    backend.probe().await;
    let health = backend.health();
    match health.state {
        State::Failing => report.failed("access", &health.detail),
        _ if health.detail.is_empty() => report.ok("access", "granted"),
        _ => report.ok("access", &health.detail),
    }
    if with_request && health.state != State::Failing {
        match ask(&*backend, config).await {
            Ok(answered) => report.ok("round trip", &answered),
            Err(why) => report.failed("round trip", &why),
        }
    }
    backend.shutdown().await;
}

/// One small request to the default model.
async fn ask(backend: &dyn Backend, config: &Config) -> Result<String, String> {
    let model = dialects::models::resolve(&config.claude.default_model).into_owned();
    let body = serde_json::json!({
        "model": model,
        "max_tokens": 16,
        "messages": [{ "role": "user", "content": "Reply with: ok" }],
    });
    let body = Bytes::from(body.to_string());
    let call = Call {
        body,
        model: model.clone(),
        stream: false,
        query: None,
        headers: HeaderMap::new(),
        owner: String::new(),
        strict: false,
        agent_events: false,
    };
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
