//! The address rules: as a table, and as the client obeys them.

use std::net::SocketAddr;

use tenon_outbound::{
    AddressRules, Failure, HttpClient, Network, NetworkError, Options, PrivateAddresses, Refusal, Request,
};

use crate::callee::{Callee, answer};

fn rules(private: PrivateAddresses, allow: &[&str], own: &[&str]) -> AddressRules {
    AddressRules {
        private,
        allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
        own_listener: own.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

#[track_caller]
fn check(rules: &AddressRules, ip: &str, expected: Result<(), Refusal>) {
    let address = SocketAddr::new(ip.parse().unwrap(), 443);
    assert_eq!(rules.check(address), expected, "{ip}");
}

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.63.0.1",
    "100.128.0.1",
    "9.255.255.255",
    "11.0.0.0",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
];
const PRIVATE: &[&str] = &[
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "198.18.0.1",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::10.1.2.3",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "::2",
];
const NEVER: &[(&str, Refusal)] = &[
    ("169.254.0.1", Refusal::LinkLocal),
    ("169.254.169.254", Refusal::LinkLocal),
    ("::ffff:169.254.169.254", Refusal::LinkLocal),
    ("64:ff9b::a9fe:a9fe", Refusal::LinkLocal),
    ("fe80::1", Refusal::LinkLocal),
    ("febf::1", Refusal::LinkLocal),
    ("fd00:ec2::254", Refusal::Metadata),
    ("168.63.129.16", Refusal::Metadata),
    ("100.100.100.200", Refusal::Metadata),
    ("224.0.0.1", Refusal::Multicast),
    ("239.255.255.255", Refusal::Multicast),
    ("ff02::1", Refusal::Multicast),
    ("255.255.255.255", Refusal::Reserved),
    ("240.0.0.1", Refusal::Reserved),
];

#[test]
fn public_addresses_are_open_and_some_never_are() {
    let everything = rules(PrivateAddresses::Allow, &["0.0.0.0/0", "::/0"], &[]);
    for rules in [&everything, &AddressRules::default()] {
        for ip in PUBLIC {
            check(rules, ip, Ok(()));
        }
        for (ip, refusal) in NEVER {
            check(rules, ip, Err(*refusal));
        }
    }
}

#[test]
fn private_addresses_are_open_when_allowed() {
    for ip in PRIVATE {
        check(&AddressRules::default(), ip, Err(Refusal::Private));
        check(&rules(PrivateAddresses::Allow, &[], &[]), ip, Ok(()));
        check(&rules(PrivateAddresses::Deny, &["0.0.0.0/0", "::/0"], &[]), ip, Ok(()));
    }
    let some = rules(PrivateAddresses::Deny, &["10.1.0.0/16", "fd12::/16", "192.168.7.7"], &[]);
    for ip in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::9", "192.168.7.7"] {
        check(&some, ip, Ok(()));
    }
    for ip in ["10.2.0.0", "fd13::9", "192.168.7.8", "127.0.0.1"] {
        check(&some, ip, Err(Refusal::Private));
    }
}

#[test]
fn the_own_listener_is_never_called() {
    let allow = ["0.0.0.0/0", "::/0"];
    let cases = [
        ("127.0.0.1:7070", "127.0.0.1:7070", true),
        ("127.0.0.1:7070", "[::ffff:127.0.0.1]:7070", true),
        ("127.0.0.1:7070", "0.0.0.0:7070", true),
        ("127.0.0.1:7070", "127.0.0.1:7071", false),
        ("127.0.0.1:7070", "127.0.0.2:7070", false),
        ("10.0.0.5:7070", "10.0.0.5:7070", true),
        ("10.0.0.5:7070", "10.0.0.6:7070", false),
        ("0.0.0.0:7070", "127.0.0.1:7070", true),
        ("0.0.0.0:7070", "127.9.9.9:7070", true),
        ("[::]:7070", "127.0.0.1:7070", true),
        ("[::]:7070", "[::1]:7070", true),
        ("[::]:7070", "[::1]:7071", false),
        // Documentation addresses, which no machine has.
        ("0.0.0.0:7070", "192.0.2.1:7070", false),
        ("[::]:7070", "[2001:db8::1]:7070", false),
    ];
    for (own, target, is_own) in cases {
        let rules = rules(PrivateAddresses::Allow, &allow, &[own]);
        let expected = if is_own { Err(Refusal::OwnListener) } else { Ok(()) };
        assert_eq!(rules.check(target.parse().unwrap()), expected, "{own} {target}");
    }
}

#[test]
fn private_addresses_are_open_only_while_all_listeners_are_on_loopback() {
    let private = |own: &[&str]| {
        let own = own.iter().map(|address| address.parse().unwrap()).collect();
        AddressRules::for_listeners(own, Vec::new()).private
    };
    assert_eq!(private(&["127.0.0.1:7070", "[::1]:7070"]), PrivateAddresses::Allow);
    assert_eq!(private(&["127.0.0.1:7070", "10.0.0.1:7070"]), PrivateAddresses::Deny);
    assert_eq!(private(&["0.0.0.0:7070"]), PrivateAddresses::Deny);
}

#[test]
fn networks_are_parsed_strictly() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "192.168.1.7/32", "2001:db8::1/128"] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    assert_eq!("192.168.1.7".parse::<Network>().unwrap().to_string(), "192.168.1.7/32");
    assert_eq!("::ffff:10.0.0.0/104".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    for text in
        ["", "10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8"]
    {
        assert_eq!(text.parse::<Network>(), Err(NetworkError::Malformed(text.to_owned())));
    }
    let error = "10.1.2.3/8".parse::<Network>().unwrap_err();
    assert_eq!(error.to_string(), "`10.1.2.3/8` has bits set behind its prefix: did you mean 10.0.0.0/8?");
}

#[tokio::test]
async fn the_client_judges_what_names_resolve_to() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let port = callee.address.port();
    let strict = HttpClient::new(Options::default()).unwrap();
    // A name, and ways of writing 127.0.0.1 that a filter on the text would miss.
    for host in ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"] {
        let failure = strict.send(Request::new("GET", format!("http://{host}:{port}/"))).await.unwrap_err();
        assert!(
            matches!(failure, Failure::Forbidden { refusal: Refusal::Private, .. }),
            "{host}: {failure:?}"
        );
    }
    assert_eq!(callee.connections(), 0);
}

#[tokio::test]
async fn a_name_may_be_called_by_those_of_its_addresses_that_may() {
    let callee = Callee::start(|_| answer(200, "there")).await;
    // `localhost` is often `::1`, too, which is not in the list.
    let addresses = rules(PrivateAddresses::Deny, &["127.0.0.1"], &[]);
    let client = HttpClient::new(Options { addresses, ..Options::default() }).unwrap();
    let url = format!("http://localhost:{}/", callee.address.port());
    assert_eq!(client.send(Request::new("GET", url)).await.unwrap().body, "there");
}

#[tokio::test]
async fn the_client_does_not_call_tenon_itself() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let addresses = AddressRules::for_listeners(vec![callee.address], Vec::new());
    let client = HttpClient::new(Options { addresses, ..Options::default() }).unwrap();
    let failure = client.send(Request::new("GET", callee.url("/"))).await.unwrap_err();
    let expected = Failure::Forbidden { host: callee.address.to_string(), refusal: Refusal::OwnListener };
    assert_eq!(failure, expected);
    assert_eq!(callee.connections(), 0);
}
