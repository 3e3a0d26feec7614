//! Jobs that begin at a task of another job, some of whose children had not ended then: those belong to the other job,
//! and were cancelled with it. The new job starts its own; children that had ended, or that nobody awaits, are taken
//! over with all else that was recorded.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_engine::{ChildEnd, Error, Finished, HttpRequest, Job, Outcome, begin_at, places};

use crate::world::{START, World, echo, job, program, unreachable};

/// `slow` ends when all else is over, `bad` fails at once.
fn children(job: &str) -> (u64, ChildEnd) {
    match job {
        "job_slow" => (60_000, ChildEnd::Completed { output: json!("slow") }),
        "job_bad" => {
            let error = Error {
                r#type: "https://x/bad".to_owned(),
                status: 500,
                title: String::new(),
                detail: None,
                instance: String::new(),
            };
            (0, ChildEnd::Faulted { error })
        }
        _ => (0, ChildEnd::Completed { output: json!("fast") }),
    }
}

fn first_job(yaml: &str) -> Job {
    job(&program(yaml), &json!({}))
}

fn other_job(yaml: &str) -> Job {
    let captured_at = START.after(Duration::from_hours(24));
    Job { id: "job_0000000000002".to_owned(), captured_at, ..first_job(yaml) }
}

/// The job faults, because calls to addresses that say `bad` fail. Its rerun from a task, when they do not, begins with
/// the outcomes of these effects, performs those, and completes.
#[track_caller]
fn check(yaml: &str, from: &str, (taken_over, performed): (&[&str], &[(&str, u32)])) {
    let fails = |request: &HttpRequest, attempt: u32| -> Outcome {
        if request.url.contains("bad") { unreachable() } else { echo(request, attempt) }
    };
    let ran = World::new(&fails).with_children(&children).run_from(first_job(yaml), &[]);
    assert!(matches!(ran.finished, Finished::Faulted(_)), "{:?}", ran.finished);
    let places = places(first_job(yaml), &ran.journal).expect("it is its own journal");
    let place = places.iter().find(|place| place.address == from).expect("the job came to it");
    for now in [None, Some(first_job(yaml))] {
        let past = (first_job(yaml), now);
        let begun = begin_at(other_job(yaml), past, &ran.journal, (place, None)).expect("the same program");
        assert_eq!(begun.iter().map(|recorded| &*recorded.effect).collect::<Vec<_>>(), taken_over);
        let again = World::new(&echo).with_children(&children).run_from(other_job(yaml), &begun);
        assert!(matches!(again.finished, Finished::Completed(_)), "{:?}", again.finished);
        let ids: Vec<_> = again.performed.iter().map(|(id, attempt)| (id.as_str(), *attempt)).collect();
        assert_eq!(ids, performed);
        // With another input the journal is as dense as without.
        let past = (first_job(yaml), None);
        let edited = begin_at(other_job(yaml), past, &ran.journal, (place, Some(Value::Null)));
        let sequences = edited.expect("the same program").into_iter().map(|recorded| recorded.sequence);
        assert!(sequences.eq(0..=u32::try_from(begun.len()).expect("few")));
    }
}

/// A branch that calls, then calls what fails.
const CALLS: &str = "
      - calls:
          do:
          - one: {call: http, with: {method: get, endpoint: 'https://x/one?at=500'}}
          - two: {call: http, with: {method: get, endpoint: 'https://x/bad?at=1000'}}";
const ONE: &str = "/do/0/f/fork/branches/1/calls/do/0/one";
const TWO: &str = "/do/0/f/fork/branches/1/calls/do/1/two";

fn forked(branch: &str) -> String {
    format!("do:\n- f:\n    fork:\n      branches:\n      - kid: {branch}{CALLS}\n")
}

fn child(name: &str) -> String {
    format!("run: {{workflow: {{namespace: n, name: {name}, version: '1.0.0'}}}}")
}

#[test]
fn a_child_of_another_branch_that_was_awaited_is_started_anew() {
    let kid = "/do/0/f/fork/branches/0/kid";
    let yaml = forked(&format!("{{{}}}", child("slow")));
    check(&yaml, TWO, (&[ONE], &[(kid, 1), (TWO, 1)]));
    // Before the call had an outcome the child was there, too, or it was not.
    check(&yaml, ONE, (&[], &[(kid, 1), (ONE, 1), (TWO, 1)]));
    check(&yaml, kid, (&[], &[(kid, 1), (ONE, 1), (TWO, 1)]));
}

