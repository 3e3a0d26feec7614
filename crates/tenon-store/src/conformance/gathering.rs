//! Events in sets, each of which starts one job.

use futures_util::future::join_all;

use super::Harness;
use super::fixture::{Fixture, completed, json, mark, moment, put, take};
use crate::{
    Capture, Captured, Change, ChangeResource, Decision, DedupMark, Error, EventId, Gather, JobFilter, JobId,
    JobState, Kind, NewJob, OpenSet, Role, Serves, SetQuery, SetVersion, Timestamp, WorkspaceId,
};

const STRATEGY: u64 = u64::MAX - 7;

/// Event `n`, which can be these parts (of so many) in sets of a key; job `n` starts if it completes one.
fn part(fixture: &Fixture, n: u64, (parts, of): (&[u32], u32), key: &str) -> Capture {
    let serves = parts.iter().map(|part| Serves { part: *part, key: key.to_owned() }).collect();
    gathered(fixture, n, Role::Part { serves, of })
}

/// Event `n` as one of many, on which nothing has to be decided.
fn item(fixture: &Fixture, n: u64, key: &str) -> Capture {
    gathered(fixture, n, Role::Item { key: key.to_owned(), decision: None })
}

/// Event `n`, which is these parts (of so many) of what ends a set.
fn end(fixture: &Fixture, n: u64, (parts, of): (&[u32], u32), key: &str) -> Capture {
    let serves = parts.iter().map(|part| Serves { part: *part, key: key.to_owned() }).collect();
    gathered(fixture, n, Role::End { serves, of })
}

/// Event `n`, decided on with what the set of the key was.
fn decided(fixture: &Fixture, n: u64, seen: &OpenSet, is_complete: bool) -> Capture {
    let decision = Some(Decision { version: seen.version, is_complete });
    gathered(fixture, n, Role::Item { key: "k".to_owned(), decision })
}

fn gathered(fixture: &Fixture, n: u64, role: Role) -> Capture {
    let gather = Gather { strategy: STRATEGY, role, job: fixture.job(n) };
    Capture { gathers: vec![gather], ..fixture.event(n) }
}

async fn open_set(fixture: &Fixture, key: &str) -> OpenSet {
    let query = SetQuery {
        workspace: fixture.workspace,
        workflow: fixture.workflow,
        strategy: STRATEGY,
        key: key.to_owned(),
    };
    fixture.store.open_set(&query).await.expect("reads work")
}

/// The numbers of the events that job `n` was gathered from.
async fn events_of(fixture: &Fixture, n: u64) -> Vec<u64> {
    let gathered = fixture.store.gathered(fixture.workspace, JobId(n)).await.expect("reads work");
    for gathered in &gathered {
        assert_eq!(gathered.envelope, json(&format!("{{\"n\":{}}}", gathered.event.0)));
    }
    gathered.iter().map(|gathered| gathered.event.0).collect()
}

async fn jobs_of(fixture: &Fixture, n: u64) -> Vec<JobId> {
    let event = fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work");
    let event = event.expect("the event is there");
    let filter = JobFilter { event: Some(EventId(n)), ..JobFilter::default() };
    let page = fixture.store.jobs(fixture.workspace, &filter, None, 10).await.expect("reads work");
    let mut found: Vec<JobId> = page.items.iter().map(|job| job.id).collect();
    found.sort_unstable();
    let mut listed = event.jobs;
    listed.sort_unstable();
    assert_eq!(found, listed, "an event lists the jobs that are found by it");
    listed
}

async fn is_there(fixture: &Fixture, n: u64) -> bool {
    fixture.store.event(fixture.workspace, EventId(n)).await.expect("reads work").is_some()
}

async fn prune(fixture: &Fixture, now: Timestamp) -> u64 {
    fixture.store.prune(now, 1000).await.expect("retention works")
}

