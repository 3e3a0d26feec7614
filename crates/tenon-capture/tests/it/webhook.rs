//! Webhook documents: callers, paths with parameters, limits; and what is said about what cannot be.

use std::time::Duration;

use tenon_capture::trigger::{
    Algorithm, Auth, Challenge, Encoding, HookPath, Needs, Part, RateLimit, Scheme, Trigger, Webhook,
};

fn webhook(source: &str) -> Webhook {
    match Trigger::parse(source) {
        Ok(Trigger::Webhook(webhook)) => *webhook,
        other => panic!("{other:?}"),
    }
}

fn with_auth(auth: &str) -> String {
    format!("kind: webhook\npath: a\nauth: {{ {auth} }}\n")
}

#[track_caller]
fn refused(source: &str, code: &str, pointer: &str) {
    let findings = Trigger::parse(source).expect_err("must be refused");
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.pointer.as_str())).collect();
    assert_eq!(found, [(code, pointer)], "{source}: {findings:#?}");
}

#[track_caller]
fn auth_refused(auth: &str, code: &str, pointer: &str) {
    refused(&with_auth(auth), code, pointer);
}

#[test]
fn callers_are_described() {
    let auth = |text: &str| webhook(&with_auth(text)).auth;
    let secrets = vec!["s".to_owned()];
    assert_eq!(
        auth("kind: basic, user: shop, secret: s"),
        Auth::Basic { user: "shop".to_owned(), secrets: secrets.clone() }
    );
    let header = Some("x-token".to_owned());
    assert_eq!(auth("kind: bearer, header: X-Token, secret: s"), Auth::Bearer { header, secrets });
    let Auth::Signature(signature) = auth("kind: signature, scheme: github, secrets: [new, old]") else {
        panic!("a signature");
    };
    assert_eq!((signature.scheme.clone(), signature.header()), (Scheme::GitHub, "x-hub-signature-256"));
    assert_eq!(signature.secrets, ["new", "old"]);
    assert_eq!((signature.tolerance, signature.suppresses_replays), (Duration::from_mins(5), true));
    let hook = webhook(
        "kind: webhook\npath: a\nauth: { kind: bearer, secret: s }\nchallenge: { kind: meta, secret: t }\n",
    );
    assert_eq!(hook.challenge, Some(Challenge::Meta { secrets: vec!["t".to_owned()] }));
    assert_eq!(Trigger::Webhook(Box::new(hook)).secrets(), ["s", "t"]);
}

