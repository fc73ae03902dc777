//! `doctor`: looks at everything a request needs, and says what to do about what is missing.

use anyhow::Result;
use backends::{Backend, Call, ReplyBody, State};
use bytes::Bytes;
use claude_code::{Driver, OperatorEnvironment, TESTED_VERSION};
use futures_util::StreamExt;
use http::HeaderMap;
use http_body_util::BodyExt;
use policy::config::{self, Config, Loaded};

use crate::setup;
use crate::terminal::{DIM, GREEN, RED, coloured, say};

/// Prints a line per check; `false` when one failed.
pub(crate) async fn run(loaded: &Loaded, with_request: bool) -> Result<bool> {
    let environment = OperatorEnvironment::of_this_process();
    let mut report = Report::default();
    configuration(&mut report, loaded);
    match loaded.config.claude.backend {
        config::Backend::ClaudeCode => claude_program(&mut report, &loaded.config, &environment).await,
        config::Backend::Anthropic => report.ok("upstream", &loaded.config.anthropic.base_url),
    }
    if report.good {
        round_trip(&mut report, &loaded.config, &environment, with_request).await;
    }
    report.close();
    Ok(report.good)
}

struct Report {
    good: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self { good: true }
    }
}

impl Report {
    #[expect(clippy::unused_self, reason = "reads like its sibling `failed`")]
    fn ok(&mut self, what: &str, found: &str) {
        say(format_args!("{}      {what:<14} {found}", coloured("ok", GREEN)));
    }

    fn failed(&mut self, what: &str, why: &str) {
        self.good = false;
        say(format_args!("{}  {what:<14} {why}", coloured("failed", RED)));
    }

    fn close(&self) {
        let verdict =
            if self.good { "everything works" } else { "something has to be mended first (see above)" };
        say(coloured(verdict, DIM));
    }
}

fn configuration(report: &mut Report, loaded: &Loaded) {
    let from =
        loaded.path.as_ref().map_or("defaults and environment".to_owned(), |path| path.display().to_string());
    report.ok("configuration", &from);
    let claude = &loaded.config.claude;
    report.ok("backend", &format!("{}: {}", claude.backend.as_str(), claude.backend_reason));
}

async fn claude_program(report: &mut Report, config: &Config, environment: &OperatorEnvironment) {
    let settings = match setup::driver_settings(config, environment) {
        Ok(settings) => settings,
        Err(error) => return report.failed("claude", &format!("{error:#}")),
    };
    report.ok("claude", &settings.program.display().to_string());
    let credentials = settings.credentials;
    let driver = match Driver::new(settings) {
        Ok(driver) => driver,
        Err(error) => return report.failed("credentials", &error.to_string()),
    };
    match driver.version().await {
        Ok(version) if version == *TESTED_VERSION => report.ok("version", &version.to_string()),
        Ok(version) => report.ok("version", &format!("{version} (tested with {})", *TESTED_VERSION)),
        Err(error) => return report.failed("version", &error.to_string()),
    }
    let section = &config.claude_code;
    report.ok("credentials", &format!("{}: {}", credentials.as_str(), section.credentials_reason));
    match driver.auth_status().await {
        Ok(status) if status.logged_in => {
            report.ok("login", status.method.as_deref().unwrap_or("logged in"));
        }
        Ok(_) if credentials.is_claude_account() => report.failed(
            "login",
            "not logged in: run `claude auth login`, or set CLAUDE_CODE_OAUTH_TOKEN (from `claude setup-token`) or \
             ANTHROPIC_API_KEY",
        ),
        Ok(_) => report.ok("login", "none needed with these credentials"),
        Err(error) => report.failed("login", &error.to_string()),
    }
    driver.shutdown().await;
}

async fn round_trip(
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
        strict: false,
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
