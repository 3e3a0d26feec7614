//! Calls, credentials, errors, retries, events.

use super::{advises, rule};

fn call(with: &str) -> String {
    format!(
        "use: {{secrets: [s]}}\ndo:\n  - a:\n      call: http\n      with: {{endpoint: https://x.example, {with}}}\n"
    )
}

fn get(with: &str) -> String {
    call(&format!("method: get, {with}"))
}

fn address(address: &str) -> String {
    format!(
        "use: {{secrets: [s]}}\ndo:\n  - a:\n      call: http\n      with: {{method: get, endpoint: '{address}'}}\n"
    )
}

#[track_caller]
fn check(code: &str, bad: &[String], good: &[String]) {
    rule(
        code,
        &bad.iter().map(String::as_str).collect::<Vec<_>>(),
        &good.iter().map(String::as_str).collect::<Vec<_>>(),
    );
}

fn caught(body: &str, catch: &str) -> String {
    format!("do:\n  - a:\n      try: [{body}]\n      catch: {catch}\n")
}

const CALL: &str = "c: {call: http, with: {method: get, endpoint: https://x.example}}";
const STANDARD: &str = "https://open-workflow-specification.org/spec/1.0.0/errors/";

#[test]
fn credentials_in_the_document() {
    check(
        "TN1560",
        &[
            get("headers: {authorization: Basic abc}"),
            get("headers: {X-API-Key: '${ \"abc\" }'}"),
            get("query: {api_key: abc}"),
            address("https://user:pass@x.example"),
            address("https://x.example?access_token=abc"),
            get("body: {note: ghp_abcdefghijklmnopqrstuvwxyz0123456789}"),
            "do:\n  - a: {call: http, with: {method: get, endpoint: {uri: https://x.example, authentication: {basic: {username: a, password: b}}}}}\n".to_owned(),
            "use: {authentications: {p: {oauth2: {authority: https://x.example, grant: client_credentials, client: {id: a, secret: b}}}}}\ndo: [a: {wait: PT1S}]\n".to_owned(),
        ],
        &[
            get("headers: {authorization: '${ \"Bearer \" + $secrets.s }'}"),
            get("headers: {accept: text/csv}"),
            get("query: {page: '1', monkey: x}"),
            address("https://x.example?token={token}"),
            address("https://x.example/token"),
            get("body: {note: ghp_short}"),
            "use: {authentications: {p: {oauth2: {authority: https://x.example, endpoints: {token: /auth/token}, grant: client_credentials, client: {id: a, secret: '${ $secrets.s }'}}}}, secrets: [s]}\ndo: [a: {wait: PT1S}]\n".to_owned(),
        ],
    );
}

#[test]
fn credentials_in_data_and_addresses() {
    check(
        "TN1561",
        &[get("headers: {authorization: '${ .token }'}")],
        &[get("headers: {authorization: '${ $secrets.s }'}"), get("headers: {authorization: Basic abc}")],
    );
    check(
        "TN1562",
        &[get("query: {key: '${ $secrets.s }'}"), address("${ \"https://x.example/\" + $secrets.s }")],
        &[get("headers: {x-key: '${ $secrets.s }'}")],
    );
}

#[test]
fn addresses_in_plain_text() {
    check(
        "TN1563",
        &[address("http://x.example"), address("HTTP://8.8.8.8/a")],
        &[
            address("https://x.example"),
            address("http://127.0.0.1:7071/a"),
            address("http://[::1]/a"),
            address("http://crm/a"),
            address("http://crm.internal/a"),
            address("http://10.0.0.7/a"),
            address("http://a.b.svc.cluster.local/"),
            address("{host}"),
        ],
    );
}

#[test]
fn requests() {
    check(
        "TN1568",
        &[get("body: {x: 1}"), call("method: HEAD, body: x")],
        &[call("method: post, body: x"), get("query: {x: '1'}")],
    );
    check(
        "TN1569",
        &[get("headers: {Accept: a, accept: b}")],
        &[get("headers: {Accept: a, Accept-Language: b}")],
    );
    let key =
        |method: &str, key: &str| call(&format!("method: {method}, headers: {{Idempotency-Key: {key}}}"));
    check(
        "TN1570",
        &[key("post", "a"), key("patch", "'${ \"a\" }'"), key("post", "7")],
        &[key("post", "'${ .id }'"), key("get", "a"), key("post", "''")],
    );
    check(
        "TN1567",
        &[get("redirect: true")],
        &[get("redirect: true, output: response"), get("redirect: false")],
    );
}

