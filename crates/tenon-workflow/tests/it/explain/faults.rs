//! Errors that are raised and caught, retries.

use insta::assert_snapshot;

use super::{tasks, told};

#[test]
fn raising() {
    assert_snapshot!(told("
use: { errors: { unpaid: { type: 'https://acme.example/unpaid', status: 402, title: '${ .t }' }, unused: { type: about:blank, status: 400 } } }
do:
  - named: { raise: { error: unpaid } }
  - inline: { raise: { error: { type: 'https://open-workflow-specification.org/spec/1.0.0/errors/authorization', status: '${ .s }', detail: no, instance: /do/0/x } } }
"), @r#"
    When somebody or another workflow starts it

    1. named: raise the error unpaid: an error of type https://acme.example/unpaid with status 402, title `.t`
    2. inline: raise an authorization error with status `.s`, detail "no", instance "/do/0/x"

    Defined, but used nowhere:
    - the error unused: an error of type about:blank with status 400
    "#);
}

#[test]
fn catching() {
    assert_snapshot!(tasks("
  - all: { try: [{ a: { wait: PT1S } }], catch: {} }
  - some:
      try: [{ a: { wait: PT1S, then: exit } }]
      catch:
        errors: { with: { type: 'https://serverlessworkflow.io/spec/1.0.0/errors/timeout', status: 408, title: T, detail: D, instance: /do/0 } }
        as: problem
        when: $problem.status > 400
        exceptWhen: .quiet
        do: [{ b: { wait: PT2S, then: exit } }, { c: { try: [{ d: { wait: PT3S } }], catch: { do: [{ e: { wait: PT4S } }] } } }]
        then: all
"), @r#"
    1. all: try:
       1.1 a: wait 1 s
       - on any error:
         - go on with the input of the try as its output
    2. some: try:
       2.1 a: wait 1 s
         - then leave the try
       - on a timeout error with status 408, title "T", detail "D", instance "/do/0" (`$problem`), if `$problem.status > 400`, unless `.quiet`:
         - do, with the input of the try:
           2.2 b: wait 2 s
             - then end the handling of the error
           2.3 c: try:
             2.3.1 d: wait 3 s
             - on any error:
               - do, with the input of the try:
                 2.3.2 e: wait 4 s
         - then go to all (1)
    "#);
}

/// The line about retries of a policy.
fn retry(policy: &str) -> String {
    let told =
        tasks(&format!("  - t: {{ try: [{{ a: {{ wait: PT1S }} }}], catch: {{ retry: {policy} }} }}\n"));
    let line = told.lines().find(|line| line.contains("try again")).unwrap_or_default();
    line.trim_start_matches([' ', '-']).to_owned()
}

#[track_caller]
fn retries(policy: &str, expected: &str) {
    assert_eq!(retry(policy), expected);
}

#[test]
fn delays() {
    retries("{}", "try again up to 10 times, without a pause");
    retries("{ delay: PT2S }", "try again up to 10 times, waiting 2 s before each");
    retries("{ delay: PT2S, limit: { attempt: { count: 1 } } }", "try again once, waiting 2 s");
    retries("{ delay: PT2S, limit: { attempt: { count: 0 } } }", "do not try again");
    retries(
        "{ delay: PT2S, backoff: { constant: {} }, limit: { attempt: { count: 3 } } }",
        "try again up to 3 times, waiting 2 s before each",
    );
    retries(
        "{ delay: PT2S, backoff: { exponential: {} }, limit: { attempt: { count: 4 } } }",
        "try again up to 4 times, waiting 2 s, 4 s, 8 s, 16 s",
    );
    retries(
        "{ delay: PT2S, backoff: { exponential: {} }, limit: { attempt: { count: 5 } } }",
        "try again up to 5 times, waiting 2 s, 4 s, 8 s…",
    );
    retries(
        "{ delay: PT10M, backoff: { linear: {} }, limit: { attempt: { count: 7 } } }",
        "try again up to 7 times, waiting 10 min, 20 min, 30 min…, at most 1 h each",
    );
    retries(
        "{ delay: PT10M, backoff: { linear: {} }, limit: { attempt: { count: 6 } } }",
        "try again up to 6 times, waiting 10 min, 20 min, 30 min…",
    );
    retries(
        "{ delay: PT50M, backoff: { exponential: {} }, limit: { attempt: { count: 2 } } }",
        "try again up to 2 times, waiting 50 min, 1 h, at most 1 h each",
    );
    retries(
        "{ delay: PT1S, backoff: { exponential: {} }, limit: { duration: P1D } }",
        "try again and again, waiting 1 s, 2 s, 4 s…, at most 1 h each, until 1 day after the first failure",
    );
    retries(
        "{ delay: '${ .d }', backoff: { exponential: {} }, jitter: { from: PT0S, to: '${ .j }' } }",
        "try again up to 10 times, waiting `.d` and twice as long each time plus a random 0 s to `.j`, at most 1 h each",
    );
}

#[test]
fn policies() {
    assert_snapshot!(told("
use:
  retries:
    patiently:
      when: $error.status >= 500
      exceptWhen: ${ .hasty }
      delay: { seconds: 2 }
      backoff: { linear: {} }
      jitter: { from: PT0S, to: PT1S }
      limit: { attempt: { count: 5, duration: PT10S }, duration: PT5M }
    unused: { delay: PT1S }
  timeouts: { unused: { after: PT1S } }
do:
  - t: { try: [{ a: { wait: PT1S } }], catch: { retry: patiently, do: [{ b: { wait: PT2S } }] } }
"), @r#"
    When somebody or another workflow starts it

    1. t: try:
       1.1 a: wait 1 s
       - on any error:
         - try again up to 5 times, waiting 2 s, 4 s, 6 s… plus a random 0 s to 1 s, each attempt at most 10 s, until 5 min after the first failure, if `$error.status >= 500`, unless `.hasty` (the policy patiently)
         - when that is over, do, with the input of the try:
           1.2 b: wait 2 s

    Defined, but used nowhere:
    - the retry policy unused: try again up to 10 times, waiting 1 s before each
    - the timeout unused: after 1 s
    "#);
}
