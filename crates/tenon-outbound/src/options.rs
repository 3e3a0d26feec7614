//! The bounds of outbound calls, with their defaults. Read once, by the binary; nothing here reads an environment.

use std::net::SocketAddr;
use std::time::Duration;

use crate::{AddressRules, HostRate};

/// How an [`HttpClient`](crate::HttpClient) behaves. The defaults are those of the workflow language (rule 24).
#[derive(Debug, Clone)]
pub struct Options {
    /// Bounds name resolution, TCP and TLS together. Default 10 s.
    pub connect_timeout: Duration,
    /// Bounds a whole call: connecting, all redirects, the last byte of the body. Default 60 s.
    pub total_timeout: Duration,
    /// The largest response body that is accepted, in bytes. Default 32 MiB.
    pub max_response_bytes: usize,
    /// How many redirects one call follows. Default 5.
    pub max_redirects: u32,
    /// How many idle connections are kept per scheme, host and port. Default 256; more than the calls that run
    /// at once to one host would never be used.
    pub pool_idle_per_host: usize,
    /// Which addresses may be reached. The default refuses loopback and private ones.
    pub addresses: AddressRules,
    /// Host (as URLs name it), port, and the address that is connected to instead of what the name resolves to.
    /// Such an address counts as one of the allow-list.
    pub resolve: Vec<(String, u16, SocketAddr)>,
    /// How fast hosts may be called. Default: as fast as they are.
    pub rates: Vec<HostRate>,
    /// Certificates of authorities to trust besides the machine's, each PEM text with one or more certificates.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// `User-Agent` of calls whose document sets none. Default `tenon/<version>`.
    pub user_agent: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_mins(1),
            max_response_bytes: 32 * 1024 * 1024,
            max_redirects: 5,
            pool_idle_per_host: 256,
            addresses: AddressRules::default(),
            resolve: Vec::new(),
            rates: Vec::new(),
            extra_roots_pem: Vec::new(),
            user_agent: concat!("tenon/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
