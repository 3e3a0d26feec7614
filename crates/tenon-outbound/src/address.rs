//! Which socket addresses a call may reach.
//!
//! A workflow's author chooses URLs and a callee chooses redirects, so neither may lead Tenon to itself, to its
//! host's services or to a cloud's metadata. The rules judge *resolved* addresses: `connect.rs` asks them for
//! every candidate of every connection. They must not resolve names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::Network;

/// Which addresses outbound calls may reach. The default is the strictest.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    /// Whether loopback and private addresses may be reached without being in `allow`.
    pub private: PrivateAddresses,
    /// Loopback and private networks that may be reached although `private` is [`PrivateAddresses::Deny`].
    pub allow: Vec<Network>,
    /// Where Tenon itself listens. An unspecified address (`0.0.0.0`, `::`) means every address of this machine
    /// with that port.
    pub own_listener: Vec<SocketAddr>,
}

/// What to do with loopback, private, shared (CGNAT) and unspecified addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateAddresses {
    /// They may be called.
    Allow,
    /// They may be called only where the operator's allow-list names them.
    #[default]
    Deny,
}

/// Why an address may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Loopback, private, shared or unspecified, and not in the allow-list.
    #[error(
        "it is a loopback or private address; the operator can add its network to the outbound allow-list"
    )]
    Private,
    /// `169.254.0.0/16`, `fe80::/10`.
    #[error("link-local addresses are never called")]
    LinkLocal,
    /// An address under which a cloud serves credentials to its machines.
    #[error("cloud metadata addresses are never called")]
    Metadata,
    /// `224.0.0.0/4`, `ff00::/8`.
    #[error("multicast addresses are never called")]
    Multicast,
    /// Broadcast and the rest of `240.0.0.0/4`.
    #[error("broadcast and reserved addresses are never called")]
    Reserved,
    /// Tenon's own listener.
    #[error("it is tenon's own listener; call the workflow or function itself instead")]
    OwnListener,
}

/// Metadata services outside the link-local ranges: AWS, GCP, Azure, Alibaba, Oracle.
const METADATA: [IpAddr; 5] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

const NEVER: [(Network, Refusal); 5] = [
    (Network::v4([169, 254, 0, 0], 16), Refusal::LinkLocal),
    (Network::v6([0xfe80, 0], 10), Refusal::LinkLocal),
    (Network::v4([224, 0, 0, 0], 4), Refusal::Multicast),
    (Network::v6([0xff00, 0], 8), Refusal::Multicast),
    (Network::v4([240, 0, 0, 0], 4), Refusal::Reserved),
];

/// Loopback, RFC 1918, shared (RFC 6598), "this" network, protocol assignments, benchmarking; in IPv6 unique
/// local and the old site-local. `::` and `::1` are asked for by name.
const PRIVATE: [Network; 10] = [
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([198, 18, 0, 0], 15),
    Network::v6([0xfc00, 0], 7),
    Network::v6([0xfec0, 0], 10),
];

// === impl AddressRules ===

impl AddressRules {
    /// The rules for a Tenon that listens on `own_listener`: loopback and private addresses are open only while
    /// all of its listeners are on loopback, else only what `allow` names.
    pub fn for_listeners(own_listener: Vec<SocketAddr>, allow: Vec<Network>) -> Self {
        let on_loopback = own_listener.iter().all(|own| own.ip().to_canonical().is_loopback());
        let private = if on_loopback { PrivateAddresses::Allow } else { PrivateAddresses::Deny };
        Self { private, allow, own_listener }
    }

    /// Judges one resolved address. Pure, except that with an unspecified own listener on the same port the
    /// machine is asked whether the address is its own.
    pub fn check(&self, address: SocketAddr) -> Result<(), Refusal> {
        let ip = judged_as(address.ip());
        if METADATA.contains(&ip) {
            return Err(Refusal::Metadata);
        }
        if let Some((_, refusal)) = NEVER.iter().find(|(network, _)| network.contains(ip)) {
            return Err(*refusal);
        }
        if self.own_listener.iter().any(|own| reaches(*own, ip, address.port())) {
            return Err(Refusal::OwnListener);
        }
        if self.private == PrivateAddresses::Allow || !is_private(ip) {
            return Ok(());
        }
        if self.allow.iter().any(|network| network.contains(ip)) {
            return Ok(());
        }
        Err(Refusal::Private)
    }
}

/// The address a packet ends at: IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4) is judged as that IPv4.
fn judged_as(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip.to_canonical() else {
        return ip.to_canonical();
    };
    let low = |v6: Ipv6Addr| IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => low(v6),
        [0, 0, 0, 0, 0, 0, ..] if !v6.is_loopback() && !v6.is_unspecified() => low(v6),
        [0x2002, high, rest, ..] => IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(rest))),
        _ => IpAddr::V6(v6),
    }
}

fn is_private(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || PRIVATE.iter().any(|network| network.contains(ip))
}

/// Whether a connection to `ip` and `port` would arrive at the listener `own`.
fn reaches(own: SocketAddr, ip: IpAddr, port: u16) -> bool {
    if own.port() != port {
        return false;
    }
    let own = own.ip().to_canonical();
    // Connecting to an unspecified address means this machine.
    if ip.is_unspecified() || own == ip {
        return true;
    }
    own.is_unspecified() && is_of_this_machine(ip)
}

/// An address can be bound exactly if it is one of this machine's; asking so needs no list of interfaces, which
/// can change while Tenon runs. Only asked where the port is our own, so it costs ordinary calls nothing.
fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}
