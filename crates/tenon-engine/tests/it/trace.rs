//! What a trace shows, and what it leaves out.

use serde_json::json;
use tenon_engine::{Answer, EffectAction, Execution, Failure, HttpRequest, Outcome, Progress, Used, trace};

use crate::world::{World, all_steps as all, answered, job, program, unreachable};

#[test]
fn a_trace_has_no_more_than_100_000_steps() {
    let program = program("do: [{a: {try: [{b: {set: {x: 1}, then: b}}], catch: {}, then: a}}]");
    let (steps, diverged) = trace::steps(job(&program, &json!({})), &[]);
    assert_eq!(diverged, None);
    assert_eq!(all(&steps).len(), 100_000);
}

#[test]
fn a_trace_keeps_no_more_than_64_mib_of_values_and_says_so() {
    let program = program("do: [{loop: {for: {in: '${ [range(100)] }'}, do: [{copy: {set: '${ . }'}}]}}]");
    let text = "x".repeat(1 << 20);
    let (steps, _) = trace::steps(job(&program, &json!(text)), &[]);
    let (mut kept, mut left_out) = (0, 0);
    for step in all(&steps) {
        for value in [&step.input, &step.output].into_iter().flatten() {
            match value.as_str() {
                Some(value) if value == text => kept += value.len(),
                Some(value) if value.contains("left out") => left_out += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!((32 << 20..=64 << 20).contains(&kept), "{kept} bytes are kept");
    assert!(left_out > 100, "{left_out} values are left out");
}

#[test]
fn a_trace_shows_no_credentials() {
    let program = program(
        "do: [{call: {call: http, with: {method: get, endpoint: 'https://host/x', headers: {Authorization: Bearer abc, proxy-authorization: abc, COOKIE: s=abc, X-Kept: 'yes'}}}}]",
    );
    let (steps, _) = trace::steps(job(&program, &json!({})), &[]);
    let arguments = steps[0].arguments.as_ref().expect("what was asked for").clone();
    assert_eq!(
        arguments["headers"],
        json!([
            ["Authorization", "<redacted>"],
            ["proxy-authorization", "<redacted>"],
            ["COOKIE", "<redacted>"],
            ["X-Kept", "yes"],
        ])
    );
    assert!(!serde_json::to_string(&steps).expect("JSON").contains("abc"));
    // What is sent has them.
    let mut execution = Execution::new(job(&program, &json!({})));
    assert_eq!(execution.resume(), Progress::Blocked);
    let EffectAction::Http(sent) = &execution.take_effects()[0].action else { panic!("a call") };
    assert!(sent.headers.iter().any(|(_, value)| value == "Bearer abc"));
}

#[test]
fn an_attempt_shows_the_versions_of_the_variables_that_it_used() {
    let workflow = "do:
- attempt:
    try: [{call: {call: http, with: {method: get, endpoint: 'https://host/x'}}}]
    catch: {retry: {limit: {attempt: {count: 1}}}}";
    let used = |version| vec![Used { name: "token".to_owned(), version }];
    let callee = move |request: &HttpRequest, attempt: u32| match (attempt, unreachable()) {
        (1, Outcome::Failed(failure)) => Outcome::Failed(Failure { used: used(1), ..failure }),
        _ => match answered(request, 200, &json!("fine")) {
            Outcome::Answered(answer) => Outcome::Answered(Answer { used: used(2), ..answer }),
            other => other,
        },
    };
    let steps = World::new(&callee).steps(workflow, &json!({}));
    let attempts = &steps[0].children[0].attempts;
    assert_eq!((&attempts[0].used, &attempts[1].used), (&used(1), &used(2)));
    let shown = serde_json::to_value(&steps).expect("JSON");
    let shown = &shown[0]["children"][0]["attempts"][1]["used"];
    assert_eq!(*shown, json!([{"name": "token", "version": 2}]));
}
