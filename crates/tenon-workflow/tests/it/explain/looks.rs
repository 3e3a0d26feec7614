//! How an outline looks: Markdown, and texts that try to be more than text.

use insta::assert_snapshot;
use tenon_workflow::{Document, ExplanationLine, explain};

use super::valid;
use crate::documents::workflow;

#[test]
fn markdown() {
    let document = valid(&workflow("
schedule: { on: { one: { with: { type: com.acme.order.created } } } }
do:
  - find: { call: http, with: { method: get, endpoint: 'https://crm.example.com/{id}', headers: { A: b } } }
  - size:
      switch:
        - big: { when: .total > 1000, then: end }
        - usual: { then: each }
  - each:
      for: { in: .lines }
      do: [{ one: { try: [{ two: { wait: PT1S } }], catch: { do: [{ three: { set: { x: 1 } } }] } } }]
use: { functions: { f: { do: [{ g: { wait: PT1S } }] } }, extensions: [{ e: { extend: wait, before: [{ h: { set: { x: 1 } } }] } }] }
"));
    assert_snapshot!(explain(&document).markdown(), @r#"
    # test/test 1.0.0

    **When** an event of type `com.acme.order.created` arrives

    1. **find**: GET `https://crm.example.com/{id}`
       - headers: `A` = `"b"`
    2. **size**: choose the first that holds:
       - *big*: if `.total > 1000`, end the workflow
       - *usual*: otherwise go to *each* (3)
    3. **each**: for each `$item` of `.lines`, one after another:
       - 3.1 **one**: try:
         - 3.1.1 **two**: wait 1 s
         - on any error:
           - do, with the input of the try:
             - 3.1.2 **three**: set the data to `x` = `1`

    ## Functions

    - F1 **f**: one after another:
      - F1.1 **g**: wait 1 s

    ## Extensions

    - **e**: around every `wait` task:
      - before it:
        - E1.1 **h**: set the data to `x` = `1`
    "#);
}

#[test]
fn texts_are_no_markup() {
    let document = valid(&workflow("
do:
  - 'a*b_[c](d)<script>': { set: { x: '`tick` ${y}' }, metadata: { title: '**bold** <b>', description: '1. no list' } }
  - '': { set: { '`': '``' }, metadata: { description: '- no list | $x$' } }
  - tick: { set: '${ \"`\" }', if: \". == \\\"`a`\\\"\" }
"));
    assert_snapshot!(explain(&document).markdown(), @r#"
    # test/test 1.0.0

    **When** somebody or another workflow starts it

    1. **\*\*bold\*\* \<b\>** (*a\*b\_\[c\](d)\<script\>*): set the data to `x` = ``"`tick` ${y}"``
       - 1\. no list
    2. **(no name)**: set the data to `` ` `` = ```"``"```
       - \- no list \| \$x\$
    3. **tick**: if ``. == "`a`"``, set the data to ``"`"``
    "#);
}

#[test]
fn nothing_moves_the_cursor() {
    let hostile = "do:\n  - \"a\\e[31mb\\u202ec\\u2066\\a\": { set: { x: \"\\e]0;title\\a\" }, metadata: { title: \"t\\r\\nx\\e\" } }\n";
    let explanation = explain(&valid(&workflow(hostile)));
    for text in [explanation.text(), explanation.markdown()] {
        let bad = |letter: char| {
            letter != '\n' && (letter.is_control() || ('\u{202a}'..='\u{2069}').contains(&letter))
        };
        assert!(!text.contains(bad), "{text:?}");
    }
}

#[test]
fn lines_for_programs() {
    let explanation = explain(&valid(&workflow("do: [{ a: { do: [{ b: { wait: PT1S } }] } }]\n")));
    let line = |depth, number: Option<&str>, pointer: Option<&str>, text: &str| ExplanationLine {
        depth,
        number: number.map(str::to_owned),
        pointer: pointer.map(str::to_owned),
        text: text.to_owned(),
    };
    assert_eq!(
        explanation.lines(),
        [
            line(0, None, None, "test/test 1.0.0"),
            line(0, None, None, "When somebody or another workflow starts it"),
            line(0, Some("1"), Some("/do/0/a"), "a: one after another:"),
            line(1, Some("1.1"), Some("/do/0/a/do/0/b"), "b: wait 1 s"),
        ]
    );
}

#[test]
fn fields_that_no_sentence_knows_are_listed() {
    // Not valid, but so would a field of a later version of the table look.
    let document = Document::parse(&workflow(
        "
do:
  - a: { call: http, with: { method: get, endpoint: 'https://x.example', novel: 7 }, newer: { b: '${ .c }' } }
",
    ))
    .expect("it is YAML");
    let text = explain(&document).text();
    assert!(text.contains("- novel: 7\n") && text.contains("- newer: b = `.c`\n"), "{text}");
}

#[test]
fn anything_that_parses_is_told_without_a_panic() {
    for source in [
        "7",
        "[]",
        "{}",
        "do: 1",
        "do: [1, {}, {a: 1}, {b: {}}]",
        "document: []\nuse: [x]\nschedule: {on: 1}",
    ] {
        let document = Document::parse(source).expect("it is YAML");
        let explanation = explain(&document);
        assert_eq!(explanation.text().is_empty(), explanation.lines().is_empty(), "{source}");
    }
}

#[test]
fn the_guide_shows_what_is_said() {
    let read = |path: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let said = explain(&valid(&read("examples/orders/workflows/order-to-crm.yaml"))).text();
    let block = format!("```text\n{said}```\n");
    assert!(read("docs/workflow-language.md").contains(&block), "the guide should show\n{block}");
}

#[test]
fn what_is_used_often_is_told_once_if_it_is_long() {
    let scopes = crate::documents::many(2_000, |number| format!("s{number}, "));
    let tasks = crate::documents::many(500, |number| {
        format!(
            "  - t{number}: {{ call: http, with: {{ method: get, endpoint: {{ uri: 'http://x', authentication: {{ use: a }} }} }} }}\n"
        )
    });
    let policy = format!("{{ authority: 'http://x', grant: client_credentials, scopes: [{scopes}] }}");
    let document =
        workflow(&format!("use: {{ authentications: {{ a: {{ oauth2: {policy} }} }} }}\ndo:\n{tasks}"));
    let document = Document::parse(&document).expect("it is YAML");
    let text = explain(&document).text();
    assert_eq!(text.matches("for the scopes s0, s1,").count(), 1);
    assert_eq!(text.matches("authenticates by the policy a: as said before").count(), 499);
    assert!(text.len() < 100_000, "{} bytes", text.len());
}