#[test]
fn a_generic_signature_describes_itself() {
    let of = |text: &str| {
        let source = with_auth(&format!("kind: signature, scheme: hmac, secret: s, header: X-Sig{text}"));
        match webhook(&source).auth {
            Auth::Signature(signature) => match signature.scheme {
                Scheme::Hmac(hmac) => hmac,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let plain = of("");
    assert_eq!(
        (plain.header.as_str(), plain.algorithm, plain.encoding),
        ("x-sig", Algorithm::Sha256, Encoding::Hex)
    );
    assert_eq!(plain.signed, [Part::Body]);
    let dot = || Part::Text(".".to_owned());
    assert_eq!(of(", timestamp: x-at").signed, [Part::Timestamp, dot(), Part::Body]);
    assert_eq!(
        of(", timestamp: x-at, id: x-id").signed,
        [Part::Id, dot(), Part::Timestamp, dot(), Part::Body]
    );
    let whole = of(", algorithm: sha512, encoding: base64, prefix: 'v1=', signed: '{method} {path}|{body}'");
    let signed =
        [Part::Method, Part::Text(" ".to_owned()), Part::Path, Part::Text("|".to_owned()), Part::Body];
    assert_eq!(
        (whole.algorithm, whole.encoding, whole.prefix.as_str()),
        (Algorithm::Sha512, Encoding::Base64, "v1=")
    );
    assert_eq!(whole.signed, signed);
}

#[test]
fn what_proves_nothing_is_refused() {
    auth_refused("kind: basic, secret: s", "TN0502", "/auth/user");
    auth_refused("kind: basic, user: 'a:b', secret: s", "TN0530", "/auth/user");
    auth_refused("kind: bearer", "TN0502", "/auth/secret");
    auth_refused("kind: bearer, secret: 'not a name'", "TN0530", "/auth/secret");
    auth_refused("kind: bearer, secret: a, secrets: [b]", "TN0530", "/auth/secrets");
    auth_refused("kind: bearer, secrets: []", "TN0530", "/auth/secrets");
    auth_refused("kind: bearer, secrets: [a, b, c, d, e]", "TN0530", "/auth/secrets");
    auth_refused("kind: bearer, secret: a, header: 'x y'", "TN0530", "/auth/header");
    auth_refused("kind: key, secret: a", "TN0501", "/auth/secret");
    auth_refused("kind: signature, secret: a", "TN0502", "/auth/scheme");
    auth_refused("kind: signature, scheme: git, secret: a", "TN0504", "/auth/scheme");
    auth_refused("kind: signature, scheme: github, secret: a, header: x", "TN0501", "/auth/header");
    auth_refused("kind: signature, scheme: github, secret: a, tolerance: P2D", "TN0509", "/auth/tolerance");
    auth_refused("kind: signature, scheme: github, secret: a, replays: maybe", "TN0504", "/auth/replays");
    let hmac = |rest: &str, pointer: &str, code: &str| {
        auth_refused(&format!("kind: signature, scheme: hmac, secret: a, {rest}"), code, pointer);
    };
    hmac("prefix: x", "/auth/header", "TN0502");
    hmac("header: x, signed: '{timestamp}'", "/auth/signed", "TN0530");
    hmac("header: x, signed: '{timestamp}.{body}'", "/auth/signed", "TN0530");
    hmac("header: x, timestamp: x-at, signed: '{body}'", "/auth/signed", "TN0530");
    hmac("header: x, id: x-id, signed: '{body}'", "/auth/signed", "TN0530");
    hmac("header: x, signed: '{body}{bodies}'", "/auth/signed", "TN0530");
    hmac("header: x, algorithm: md5", "/auth/algorithm", "TN0504");
}

#[test]
fn paths_may_have_parameters() {
    let path = |text: &str| webhook(&format!("kind: webhook\npath: '{text}'\nauth: none\n")).path;
    let segments = |text: &'static str| text.split('/').map(Into::into).collect::<Vec<_>>();
    let pattern: HookPath = path("shop/{shop}/orders/{id}");
    assert!(!pattern.is_literal() && path("shop/orders").is_literal());
    assert!(pattern.takes(&segments("shop/acme/orders/7")));
    for other in ["shop/acme/orders", "shop/acme/orders/7/8", "shop//orders/7", "Shop/acme/orders/7"] {
        assert!(!pattern.takes(&segments(other)), "{other}");
    }
    let values = pattern.values(&segments("shop/acme/orders/7"));
    assert_eq!((&values["shop"], &values["id"]), (&"acme".into(), &"7".into()));
    assert_eq!(pattern.shape(), path("shop/{a}/orders/{b}").shape());
    assert_ne!(pattern.shape(), path("shop/{a}/orders/b").shape());
    assert!(path("shop/{b}").rank() < path("{a}/orders").rank());
    let trigger = Trigger::parse("kind: webhook\npath: 'a/{b}'\nauth: none\n").expect("valid");
    assert_eq!(trigger.keys(), ["@path"]);
    assert_eq!(trigger.url("default").as_deref(), Some("/hooks/default/a/{b}"));
}

#[test]
fn unknown_parameters_are_said() {
    let with = |rest: &str| format!("kind: webhook\npath: 'a/{{id}}'\nauth: none\n{rest}\n");
    refused(&with("emits: { subject: '${ .params.ID }' }"), "TN0534", "/emits/subject");
    refused(&with("emits: { data: { a: ['${ .params[\"x\"] }'] } }"), "TN0534", "/emits/data/a/0");
    refused(&with("dedupKey: '${ .params.key }'"), "TN0534", "/dedupKey");
    refused("kind: webhook\npath: a\nauth: none\ndedupKey: '${ .params.id }'\n", "TN0534", "/dedupKey");
    let known = webhook(&with("emits: { subject: '${ .params.id }', data: '${ .body.params.x }' }"));
    assert!(known.needs.has(Needs::PARAMS) && known.needs.has(Needs::BODY) && !known.needs.has(Needs::PATH));
}

#[test]
fn limits_pages_and_masks() {
    let with = |rest: &str| format!("kind: webhook\npath: a\nauth: none\n{rest}\n");
    let limit = |text: &str| webhook(&with(&format!("rateLimit: {{ {text} }}"))).rate_limit;
    let second = Duration::from_secs(1);
    assert_eq!(limit("limit: 5"), Some(RateLimit { limit: 5, per: second, burst: 5 }));
    let minute = Duration::from_mins(1);
    assert_eq!(limit("limit: 5, per: PT1M, burst: 9"), Some(RateLimit { limit: 5, per: minute, burst: 9 }));
    refused(&with("rateLimit: {}"), "TN0502", "/rateLimit/limit");
    refused(&with("rateLimit: { limit: 0 }"), "TN0531", "/rateLimit/limit");
    refused(&with("rateLimit: { limit: 1, burst: 1.5 }"), "TN0531", "/rateLimit/burst");
    refused(&with("rateLimit: { limit: 1, per: P2D }"), "TN0509", "/rateLimit/per");
    let cors = webhook(&with("cors: { origins: [https://Shop.example] }")).cors.expect("given");
    assert_eq!(cors.headers, ["content-type"]);
    assert_eq!(cors.allows("https://shop.example"), Some("https://shop.example"));
    assert_eq!(cors.allows("http://shop.example"), None);
    refused(&with("cors: {}"), "TN0503", "/cors/origins");
    refused(&with("cors: { origins: ['https://a/b'] }"), "TN0532", "/cors/origins/0");
    refused(&with("cors: { origins: ['*'], header: x }"), "TN0501", "/cors/header");
    assert_eq!(webhook(&with("mask: [/body/card]")).mask, ["/body/card"]);
    refused(&with("mask: [/bodies]"), "TN0533", "/mask/0");
    refused(&with("mask: [body/card]"), "TN0533", "/mask/0");
    assert!(!webhook(&with("captures: false")).captures && webhook(&with("")).captures);
    refused(&with("captures: 'no'"), "TN0503", "/captures");
    refused(&with("challenge: telegram"), "TN0504", "/challenge");
    refused(&with("challenge: { kind: meta }"), "TN0502", "/challenge/secret");
}
