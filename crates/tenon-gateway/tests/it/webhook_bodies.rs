//! Bodies of all sorts, packed and plain, and the bombs among them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

use crate::fixture::{Answer, Fixture};

const FORM: &str = "application/x-www-form-urlencoded";
const OPEN: &str = "kind: webhook\npath: open\nauth: none\n";

async fn open() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.trigger("open", OPEN).await;
    fixture
}

async fn send(fixture: &Fixture, content_type: &str, body: impl Into<bytes::Bytes>) -> Answer {
    fixture.send("POST /hooks/default/open", &[("content-type", content_type)], body).await
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(body).expect("memory");
    packed.finish().expect("memory")
}

async fn packed(fixture: &Fixture, encoding: &str, body: Vec<u8>) -> Answer {
    let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
    fixture.send("POST /hooks/default/open", &headers, body).await
}

/// The JSON library would read such objects as something else.
#[tokio::test]
async fn members_that_could_not_be_read_again_are_refused() {
    let fixture = open().await;
    let name = "$serde_json::private::RawValue";
    let json = format!("{{\"{name}\":\"x\"}}");
    send(&fixture, "application/json", json).await.expect_problem(400, "TN0002");
    send(&fixture, FORM, format!("{name}=x")).await.expect(400);
    send(&fixture, "application/xml", format!("<a><{name}>1</{name}></a>")).await.expect(400);
    assert_eq!(fixture.captured("open").await.len(), 3, "they can be looked at");
}

#[tokio::test]
async fn xml_becomes_json() {
    let fixture = open().await;
    for content_type in ["application/xml", "text/xml; charset=utf-8", "application/soap+xml"] {
        send(&fixture, content_type, "<order id='7'><item>a</item><item>b</item></order>").await.expect(202);
    }
    for envelope in fixture.envelopes().await {
        assert_eq!(envelope["data"], json!({"order": {"@id": "7", "item": ["a", "b"]}}));
        assert_eq!(envelope["datacontenttype"], "application/json");
    }
}

/// Else `@id` could be an element and an attribute.
#[tokio::test]
async fn xml_names_are_those_of_xml() {
    let fixture = open().await;
    for body in [
        "<a id='1'><@id>2</@id></a>",
        "<a><#text>1</#text>2</a>",
        "<a @id='1'/>",
        "<a><1/></a>",
        "<a b$='1'/>",
    ] {
        send(&fixture, "application/xml", body).await.expect_problem(400, "TN0065");
    }
    fixture.assert_nothing_captured().await;
    send(&fixture, "application/xml", "<_ä:b.1-c xml:é·='1'/>").await.expect(202);
    assert_eq!(fixture.envelopes().await[0]["data"], json!({"_ä:b.1-c": {"@xml:é·": "1"}}));
}

#[tokio::test]
async fn xml_bombs_are_refused() {
    let fixture = open().await;
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]><lolz>&lol2;</lolz>";
    let outside = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    for body in [bomb, outside, "<a>&x;</a>", "<a>", "no XML", "<a/><b/>"] {
        send(&fixture, "application/xml", body).await.expect_problem(400, "TN0065");
    }
    send(&fixture, "application/xml", "<a>".repeat(10_000)).await.expect_problem(400, "TN0065");
    send(&fixture, "application/xml", "<a b='\u{e4}'>".as_bytes()[..8].to_vec())
        .await
        .expect_problem(400, "TN0065");
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn packed_bodies_are_unpacked_within_bounds() {
    let fixture = open().await;
    packed(&fixture, "gzip", gzip(b"{\"a\":1}")).await.expect(202);
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(b"{\"a\":1}").expect("memory");
    packed(&fixture, "deflate", deflated.finish().expect("memory")).await.expect(202);
    packed(&fixture, "identity", b"{\"a\":1}".to_vec()).await.expect(202);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    packed(&fixture, "gzip", gzip(large.as_bytes())).await.expect(202);
    for envelope in &fixture.envelopes().await[..3] {
        assert_eq!(envelope["data"], json!({"a": 1}));
    }
    // 20 MiB of spaces in 20 KiB.
    let bomb = gzip(&vec![b' '; 20 << 20]);
    assert!(bomb.len() < 30 << 10);
    packed(&fixture, "gzip", bomb).await.expect_problem(413, "TN0004");
    packed(&fixture, "gzip", b"{\"a\":1}".to_vec()).await.expect_problem(400, "TN0067");
    packed(&fixture, "gzip", gzip(b"{\"a\":1}")[..20].to_vec()).await.expect_problem(400, "TN0067");
    let refused = packed(&fixture, "br", b"x".to_vec()).await;
    assert_eq!(refused.header("accept-encoding"), Some("gzip, deflate"));
    refused.expect_problem(415, "TN0067");
    packed(&fixture, "gzip, gzip", gzip(b"{}")).await.expect_problem(415, "TN0067");
    let twice =
        [("content-type", "text/plain"), ("content-encoding", "identity"), ("content-encoding", "gzip")];
    fixture.send("POST /hooks/default/open", &twice, "packed").await.expect_problem(415, "TN0067");
    assert_eq!(fixture.envelopes().await.len(), 4);
}

#[tokio::test]
async fn form_bombs_are_refused() {
    let fixture = open().await;
    let fields = |count: usize| (0..count).map(|number| format!("f{number}=1&")).collect::<Vec<_>>().concat();
    send(&fixture, FORM, fields(1_000)).await.expect(202);
    send(&fixture, FORM, fields(1_001)).await.expect_problem(413, "TN0066");
    send(&fixture, FORM, "a=1&".repeat(1_001)).await.expect_problem(413, "TN0066");
    let query = "kind: webhook\npath: open\nauth: none\nemits: { data: '${ .query }' }\n";
    fixture.trigger("open", query).await;
    let line = format!("POST /hooks/default/open?{}", "a&".repeat(1_001));
    fixture.send(&line, &[], "").await.expect_problem(413, "TN0066");
    assert_eq!(fixture.envelopes().await.len(), 1);
}

#[tokio::test]
async fn multipart_is_refused_by_name() {
    let fixture = open().await;
    let body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
    let problem = send(&fixture, "multipart/form-data; boundary=x", body).await.expect_problem(415, "TN0003");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("multipart")));
    fixture.assert_nothing_captured().await;
}

#[tokio::test]
async fn a_schema_checks_forms_and_xml_too() {
    let fixture = Fixture::new().await;
    let strict = "kind: webhook\npath: open\nauth: none\nschema: { type: object, required: [id] }\n";
    fixture.trigger("strict", strict).await;
    send(&fixture, "application/x-www-form-urlencoded", "id=1").await.expect(202);
    send(&fixture, "application/x-www-form-urlencoded", "a=1").await.expect_problem(422, "TN0010");
    send(&fixture, "application/xml", "<id>1</id>").await.expect(202);
    send(&fixture, "application/xml", "<a>1</a>").await.expect_problem(422, "TN0010");
    send(&fixture, "text/plain", "id").await.expect_problem(415, "TN0003");
}