/// One job when every part is there; what comes twice goes into the next set.
pub async fn every_part_makes_a_set_complete(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for (n, wanted, started) in [
        (1, &[0][..], None),
        (2, &[0], None),
        (3, &[1], Some(3)),
        (4, &[0], None),
        (5, &[1], Some(5)),
        (6, &[1], Some(6)),
        (7, &[1], None),
        (8, &[0], Some(8)),
    ] {
        let jobs = fixture.capture(part(&fixture, n, (wanted, 2), "")).await;
        assert_eq!(jobs, started.map(JobId).into_iter().collect::<Vec<_>>(), "event {n}");
    }
    for (job, events) in [(3, [1, 3]), (5, [2, 5]), (6, [4, 6]), (8, [7, 8])] {
        assert_eq!(events_of(&fixture, job).await, events, "none is lost, none is used twice");
    }
}

/// An event that can be several parts is the first that is free in the oldest set.
pub async fn an_event_takes_the_first_free_part(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    for (n, wanted, started) in [
        (1, &[0, 1][..], false),
        (2, &[0], false),
        // The oldest set has 0 only; the second has 0 as well.
        (3, &[0, 1], false),
        (4, &[2], true),
        (5, &[0, 1], false),
        (6, &[2, 1], true),
    ] {
        let jobs = fixture.capture(part(&fixture, n, (wanted, 3), "")).await;
        assert_eq!(jobs.len(), usize::from(started), "event {n}");
    }
    assert_eq!(events_of(&fixture, 4).await, [1, 3, 4]);
    assert_eq!(events_of(&fixture, 6).await, [2, 5, 6]);
}

/// Sets of one value are nothing to those of another.
pub async fn keys_have_sets_of_their_own(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    assert!(fixture.capture(part(&fixture, 1, (&[0], 2), "a")).await.is_empty());
    assert!(fixture.capture(part(&fixture, 2, (&[1], 2), "b")).await.is_empty());
    assert_eq!(fixture.capture(part(&fixture, 3, (&[1], 2), "a")).await, [JobId(3)]);
    assert_eq!(events_of(&fixture, 3).await, [1, 3]);
    // By one filter it belongs to one value, by the other to another: the older set has it.
    let serves = |part, key: &str| Serves { part, key: key.to_owned() };
    let role = Role::Part { serves: vec![serves(1, "a"), serves(0, "b")], of: 2 };
    assert_eq!(fixture.capture(gathered(&fixture, 4, role)).await, [JobId(4)]);
    assert_eq!(events_of(&fixture, 4).await, [2, 4]);
}

/// Until all that ends it has come; that is no part of it, and means nothing where there is no set.
pub async fn an_end_completes_a_set(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    assert!(fixture.capture(end(&fixture, 1, (&[0], 2), "k")).await.is_empty());
    for n in [2, 3] {
        assert!(fixture.capture(item(&fixture, n, "k")).await.is_empty());
    }
    assert!(fixture.capture(end(&fixture, 4, (&[0], 2), "k")).await.is_empty(), "one of two");
    assert!(fixture.capture(end(&fixture, 5, (&[0], 2), "k")).await.is_empty(), "the same once more");
    assert!(fixture.capture(item(&fixture, 6, "k")).await.is_empty());
    assert!(fixture.capture(end(&fixture, 7, (&[1], 2), "other")).await.is_empty(), "of another value");
    assert_eq!(fixture.capture(end(&fixture, 8, (&[0, 1], 2), "k")).await, [JobId(8)]);
    assert_eq!(events_of(&fixture, 8).await, [2, 3, 6]);
    assert_eq!((jobs_of(&fixture, 8).await, jobs_of(&fixture, 3).await), (vec![JobId(8)], vec![JobId(8)]));
    assert!(jobs_of(&fixture, 4).await.is_empty());
    assert!(fixture.capture(end(&fixture, 9, (&[0, 1], 1), "k")).await.is_empty(), "the next set is empty");
}