#[test]
fn unsafe_retries() {
    let post = |headers: &str, method: &str| {
        format!(
            "do:\n  - a:\n      try:\n        - c:\n            call: http\n            with: {{method: {method}, endpoint: 'https://x.example', headers: {{{headers}}}}}\n      catch: {{retry: {{limit: {{attempt: {{count: 2}}}}}}}}\n"
        )
    };
    advises(
        &post("idempotency-key: ''", "post"),
        &["11 /do/0/a/try/0/c/with/headers/idempotency-key TN1504"],
    );
    check(
        "TN1504",
        &[post("Idempotency-Key: ''", "PATCH")],
        &[
            post("Idempotency-Key: '${ .k }'", "post"),
            post("Idempotency-Key: ''", "get"),
            post("x: y", "post"),
        ],
    );
}

#[test]
fn retry_policies() {
    let retry = |policy: &str| caught(CALL, &format!("{{retry: {{{policy}}}}}"));
    check(
        "TN1508",
        &[retry("limit: {duration: PT1H}"), retry("limit: {attempt: {duration: PT1S}}")],
        &[
            retry("delay: PT5S, limit: {duration: PT1H}"),
            retry("limit: {duration: PT1H, attempt: {count: 5}}"),
            retry(""),
        ],
    );
    check("TN1555", &[retry(""), retry("delay: PT1S")], &[retry("limit: {duration: PT1H}")]);
    check(
        "TN1556",
        &[
            retry("limit: {attempt: {count: 0}}"),
            retry("delay: PT2M, limit: {duration: PT1M}"),
            retry("limit: {attempt: {count: 3, duration: PT2M}, duration: PT1M}"),
            retry("delay: PT1S, jitter: {from: PT2S, to: PT1S}, limit: {attempt: {count: 3}}"),
            retry("backoff: {exponential: {}}, limit: {attempt: {count: 3}}"),
        ],
        &[retry(
            "delay: PT1S, backoff: {linear: {}}, jitter: {from: PT0S, to: PT1S}, limit: {attempt: {count: 3, duration: PT10S}, duration: PT1M}",
        )],
    );
}

#[test]
fn catches() {
    check(
        "TN1550",
        &[caught(CALL, "{}"), caught(CALL, "{as: e, then: continue}"), caught(CALL, "{do: []}")],
        &[
            caught(CALL, "{when: $error.status == 404}"),
            caught(CALL, "{do: [b: {set: {x: 1}}]}"),
            caught(CALL, "{then: end}"),
            caught(CALL, "{retry: {limit: {attempt: {count: 1}}}}"),
        ],
    );
    let filter = |body: &str, with: &str| caught(body, &format!("{{errors: {{with: {{{with}}}}}}}"));
    let raise = format!("r: {{raise: {{error: {{type: {STANDARD}validation, status: 400}}}}}}");
    let own = "r: {raise: {error: {type: https://a.example/e, status: 409}}}";
    let set = "s: {set: {x: 1}}";
    check(
        "TN1551",
        &[
            filter(set, &format!("type: {STANDARD}communication")),
            filter(CALL, &format!("type: {STANDARD}validation")),
            filter(CALL, "type: https://a.example/e"),
            filter(own, "type: https://a.example/f"),
        ],
        &[
            filter(CALL, &format!("type: {STANDARD}communication")),
            filter(CALL, &format!("type: {STANDARD}timeout")),
            filter(&raise, &format!("type: {STANDARD}validation")),
            filter(own, "type: https://a.example/e"),
            filter(set, &format!("type: {STANDARD}expression")),
            filter("s: {set: {x: 1}, timeout: {after: PT1S}}", &format!("type: {STANDARD}timeout")),
            filter("r: {raise: {error: {type: '${ .t }', status: 409}}}", "type: https://a.example/e"),
            filter(
                "w: {run: {workflow: {namespace: a, name: b, version: latest}}}",
                "type: https://a.example/e",
            ),
        ],
    );
    check(
        "TN1553",
        &[
            filter(CALL, &format!("type: {STANDARD}timeout, status: 500")),
            filter(own, "type: https://a.example/e, status: 404"),
            format!("do:\n  - r: {{raise: {{error: {{type: {STANDARD}timeout, status: 500}}}}}}\n"),
        ],
        &[
            filter(CALL, &format!("type: {STANDARD}communication, status: 404")),
            filter(own, "type: https://a.example/e, status: 409"),
            format!("do:\n  - r: {{raise: {{error: {{type: {STANDARD}communication, status: 503}}}}}}\n"),
        ],
    );
}

