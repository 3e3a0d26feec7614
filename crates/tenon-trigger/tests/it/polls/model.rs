//! Whatever happens in whatever order, every record of the source becomes exactly one event.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tenon_store::Change;

use super::CONTACTS;
use super::stage::{Answers, Stage};

/// Records of one answer.
const PAGE: usize = 7;

/// What can happen.
#[derive(Debug, Clone)]
enum Step {
    /// The source gets so many records, this many of them at each moment.
    Grow(usize, usize),
    /// A round that comes to its end.
    Round,
    /// A round that is dropped after it was polled so often: a crash.
    Crash(usize),
    /// The next answers fail.
    Fail(usize),
    /// The next answers are those of a replica that has not seen the newest records.
    Lag(usize, usize),
    Redeploy,
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..20_usize, 1..4_usize).prop_map(|(records, each)| Step::Grow(records, each)),
        3 => Just(Step::Round),
        4 => (1..40_usize).prop_map(Step::Crash),
        1 => (1..3_usize).prop_map(Step::Fail),
        1 => (1..3_usize, 1..10_usize).prop_map(|(answers, records)| Step::Lag(answers, records)),
        1 => Just(Step::Redeploy),
        1 => Just(Step::Pause),
    ]
}

#[derive(Default)]
struct Source {
    /// In order of their moment.
    records: Vec<Value>,
    moment: i64,
    failing: usize,
    lagging: (usize, usize),
}

/// How a source understands a cursor.
#[derive(Debug, Clone, Copy)]
enum Since {
    /// Records of that moment come again.
    Inclusive,
    /// They do not.
    Exclusive,
}

// === impl Source ===

impl Source {
    fn grow(&mut self, records: usize, each: usize) {
        for number in 0..records {
            if number % each == 0 {
                self.moment += 1;
            }
            let id = self.records.len();
            self.records.push(json!({ "id": format!("r{id}"), "at": self.moment }));
        }
    }

    fn answer(&mut self, cursor: &Value, since: Since) -> Result<Value, Value> {
        if self.failing > 0 {
            self.failing -= 1;
            return Err(json!({ "title": "down" }));
        }
        let mut seen = self.records.len();
        if self.lagging.0 > 0 {
            self.lagging.0 -= 1;
            seen = seen.saturating_sub(self.lagging.1);
        }
        let cursor = cursor.as_i64().unwrap_or(0);
        let is_wanted = |record: &&Value| {
            let at = record["at"].as_i64().expect("a number");
            match since {
                Since::Inclusive => at >= cursor,
                Since::Exclusive => at > cursor,
            }
        };
        let wanted: Vec<Value> = self.records[..seen].iter().filter(is_wanted).cloned().collect();
        let has_more = wanted.len() > PAGE;
        Ok(json!({ "results": wanted.into_iter().take(PAGE).collect::<Value>(), "hasMore": has_more }))
    }
}

async fn crash(stage: &Stage, polls: usize) {
    let mut round = pin!(stage.fire());
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        round.as_mut().poll(context).map(|_| ())
    })
    .await;
}

async fn check(since: Since, document: &str, steps: &[Step]) {
    let source = Arc::new(Mutex::new(Source::default()));
    let asked = Arc::clone(&source);
    let callee = Answers::of(move |cursor| asked.lock().expect("no panic").answer(cursor, since));
    let stage = Stage::new(callee).await;
    stage.put(document).await;
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Grow(records, each) => source.lock().expect("no panic").grow(*records, *each),
            Step::Round => drop(stage.fire().await),
            Step::Crash(polls) => crash(&stage, *polls).await,
            Step::Fail(answers) => source.lock().expect("no panic").failing = *answers,
            Step::Lag(answers, records) => source.lock().expect("no panic").lagging = (*answers, *records),
            Step::Redeploy => stage.put(&format!("{document}\nmetadata: {{ n: {number} }}\n")).await,
            Step::Pause => {
                stage.change(Change::Disable).await;
                assert!(stage.fire().await.is_err(), "a disabled trigger captures nothing");
                stage.change(Change::Enable).await;
            }
        }
    }
    // The callee is well again at last.
    {
        let mut source = source.lock().expect("no panic");
        (source.failing, source.lagging) = (0, (0, 0));
    }
    while stage.fire().await.expect("all is well") > 0 {}
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for data in stage.event_data().await {
        *counts.entry(data.to_string()).or_default() += 1;
    }
    let expected: BTreeMap<String, usize> =
        source.lock().expect("no panic").records.iter().map(|record| (record.to_string(), 1)).collect();
    assert_eq!(counts, expected);
}

fn all_steps(since: Since, document: &str, adapt: fn(Step) -> Step) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&vec(step().prop_map(adapt), 1..25), |steps| {
        runtime.block_on(check(since, document, &steps));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn an_inclusive_cursor_with_keys_brings_each_record_once() {
    all_steps(Since::Inclusive, CONTACTS, |step| step);
}

#[test]
fn an_exclusive_cursor_without_keys_brings_each_record_once() {
    // An answer ends where a moment ends, as such sources must: else the rest of the moment would never come.
    let document = CONTACTS.replace("dedupKey: ${ \"\\(.id)@\\(.at)\" }\n", "");
    assert!(!document.contains("dedupKey"));
    all_steps(Since::Exclusive, &document, |step| match step {
        Step::Grow(records, _) => Step::Grow(records, 1),
        other => other,
    });
}

/// An answer of three chunks, dropped after each number of polls; keys or none.
#[test]
fn an_answer_in_chunks_that_is_cut_off_anywhere_comes_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for document in [CONTACTS.to_owned(), CONTACTS.replace("dedupKey: ${ \"\\(.id)@\\(.at)\" }\n", "")] {
        runtime.block_on(async {
            let items: Vec<Value> = (0..1_100).map(|n| json!({ "id": format!("r{n}"), "at": n })).collect();
            let whole = items.clone();
            let callee = Answers::of(move |cursor| {
                let results = if cursor.is_null() { whole.clone() } else { Vec::new() };
                Ok(json!({ "results": results, "hasMore": false }))
            });
            let stage = Stage::new(callee).await;
            stage.put(&document).await;
            for polls in 1..20 {
                crash(&stage, polls).await;
            }
            while stage.fire().await.expect("all is well") > 0 {}
            assert_eq!(stage.event_data().await, items);
        });
    }
}
