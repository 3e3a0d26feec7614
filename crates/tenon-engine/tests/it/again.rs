//! A job that faulted goes on: what failed is tried again, nothing that was recorded is. And a job that begins where
//! another one came to a task.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_engine::{
    ChildEnd, Finished, HttpRequest, Outcome, Place, Recorded, Timestamp, begin_at, failed, places, trace,
};

use crate::world::{Run, START, World, answered, echo, job, program, unreachable};

/// Runs until the job faults, resumes it, and so on. With a crash after every outcome: nothing may differ.
#[track_caller]
fn resumed(world: &World<'_>, yaml: &str, times: usize) -> Run {
    let program = program(yaml);
    let mut run = world.run_from(job(&program, &json!({})), &[]);
    for _ in 0..times {
        assert!(matches!(run.finished, Finished::Faulted(_)), "{:?}", run.finished);
        let mut journal = run.journal;
        let at = journal.last().map_or(START, |recorded| recorded.at).after(Duration::from_hours(1));
        journal.push(Recorded::resumption(u32::try_from(journal.len()).expect("few"), at));
        run = world.run_from(job(&program, &json!({})), &journal);
        for crash in journal.len()..=run.journal.len() {
            let again = world.run_from(job(&program, &json!({})), &run.journal[..crash]);
            assert_eq!((&again.finished, &again.journal), (&run.finished, &run.journal), "crash at {crash}");
        }
        let (_, diverged) = trace::steps(job(&program, &json!({})), &run.journal);
        assert_eq!(diverged, None);
    }
    run
}

/// Calls fail before this attempt.
fn fails_before(attempt: u32) -> impl Fn(&HttpRequest, u32) -> Outcome {
    move |request, number| {
        let fails = request.url.contains("bad") && number < attempt;
        if fails { unreachable() } else { echo(request, number) }
    }
}

#[track_caller]
fn check_resumed(yaml: &str, times: usize, expected: (&[(&str, u32)], Value)) {
    let callee = fails_before(u32::try_from(times).expect("few") + 1);
    check_in(&World::new(&callee), yaml, times, expected);
}

#[track_caller]
fn check_in(world: &World<'_>, yaml: &str, times: usize, (performed, output): (&[(&str, u32)], Value)) {
    let run = resumed(world, yaml, times);
    assert_eq!(run.finished, Finished::Completed(output.into()), "{:#?}", run.journal);
    let after: Vec<_> = run.performed.iter().map(|(id, attempt)| (id.as_str(), *attempt)).collect();
    assert_eq!(after, performed);
}

const STEPS: &str = "
do:
- a: {call: http, with: {method: get, endpoint: 'https://x/a'}}
- b: {call: http, with: {method: get, endpoint: 'https://x/bad'}}
- c: {set: {a: '${ $steps.a.url }', b: '${ $steps.b.url }'}}
";

#[test]
fn the_call_that_failed_is_tried_again_and_nothing_before_it() {
    let both = json!({"a": "https://x/a", "b": "https://x/bad"});
    check_resumed(STEPS, 1, (&[("/do/1/b", 2)], both.clone()));
    check_resumed(STEPS, 3, (&[("/do/1/b", 4)], both));
}

#[test]
fn a_try_that_has_used_up_its_retries_is_not_asked_before_the_call_is_tried_again() {
    let yaml = "
do:
- t:
    try: [{b: {call: http, with: {method: get, endpoint: 'https://x/bad'}}}]
    catch:
      retry: {delay: PT1S, limit: {attempt: {count: 1}}}
      do: [{give: {raise: {error: {type: 'https://x/up', status: 500}}}}]
- c: {set: {done: true}}
";
    let callee = fails_before(3);
    check_in(&World::new(&callee), yaml, 1, (&[("/do/0/t/try/0/b", 3)], json!({"done": true})));
    let callee = fails_before(4);
    check_in(&World::new(&callee), yaml, 2, (&[("/do/0/t/try/0/b", 4)], json!({"done": true})));
}

