//! `health`: asks a running server whether it is ready.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::{Context, Result};
use backends::{HttpClient, Timeouts};
use http_body_util::{BodyExt, Full};
use policy::config::Config;

use crate::terminal::say;

const PATIENCE: Duration = Duration::from_secs(5);

/// Prints the server's answer; `false` when it is not ready.
pub(crate) async fn run(url: Option<String>, config: &Config) -> Result<bool> {
    let base = url.unwrap_or_else(|| own_url(config));
    let target = format!("{}/health/ready", base.trim_end_matches('/'));
    let mut request = http::Request::new(Full::default());
    *request.uri_mut() = target.parse().with_context(|| format!("{target} is not a URL"))?;
    let client = HttpClient::new(Timeouts { quiet: PATIENCE, response: PATIENCE });
    let answer = client.send(request, true).await.with_context(|| format!("no server answers at {base}"))?;
    let ready = answer.status().is_success();
    let body = answer.into_body().collect().await.context("the answer was cut")?.to_bytes();
    say(String::from_utf8_lossy(&body));
    Ok(ready)
}

/// The configured address as a client on this machine reaches it.
fn own_url(config: &Config) -> String {
    let host = match config.server.host {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    format!("http://{}", std::net::SocketAddr::new(host, config.server.port))
}
