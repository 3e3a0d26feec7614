//! Jobs that several events start: their input, `$event`, restarts, replay and reruns.

use serde_json::{Value, json};
use tenon_capture::{Data, Event, HOPS, Incoming, LIFECYCLE, Rerun};
use tenon_store::{JobId, JobState};

use crate::stage::{Stage, open};

const ALL: &str = "on: {all: [{with: {type: ordered}}, {with: {type: paid}}]}";
const SEE: &str = "- see: {set: {input: '${ . }', event: '${ $event.type }'}}\n";

async fn deploy(stage: &Stage, schedule: &str, tasks: &str) {
    let rest = format!("}}\nschedule: {{{schedule}}}\ndo:\n{tasks}");
    stage.put("w", &rest, (&["ordered", "paid", "reading", "end"], &[])).await;
}

/// The job that the last of these events starts.
async fn started(stage: &Stage, events: &[(&str, Value)]) -> JobId {
    let mut jobs = Vec::new();
    for (number, (r#type, data)) in events.iter().enumerate() {
        jobs = stage.event(r#type, data.clone()).await;
        assert_eq!(jobs.len(), usize::from(number + 1 == events.len()), "event {number}");
    }
    jobs[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_is_the_events_in_order_of_capture() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    deploy(&stage, ALL, SEE).await;
    let job = started(&stage, &[("paid", json!({"euro": 5})), ("ordered", json!({"n": 1}))]).await;
    let output = json!({"input": [{"euro": 5}, {"n": 1}], "event": "paid"});
    assert_eq!(stage.output(job).await, output);
    stage.verify(job).await;
    let record = stage.record(job).await;
    let input = stage.history.input(&record).await.expect("readable");
    assert_eq!(*input, output["input"]);
    let trace = stage.history.trace(stage.workspace, job).await.expect("readable");
    assert!(trace.diverged.is_none() && !trace.steps.is_empty());

    // The same once more, also from what was run again.
    for (edited, expected) in [(None, &output), (Some(json!(7)), &json!({"input": 7, "event": "paid"}))] {
        let job = stage.record(job).await;
        let input = edited.map(|input: Value| input.to_string().into());
        let again = stage.capture.rerun(Rerun { input, ..Rerun::of(job) }).await;
        let again = again.expect("started").jobs[0];
        assert_eq!(stage.output(again).await, *expected);
        stage.verify(again).await;
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_no_part_of_the_input() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let until = "on: {any: [{with: {type: reading}}], until: {one: {with: {type: end}}}}, read: envelope";
    deploy(&stage, until, "- see: {set: {data: '${ map(.data) }', event: '${ $event.data }'}}\n").await;
    let job = started(&stage, &[("reading", json!(1)), ("reading", json!(2)), ("end", json!("over"))]).await;
    assert_eq!(stage.output(job).await, json!({"data": [1, 2], "event": 1}));
    stage.verify(job).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_and_jobs_go_on_after_a_restart() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    let rests = "}
schedule: {on: {any: [{with: {type: reading}}], until: add > 5}}
do:
- rest: {listen: {to: {one: {with: {type: wake}}}}, output: {as: '${ $input }'}}
- see: {set: {sum: '${ add }', first: '${ $event.data }'}}
";
    stage.put("w", rests, (&["reading"], &["wake"])).await;
    for n in [1, 2] {
        assert!(stage.event("reading", json!(n)).await.is_empty());
    }
    stage.stop().await;
    let stage = Stage::on(open(&directory)).await;
    let job = started(&stage, &[("reading", json!(3))]).await;
    stage.reaches(job, JobState::Waiting).await;
    stage.stop().await;
    let stage = Stage::on(open(&directory)).await;
    stage.event("wake", json!({})).await;
    assert_eq!(stage.output(job).await, json!({"sum": 6, "first": 1}));
    stage.verify(job).await;
    stage.stop().await;
}

/// What an event says of its origin counts, whichever of the job's events it is.
#[tokio::test(flavor = "multi_thread")]
async fn hops_and_lifecycles_are_those_of_all_events() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stage = Stage::on(open(&directory)).await;
    deploy(&stage, ALL, "- tell: {emit: {event: {with: {type: told}}}}\n").await;
    stage.put("watches", "}\ndo: [{hear: {listen: {to: {any: []}}}}]\n", (&[], &["*"])).await;
    let mut event = Event {
        source: "/test".to_owned(),
        r#type: "ordered".to_owned(),
        data: Data::Value(json!(1)),
        ..Event::default()
    };
    event.extensions.insert(HOPS.to_owned(), 30.into());
    event.extensions.insert(LIFECYCLE.to_owned(), true.into());
    stage.capture.event(Incoming::new(stage.workspace, event)).await.expect("captured");
    let job = started(&stage, &[("paid", json!(2))]).await;
    assert_eq!(stage.end(job).await.state, JobState::Completed);
    assert_eq!(stage.event_types().await, ["ordered", "paid", "told"], "no lifecycle events");
    let told = tenon_store::EventFilter { r#type: Some("told".to_owned()), ..Default::default() };
    let told = stage.store.events(stage.workspace, &told, None, 1).await.expect("readable").items[0].id;
    let told = stage.store.event(stage.workspace, told).await.expect("readable").expect("kept");
    let envelope: Value = serde_json::from_slice(&told.envelope.expect("whole")).expect("JSON");
    assert_eq!(envelope[HOPS], 31);
    stage.stop().await;
}
