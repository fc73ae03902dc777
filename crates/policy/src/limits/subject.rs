//! Whom a limit counts.

use std::net::{IpAddr, Ipv6Addr};

use crate::access::Identity;
use crate::keys::KeyId;

/// One bucket's owner: a key wherever it calls from, else an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The holder of a key.
    Key(KeyId),
    /// A caller without a key.
    Address(IpAddr),
}

impl Subject {
    /// The subject of a caller. One IPv6 customer owns at least a /64, so that is what counts as one address.
    pub fn of(identity: &Identity, peer: IpAddr) -> Self {
        match (identity, peer.to_canonical()) {
            (Identity::Key(id), _) => Self::Key(id.clone()),
            (_, IpAddr::V6(v6)) if !v6.is_loopback() => {
                Self::Address(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into())
            }
            (_, address) => Self::Address(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(peer: &str) -> Subject {
        Subject::of(&Identity::Open, peer.parse().unwrap())
    }

    #[test]
    fn one_ipv6_network_counts_as_one_caller() {
        assert_eq!(open("2001:db8::1"), open("2001:db8::ffff:1"));
        assert_ne!(open("2001:db8::1"), open("2001:db8:0:1::1"));
    }

    #[test]
    fn ipv4_addresses_count_one_by_one_however_written() {
        assert_eq!(open("::ffff:192.0.2.1"), open("192.0.2.1"));
        assert_ne!(open("192.0.2.1"), open("192.0.2.2"));
    }
}