/// A decision holds only for the set that it was made on.
pub async fn a_decision_is_for_what_was_seen(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let nothing = open_set(&fixture, "k").await;
    assert!(nothing.version.is_none() && nothing.events.is_empty());
    assert!(fixture.capture(decided(&fixture, 1, &nothing, false)).await.is_empty());
    let captured = fixture.store.capture(decided(&fixture, 2, &nothing, true)).await;
    let stale = Captured::Stale { generation: fixture.generation };
    assert_eq!(captured.expect("stale is an answer"), stale);
    assert!(!is_there(&fixture, 2).await);

    let one = open_set(&fixture, "k").await;
    assert_eq!(one.events, [json("{\"n\":1}")]);
    assert!(fixture.capture(decided(&fixture, 2, &one, false)).await.is_empty());
    let two = open_set(&fixture, "k").await;
    assert_eq!((two.version.map(|version| version.events), two.events.len()), (Some(2), 2));
    assert_eq!(fixture.capture(decided(&fixture, 3, &two, true)).await, [JobId(3)]);
    assert_eq!(events_of(&fixture, 3).await, [1, 2, 3]);
    for seen in [&one, &two] {
        let captured = fixture.store.capture(decided(&fixture, 4, seen, true)).await;
        assert_eq!(captured.expect("stale is an answer"), stale);
    }
    let gone = OpenSet { version: Some(SetVersion { set: 99, events: 1 }), ..OpenSet::default() };
    let captured = fixture.store.capture(decided(&fixture, 4, &gone, true)).await;
    assert_eq!(captured.expect("stale is an answer"), stale);
    let other = SetQuery {
        workspace: fixture.workspace,
        workflow: fixture.workflow,
        strategy: STRATEGY + 1,
        key: "k".to_owned(),
    };
    fixture.capture(item(&fixture, 5, "k")).await;
    assert!(fixture.store.open_set(&other).await.expect("reads work").version.is_none());
}

/// However many captures there are at once, and whatever their order.
pub async fn of_many_at_once_each_set_starts_once(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let captures = (1..=90).map(|n| part(&fixture, n, (&[(n % 3) as u32], 3), ""));
    let captured = join_all(captures.map(|capture| fixture.capture(capture))).await;
    let jobs: Vec<JobId> = captured.into_iter().flatten().collect();
    assert_eq!(jobs.len(), 30);
    let mut events = Vec::new();
    for job in &jobs {
        let of_job = events_of(&fixture, job.0).await;
        assert_eq!(of_job.len(), 3);
        events.extend(of_job);
    }
    events.sort_unstable();
    assert_eq!(events, (1..=90).collect::<Vec<_>>(), "each event is in one job");
}