#[test]
fn other_branches_go_on_where_they_were() {
    let yaml = "
do:
- f:
    fork:
      branches:
      - one: {call: http, with: {method: get, endpoint: 'https://x/one?at=5'}}
      - bad: {call: http, with: {method: get, endpoint: 'https://x/bad?at=10'}}
      - late: {call: http, with: {method: get, endpoint: 'https://x/late?at=50'}}
- c: {set: {n: '${ .[1].url }'}}
";
    // `late` had no outcome, so it runs again with its number; `one` had.
    let expected: &[(&str, u32)] = &[("/do/0/f/fork/branches/2/late", 1), ("/do/0/f/fork/branches/1/bad", 2)];
    check_resumed(yaml, 1, (expected, json!({"n": "https://x/bad?at=10"})));
}

#[test]
fn what_failed_without_an_effect_fails_again() {
    for yaml in [
        "do: [{r: {raise: {error: {type: 'https://x/bad', status: 400}}}}]",
        "do: [{a: {call: http, with: {method: get, endpoint: 'https://x/a'}}}, {r: {set: {n: '${ .url + 1 }'}}}]",
    ] {
        let run = resumed(&World::new(&echo), yaml, 2);
        assert!(matches!(run.finished, Finished::Faulted(_)));
        assert!(run.performed.is_empty(), "{:?}", run.performed);
    }
}

#[test]
fn a_timeout_begins_anew_and_others_do_not_run_out_while_the_job_stands() {
    let yaml = "
timeout: {after: PT10M}
do:
- slow: {timeout: {after: PT1S}, do: [{a: {call: http, with: {method: get, endpoint: 'https://x/a'}}}, {w: {wait: PT1.5S}}]}
- c: {set: {done: true}}
";
    // The wait has its moment, which has passed when the job goes on.
    check_in(&World::new(&echo), yaml, 1, (&[], json!({"done": true})));
    let whole = "
timeout: {after: PT1S}
do: [{a: {call: http, with: {method: get, endpoint: 'https://x/a'}}}, {w: {wait: PT1.5S}}, {c: {set: {done: true}}}]
";
    check_in(&World::new(&echo), whole, 1, (&[], json!({"done": true})));
}

#[test]
fn a_child_that_failed_is_started_once_more() {
    let yaml = "do: [{r: {run: {workflow: {namespace: n, name: child, version: '1.0.0'}}}}]";
    let cancelled = |_: &str| (0, ChildEnd::Cancelled);
    let world = World::new(&echo);
    let world = world.with_children(&cancelled);
    let run = resumed(&world, yaml, 2);
    assert!(matches!(run.finished, Finished::Faulted(_)));
    assert_eq!(run.performed, [("/do/0/r".to_owned(), 3)], "another attempt is another child");
}

const PETS: &str = "
do:
- first: {call: http, with: {method: get, endpoint: 'https://x/first'}}
- each:
    for: {each: n, in: '${ [1, 2] }'}
    do:
    - one: {call: http, with: {method: post, endpoint: 'https://x/bad', body: '${ {n: $n, at: now, first: $steps.first.url, job: $workflow.id, in: .} }'}}
- last: {set: {done: '${ .body.in }'}}
";

fn ran(callee: impl Fn(&HttpRequest, u32) -> Outcome + 'static, yaml: &str) -> (Vec<Recorded>, Vec<Place>) {
    let program = program(yaml);
    let run = World::new(&callee).run_from(job(&program, &json!({})), &[]);
    let places = places(job(&program, &json!({})), &run.journal).expect("it is its own journal");
    (run.journal, places)
}

fn second_fails(request: &HttpRequest, number: u32) -> Outcome {
    let is_second = request.body.as_ref().is_some_and(|body| body["n"] == 2);
    if is_second { answered(request, 500, &json!("no")) } else { echo(request, number) }
}

/// Another job, a day later.
fn successor(yaml: &str) -> tenon_engine::Job {
    let captured_at: Timestamp = START.after(Duration::from_hours(24));
    let other = job(&program(yaml), &json!({}));
    tenon_engine::Job { id: "job_0000000000002".to_owned(), captured_at, ..other }
}

