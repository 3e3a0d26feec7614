//! `fork` when things go wrong: faults, timeouts, retries, cancellation.

use serde_json::json;
use tenon_engine::{Execution, Finished, HttpRequest, Listening, Outcome, Progress, Recorded};

use crate::fork::{partly_down, path};
use crate::world::{START, begun, check_fault, check_with, echo, give, run, unreachable};

#[test]
fn a_branch_that_faults_drops_out_of_the_race() {
    let workflow = "do:
- race:
    fork:
      compete: true
      branches:
      - one: {call: http, with: {method: get, endpoint: 'https://host/down/1?at=100'}}
      - two: {call: http, with: {method: get, endpoint: 'https://host/fine?at=300'}}
      - three: {call: http, with: {method: get, endpoint: 'https://host/down/3?at=200'}}";
    check_with(workflow, json!({}), &partly_down, json!("fine"));
    // The last to fault is the fork's error.
    let down = |_: &HttpRequest, _| unreachable();
    check_fault(workflow, json!({}), &down, ("communication", 502, "/do/0/race/fork/branches/1/two"));
}

#[test]
fn without_a_race_the_first_fault_cancels_the_other_branches_and_faults_the_fork() {
    let workflow = "do:
- attempt:
    try:
    - all:
        fork:
          branches:
          - one: {do: [{call: {call: http, with: {method: get, endpoint: 'https://host/slow?at=900'}}}, {never: {set: {x: 0}, export: {as: '${ {never: 1} }'}}}]}
          - two: {call: http, with: {method: get, endpoint: 'https://host/down?at=100'}}
          - three: {set: {x: 0}, export: {as: '${ {lost: 1} }'}}
          - four: {wait: PT5S}
    catch: {do: [{handle: {set: {at: '${ $error.instance }', context: '${ $context }', three: '${ $steps.three }'}}}]}";
    let run = run(workflow, &json!({}), &partly_down);
    let at = "/do/0/attempt/try/0/all/fork/branches/1/two";
    assert_eq!(
        run.finished,
        Finished::Completed(json!({"at": at, "context": {}, "three": null}).into()),
        "a fork that faults leaves no context and no steps"
    );
    assert_eq!(run.took.as_millis(), 100);
    assert_eq!(run.withdrawn.len(), 2, "{:?}", run.withdrawn);
}

#[test]
fn a_pure_fault_of_a_later_branch_comes_after_the_earlier_ones_began() {
    let run = run(
        "do: [{all: {fork: {branches: [{one: {call: http, with: {method: get, endpoint: 'https://host/1'}}}, {two: {raise: {error: {type: 'https://x/mine', status: 418}}}}, {three: {call: http, with: {method: get, endpoint: 'https://host/3'}}}]}}}]",
        &json!({}),
        &echo,
    );
    let Finished::Faulted(error) = &run.finished else { panic!("{:?}", run.finished) };
    assert_eq!((error.status, &*error.instance), (418, "/do/0/all/fork/branches/1/two"));
    // Nothing has left the core, so there is nothing to take back.
    assert_eq!((run.performed, run.withdrawn), (Vec::new(), Vec::new()));
}

#[test]
fn a_timeout_of_the_fork_of_a_branch_and_of_the_workflow() {
    let of_fork = "do:
- attempt:
    try: [{all: {timeout: {after: PT2S}, fork: {branches: [{one: {wait: PT10S}}, {two: {do: [{call: {call: http, with: {method: get, endpoint: 'https://host/slow?at=5000'}}}]}}]}}}]
    catch: {do: [{late: {set: '${ $error.instance }'}}]}";
    let of_fork = run(of_fork, &json!({}), &echo);
    assert_eq!(of_fork.finished, Finished::Completed(json!("/do/0/attempt/try/0/all").into()));
    assert_eq!((of_fork.took.as_secs(), of_fork.withdrawn.len()), (2, 2));

    let of_branch = "do:
- all:
    fork:
      branches:
      - one:
          try: [{slow: {timeout: {after: PT1S}, wait: PT10S}}]
          catch: {do: [{late: {set: '${ \"late\" }'}}]}
      - two: {do: [{nap: {wait: PT3S}}, {say: {set: '${ \"slept\" }'}}]}";
    let of_branch = run(of_branch, &json!({}), &echo);
    assert_eq!(of_branch.finished, Finished::Completed(json!(["late", "slept"]).into()));
    assert_eq!(of_branch.took.as_secs(), 3);

    check_fault(
        "timeout: {after: PT1S}\ndo: [{all: {fork: {branches: [{one: {wait: PT1H}}, {two: {try: [{sleep: {wait: PT1H}}], catch: {}}}]}}}]",
        json!({}),
        &echo,
        ("timeout", 408, "/timeout"),
    );
}

