//! Where a gRPC service is, and whether it is spoken to over TLS. Pure.

use std::net::{IpAddr, Ipv6Addr};

use http::Uri;
use url::{Host, Position, Url};

use crate::Failure;
use crate::request::check_url;

/// Scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) origin: Uri,
    /// Host and port, for messages.
    pub(super) host: String,
}

// === impl Target ===

impl Target {
    pub(super) fn read(host: &str, port: Option<u16>) -> Result<Self, Failure> {
        let wrong =
            |problem: &str| Failure::InvalidRequest(format!("the host of the gRPC service {problem}"));
        let host = host.trim();
        let written = match host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_owned(),
        };
        let has_scheme = written.contains("://");
        let text = if has_scheme { written } else { format!("https://{written}") };
        let mut url = Url::parse(&text).map_err(|_| wrong("is no host, such as `api.example.com`"))?;
        check_url(&url)
            .map_err(|_| wrong("may have only `http://` or `https://` before it, and no user name"))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a path behind it: the method's name is all that is needed"));
        }
        let own_port = written_port(&text);
        if own_port.is_some() && port.is_some() && own_port != port {
            return Err(wrong("has another port than `port`: give it once"));
        }
        if !has_scheme && is_loopback(&url) {
            url.set_scheme("http").map_err(|()| wrong("cannot be read"))?;
        }
        url.set_port(own_port.or(port)).map_err(|()| wrong("cannot have a port"))?;
        let origin = format!("{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort]);
        Ok(Self {
            origin: origin.parse().map_err(|_| wrong("cannot be read"))?,
            host: url[Position::BeforeHost..Position::AfterPort].to_owned(),
        })
    }
}

/// A port that is the scheme's default counts as well, which [`Url::port`] hides.
fn written_port(text: &str) -> Option<u16> {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    let (before, port) = authority.rsplit_once(':')?;
    if before.starts_with('[') && !before.ends_with(']') {
        return None;
    }
    port.parse().ok()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, port: Option<u16>, expected: &str) {
        let shown = match Target::read(host, port) {
            Ok(target) => target.origin.to_string().trim_end_matches('/').to_owned(),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(shown, expected, "{host} {port:?}");
    }

    #[test]
    fn plain_text_on_loopback_and_tls_elsewhere() {
        check("localhost", None, "http://localhost");
        check("localhost", Some(5011), "http://localhost:5011");
        check("LOCALHOST:5011", None, "http://localhost:5011");
        check("127.0.0.1", Some(1), "http://127.0.0.1:1");
        check("::1", Some(1), "http://[::1]:1");
        check("[::1]:7", None, "http://[::1]:7");
        check("api.example.com", None, "https://api.example.com");
        check("api.example.com", Some(50051), "https://api.example.com:50051");
        check("10.0.0.1", Some(443), "https://10.0.0.1");
        check("http://api.example.com", Some(50051), "http://api.example.com:50051");
        check("https://localhost:1", Some(1), "https://localhost:1");
        check("localhost:443", None, "http://localhost:443");
    }

    #[test]
    fn what_is_no_host() {
        let start = "the host of the gRPC service";
        check("", None, &format!("{start} is no host, such as `api.example.com`"));
        check("h:1", Some(2), &format!("{start} has another port than `port`: give it once"));
        check(
            "h/path",
            None,
            &format!("{start} has a path behind it: the method's name is all that is needed"),
        );
        check(
            "ftp://h",
            None,
            &format!("{start} may have only `http://` or `https://` before it, and no user name"),
        );
        check(
            "u@h",
            None,
            &format!("{start} may have only `http://` or `https://` before it, and no user name"),
        );
    }
}
