//! Published vectors, and what must never verify.

use hyper::header::{HeaderName, HeaderValue};
use repeatable::Mutations;
use tenon_capture::trigger::{Auth, Trigger};

use super::*;

/// A published example: who signed what, when.
struct Vector {
    auth: &'static str,
    secret: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// Unix seconds.
    at: i64,
}

/// The reference libraries of standardwebhooks.com.
const STANDARD_WEBHOOKS: Vector = Vector {
    auth: "scheme: standard-webhooks",
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    headers: &[
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ],
    body: r#"{"test": 2432232314}"#,
    at: 1_614_265_330,
};

/// GitHub's documentation, "Validating webhook deliveries".
const GITHUB: Vector = Vector {
    auth: "scheme: github",
    secret: "It's a Secret to Everybody",
    headers: &[(
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    )],
    body: "Hello, World!",
    at: 0,
};

/// The tests of Stripe's own library for .NET.
const STRIPE: Vector = Vector {
    auth: "scheme: stripe",
    secret: "webhook_secret",
    headers: &[(
        "stripe-signature",
        "t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef",
    )],
    body: r#"{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "cus_123",
      "object": "customer",
      "created": 123456789,
      "email": "test@stripe.com",
      "livemode": false,
      "metadata": {}
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "customer.created"
}
"#,
    at: 1_533_204_620,
};

/// Slack's documentation, "Verifying requests from Slack".
const SLACK: Vector = Vector {
    auth: "scheme: slack",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    headers: &[
        ("x-slack-request-timestamp", "1531420618"),
        ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ],
    body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    at: 1_531_420_618,
};

/// The same as Slack's, described; and two of RFC 4231 and RFC 2202 for the other hashes.
const DESCRIBED: Vector = Vector {
    auth: "scheme: hmac, header: X-Slack-Signature, prefix: v0=, timestamp: x-slack-request-timestamp, signed: 'v0:{timestamp}:{body}'",
    ..SLACK
};
const SHA512: Vector = Vector {
    auth: "scheme: hmac, header: x-signature, algorithm: sha512",
    secret: "Jefe",
    headers: &[(
        "x-signature",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    )],
    body: "what do ya want for nothing?",
    at: 0,
};
const SHA1_BASE64: Vector = Vector {
    auth: "scheme: hmac, header: x-signature, algorithm: sha1, encoding: base64",
    headers: &[("x-signature", "7/zfauXrL6LSdBbV8YTfnCWafHk=")],
    ..SHA512
};

const ALL: [&Vector; 7] = [&STANDARD_WEBHOOKS, &GITHUB, &STRIPE, &SLACK, &DESCRIBED, &SHA512, &SHA1_BASE64];

// === impl Vector ===

