//! The `server` section.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::Resolver;
use crate::access::Network;
use crate::config::{Server, raw};

const MAX_BODY_BYTES: u64 = 32 * 1024 * 1024;
const MAX_CONNECTIONS: u32 = 1024;

impl Resolver<'_> {
    pub(super) fn server(&mut self, raw: raw::Server) -> Server {
        Server {
            host: self.host(raw.host.as_deref()),
            port: raw.port.unwrap_or(8000),
            workers: raw.workers.map_or_else(cores, usize::from),
            max_body_bytes: raw.max_body_bytes.unwrap_or(MAX_BODY_BYTES),
            max_connections: size(raw.max_connections.unwrap_or(MAX_CONNECTIONS)),
            header_timeout: raw.header_timeout.map_or(Duration::from_secs(15), Duration::from),
            idle_timeout: raw.idle_timeout.map_or(Duration::from_secs(120), Duration::from),
            drain_timeout: raw.drain_timeout.map_or(Duration::from_secs(30), Duration::from),
            trusted_proxies: self.networks(&raw.trusted_proxies.unwrap_or_default()),
            cors_origins: self.cors_origins(raw.cors_origins.unwrap_or_default()),
            allowed_hosts: self.allowed_hosts(&raw.allowed_hosts.unwrap_or_default()),
        }
    }

    fn host(&mut self, typed: Option<&str>) -> IpAddr {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let Some(typed) = typed else { return any };
        if typed.eq_ignore_ascii_case("localhost") {
            return IpAddr::V4(Ipv4Addr::LOCALHOST);
        }
        typed.trim_start_matches('[').trim_end_matches(']').parse().unwrap_or_else(|_| {
            self.problem("server.host", "expected an IP address or `localhost`");
            any
        })
    }

    fn networks(&mut self, typed: &[String]) -> Vec<Network> {
        let mut networks = Vec::new();
        for (index, text) in typed.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) => networks.push(network),
                Err(error) => self.problem(&format!("server.trusted_proxies[{index}]"), error.to_string()),
            }
        }
        networks
    }

    fn cors_origins(&mut self, typed: Vec<String>) -> Vec<String> {
        for (index, origin) in typed.iter().enumerate() {
            let host = origin.split_once("://").map(|(_, host)| host);
            let fits = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']));
            if origin != "*" && !fits {
                let key = format!("server.cors_origins[{index}]");
                self.problem(&key, "expected an origin like `https://app.example`, without a path, or `*`");
            }
        }
        typed
    }

    fn allowed_hosts(&mut self, typed: &[String]) -> Vec<String> {
        for (index, host) in typed.iter().enumerate() {
            if host.is_empty() || host.contains([':', '/', '*', ' ']) {
                let key = format!("server.allowed_hosts[{index}]");
                self.problem(&key, "expected a host name without scheme and port, like `proxy.lan`");
            }
        }
        typed.iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect()
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

pub(super) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