#[test]
fn a_retry_around_a_fork_repeats_all_branches_with_the_next_attempt() {
    let workflow = "do:
- attempt:
    try:
    - all:
        fork:
          branches:
          - one: {call: http, with: {method: get, endpoint: 'https://host/one'}}
          - two:
              try: [{call: {call: http, with: {method: get, endpoint: 'https://host/two?at=100'}}}]
              catch: {retry: {delay: PT1S, limit: {attempt: {count: 1}}}, do: [{on: {raise: {error: {type: 'https://x/gave-up', status: 500}}}}]}
          - three: {do: [{nap: {wait: PT10S}}, {more: {call: http, with: {method: get, endpoint: 'https://host/three'}}}]}
    catch: {retry: {delay: PT1M, limit: {attempt: {count: 1}}}}";
    // Branch two fails with its own retry, then with the one around; then it works.
    let flaky = |request: &HttpRequest, attempt: u32| {
        if request.url.contains("two") && attempt <= 3 { unreachable() } else { path(request, attempt) }
    };
    let run = run(workflow, &json!({}), &flaky);
    assert_eq!(run.finished, Finished::Completed(json!(["one", "two", "three"]).into()));
    let at = |branch: &str| format!("/do/0/attempt/try/0/all/fork/branches/{branch}");
    let (one, two, three) = (at("0/one"), at("1/two/try/0/call"), at("2/three/do/1/more"));
    let expected = [(&one, 1), (&two, 1), (&two, 2), (&one, 2), (&two, 3), (&two, 4), (&three, 1)];
    assert_eq!(run.performed, expected.map(|(id, attempt)| (id.clone(), attempt)));
}

const NESTED: &str = "timeout: {after: PT1H}
do:
- attempt:
    try:
    - loop:
        for: {each: round, in: '${ [1, 2] }'}
        do:
        - outer:
            timeout: {after: PT30S}
            fork:
              branches:
              - left:
                  timeout: {after: PT20S}
                  fork:
                    compete: true
                    branches:
                    - fast: {do: [{call: {call: http, with: {method: get, endpoint: 'https://host/fast'}}}, {note: {set: '${ [$round, .] }', export: {as: '${ $context + {(\"left\\($round)\"): $round} }'}}}]}
                    - slow: {do: [{sleep: {wait: PT15S}}, {never: {set: {never: true}}}]}
              - right:
                  try:
                  - inner:
                      fork:
                        branches:
                        - ok: {call: http, with: {method: get, endpoint: 'https://host/ok'}}
                        - flaky: {timeout: {after: PT5S}, call: http, with: {method: get, endpoint: '${ \"https://host/flaky/\\($round)\" }'}}
                  catch:
                    retry: {delay: PT1S, limit: {attempt: {count: 2}}}
                    do: [{on: {raise: {error: {type: 'https://x/gave-up', status: 500, title: '${ $error.instance }'}}}}]
            export: {as: '${ $context + {round: $round} }'}
    catch: {retry: {delay: PT1M, limit: {attempt: {count: 1}}}}
- last: {set: {output: '${ . }', context: '${ $context }'}}";

/// The attempts of each round's flaky call.
fn flaky_attempts(performed: &[(String, u32)]) -> [Vec<u32>; 2] {
    ["loop[0]", "loop[1]"].map(|round| {
        let attempts = performed.iter().filter(|(id, _)| id.contains(round) && id.ends_with("flaky"));
        attempts.map(|(_, attempt)| *attempt).collect()
    })
}

#[test]
fn a_fork_in_a_fork_in_a_loop_in_a_try_with_timeouts_and_retries() {
    // The first round's call works at its second attempt; the second round's only after all was tried again.
    let flaky = |request: &HttpRequest, attempt: u32| match (request.url.as_str(), attempt) {
        ("https://host/flaky/1", 1) | ("https://host/flaky/2", 1..=3) => unreachable(),
        _ => path(request, attempt),
    };
    let some = run(NESTED, &json!({}), &flaky);
    let Finished::Completed(output) = &some.finished else { panic!("{:?}", some.finished) };
    assert_eq!(
        **output,
        json!({
            "output": [[2, "fast"], ["ok", "flaky/2"]],
            "context": {"left1": 1, "left2": 2, "round": 2},
        })
    );
    assert_eq!(flaky_attempts(&some.performed), [vec![1, 2, 3], vec![1, 2, 3, 4]]);
    assert_eq!(some.took.as_secs(), 1 + 2 + 60);

    let down = |request: &HttpRequest, attempt: u32| {
        if request.url.contains("flaky") { unreachable() } else { path(request, attempt) }
    };
    let none = run(NESTED, &json!({}), &down);
    let Finished::Completed(output) = &none.finished else { panic!("{:?}", none.finished) };
    assert_eq!(output["output"], json!({}), "a try that caught without a handler gives its input");
    assert_eq!(flaky_attempts(&none.performed), [vec![1, 2, 3, 4, 5, 6], vec![]]);
}