impl Vector {
    fn signature(&self) -> Signature {
        let document =
            format!("kind: webhook\npath: a\nauth: {{ kind: signature, secret: s, {} }}\n", self.auth);
        match Trigger::parse(&document) {
            Ok(Trigger::Webhook(webhook)) => match webhook.auth {
                Auth::Signature(signature) => *signature,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn request(&self) -> Request {
        let texts = self.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Request { headers: texts.collect(), body: self.body.to_owned().into_bytes() }
    }

    fn verify(&self, secrets: &[&str], request: &Request, seconds: i64) -> Result<Delivery, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { continue };
            headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
        }
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let path = "/hooks/default/a";
        let signed = Signed { headers: &headers, method: "POST", path, parameters: &[], body: &request.body };
        verify(&self.signature(), &secrets, &signed, Timestamp(seconds * 1_000_000))
    }

    fn verify_now(&self, request: &Request) -> Result<Delivery, Refusal> {
        self.verify(&[self.secret], request, self.at)
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Request {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[test]
fn published_vectors_verify() {
    for vector in ALL {
        let found = vector.verify_now(&vector.request());
        assert!(found.is_ok(), "{}: {found:?}", vector.auth);
    }
}

#[test]
fn a_thousand_mutated_ones_do_not() {
    let mut mutations = Mutations::new(20_261_122);
    let mut refused = 0;
    while refused < 1_000 {
        let vector = ALL[mutations.below(ALL.len())];
        let mut whole = vector.request();
        for (_, value) in &mut whole.headers {
            // What Stripe says for other schemes does not count, however it is changed.
            value.truncate(value.find(",v0=").unwrap_or(value.len()));
        }
        let mut request = whole.clone();
        let mut secret = vector.secret.to_owned();
        match mutations.below(4) {
            0 => mutations.change(&mut request.body),
            1 => {
                // A bit of the secret's own text: for Standard Webhooks behind its prefix.
                let mut bytes = secret.into_bytes();
                let place = 6 % bytes.len() + mutations.below(bytes.len() - 6 % bytes.len());
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                secret = String::from_utf8(bytes).expect("ASCII");
            }
            2 => {
                let place = mutations.below(request.headers.len());
                let mut bytes = request.headers[place].1.clone().into_bytes();
                mutations.change(&mut bytes);
                request.headers[place].1 = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => {
                let place = mutations.below(request.headers.len());
                request.headers.remove(place);
            }
        }
        if is_same_claim(vector, &request, &whole) && secret == vector.secret {
            continue;
        }
        let found = vector.verify(&[&secret], &request, vector.at);
        assert!(found.is_err(), "{} takes {request:?} with {secret}", vector.auth);
        refused += 1;
    }
}

/// Some changes change nothing that counts: the case of hexadecimal digits, and empty items in Stripe's list.
fn is_same_claim(vector: &Vector, request: &Request, whole: &Request) -> bool {
    if request.body != whole.body || request.headers.len() != whole.headers.len() {
        return false;
    }
    let has_base64 = vector.auth.contains("base64") || vector.auth.contains("standard");
    let counts = |(_, value): &(String, String)| {
        if has_base64 {
            return value.clone();
        }
        let items = value.split(',').filter(|item| !item.is_empty());
        items.collect::<Vec<_>>().join(",").to_ascii_lowercase()
    };
    let of = |request: &Request| request.headers.iter().map(counts).collect::<Vec<_>>();
    of(request) == of(whole)
}

#[test]
fn any_of_several_secrets_and_signatures_will_do() {
    let vector = STANDARD_WEBHOOKS;
    let other = "whsec_c2VjcmV0LW9mLWEtcm90YXRlZC1lbmRwb2ludA==";
    let with = |secrets: &[&str]| vector.verify(secrets, &vector.request(), vector.at);
    assert!(with(&[other, vector.secret]).is_ok() && with(&[vector.secret, other]).is_ok());
    assert_eq!(with(&[other]), Err(Refusal::Wrong));
    assert_eq!(with(&["whsec_"]), Err(Refusal::UnusableKey), "anybody can sign with nothing");
    assert_eq!(with(&["whsec_not base64"]), Err(Refusal::UnusableKey));
    for secrets in [["whsec_not base64", vector.secret], [vector.secret, "whsec_not base64"]] {
        assert!(with(&secrets).is_ok(), "a secret that is none does not break the other");
    }
    let mut request = vector.request();
    request.headers[2].1 = format!("v1a,AAAA v1,AAAA {}", request.headers[2].1);
    assert!(vector.verify_now(&request).is_ok());
    request.headers[2].1 = format!("{}{}", "v1,AAAA ".repeat(16), request.headers[2].1);
    assert_eq!(vector.verify_now(&request), Err(Refusal::Wrong), "at most 16 are looked at");
}

#[test]
fn timestamps_count_within_the_tolerance_to_both_sides() {
    for vector in [&STANDARD_WEBHOOKS, &STRIPE, &SLACK, &DESCRIBED] {
        let at = |seconds: i64| vector.verify(&[vector.secret], &vector.request(), vector.at + seconds);
        assert!(at(300).is_ok() && at(-300).is_ok(), "{}", vector.auth);
        assert_eq!(at(301), Err(Refusal::Stale(301)));
        assert_eq!(at(-301), Err(Refusal::Stale(-301)));
        let forged = vector.verify(&["b3RoZXI="], &vector.request(), vector.at + 301);
        assert_eq!(forged, Err(Refusal::Wrong), "who cannot sign learns nothing about time");
    }
}

#[test]
fn a_repeat_has_the_same_key_and_another_delivery_another() {
    let key = |vector: &Vector, request: &Request| vector.verify_now(request).expect("signed").key;
    assert_eq!(key(&STANDARD_WEBHOOKS, &STANDARD_WEBHOOKS.request()), "id:msg_p5jXN8AQM9LWM0D4loKWxJek");
    let mut shouted = GITHUB.request();
    shouted.headers[0].1 =
        format!("sha256={}", shouted.headers[0].1.trim_start_matches("sha256=").to_ascii_uppercase());
    assert_eq!(key(&GITHUB, &shouted), key(&GITHUB, &GITHUB.request()), "not the text of the signature");
    assert_ne!(key(&GITHUB, &GITHUB.request()), key(&SLACK, &SLACK.request()));
}

/// The same bytes are signed, cut at another place.
#[test]
fn what_is_signed_can_be_cut_in_one_way_only() {
    let vector = STANDARD_WEBHOOKS;
    let mut request = vector.request();
    let (id, at) = (request.headers[0].1.clone(), request.headers[1].1.clone());
    request.headers[0].1 = format!("{id}.{at}");
    assert!(
        matches!(vector.verify_now(&request), Err(Refusal::Malformed(detail)) if detail.contains("separates"))
    );
    for (auth, id, is_bounded) in [
        ("scheme: hmac, header: x-signature, id: x-id, signed: '{id}.{body}'", "d1.mail=a", false),
        ("scheme: hmac, header: x-signature, id: x-id, signed: '{id}.{body}'", "d1", true),
        ("scheme: hmac, header: x-signature, id: x-id, signed: '{id}::{body}'", "d1:", false),
        ("scheme: hmac, header: x-signature, id: x-id, signed: '{body}::{id}'", ":d1", false),
        ("scheme: hmac, header: x-signature, id: x-id, signed: '{id}::{body}'", "d:1", true),
    ] {
        let named = Vector { auth, ..SHA512 };
        let mut request = named.request();
        request.headers.push(("x-id".to_owned(), id.to_owned()));
        let found = named.verify_now(&request);
        let is_refused = matches!(&found, Err(Refusal::Malformed(detail)) if detail.contains("x-id") && detail.contains("separates"));
        assert_eq!(is_refused, !is_bounded, "{auth}, {id}: {found:?}");
    }
}

#[test]
fn headers_come_once() {
    let mut twice = GITHUB.request();
    twice.headers.push(twice.headers[0].clone());
    assert!(matches!(GITHUB.verify_now(&twice), Err(Refusal::Malformed(detail)) if detail.contains("twice")));
    let none = Request { headers: Vec::new(), ..GITHUB.request() };
    assert!(
        matches!(GITHUB.verify_now(&none), Err(Refusal::Malformed(detail)) if detail.contains("missing"))
    );
}

/// Random changes that are the same in each run.
mod repeatable {
    pub(super) struct Mutations(u64);

    impl Mutations {
        pub(super) fn new(seed: u64) -> Self {
            Self(seed)
        }

        /// SplitMix64.
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }

        pub(super) fn below(&mut self, end: usize) -> usize {
            (self.next() % end as u64) as usize
        }

        /// Another byte, one byte less or one more.
        pub(super) fn change(&mut self, bytes: &mut Vec<u8>) {
            let place = self.below(bytes.len());
            let byte = b'!' + self.below(90) as u8;
            match self.below(3) {
                0 => bytes[place] = byte,
                1 => {
                    bytes.remove(place);
                }
                _ => bytes.insert(place, byte),
            }
        }
    }
}