/// The job has its events wherever it is read; a rerun has the same.
pub async fn a_job_has_all_its_events(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fed = fixture.listen();
    fixture.capture(part(&fixture, 1, (&[0], 2), "")).await;
    fixture.capture(part(&fixture, 2, (&[1], 2), "")).await;
    let fed_jobs = take(&fed);
    let [job] = fed_jobs.as_slice() else { panic!("one job comes through the feed, not {fed_jobs:?}") };
    assert_eq!((job.id, job.event, job.state), (JobId(2), EventId(2), JobState::Pending));
    assert!(job.payload.is_none(), "its events are in the store");
    let payload = fixture.store.open_job(JobId(2)).await.expect("reads work").expect("it is open").payload;
    let payload = payload.expect("it is read with its payload");
    assert_eq!(payload.envelope, json("{\"n\":2}"));
    assert_eq!(payload.gathered, [json("{\"n\":1}"), json("{\"n\":2}")]);
    let record =
        fixture.store.job(fixture.workspace, JobId(2)).await.expect("reads work").expect("it is there");
    assert_eq!((record.event, record.gathered), (EventId(2), vec![EventId(1), EventId(2)]));
    assert_eq!((jobs_of(&fixture, 1).await, jobs_of(&fixture, 2).await), (vec![JobId(2)], vec![JobId(2)]));

    let again = NewJob { events_of: Some(JobId(2)), rerun_of: Some(JobId(2)), ..fixture.job(3) };
    let capture = |n, job| Capture { jobs: vec![job], ..fixture.event(n) };
    assert_eq!(fixture.capture(capture(3, again)).await, [JobId(3)]);
    assert_eq!(events_of(&fixture, 3).await, [1, 2]);
    assert_eq!(jobs_of(&fixture, 1).await, [JobId(2)], "a rerun is found by its own event");
    for missing in [9, 1] {
        let of_nothing = NewJob { events_of: Some(JobId(missing)), ..fixture.job(4) };
        let refused = fixture.store.capture(capture(4, of_nothing)).await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    }
    fixture.start(5).await;
    let of_one = NewJob { events_of: Some(JobId(5)), ..fixture.job(6) };
    let refused = fixture.store.capture(capture(6, of_one)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    assert!(events_of(&fixture, 5).await.is_empty());
}

/// The workflow's own mark suppresses the job; the set is used up all the same.
pub async fn a_suppressed_job_uses_its_set_up(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let with_mark = |n: u64, of: &[u32]| {
        let mut capture = part(&fixture, n, (of, 2), "");
        capture.gathers[0].job.mark = Some(mark("workflow:1", "one"));
        capture
    };
    for (n, of, started) in [(1, [0], 0), (2, [1], 1), (3, [0], 0), (4, [1], 0), (5, [1], 0)] {
        assert_eq!(fixture.capture(with_mark(n, &of)).await.len(), started, "event {n}");
    }
    assert!(jobs_of(&fixture, 3).await.is_empty());
    assert_eq!(prune(&fixture, moment(1003)).await, 2, "the mark, and an event that nobody needs");
    assert!(!is_there(&fixture, 3).await && is_there(&fixture, 2).await);
}

/// A repeat is in no set, nor is what was planned for workflows that have changed.
pub async fn a_refused_capture_gathers_nothing(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let marked = |n: u64| Capture {
        mark: Some(DedupMark { expires: Timestamp::NEVER, ..mark("source", "one") }),
        ..item(&fixture, n, "k")
    };
    fixture.capture(marked(1)).await;
    let repeat = fixture.store.capture(marked(2)).await.expect("a repeat is an answer");
    assert!(matches!(repeat, Captured::Duplicate(duplicate) if duplicate.event == EventId(1)));
    let stale = Capture { generation: fixture.generation - 1, ..item(&fixture, 3, "k") };
    fixture.store.capture(stale).await.expect("stale is an answer");
    assert_eq!(open_set(&fixture, "k").await.events.len(), 1);
}

/// They are durable, and go on growing.
pub async fn sets_survive_a_restart(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    fixture.capture(part(&fixture, 1, (&[0], 2), "a")).await;
    fixture.capture(part(&fixture, 2, (&[0], 2), "a")).await;
    fixture.store.close().await;
    let fixture = Fixture { store: harness.open().await, ..fixture };
    assert_eq!(fixture.capture(part(&fixture, 3, (&[1], 2), "a")).await, [JobId(3)]);
    assert_eq!(fixture.capture(part(&fixture, 4, (&[1], 2), "a")).await, [JobId(4)]);
    assert_eq!(events_of(&fixture, 3).await, [1, 3]);
    assert_eq!(events_of(&fixture, 4).await, [2, 4]);
}

/// New content keeps sets of the same strategy; those of another go, with a record, and so do a deleted workflow's.
pub async fn sets_go_with_their_strategy(harness: &dyn Harness) {
    let mut fixture = Fixture::new(harness).await;
    let actions = async |fixture: &Fixture| {
        let page = fixture.store.audit_records(fixture.workspace, None, 100).await.expect("reads work");
        let mut actions: Vec<String> = page.items.into_iter().map(|record| record.action).collect();
        actions.retain(|action| action != "workflow.put");
        actions
    };
    let deploy = async |fixture: &mut Fixture, content: &str, gathers: Option<u64>| {
        let new = crate::PutResource { gathers, ..put(fixture.workspace, "acme/sync", content) };
        fixture.store.put_resource(new).await.expect("the content is accepted");
        fixture.generation = fixture.store.generation(fixture.workspace).await.expect("there is one");
    };
    fixture.capture(item(&fixture, 1, "k")).await;
    deploy(&mut fixture, "two", Some(STRATEGY)).await;
    assert_eq!(open_set(&fixture, "k").await.events.len(), 1);
    deploy(&mut fixture, "three", Some(STRATEGY - 1)).await;
    assert!(open_set(&fixture, "k").await.version.is_none());
    assert_eq!(actions(&fixture).await, ["workflow.gathered.drop"]);

    // Nothing is left of the set before; a strategy that nobody said is replaced, too.
    fixture.capture(item(&fixture, 2, "k")).await;
    assert_eq!(open_set(&fixture, "k").await.events, [json("{\"n\":2}")]);
    let mut other = item(&fixture, 3, "k");
    other.gathers[0].strategy = 5;
    fixture.capture(other).await;
    assert!(open_set(&fixture, "k").await.version.is_none());

    let delete = ChangeResource {
        workspace: fixture.workspace,
        kind: Kind::Workflow,
        name: "acme/sync".to_owned(),
        change: Change::Delete,
        state: None,
        actor: "owner".to_owned(),
        at: moment(4),
    };
    fixture.store.change_resource(delete).await.expect("it is deleted");
    let expected = ["workflow.delete", "workflow.gathered.drop", "workflow.gathered.drop"];
    assert_eq!(actions(&fixture).await, expected);
    assert_eq!(prune(&fixture, moment(1003)).await, 3, "what was gathered goes when its time has come");
}

/// As long as a set is open, and as long as a job that was gathered from it is there.
pub async fn gathered_events_are_kept(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let fence = fixture.own().await;
    fixture.capture(part(&fixture, 1, (&[0], 2), "")).await;
    assert_eq!(prune(&fixture, moment(1500)).await, 0);
    assert_eq!(fixture.capture(part(&fixture, 2, (&[1], 2), "")).await, [JobId(2)]);
    let again = NewJob { events_of: Some(JobId(2)), rerun_of: Some(JobId(2)), ..fixture.job(3) };
    fixture.capture(Capture { jobs: vec![again], ..fixture.event(3) }).await;
    fixture.complete(fence, 2).await;
    assert_eq!(prune(&fixture, moment(2000)).await, 1, "the first job");
    assert_eq!(events_of(&fixture, 3).await, [1, 2], "the rerun has its events");
    fixture.store.write(fixture.write(fence, 3, completed("{}", moment(2500)))).await.expect("it completes");
    let mut removed = 0;
    while prune(&fixture, moment(2500)).await > 0 {
        removed += 1;
    }
    assert!(removed > 0);
    for n in [1, 2, 3] {
        assert!(!is_there(&fixture, n).await, "event {n} went with the last job");
    }
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.jobs, used.open_jobs), (0, 0, 0));
}

