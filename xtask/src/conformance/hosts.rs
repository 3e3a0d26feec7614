//! Which hosts the documents of scenarios speak to, so that all of them lead to the stand-in.
//!
//! Names below `.invalid` stay as they are: nothing answers there, which is what some scenarios need.

use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// An address as documents write it.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(https?)://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]+)(?::(\d+))?")
        .expect("the pattern is constant and right")
});
/// A gRPC service's host with its port; with TLS unless it says `http://`.
static SERVICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bhost:\s*'?(http://)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]+)'?[\s,]+port:\s*(\d+)")
        .expect("the pattern is constant and right")
});

/// How the stand-in is spoken to at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Tls,
}

/// `(host, port)` of everything that is named in the texts, and how it is spoken to.
pub(super) fn named<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<(String, u16), Transport> {
    let mut hosts = BTreeMap::new();
    for text in texts {
        for found in ADDRESS.captures_iter(text) {
            let (transport, usual) =
                if &found[1] == "https" { (Transport::Tls, 443) } else { (Transport::Plain, 80) };
            let port = found.get(3).and_then(|port| port.as_str().parse().ok()).unwrap_or(usual);
            hosts.insert((found[2].to_lowercase(), port), transport);
        }
        for found in SERVICE.captures_iter(text) {
            let Ok(port) = found[3].parse() else { continue };
            let transport = if found.get(1).is_some() { Transport::Plain } else { Transport::Tls };
            hosts.insert((found[2].to_lowercase(), port), transport);
        }
    }
    hosts.retain(|(host, _), _| !host.ends_with(".invalid"));
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_with_port_and_transport() {
        let text = "uri: https://petstore.swagger.io/v2/pet/{id}\nendpoint: http://a.example:8080/x\n\
                    nothing: https://there.invalid/ http://127.0.0.1:1/\n\
                    service: { name: a.B, host: greeter.example, port: 5011 }\n\
                    host: 'http://plain.example'\nport: 5012";
        let expected = [
            (("a.example".to_owned(), 8080), Transport::Plain),
            (("greeter.example".to_owned(), 5011), Transport::Tls),
            (("petstore.swagger.io".to_owned(), 443), Transport::Tls),
            (("plain.example".to_owned(), 80), Transport::Plain),
            (("plain.example".to_owned(), 5012), Transport::Plain),
        ];
        assert_eq!(named([text]), BTreeMap::from(expected));
    }
}
