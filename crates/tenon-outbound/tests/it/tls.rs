//! TLS with an authority made for the test: versions by ALPN, trust, names, downgrades.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tenon_outbound::{Failure, HttpClient, Options, Request};
use tokio_rustls::TlsAcceptor;

use crate::callee::{Callee, Seen, answer, client, options, redirect_to};

pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// Accepts as `name`, offering `protocols` (ALPN) in this order.
    pub(crate) fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(crate) fn client(&self) -> HttpClient {
        let extra_roots_pem = vec![self.pem.clone().into_bytes()];
        HttpClient::new(Options { extra_roots_pem, ..options() }).unwrap()
    }

    async fn callee(
        &self,
        protocols: &[&str],
        answer: impl Fn(&Seen) -> http::Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Callee {
        Callee::start_at("127.0.0.1:0", Some(self.acceptor("localhost", protocols)), answer).await
    }
}

fn url(callee: &Callee) -> String {
    format!("https://localhost:{}/", callee.address.port())
}

#[tokio::test]
async fn the_version_is_what_the_callee_prefers() {
    let authority = Authority::new();
    let client = authority.client();
    let cases = [
        (&["h2", "http/1.1"][..], http::Version::HTTP_2),
        (&["h2"], http::Version::HTTP_2),
        (&["http/1.1"], http::Version::HTTP_11),
        (&[], http::Version::HTTP_11),
    ];
    for (protocols, expected) in cases {
        let callee = authority.callee(protocols, |seen| answer(200, seen.body.clone())).await;
        for _ in 0..5 {
            let mut request = Request::new("POST", url(&callee));
            request.body = Some(Bytes::from_static(b"body"));
            request.idempotency_key = Some("key".to_owned());
            assert_eq!(client.send(request).await.unwrap().body, "body");
        }
        assert_eq!(callee.connections(), 1, "{protocols:?}");
        for seen in callee.seen() {
            assert_eq!(seen.version, expected, "{protocols:?}");
            assert_eq!(seen.header("idempotency-key"), Some("key"));
            assert_eq!(seen.header("tenon-attempt"), Some("1"));
        }
    }
}

#[tokio::test]
async fn http2_calls_share_a_connection() {
    let authority = Authority::new();
    let callee = authority.callee(&["h2"], |_| answer(200, vec![b'x'; 100_000])).await;
    let client = authority.client();
    client.send(Request::new("GET", url(&callee))).await.unwrap();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (client, request) = (client.clone(), Request::new("GET", url(&callee)));
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().body.len(), 100_000);
    }
    assert_eq!(callee.connections(), 1);
}

#[tokio::test]
async fn http2_bodies_have_the_same_limit() {
    let authority = Authority::new();
    let callee = authority.callee(&["h2"], |_| answer(200, vec![b'x'; 100_000])).await;
    let extra_roots_pem = vec![authority.pem.clone().into_bytes()];
    let client =
        HttpClient::new(Options { extra_roots_pem, max_response_bytes: 99_999, ..options() }).unwrap();
    let failure = client.send(Request::new("GET", url(&callee))).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge { limit: 99_999 });
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name() {
    let authority = Authority::new();
    let callee = authority.callee(&["h2"], |_| answer(200, "")).await;
    let stranger = Authority::new().client();
    let by_address = format!("https://{}/", callee.address);
    let cases = [
        (client(), url(&callee), "extra roots"),
        // Authorities of the tests have the same name, so this one claims to be the right one.
        (stranger, url(&callee), "BadSignature"),
        (authority.client(), by_address, "TLS: invalid peer certificate"),
    ];
    for (client, url, expected) in cases {
        let failure = client.send(Request::new("GET", url)).await.unwrap_err();
        assert!(matches!(failure, Failure::Communication { status: 502, .. }), "{failure:?}");
        assert!(failure.to_string().contains(expected), "{failure}");
    }
    assert!(callee.seen().is_empty());
}

#[tokio::test]
async fn tls_to_a_plain_server_is_a_communication_error() {
    let callee = Callee::start(|_| answer(200, "")).await;
    let failure = client().send(Request::new("GET", url(&callee))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Communication { status: 502, detail } if detail.contains("TLS")),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_redirect_does_not_leave_tls() {
    let authority = Authority::new();
    let plain = Callee::start(|_| answer(200, "")).await;
    let to = plain.url("/");
    let secure = authority.callee(&["http/1.1"], move |_| redirect_to(307, &to)).await;
    let failure = authority.client().send(Request::new("GET", url(&secure))).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Communication { status: 502, detail } if detail.contains("https to http"))
    );
    assert_eq!(plain.connections(), 0);
}

#[tokio::test]
async fn a_redirect_into_tls_is_another_origin() {
    let authority = Authority::new();
    let secure = authority.callee(&["http/1.1"], |_| answer(200, "end")).await;
    let to = url(&secure);
    let plain = Callee::start(move |_| redirect_to(307, &to)).await;
    let mut request = Request::new("GET", plain.url("/"));
    request.headers = vec![("authorization".to_owned(), "Bearer 1".to_owned())];
    assert_eq!(authority.client().send(request).await.unwrap().body, "end");
    assert_eq!(plain.only().header("authorization"), Some("Bearer 1"));
    assert_eq!(secure.only().header("authorization"), None);
}
