//! The workflow as a whole.

use insta::assert_snapshot;

use super::{executed, told, whole};
use crate::documents::workflow;

#[test]
fn everything_about_a_workflow() {
    assert_snapshot!(executed(whole("
document:
  dsl: '1.0.3'
  namespace: shop
  name: orders
  version: 1.2.0
  title: Handle an order
  summary: |
    Bills and ships
    what was ordered.

    Asks somebody first.
  tags: { team: shop }
  metadata:
    tenon:
      orderingKey: ${ .data.customer }
      dedupKey: .data.id
      dedupFor: PT12H
      concurrency: 10
      rateLimit: { limit: 100, per: PT1S, burst: 200 }
      onFailure: park
      priority: 7
      retention: { jobs: P7D, payloads: P1D }
      mask: [/data/card, /data/ssn]
      respond: { status: '${ if .ok then 200 else 409 end }', headers: { Cache-Control: no-store }, body: { ok: '${ .ok }' } }
    other: free
input: { schema: { document: { type: object } }, from: '.[0]' }
use: { secrets: [a, b] }
timeout: { after: P1D }
schedule:
  on: { one: { with: { type: com.acme.order.created, data: .total > 0 } } }
  read: envelope
do:
  - go: { set: { ok: true } }
output: { as: { done: '${ .ok }' }, schema: { resource: { name: ours, endpoint: 'https://x.example/schema.json' } } }
")), @r#"
    shop/orders 1.2.0: Handle an order

    Bills and ships what was ordered.

    Asks somebody first.

    Tags: team = "shop"

    When an event of type com.acme.order.created whose data satisfies `.total > 0` arrives (in order per `.data.customer`, at most 10 jobs at once, at most 100 started within 1 s and 200 at once)
    - its input lists each whole event, with its envelope
    - its input must be an object
    - its input becomes `.[0]`
    - an event whose `.data.id` came before within 12 h starts no second job
    - a job that faults stops its lane until somebody goes on with it
    - priority 7 (0 to 9, higher first)
    - finished jobs are kept for 7 days and their payloads are kept for 1 day
    - these values of the event are masked in traces and logs: /data/card, /data/ssn
    - callers who wait for the answer get:
      - the status: `if .ok then 200 else 409 end`
      - the headers: Cache-Control = "no-store"
      - the body: ok = `.ok`
    - a job ends with a timeout error after 1 day
    - may read these secrets: a, b

    1. go: set the data to ok = true

    At the end:
    - the output becomes: done = `.ok`
    - the output must be what the schema https://x.example/schema.json (ours) says
    "#);
}

#[test]
fn events_that_start_it() {
    assert_snapshot!(told("
schedule: { on: { any: [{ with: { type: a } }, { with: { type: 'b|c' } }] } }
do: []
"), @r#"
    When any of these events arrive:
    - an event of type a
    - an event whose type matches `b|c`
    "#);
    assert_snapshot!(told("
schedule: { on: { any: [] } }
do: []
"), @r#"When any event arrives"#);
    assert_snapshot!(told("
schedule: { on: { all: [{ with: { type: a }, correlate: { k: { from: .x } } }, { with: { type: b }, correlate: { k: { from: .y } } }] } }
do: []
"), @r#"
    When all of these events arrive:
    - an event of type a whose k (`.x`) is the same in all of them
    - an event of type b whose k (`.y`) is the same in all of them
    "#);
    assert_snapshot!(told("
schedule: { on: { any: [{ with: { type: a } }], until: { one: { with: { type: b } } } } }
do: []
"), @r#"When an event of type a arrives; they are collected until an event of type b arrives"#);
}

#[test]
fn times_that_start_it() {
    let source = "
document:
  { dsl: 1.0.3, namespace: a, name: b, version: 1.0.0, metadata: { tenon: { timeZone: Europe/Berlin, missed: latest, overlap: queue, concurrency: 2, dedupFor: PT1H, onFailure: continue } } }
schedule: { cron: 0 5 * * *, on: { one: { with: { type: a } } } }
do: []
";
    assert_snapshot!(executed(whole(source)), @r#"
    a/b 1.0.0

    Every day at 05:00 Europe/Berlin

    When an event of type a arrives (at most 2 jobs at once)
    - an event that came before within 1 h starts no second job
    - after a job that faults the next of its lane starts
    - times that were missed while the server was down are made up for by one job, for the latest
    - a time that comes while a job still runs waits for its end
    "#);
    let other = source.replace("missed: latest, overlap: queue", "missed: skip, overlap: allow");
    let cron = |cron: &str| told(&format!("schedule: {{ cron: '{cron}' }}\ndo: []\n")).trim_end().to_owned();
    assert_eq!(cron("0 7 * * 1-5"), "On weekdays at 07:00 UTC");
    assert_eq!(cron("*/5 * * * *"), "Every 5 minutes");
    assert_eq!(cron("0 9 * * 1#2"), "At the times of the cron expression `0 9 * * 1#2`");
    let rare = whole(&source.replace("0 5 * * *", "0 5 * * 1#2"));
    assert!(rare.contains("expression `0 5 * * 1#2`") && rare.contains("- times are those of Europe/Berlin"));
    let line = |text: &str, part: &str| text.lines().find(|line| line.contains(part)).map(str::to_owned);
    assert_eq!(
        line(&whole(&other), "missed").as_deref(),
        Some("- times that were missed while the server was down are left out")
    );
    assert_eq!(
        line(&whole(&other), "still runs").as_deref(),
        Some("- a time that comes while a job still runs starts another one beside it")
    );
}

#[test]
fn what_is_not_executed_is_said() {
    let source = workflow("do: [{ a: { run: { container: { image: alpine } } } }]\n");
    assert_snapshot!(whole(&source), @r#"
    test/test 1.0.0

    When somebody or another workflow starts it

    1. a: run the container image alpine and wait for its end

    Not executed by this version of Tenon:
    - /do/0/a/run/container (line 6): `run: container` needs a container runtime beside the server, which this version of Tenon does not drive
    "#);
}
