//! A network in CIDR notation, for the operator's allow-list. Pure; knows nothing of what is allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network such as `10.0.0.0/8`, `fd00::/8`, or one address (`192.168.1.7`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no [`Network`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither an address nor `address/prefix`.
    #[error("`{0}` is not a network: write it like 10.0.0.0/8 or fd00::/8")]
    Malformed(String),
    /// Bits are set behind the prefix, so it is unclear what was meant.
    #[error("`{text}` has bits set behind its prefix: did you mean {meant}?")]
    HostBits {
        /// What was written.
        text: String,
        /// The network that contains it.
        meant: Network,
    },
}

impl Network {
    /// Whether `address` lies in this network. IPv6-mapped IPv4 addresses count as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => mask_v4(other, self.prefix) == own,
            (IpAddr::V6(own), IpAddr::V6(other)) => mask_v6(other, self.prefix) == own,
            _ => false,
        }
    }

    pub(crate) const fn v4(octets: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = octets;
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    /// `head` is the first 32 bits; no built-in IPv6 range needs more.
    pub(crate) const fn v6(head: [u16; 2], prefix: u8) -> Self {
        let [a, b] = head;
        Self { address: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)), prefix }
    }
}

fn mask_v4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn mask_v6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

// === impl FromStr, Display ===

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                (address.parse::<IpAddr>(), Some(prefix.parse::<u8>().map_err(|_| malformed())?))
            }
            None => (text.parse::<IpAddr>(), None),
        };
        let written = address.map_err(|_| malformed())?;
        let widest = if written.is_ipv4() { 32 } else { 128 };
        let mut prefix = prefix.unwrap_or(widest);
        if prefix > widest {
            return Err(malformed());
        }
        // An IPv4 network in IPv6 clothes is an IPv4 network, as the addresses it is compared with are.
        let mut address = written;
        if written.is_ipv6() && written.to_canonical().is_ipv4() && prefix >= 96 {
            address = written.to_canonical();
            prefix -= 96;
        }
        let masked = match address {
            IpAddr::V4(address) => IpAddr::V4(mask_v4(address, prefix)),
            IpAddr::V6(address) => IpAddr::V6(mask_v6(address, prefix)),
        };
        let network = Self { address: masked, prefix };
        if masked == address {
            return Ok(network);
        }
        Err(Error::HostBits { text: text.to_owned(), meant: network })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}
