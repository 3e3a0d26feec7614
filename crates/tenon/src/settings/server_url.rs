//! The address of a server: scheme, host and port, in one spelling, so that keys can be compared by address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// `http://host:port` or `https://host:port`, small letters, without the scheme's own port, path or slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerUrl(String);

impl ServerUrl {
    /// Where `tenon up` listens unless told otherwise.
    pub(crate) const DEFAULT: &'static str = "http://127.0.0.1:7070";

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it is this machine, by address or as `localhost`.
    pub(crate) fn is_loopback(&self) -> bool {
        let Ok(uri) = self.0.parse::<Uri>() else { return false };
        let host = uri.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl Default for ServerUrl {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ServerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let uri: Uri = text.trim().parse().map_err(|_| "it is no URL")?;
        let own_port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err("it must begin with http:// or https://"),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') {
            return Err("keys are not given in the address");
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err("it must end after host and port");
        }
        let scheme = uri.scheme_str().expect("matched above");
        let host = authority.host().to_lowercase();
        let port = authority.port_u16().filter(|port| *port != own_port);
        Ok(Self(match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &'static str>) {
        assert_eq!(text.parse::<ServerUrl>().map(|url| url.0), expected.map(str::to_owned));
    }

    #[test]
    fn one_server_has_one_spelling() {
        check("http://LOCALHOST:7070/", Ok("http://localhost:7070"));
        check("https://tenon.example:443", Ok("https://tenon.example"));
        check("http://[::1]:7070", Ok("http://[::1]:7070"));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        check("localhost:7070", Err("it must begin with http:// or https://"));
        check("http://tn_key@host", Err("keys are not given in the address"));
        check("http://host/api", Err("it must end after host and port"));
        check("ftp://host", Err("it must begin with http:// or https://"));
    }

    #[test]
    fn loopback_is_recognised_by_address_not_by_spelling() {
        let loopback = |text: &str| text.parse::<ServerUrl>().expect("an address").is_loopback();
        assert!(loopback("http://127.0.0.1:1") && loopback("http://[::1]:1") && loopback("http://localhost"));
        assert!(!loopback("http://127.0.0.1.evil.example") && !loopback("http://10.0.0.1"));
    }
}
