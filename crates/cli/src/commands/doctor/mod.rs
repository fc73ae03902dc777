//! `doctor`: looks at everything a request needs, and says what to do about what is missing.

mod drift;
mod report;
mod round_trip;

use std::path::PathBuf;

use anyhow::Result;
use claude_code::{Credentials, Driver, OperatorEnvironment, TESTED_VERSION, Version};
use policy::config::{Config, Loaded, Upstream};

use crate::args::Doctor;
use crate::setup;
use report::Report;

/// Prints a line per check; `false` when one failed.
pub(crate) async fn run(loaded: &Loaded, wanted: &Doctor) -> Result<bool> {
    let environment = OperatorEnvironment::of_this_process();
    let mut report = Report::default();
    configuration(&mut report, loaded);
    let config = &loaded.config;
    for upstream in config.backends.values() {
        if let Upstream::Anthropic(section) = upstream {
            report.ok("upstream", &section.base_url);
        }
    }
    let installed = if setup::runs_claude(config) {
        claude_program(&mut report, config, &environment).await
    } else {
        None
    };
    if report.good {
        round_trip::check(&mut report, config, &environment, !wanted.no_request).await;
    }
    if let Some(installed) = installed.filter(|_| !wanted.no_drift) {
        drift::check(&mut report, config, &installed).await;
    }
    report.close();
    Ok(report.good)
}

fn configuration(report: &mut Report, loaded: &Loaded) {
    let from =
        loaded.path.as_ref().map_or("defaults and environment".to_owned(), |path| path.display().to_string());
    report.ok("configuration", &from);
    setup::backend_lines(&loaded.config).iter().for_each(|line| report.ok("backend", line));
}

/// The program that a driver can be made for.
struct Installed {
    program: PathBuf,
    version: Version,
}

async fn claude_program(
    report: &mut Report,
    config: &Config,
    environment: &OperatorEnvironment,
) -> Option<Installed> {
    let settings = match setup::driver_settings(config, environment) {
        Ok(settings) => settings,
        Err(error) => {
            report.failed("claude", &format!("{error:#}"));
            return None;
        }
    };
    let program = settings.program.clone();
    report.ok("claude", &program.display().to_string());
    let (credentials, given) = (settings.credentials, settings.shown_environment());
    let driver = match Driver::new(settings) {
        Ok(driver) => driver,
        Err(error) => {
            report.failed("credentials", &error.to_string());
            return None;
        }
    };
    let version = version(report, &driver).await?;
    let section = &config.claude_code;
    report.ok("credentials", &format!("{}: {}", credentials.as_str(), section.credentials_reason));
    let given = if given.is_empty() { "nothing of the operator's".to_owned() } else { given.join(" ") };
    report.ok("environment", &given);
    login(report, &driver, credentials).await;
    driver.shutdown().await;
    Some(Installed { program, version })
}

async fn version(report: &mut Report, driver: &Driver) -> Option<Version> {
    match driver.version().await {
        Ok(version) => {
            let tested = *TESTED_VERSION;
            let known = match version {
                same if same == tested => String::new(),
                newer if newer.is_newer_major() => format!(
                    " (warning: a newer major version than the tested {tested}; it may behave in other ways)"
                ),
                _ => format!(" (tested with {tested})"),
            };
            report.ok("version", &format!("{version}{known}"));
            Some(version)
        }
        Err(error) => {
            report.failed("version", &error.to_string());
            None
        }
    }
}

async fn login(report: &mut Report, driver: &Driver, credentials: Credentials) {
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
}
