//! What a trace shows, and what it leaves out.

use serde_json::json;
use tenon_engine::trace::{self, Step};
use tenon_engine::{EffectAction, Execution, Progress};

use crate::world::{job, program};

/// All steps of a tree.
fn all(steps: &[Step]) -> Vec<&Step> {
    steps.iter().flat_map(|step| std::iter::once(step).chain(all(&step.children))).collect()
}

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