#[test]
fn types_of_errors() {
    let filter = |kind: &str| caught(CALL, &format!("{{errors: {{with: {{type: '{kind}'}}}}}}"));
    check(
        "TN1552",
        &[
            filter("communication"),
            filter("https://serverlessworkflow.io/dsl/errors/types/communication"),
            filter(&format!("{STANDARD}timeot")),
        ],
        &[
            filter(&format!("{STANDARD}timeout")),
            filter("https://serverlessworkflow.io/errors/not-implemented"),
            filter("https://acme.example/errors/timeout"),
        ],
    );
    check(
        "TN1554",
        &[filter("https://open-workflow-specification.org/dsl/errors/types/timeout")],
        &[filter(&format!("{STANDARD}timeout"))],
    );
}

#[test]
fn events() {
    let on = |filter: &str, rest: &str| {
        format!("schedule: {{on: {{one: {{with: {{{filter}}}}}}}}}\ndo:\n  - a: {rest}\n")
    };
    let emit = "{emit: {event: {with: {type: com.acme.a, source: https://a.example}}}}";
    check(
        "TN1585",
        &[
            on("type: com.acme.a", emit),
            on("type: 'com\\.acme\\..*'", emit),
            format!("schedule: {{on: {{any: []}}}}\ndo:\n  - a: {emit}\n"),
        ],
        &[
            on("type: com.acme.b", emit),
            on("type: com.acme.a, data: .x > 1", emit),
            on("type: com.acme.a, source: https://b.example", emit),
            format!("do:\n  - a: {emit}\n"),
        ],
    );
    let set = |expression: &str| format!("{{set: {{x: '${{ {expression} }}'}}}}");
    check(
        "TN1525",
        &[
            on("type: a", &set(".id")),
            on("type: a", &set("$workflow.input.id")),
            on("type: a", &set(".x | .y")),
        ],
        &[
            on("type: a", &set(".[0].id")),
            on("type: a", &set("$workflow.input[0].id")),
            format!("input: {{from: '.[0]'}}\n{}", on("type: a", &set(".id"))),
            format!("do:\n  - a: {}\n", set(".id")),
        ],
    );
    check(
        "TN1526",
        &[on("type: a", &set(".[0].data.id")), on("type: a", &set("$workflow.input[0].data"))],
        &[
            on("type: a", &set(".[0].id")),
            on("type: a", &set("$event.data.id")),
            on("type: a", &set(".[0].data.id")).replace("}}}\ndo", "}}, read: envelope}\ndo"),
        ],
    );
    let listen = |filters: &str| format!("do:\n  - a: {{listen: {{to: {{{filters}}}}}}}\n");
    let key = "correlate: {k: {from: .x}}";
    check(
        "TN1587",
        &[listen(&format!("one: {{with: {{type: a}}, {key}}}"))],
        &[
            listen(&format!("all: [{{with: {{type: a}}, {key}}}, {{with: {{type: b}}, {key}}}]")),
            listen("one: {with: {type: a}, correlate: {k: {from: .x, expect: '${ .y }'}}}"),
        ],
    );
    let run = |name: &str| {
        format!("do:\n  - a: {{run: {{workflow: {{namespace: test, name: {name}, version: latest}}}}}}\n")
    };
    check("TN1586", &[run("test")], &[run("other")]);
}
