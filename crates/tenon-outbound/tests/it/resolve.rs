//! Names that the operator leads elsewhere.

use std::net::SocketAddr;

use tenon_outbound::{AddressRules, Failure, HttpClient, Options, Refusal, Request};

use crate::callee::{Callee, answer};

/// A client that may reach nothing private but what `resolve` names.
fn client(resolve: &[(&str, u16, SocketAddr)], own_listener: Vec<SocketAddr>) -> HttpClient {
    let resolve = resolve.iter().map(|(host, port, to)| ((*host).to_owned(), *port, *to)).collect();
    let addresses = AddressRules { own_listener, ..AddressRules::default() };
    HttpClient::new(Options { resolve, addresses, ..Options::default() }).unwrap()
}

#[tokio::test]
async fn a_name_and_port_lead_to_the_address() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let client = client(&[("Api.Example", 80, callee.address), ("[::1]", 9, callee.address)], Vec::new());
    for url in ["http://api.example/a", "http://API.example:80/b", "http://[::1]:9/c"] {
        assert_eq!(client.send(Request::new("GET", url)).await.unwrap().status, 200, "{url}");
    }
    let hosts: Vec<String> =
        callee.seen().iter().map(|seen| seen.header("host").unwrap().to_owned()).collect();
    assert_eq!(hosts, ["api.example", "api.example", "[::1]:9"]);
    let failure = client.send(Request::new("GET", "http://[::1]:10/")).await.unwrap_err();
    assert!(matches!(failure, Failure::Forbidden { refusal: Refusal::Private, .. }), "{failure:?}");
}

#[tokio::test]
async fn what_is_never_called_stays_so() {
    let own = "127.0.0.1:7070".parse().unwrap();
    let cases = [
        ("127.0.0.1:7070", Refusal::OwnListener),
        ("169.254.169.254:80", Refusal::LinkLocal),
        ("168.63.129.16:80", Refusal::Metadata),
    ];
    for (to, expected) in cases {
        let client = client(&[("api.example", 80, to.parse().unwrap())], vec![own]);
        let failure = client.send(Request::new("GET", "http://api.example/")).await.unwrap_err();
        assert!(
            matches!(&failure, Failure::Forbidden { refusal, .. } if *refusal == expected),
            "{failure:?}"
        );
    }
}