#[test]
fn a_child_that_had_ended_or_that_nobody_awaits_is_taken_over() {
    let kid = "/do/0/f/fork/branches/0/kid";
    let end = "/do/0/f/fork/branches/0/kid/child";
    check(&forked(&format!("{{{}}}", child("fast"))), TWO, (&[kid, end, ONE], &[(TWO, 1)]));
    let alone = "{run: {workflow: {namespace: n, name: slow, version: '1.0.0'}, await: false}}";
    check(&forked(alone), TWO, (&[kid, ONE], &[(TWO, 1)]));
}

#[test]
fn in_a_loop_the_children_of_earlier_rounds_are_taken_over() {
    let round = |n: u32| format!("/do/0/f/fork/branches/0/kid[{n}]/do/0/child");
    let each = "{for: {each: n, in: '${ [\"fast\", \"slow\"] }'}, do: [{one: {switch: [{s: {when: '$n == \"slow\"', then: slow}}]}}, {fast: {run: {workflow: {namespace: n, name: fast, version: '1.0.0'}}, then: exit}}, {slow: {run: {workflow: {namespace: n, name: slow, version: '1.0.0'}}}}]}";
    let (fast, slow) = (round(0).replace("0/child", "1/fast"), round(1).replace("0/child", "2/slow"));
    let end = format!("{fast}/child");
    check(&forked(each), TWO, (&[&fast, &end, ONE], &[(&slow, 1), (TWO, 1)]));
    // Alone in a loop: what comes before the step has ended.
    let rounds = "do:
- each:
    for: {each: n, in: '${ [\"fine\", \"bad\"] }'}
    do:
    - kid: {run: {workflow: {namespace: n, name: slow, version: '1.0.0'}}}
    - call: {call: http, with: {method: get, endpoint: '${ \"https://x/\" + $n }'}}
";
    let at = |n: u32, rest: &str| format!("/do/0/each[{n}]/do/{rest}");
    let all = [at(0, "0/kid"), at(0, "0/kid/child"), at(0, "1/call"), at(1, "0/kid"), at(1, "0/kid/child")];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check(rounds, &at(1, "1/call"), (&all, &[(&at(1, "1/call"), 1)]));
}

#[test]
fn in_a_try_a_child_that_had_failed_is_taken_over() {
    let kid = "/do/0/f/fork/branches/0/kid/try/0/child";
    let handled = format!(
        "{{try: [{{child: {{{}}}}}], catch: {{do: [{{then: {{{}}}}}]}}}}",
        child("bad"),
        child("slow")
    );
    let (end, then) = (format!("{kid}/child"), "/do/0/f/fork/branches/0/kid/catch/do/0/then");
    check(&forked(&handled), TWO, (&[kid, &end, ONE], &[(then, 1), (TWO, 1)]));
}

#[test]
fn a_child_that_a_bound_had_ended_is_not_started_anew() {
    let kid = "/do/0/f/fork/branches/0/kid/try/0/child";
    let bound = format!(
        "{{try: [{{child: {{{}, timeout: {{after: PT0.1S}}}}}}], catch: {{do: [{{none: {{set: {{a: 1}}}}}}]}}}}",
        child("slow")
    );
    let fired = format!("{kid}/timeout");
    check(&forked(&bound), TWO, (&[kid, &fired, ONE], &[(TWO, 1)]));
}

#[test]
fn in_nested_forks_each_such_child_is_started_anew() {
    let yaml = format!(
        "do:
- f:
    fork:
      branches:
      - kid: {{{slow}}}
      - inner:
          fork:
            branches:
            - deep: {{do: [{{first: {{{fast}}}}}, {{second: {{{slow}}}}}]}}
            - calls:
                do:
                - one: {{call: http, with: {{method: get, endpoint: 'https://x/one?at=500'}}}}
                - two: {{call: http, with: {{method: get, endpoint: 'https://x/bad?at=1000'}}}}
",
        slow = child("slow"),
        fast = child("fast")
    );
    let inner = |rest: &str| format!("/do/0/f/fork/branches/1/inner/fork/branches/{rest}");
    let (first, end) = (inner("0/deep/do/0/first"), inner("0/deep/do/0/first/child"));
    let (one, two) = (inner("1/calls/do/0/one"), inner("1/calls/do/1/two"));
    let second = inner("0/deep/do/1/second");
    let kid = "/do/0/f/fork/branches/0/kid";
    check(&yaml, &two, (&[&first, &end, &one], &[(kid, 1), (&second, 1), (&two, 1)]));
}