/// The job that is run again, with the program that it had.
fn past(yaml: &str) -> (tenon_engine::Job, Option<tenon_engine::Job>) {
    (job(&program(yaml), &json!({})), None)
}

#[test]
fn the_failed_step_is_found_and_a_job_begins_there_with_what_was_recorded_before() {
    let (journal, places) = ran(second_fails, PETS);
    let found = failed(job(&program(PETS), &json!({})), &journal, &places).expect("it faulted");
    assert_eq!((found.address.as_str(), found.entries), ("/do/1/each[1]/do/0/one", 2), "{places:#?}");
    for input in [None, Some(json!("edited"))] {
        let begun = begin_at(successor(PETS), past(PETS), &journal, (found, input.clone()))
            .expect("the same program");
        assert_eq!(begun.len(), 2 + usize::from(input.is_some()));
        let run = World::new(&echo).run_from(successor(PETS), &begun);
        assert_eq!(run.performed, [("/do/1/each[1]/do/0/one".to_owned(), 1)]);
        let Finished::Completed(output) = &run.finished else { panic!("{:?}", run.finished) };
        match input {
            Some(input) => assert_eq!(output["done"], input),
            None => assert_eq!(output["done"]["body"]["n"], 1),
        }
        // It is a journal like any other: what comes next goes on from there.
        let again = World::new(&echo).run_from(successor(PETS), &run.journal);
        assert_eq!(again.finished, run.finished);
    }
}

#[test]
fn an_edited_input_stays_when_the_job_is_run_again_from_there() {
    let (journal, places) = ran(second_fails, PETS);
    let place = places.iter().find(|place| place.entries == 2).expect("the second call");
    let begun =
        begin_at(successor(PETS), past(PETS), &journal, (place, Some(json!("edited")))).expect("agrees");
    let once = World::new(&second_fails).run_from(successor(PETS), &begun);
    let again =
        begin_at(successor(PETS), (successor(PETS), None), &once.journal, (place, None)).expect("agrees");
    assert_eq!(
        again.last().map(|recorded| &recorded.outcome),
        begun.last().map(|recorded| &recorded.outcome)
    );
}

#[test]
fn another_program_must_agree_with_what_is_recorded() {
    let (journal, places) = ran(second_fails, PETS);
    let place = places.iter().find(|place| place.entries == 2).expect("the second call");
    let check = |yaml: &str, expected: Option<(u32, &str)>| {
        let other = job(&program(yaml), &json!({}));
        let begun = begin_at(successor(yaml), (past(PETS).0, Some(other)), &journal, (place, None));
        let parted = begun.err().map(|diverged| (diverged.sequence, diverged.effect));
        assert_eq!(parted, expected.map(|(sequence, effect)| (sequence, effect.to_owned())), "{yaml}");
    };
    check(&PETS.replace("done:", "ready:"), None);
    check(&PETS.replace("https://x/first", "https://x/changed"), Some((0, "/do/0/first")));
    check(&PETS.replace("- one:", "- other:"), Some((1, "/do/1/each[0]/do/0/one")));
    check(&PETS.replace("[1, 2]", "[1]"), Some((2, "/do/1/each[1]/do/0/one")));
}

#[test]
fn the_failed_step_of_a_handler_that_gives_up_is_what_it_handled() {
    let yaml = "
do:
- t:
    try: [{b: {call: http, with: {method: get, endpoint: 'https://x/bad'}}}]
    catch: {do: [{give: {raise: {error: {type: 'https://x/up', status: 500}}}}]}
";
    let (journal, places) = ran(fails_before(9), yaml);
    let found = failed(job(&program(yaml), &json!({})), &journal, &places).expect("it faulted");
    assert_eq!(found.address, "/do/0/t/try/0/b");
    let caught = yaml.replace("raise: {error: {type: 'https://x/up', status: 500}}", "set: {n: 1}")
        + "- oops: {set: {n: '${ .n | error }'}}\n";
    let (journal, places) = ran(fails_before(9), &caught);
    let found = failed(job(&program(&caught), &json!({})), &journal, &places).expect("it faulted");
    assert_eq!(found.address, "/do/1/oops", "the call was got over");
}