#[test]
fn a_job_is_cancelled_while_branches_call_wait_and_retry() {
    let mut execution = begun(NESTED, &json!({}));
    let out: Vec<_> = execution.take_effects().into_iter().map(|effect| effect.id).collect();
    assert_eq!(out.len(), 8, "{out:?}");
    let cancelled = execution.cancel(START);
    assert_eq!(cancelled.sequence, 0);
    assert_eq!(execution.finished(), Some(&Finished::Cancelled));
    let mut withdrawn = execution.take_withdrawn();
    withdrawn.sort_unstable();
    let mut expected = out;
    expected.sort_unstable();
    assert_eq!(withdrawn, expected);
    assert_eq!(execution.sleep(), None);
    assert_eq!(execution.resume(), Progress::Finished);
}

#[test]
fn a_job_is_cancelled_in_the_middle_of_a_slice_of_many_branches() {
    let workflow = "do:
- all:
    fork:
      branches:
      - one: {for: {in: '${ [range(1500)] }'}, do: [{a: {set: '${ $item }'}}]}
      - two: {for: {in: '${ [range(1500)] }'}, do: [{a: {set: '${ $item }'}}]}
      - three: {wait: PT1S}";
    let program = crate::world::program(workflow);
    let mut execution = tenon_engine::Execution::new(crate::world::job(&program, &json!({})));
    assert_eq!(execution.resume(), Progress::Yielded);
    execution.cancel(START);
    assert_eq!(execution.resume(), Progress::Finished);
    assert_eq!(execution.finished(), Some(&Finished::Cancelled));
    assert!(execution.take_effects().is_empty());
    // A yield is no turn: the branches go on one after the other, and the job ends as ever.
    let done = run(workflow, &json!({}), &echo);
    let Finished::Completed(output) = done.finished else { panic!("{:?}", done.finished) };
    assert_eq!((&output[0], &output[1]), (&json!(1499), &json!(1499)));
}

#[test]
fn pure_branches_without_an_end_are_stopped_and_no_try_around_them_catches_it() {
    let workflow = "do:
- attempt:
    try:
    - all:
        fork:
          branches:
          - waits: {wait: PT1S}
          - spins: {try: [{spin: {do: [{again: {set: {a: 1}, then: again}}]}}], catch: {}}
    catch: {do: [{never: {set: {x: 0}}}]}";
    let execution = begun(workflow, &json!({}));
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    let detail = error.detail.as_ref().expect("it says what the job did");
    assert!(detail.contains("without any effect"), "{detail}");
}

const ALL_OPEN: &str = "timeout: {after: PT24H}
use:
  functions:
    ask: {do: [{get: {call: http, with: {method: get, endpoint: 'https://host/function?at=99999999'}}}]}
  extensions:
  - slow: {extend: emit, before: [{think: {wait: PT2H}}]}
do:
- all:
    timeout: {after: PT3H}
    fork:
      branches:
      - calls: {call: http, with: {method: get, endpoint: 'https://host/call?at=99999999'}}
      - waits: {timeout: {after: PT1H30M}, wait: PT4H}
      - hears: {listen: {to: {one: {with: {type: never}}}}}
      - iterates: {listen: {to: {any: [], until: '${ false }'}}, foreach: {do: [{nap: {wait: PT5H}}]}}
      - child: {run: {workflow: {namespace: n, name: other, version: latest}}}
      - function: {call: ask}
      - extended: {emit: {event: {with: {type: told}}}}
      - inner: {fork: {compete: true, branches: [{a: {wait: PT6H}}, {b: {do: [{hear: {listen: {to: {any: []}}, timeout: {after: PT7H}}}]}}]}}
      - retries:
          try: [{down: {call: http, with: {method: get, endpoint: 'https://host/down'}}}]
          catch: {retry: {delay: PT1H, limit: {attempt: {count: 5, duration: PT1M}}}}";

