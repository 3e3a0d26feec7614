//! What is taken for JSON can be read into a tree later, always.

use bytes::Bytes;
use tenon_capture::{JsonText, MAX_JSON_DEPTH};

#[track_caller]
fn check(text: &[u8], is_json: bool) {
    let parsed = JsonText::parse(Bytes::copy_from_slice(text));
    assert_eq!(parsed.is_ok(), is_json, "{} → {parsed:?}", String::from_utf8_lossy(text));
    if let Ok(parsed) = parsed {
        assert_eq!(parsed.value(), serde_json::from_slice::<serde_json::Value>(text).expect("readable"));
    }
}

#[test]
fn json_is_taken() {
    check(br#" {"a":[1,-2.5,1e3,true,null,"\u00e4\ud83d\ude00"]} "#, true);
    check(b"null", true);
    check(b"18446744073709551615", true);
}

#[test]
fn what_would_fail_later_is_refused_now() {
    for text in [
        &b""[..],
        b"{",
        b"{\"a\":1}}",
        b"{\"a\":1} x",
        b"[1,]",
        b"'a'",
        b"NaN",
        b"1e999",
        br#""\ud800""#,
        br#"{"\ud800":1}"#,
        b"\"\xff\"",
        b"\"\x01\"",
        br#"{"$serde_json::private::RawValue":"x"}"#,
        br#"[{"a":{"\u0024serde_json::private::Number":"1"}}]"#,
    ] {
        check(text, false);
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    check(&nested(MAX_JSON_DEPTH), true);
    check(&nested(MAX_JSON_DEPTH + 1), false);
    check(&nested(1_000_000), false);
    check("{\"a\":".repeat(200).as_bytes(), false);
}
