//! What counts as this machine in a `Host` or `Origin` header. A page that rebinds its own name to
//! 127.0.0.1 still sends that name, and a tunnel sends its public one: both are found here.

use std::net::{IpAddr, Ipv6Addr};

/// Whether a `Host` (or `:authority`) value names this machine: a loopback address, `localhost`, a name
/// below it, or one of `allowed`; with or without a port.
pub(super) fn is_local_host(host: &str, allowed: &[String]) -> bool {
    let Some(name) = host_name(host) else { return false };
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_suffix('.').unwrap_or(&lower);
    if bare == "localhost" || bare.ends_with(".localhost") || allowed.iter().any(|host| host == bare) {
        return true;
    }
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok_and(|address| is_loopback(address.into())),
        None => name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Whether an `Origin` is a page of this machine (any scheme and port on a loopback host) or one that
/// `cors_origins` lists. `null` is what sandboxed and local-file pages send: anyone can be that.
pub(super) fn is_own_origin(origin: &str, cors_origins: &[String]) -> bool {
    if cors_origins.iter().any(|listed| listed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    matches!(scheme, "http" | "https") && is_local_host(host, &[])
}

/// 127.0.0.0/8, `::1`, and the IPv4 ones written as IPv6.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The host without its port; `None` when what follows it is no port, or there is anything a host name
/// can't have.
fn host_name(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(end)?;
    let port_is_fine = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => port.is_empty(),
    };
    let name_is_fine = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
    (port_is_fine && name_is_fine && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_addresses_are_local() {
        let hosts = [
            "localhost",
            "localhost:8000",
            "LocalHost:8000",
            "localhost.",
            "app.localhost:3000",
            "127.0.0.1",
            "127.0.0.1:8000",
            "127.8.9.1",
            "[::1]",
            "[::1]:8000",
            "[::ffff:127.0.0.1]:8000",
        ];
        for host in hosts {
            assert!(is_local_host(host, &[]), "{host}");
        }
    }

    #[test]
    fn every_other_name_is_foreign_even_if_it_looks_local() {
        let hosts = [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evillocalhost",
            "localhost@evil.example",
            "localhost:8000@evil.example",
            "localhost/evil.example",
            "localhost:80:90",
            "0.0.0.0:8000",
            "192.168.1.5:8000",
            "[::1",
            "[::1]x",
            "[::]:8000",
            "::1",
            "2130706433",
            ":8000",
        ];
        for host in hosts {
            assert!(!is_local_host(host, &[]), "{host}");
        }
    }

    #[test]
    fn further_names_are_local_when_configured() {
        let allowed = ["proxy.lan".to_owned()];
        assert!(is_local_host("Proxy.LAN:8000", &allowed));
        assert!(!is_local_host("other.lan", &allowed));
    }

    #[test]
    fn pages_of_this_machine_are_no_strangers_and_all_others_are() {
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8000"] {
            assert!(is_own_origin(origin, &[]), "{origin}");
        }
        let foreign =
            ["null", "", "https://evil.example", "http://localhost.evil.example", "file://", "localhost"];
        for origin in foreign.iter().chain(&["chrome-extension://localhost", "http://localhost:3000/path"]) {
            assert!(!is_own_origin(origin, &[]), "{origin}");
        }
        assert!(is_own_origin("https://app.example", &["https://app.example".to_owned()]));
    }
}