/// Goes on until everything is open: a call, waits, listens, an iteration, a child, a retry. Gives what is
/// awaited by then, and the journal.
fn all_open() -> (Execution, Vec<String>, Vec<Recorded>) {
    let mut execution = begun(ALL_OPEN, &json!({}));
    let at = |rest: &str| format!("/do/0/all/fork/branches/{rest}");
    let event = json!({"type": "any", "data": 1});
    let received = Outcome::Received { event: "evt_1".to_owned(), envelope: event };
    let outcomes = [
        (at("3/iterates/event/0"), received),
        (at("4/child"), Outcome::Started { job: "job_other".to_owned() }),
        (at("8/retries/try/0/down"), unreachable()),
    ];
    let (mut out, mut journal) = (Vec::new(), Vec::new());
    for (effect, outcome) in outcomes {
        out.extend(execution.take_effects().iter().map(|effect| effect.id.to_string()));
        journal.push(give(&mut execution, &effect, (1, outcome)).expect("it is awaited"));
        out.retain(|id| *id != effect);
    }
    out.extend(execution.take_effects().iter().map(|effect| effect.id.to_string()));
    let taken_back = execution.take_withdrawn();
    out.retain(|id| !taken_back.iter().any(|taken| **taken == **id));
    out.sort_unstable();
    (execution, out, journal)
}

/// The effects are taken back, each once, and what comes of them is dropped.
#[track_caller]
fn check_taken_back(mut execution: Execution, out: &[String]) {
    let mut withdrawn: Vec<_> = execution.take_withdrawn().iter().map(ToString::to_string).collect();
    withdrawn.sort_unstable();
    assert_eq!(withdrawn, out);
    for effect in out {
        assert_eq!(give(&mut execution, effect, (9, Outcome::Fired)), None, "{effect}");
    }
    assert!(execution.listening().is_empty());
}

#[test]
fn whatever_is_open_is_taken_back_when_the_job_is_cancelled_or_its_time_is_up() {
    let (mut execution, out, _) = all_open();
    // Ten in the branches, three bounds of tasks, and the one of the workflow.
    assert_eq!(out.len(), 14, "{out:#?}");
    assert_eq!(execution.listening().len(), 2);
    execution.cancel(START);
    assert_eq!(execution.finished(), Some(&Finished::Cancelled));
    check_taken_back(execution, &out);

    let (mut execution, mut out, _) = all_open();
    give(&mut execution, "/timeout", (86_400_000, Outcome::Fired)).expect("it is awaited");
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    assert_eq!((error.status, &*error.instance), (408, "/timeout"));
    out.retain(|id| id != "/timeout");
    check_taken_back(execution, &out);

    let (mut execution, mut out, _) = all_open();
    give(&mut execution, "/do/0/all/timeout", (10_800_000, Outcome::Fired)).expect("it is awaited");
    let Some(Finished::Faulted(error)) = execution.finished() else { panic!("{:?}", execution.finished()) };
    assert_eq!((error.status, &*error.instance), (408, "/do/0/all"));
    out.retain(|id| id != "/do/0/all/timeout");
    check_taken_back(execution, &out);
}

#[test]
fn a_journal_with_everything_open_leads_to_the_same_place() {
    let (execution, out, journal) = all_open();
    assert_eq!(execution.sleep(), None, "a call is on its way");
    let listening = execution.listening();
    let mut replayed = begun(ALL_OPEN, &json!({}));
    for recorded in &journal {
        replayed.replay(recorded).expect("the journal was made by this program");
    }
    let mut again: Vec<_> = replayed.take_effects().iter().map(|effect| effect.id.to_string()).collect();
    again.sort_unstable();
    assert_eq!(again, out);
    let effects =
        |listening: &[Listening]| listening.iter().map(|one| one.effect.clone()).collect::<Vec<_>>();
    assert_eq!(effects(&replayed.listening()), effects(&listening));
}

#[test]
fn forks_as_deep_as_a_document_may_be_end_and_can_be_cancelled() {
    let nested = (0..20).fold("{wait: PT1S}".to_owned(), |inside, level| {
        format!("{{fork: {{branches: [{{a{level}: {inside}}}, {{b{level}: {{wait: PT2S}}}}]}}}}")
    });
    let workflow = format!("do: [{{all: {nested}}}]");
    let run = run(&workflow, &json!({}), &echo);
    assert!(matches!(run.finished, Finished::Completed(_)), "{:?}", run.finished);
    assert_eq!((run.took.as_secs(), run.journal.len()), (2, 21));
    let mut execution = begun(&workflow, &json!({}));
    execution.take_effects();
    execution.cancel(START);
    assert_eq!(execution.take_withdrawn().len(), 21);
}
