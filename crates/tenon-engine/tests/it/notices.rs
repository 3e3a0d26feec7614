//! Notices: what happens to tasks, for lifecycle events.

use serde_json::json;
use tenon_engine::{Execution, HttpRequest, Notice, NoticeKind, Progress};

use crate::world::{START, World, answered, echo, job, program, run, unreachable};

/// Name and kind of each, in order.
fn told(notices: &[Notice]) -> Vec<String> {
    let kind = |kind: &NoticeKind| match kind {
        NoticeKind::Created => "created".to_owned(),
        NoticeKind::Started => "started".to_owned(),
        NoticeKind::Retried => "retried".to_owned(),
        NoticeKind::Cancelled => "cancelled".to_owned(),
        NoticeKind::Faulted(error) => format!("faulted {}", error.status),
        NoticeKind::Completed(output) => format!("completed {output}"),
    };
    notices.iter().map(|notice| format!("{} {}", notice.name, kind(&notice.kind))).collect()
}

#[test]
fn a_task_is_created_started_and_completed_and_a_skipped_one_only_created() {
    let run =
        run("do: [{a: {set: {n: 1}}}, {b: {if: .no, set: {n: 2}}}, {c: {wait: PT1S}}]", &json!({}), &echo);
    assert_eq!(
        told(&run.notices),
        [
            "a created",
            "a started",
            "a completed {\"n\":1}",
            "b created",
            "c created",
            "c started",
            "c completed {\"n\":1}",
        ]
    );
    let last = run.notices.last().expect("there are some");
    assert_eq!((&*last.address, &*last.reference), ("/do/2/c", "/do/2/c"));
    assert_eq!(last.at, START.after(std::time::Duration::from_secs(1)));
}

#[test]
fn a_retry_is_told_and_so_are_faults_from_the_inside_out() {
    let workflow = "do:
- attempt:
    try: [{call: {call: http, with: {method: get, endpoint: 'https://host/x'}}}]
    catch: {errors: {with: {status: 502}}, retry: {delay: PT1S, limit: {attempt: {count: 1}}}, do: [{on: {raise: {error: {type: 'https://x/y', status: 500}}}}]}";
    let flaky = |request: &HttpRequest, attempt: u32| {
        if attempt == 1 { unreachable() } else { answered(request, 200, &json!(1)) }
    };
    let fine = run(workflow, &json!({}), &flaky);
    let call = ["call created", "call started"];
    let mut expected = vec!["attempt created", "attempt started"];
    expected.extend(call);
    expected.extend(["call faulted 502", "attempt retried"]);
    expected.extend(call);
    expected.extend(["call completed 1", "attempt completed 1"]);
    assert_eq!(told(&fine.notices), expected);
    let down = run(workflow, &json!({}), &|_: &HttpRequest, _| unreachable());
    let last: Vec<_> = told(&down.notices).into_iter().rev().take(4).collect();
    assert_eq!(last, ["attempt faulted 500", "on faulted 500", "on started", "on created"]);
}

#[test]
fn what_a_timeout_a_race_or_a_cancellation_ends_is_cancelled() {
    let workflow = "do:
- race:
    fork:
      compete: true
      branches:
      - slow: {do: [{sleep: {wait: PT1H}}]}
      - late: {timeout: {after: PT1S}, wait: PT2S}
      - winner: {wait: PT3S}";
    let run = World::new(&echo).run(workflow, &json!({}));
    assert_eq!(
        told(&run.notices)[10..],
        ["late faulted 408", "winner completed {}", "sleep cancelled", "slow cancelled", "race completed {}",]
    );
    let program = program(workflow);
    let mut execution = Execution::new(job(&program, &json!({})));
    execution.observe();
    assert_eq!(execution.resume(), Progress::Blocked);
    assert_eq!(execution.take_notices().len(), 10);
    execution.cancel(START);
    let cancelled =
        ["sleep cancelled", "slow cancelled", "late cancelled", "winner cancelled", "race cancelled"];
    assert_eq!(told(&execution.take_notices()), cancelled);
}

#[test]
fn end_completes_every_task_around_it_with_the_workflows_output() {
    let run = run("do: [{outer: {do: [{stop: {set: {n: 1}, then: end}}]}}]", &json!({}), &echo);
    let last: Vec<_> = told(&run.notices).into_iter().rev().take(2).collect();
    assert_eq!(last, ["outer completed {\"n\":1}", "stop completed {\"n\":1}"]);
}

#[test]
fn a_job_that_is_not_observed_tells_nothing() {
    let program = program("do: [{a: {set: {n: 1}}}]");
    let mut execution = Execution::new(job(&program, &json!({})));
    assert_eq!(execution.resume(), Progress::Finished);
    assert_eq!(execution.take_notices(), Vec::new());
}

#[test]
fn a_job_tells_no_more_than_100_000() {
    let program = program("do: [{loop: {for: {in: '${ [range(40000)] }'}, do: [{a: {set: '${ 1 }'}}]}}]");
    let mut execution = Execution::new(job(&program, &json!({})));
    execution.observe();
    let mut count = 0;
    loop {
        let progress = execution.resume();
        count += execution.take_notices().len();
        if progress != Progress::Yielded {
            break;
        }
    }
    assert_eq!(count, 100_000);
}
