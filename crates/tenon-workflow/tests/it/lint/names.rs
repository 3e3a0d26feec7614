//! Names: of definitions, variables, tasks; texts like expressions.

use super::{advises, rule};

const SET: &str = "set: {x: 1}";

#[test]
fn unused_definitions() {
    advises(
        "use:\n  retries: {used: {limit: {attempt: {count: 1}}}, unused: {limit: {attempt: {count: 1}}}}\n  errors: {e: {type: x, status: 400}}\n  timeouts: {t: {after: PT1S}}\ndo:\n  - a:\n      try: [b: {set: {x: 1}}]\n      catch: {retry: used}\n",
        &["7 /use/retries/unused TN1503", "8 /use/errors/e TN1503", "9 /use/timeouts/t TN1503"],
    );
    advises("use: {timeouts: {t: {after: PT1S}}}\ntimeout: t\ndo: [a: {set: {x: 1}}]\n", &[]);
    let call = |with: &str| {
        format!(
            "do:\n  - a: {{call: http, with: {{method: get, endpoint: {{uri: https://x.example{with}}}}}}}\n"
        )
    };
    let policy = "use: {authentications: {p: {bearer: {token: '${ $secrets.s }'}}}, secrets: [s]}\n";
    rule(
        "TN1503",
        &[&format!("{policy}{}", call(""))],
        &[&format!("{policy}{}", call(", authentication: {use: p}"))],
    );
    let secrets = "use: {secrets: [s]}\n";
    let by_use = format!("{secrets}{}", call(", authentication: {bearer: {use: s}}"));
    let by_name = format!("{secrets}{}", call(", authentication: {bearer: {token: '${ $secrets[\"s\"] }'}}"));
    rule("TN1503", &[&format!("{secrets}{}", call(""))], &[&by_use, &by_name]);
    let function = |call: &str| format!("use: {{functions: {{f: {{set: {{x: 1}}}}}}}}\ndo:\n  - a: {call}\n");
    rule("TN1503", &[&function("{set: {x: 1}}")], &[&function("{call: f}")]);
    let extension = |kind: &str| {
        format!(
            "use: {{extensions: [e: {{extend: {kind}, before: [b: {{set: {{x: 1}}}}]}}]}}\ndo: [a: {{wait: PT1S}}]\n"
        )
    };
    rule("TN1503", &[&extension("set"), &extension("call")], &[&extension("wait"), &extension("all")]);
}

#[test]
fn loop_variables() {
    let inside = |item: &str| {
        format!(
            "do:\n  - a:\n      for: {{each: it, in: .x}}\n      do: [b: {{set: {{x: '${{ {item} }}'}}}}]\n"
        )
    };
    let by_while =
        "do:\n  - a:\n      for: {each: it, in: .x}\n      while: $it > 1\n      do: [b: {wait: PT1S}]\n";
    let default = "do:\n  - a:\n      for: {in: .x}\n      do: [b: {wait: PT1S}]\n";
    rule("TN1540", &[&inside(".y")], &[&inside("$it"), by_while, default]);
    let nested = |inner: &str| {
        format!(
            "do:\n  - a:\n      for: {{each: it, in: .x}}\n      do:\n        - b:\n            for: {{each: {inner}, in: $it}}\n            do: [c: {{set: {{x: '${{ ${inner} }}'}}}}]\n"
        )
    };
    rule("TN1541", &[&nested("it"), &nested("steps")], &[&nested("other")]);
    let event = |schedule: &str| {
        format!(
            "{schedule}do:\n  - a: {{listen: {{to: {{any: []}}}}, foreach: {{item: event, do: [b: {{set: {{x: '${{ $event }}'}}}}]}}}}\n"
        )
    };
    rule("TN1541", &[&event("schedule: {on: {any: []}}\n")], &[&event("")]);
}

#[test]
fn texts_like_expressions() {
    advises(
        "do:\n  - a:\n      call: http\n      with:\n        method: post\n        endpoint: https://x.example\n        body: {customer: .customer, fine: '${ .x }', file: .hidden file, price: $5, sum: 'a ${ .b }'}\n",
        &["12 /do/0/a/with/body/customer TN1507", "12 /do/0/a/with/body/sum TN1507"],
    );
    advises("do:\n  - a: {set: {error: $error}}\n", &["7 /do/0/a/set/error TN1507"]);
    let set = |text: &str| format!("do:\n  - a: {{set: {{x: '{text}'}}}}\n");
    rule(
        "TN1507",
        &[&set("{{ .x }}"), &set("${ \"a ${ .x }\" }")],
        &[&set("${ \"a \\(.x)\" }"), &set("{{x}}"), &set("...")],
    );
}

#[test]
fn names_of_tasks() {
    let name = |name: &str| format!("do:\n  - {name}: {{{SET}}}\n");
    rule(
        "TN1590",
        &[&name("say-hello"), &name("\"say hello\""), &name("1st")],
        &[&name("sayHello"), &name("_a1")],
    );
    rule("TN1591", &[&name("exit"), &name("continue")], &[&name("exits")]);
}

#[test]
fn context() {
    let second = |export: &str| {
        format!(
            "do:\n  - a: {{{SET}, export: {{as: '${{ {{one: .x}} }}'}}}}\n  - b: {{{SET}, export: {{as: {export}}}}}\n"
        )
    };
    rule(
        "TN1521",
        &[&second("'${ {two: .x} }'"), &second("{two: '${ .x }'}"), &second(".")],
        &[
            &second("'${ $context + {two: 1} }'"),
            &second("{one: 1, two: 2}"),
            &second("{two: 2, all: '${ $context }'}"),
        ],
    );
    let either = format!(
        "do:\n  - s: {{switch: [x: {{when: .x, then: a}}, y: {{then: b}}]}}\n  - a: {{{SET}, export: {{as: {{one: 1}}}}, then: exit}}\n  - b: {{{SET}, export: {{as: {{two: 2}}}}}}\n"
    );
    rule("TN1521", &[], &[&either]);
    let read = |export: &str| {
        format!("do:\n  - a: {{{SET}{export}}}\n  - b: {{set: {{x: '${{ $context.one }}'}}}}\n")
    };
    rule(
        "TN1522",
        &[&read(""), &read(", export: {as: {two: 2}}")],
        &[&read(", export: {as: {one: 1}}"), &read(", export: {as: '${ . }'}")],
    );
    let fork = |one: &str, two: &str| {
        format!(
            "do:\n  - f: {{fork: {{branches: [a: {{{SET}, export: {{as: {{{one}: 1}}}}}}, b: {{do: [c: {{{SET}, export: {{as: {{{two}: 1}}}}}}]}}]}}}}\n"
        )
    };
    rule("TN1523", &[&fork("k", "k")], &[&fork("k", "l")]);
}