/// Sets of one workspace are nothing to another.
pub async fn sets_are_strangers(harness: &dyn Harness) {
    let fixture = Fixture::new(harness).await;
    let other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    fixture.capture(part(&fixture, 1, (&[0], 2), "k")).await;
    let of_the_other = Capture { event: other.event(2).event, ..part(&fixture, 2, (&[1], 2), "k") };
    let of_the_other = Capture { generation: other.generation, ..of_the_other };
    assert!(fixture.capture(of_the_other).await.is_empty(), "the same workflow, but elsewhere");
    assert_eq!(fixture.capture(part(&fixture, 3, (&[1], 2), "k")).await, [JobId(3)]);
    let looked = other.store.gathered(other.workspace, JobId(3)).await.expect("reads work");
    assert!(looked.is_empty());
    let stolen = NewJob { events_of: Some(JobId(3)), ..other.job(4) };
    let refused = other.store.capture(Capture { jobs: vec![stolen], ..other.event(4) }).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    let nobody = SetQuery {
        workspace: WorkspaceId(999),
        workflow: fixture.workflow,
        strategy: STRATEGY,
        key: "k".to_owned(),
    };
    let found = fixture.store.open_set(&nobody).await;
    assert!(matches!(&found, Err(Error::NotFound(_))), "{found:?}");
}
