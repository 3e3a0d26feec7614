//! Jobs that are parked until an event comes.

use futures_util::future::{join, join_all};

use super::Harness;
use super::fixture::{Fixture, SHARD, for_events, ids, json, mark, moment, take};
use crate::{
    CandidateQuery, Error, Fence, JobId, JobState, OpenJob, Timestamp, Transition, Waits, WorkspaceId,
};

/// A workspace that keeps events of the types `paid` and `sent`, with jobs 1 to `jobs`.
async fn listening(harness: &dyn Harness, jobs: u64) -> (Fixture, Fence) {
    let mut fixture = Fixture::new(harness).await;
    fixture.declare(&["paid", "sent"]).await;
    let fence = fixture.own().await;
    for n in 1..=jobs {
        fixture.start(n).await;
    }
    (fixture, fence)
}

/// How far the inbox goes.
async fn here(fixture: &Fixture, workspace: WorkspaceId) -> u64 {
    let query = CandidateQuery {
        workspace,
        types: Vec::new(),
        subject: None,
        after: 0,
        since: Timestamp(0),
        newest: 1,
        limit: 1,
    };
    fixture.store.candidates(&query).await.expect("reads work").looked_to
}

async fn due(fixture: &Fixture, until: Timestamp) -> Vec<OpenJob> {
    fixture.store.waiting_jobs(SHARD, None, until, 1000).await.expect("reads work")
}

/// It is due at the moment of the event, knows how far it had looked, and hears of one event only.
pub async fn an_event_wakes_who_waits(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 1).await;
    let after = here(&fixture, fixture.workspace).await;
    let fed = fixture.listen();
    fixture.park(fence, 1, for_events(&["paid", "sent", "paid"], None, after)).await;
    let record = fixture.store.job(fixture.workspace, JobId(1)).await.expect("reads work");
    let record = record.expect("the job is there");
    assert_eq!((record.state, record.wake_at), (JobState::Waiting, None), "no moment wakes it");
    let parked = due(&fixture, Timestamp::NEVER).await;
    assert_eq!(ids(&parked), [JobId(1)]);
    assert_eq!((parked[0].wake_at, parked[0].looked_to), (None, Some(after)));
    assert!(due(&fixture, moment(1_000_000)).await.is_empty());
    fixture.emit(10, "other", None).await;
    assert!(take(&fed).is_empty());

    fixture.emit(11, "sent", Some("s")).await;
    let woken = take(&fed);
    assert_eq!(ids(&woken), [JobId(1)]);
    let job = &woken[0];
    assert_eq!((job.state, job.wake_at, job.looked_to), (JobState::Waiting, Some(moment(11)), Some(after)));
    assert_eq!((job.shard, job.workspace, job.workflow), (SHARD, fixture.workspace, fixture.workflow));
    assert!(job.payload.is_none());
    let due = due(&fixture, moment(11)).await;
    assert_eq!((ids(&due), due[0].looked_to), (vec![JobId(1)], Some(after)));
    let open = fixture.store.open_job(JobId(1)).await.expect("reads work").expect("it is open");
    assert_eq!((open.wake_at, open.looked_to), (Some(moment(11)), Some(after)));
    let used = fixture.store.disk_use().await.expect("reads work");
    assert_eq!((used.events, used.open_jobs), (3, 1));
    fixture.emit(12, "paid", None).await;
    assert!(take(&fed).is_empty(), "it is awake already");
}

/// Of many that wait for a type, those that can want the event.
pub async fn a_subject_narrows(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 100).await;
    let fed = fixture.listen();
    let after = here(&fixture, fixture.workspace).await;
    for n in 1..=100 {
        let subject = format!("order-{n}");
        let subject = Some(subject.as_str()).filter(|_| n > 2);
        fixture.park(fence, n, for_events(&["paid"], subject, after)).await;
    }
    let woken = async |n: u64, subject: Option<&str>| {
        fixture.emit(n, "paid", subject).await;
        let mut woken: Vec<u64> = take(&fed).iter().map(|job| job.id.0).collect();
        woken.sort_unstable();
        woken
    };
    assert_eq!(woken(201, Some("order-50")).await, [1, 2, 50]);
    assert_eq!(woken(202, Some("order-50")).await, [0; 0]);
    assert_eq!(woken(203, None).await, [0; 0], "no subject is none of theirs");
    assert_eq!(woken(204, Some("order-7")).await, [7]);
    assert_eq!(due(&fixture, moment(300)).await.len(), 4);
    let after = here(&fixture, fixture.workspace).await;
    fixture.park(fence, 7, for_events(&["paid"], Some("order-8"), after)).await;
    assert_eq!(woken(205, Some("order-8")).await, [7, 8]);
}

/// An event behind `after` that was captured before the park; by subject, too.
pub async fn what_is_there_already_makes_due(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 3).await;
    let fed = fixture.listen();
    let after = here(&fixture, fixture.workspace).await;
    fixture.emit(10, "paid", Some("a")).await;
    for (n, subject, is_due) in [(1, None, true), (2, Some("a"), true), (3, Some("b"), false)] {
        fixture.park(fence, n, for_events(&["sent", "paid"], subject, after)).await;
        let told = take(&fed);
        assert_eq!(told.len(), usize::from(is_due), "{subject:?}");
        for job in told {
            assert_eq!((job.id, job.state, job.looked_to), (JobId(n), JobState::Waiting, Some(after)));
            assert_eq!(job.wake_at, Some(moment(n + 1)), "the moment of the park");
        }
    }
    assert_eq!(ids(&due(&fixture, moment(50)).await), [JobId(1), JobId(2)]);
    fixture.emit(11, "paid", Some("b")).await;
    assert_eq!(ids(&take(&fed)), [JobId(3)], "those that were due wait for nothing more");
}

/// The last event was looked at before the park; the next comes at the same time as the park, before or after it.
pub async fn nothing_slips_between_looking_and_parking(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 60).await;
    let fed = fixture.listen();
    for n in 1..=60 {
        let after = here(&fixture, fixture.workspace).await;
        let subject = n.to_string();
        let park = fixture.park(fence, n, for_events(&["paid"], Some(&subject), after));
        let event = fixture.emit(100 + n, "paid", Some(&subject));
        // The futures are polled in order, so the commands are queued in it, and share a batch more often than not.
        if n % 2 == 0 {
            join(park, event).await;
        } else {
            join(event, park).await;
        }
        assert_eq!(ids(&take(&fed)), [JobId(n)], "it is told of once");
        let open = fixture.store.open_job(JobId(n)).await.expect("reads work").expect("it is open");
        let wake_at = open.wake_at.expect("it is due");
        assert!(open.state == JobState::Waiting && [moment(100 + n), moment(n + 1)].contains(&wake_at));
    }
}

/// Neither at the park nor later, as long as nothing new comes.
pub async fn what_was_looked_at_wakes_nobody(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 2).await;
    fixture.emit(10, "paid", None).await;
    fixture.emit(11, "sent", None).await;
    let after = here(&fixture, fixture.workspace).await;
    let fed = fixture.listen();
    fixture.park(fence, 1, for_events(&["paid", "sent"], None, after)).await;
    fixture.park(fence, 2, for_events(&["*"], None, 0)).await;
    assert!(take(&fed).is_empty(), "`*` is not declared, so nothing is kept for it");
    assert_eq!(due(&fixture, moment(1_000_000)).await.len(), 0);
}

/// Running, suspended, ended, parked for a moment: events find nobody, and change nothing.
pub async fn any_other_write_ends_the_wait(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 5).await;
    let fed = fixture.listen();
    let expires = moment(500);
    let next = [
        Transition::Running,
        Transition::Suspended { reason: json("{}") },
        Transition::Cancelled { expires: expires.into() },
        Transition::Faulted { error: json("{}"), expires: expires.into() },
        Transition::Waiting { wake_at: moment(900), waits: Waits::default() },
    ];
    for (n, next) in (1..).zip(next) {
        let after = here(&fixture, fixture.workspace).await;
        fixture.park(fence, n, for_events(&["paid"], None, after)).await;
        let state = next.state();
        fixture.store.write(fixture.write(fence, n, next)).await.expect("the job moves");
        fixture.emit(100 + n, "paid", None).await;
        assert!(take(&fed).is_empty(), "{state:?}");
        let record = fixture.store.job(fixture.workspace, JobId(n)).await.expect("reads work");
        let record = record.expect("the job is there");
        let wake_at = (state == JobState::Waiting).then_some(moment(900));
        assert_eq!((record.state, record.wake_at), (state, wake_at));
        let open = fixture.store.open_job(JobId(n)).await.expect("reads work");
        assert_eq!(open.and_then(|job| job.looked_to), None, "{state:?}");
    }
}

/// A job that parks again waits for what it said last.
pub async fn the_latest_park_counts(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 1).await;
    let fed = fixture.listen();
    let after = here(&fixture, fixture.workspace).await;
    fixture.park(fence, 1, for_events(&["paid"], None, after)).await;
    fixture.park(fence, 1, for_events(&["sent"], None, after + 1)).await;
    fixture.emit(10, "paid", None).await;
    assert!(take(&fed).is_empty());
    fixture.emit(11, "sent", None).await;
    let woken = take(&fed);
    assert_eq!((ids(&woken), woken[0].looked_to), (vec![JobId(1)], Some(after + 1)));
}

/// An event does not put off a moment that comes before it.
pub async fn an_earlier_moment_stays(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 1).await;
    let fed = fixture.listen();
    let after = here(&fixture, fixture.workspace).await;
    let wait = Transition::Waiting { wake_at: moment(5), waits: for_events(&["paid"], None, after) };
    fixture.store.write(fixture.write(fence, 1, wait)).await.expect("the job parks");
    fixture.emit(10, "paid", None).await;
    let woken = take(&fed);
    assert_eq!((ids(&woken), woken[0].wake_at), (vec![JobId(1)], Some(moment(5))));
}

/// Repeats, and captures with old subscribers.
pub async fn a_refused_capture_wakes_nobody(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 1).await;
    let marked = |n: u64| {
        let mut capture = fixture.event_of(n, "paid", None);
        capture.mark = Some(mark("source", "one"));
        capture
    };
    fixture.capture(marked(9)).await;
    let after = here(&fixture, fixture.workspace).await;
    let fed = fixture.listen();
    fixture.park(fence, 1, for_events(&["paid"], None, after)).await;
    fixture.store.capture(marked(10)).await.expect("a repeat is an answer");
    let mut stale = fixture.event_of(11, "paid", None);
    stale.generation -= 1;
    fixture.store.capture(stale).await.expect("stale is an answer");
    assert!(take(&fed).is_empty());
    fixture.emit(12, "paid", None).await;
    assert_eq!(ids(&take(&fed)), [JobId(1)]);
}

/// Wakes and a capture that cannot be, all at once, round after round.
pub async fn a_failed_batch_leaves_waiters_alone(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 20).await;
    let fed = fixture.listen();
    for round in 0..5 {
        let after = here(&fixture, fixture.workspace).await;
        let first = 1000 * (round + 1);
        let parks = (1..=20).map(|n| {
            let waits = for_events(&["paid"], Some(&n.to_string()), after);
            fixture.park(fence, n, waits)
        });
        join_all(parks).await;
        let taken = fixture.store.capture(fixture.event_with_job(1));
        let events =
            (1..=10).map(|n| fixture.capture(fixture.event_of(first + n, "paid", Some(&n.to_string()))));
        let (_, refused) = join(join_all(events), taken).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        let mut told: Vec<u64> = take(&fed).iter().map(|job| job.id.0).collect();
        told.sort_unstable();
        assert_eq!(told, (1..=10).collect::<Vec<_>>(), "round {round}");
        for n in 11..=20 {
            fixture.emit(first + n, "paid", Some(&n.to_string())).await;
            assert_eq!(ids(&take(&fed)), [JobId(n)], "round {round}");
        }
    }
}

/// Those who wait still do, those who were due are, and nobody else.
pub async fn waiters_survive_a_restart(harness: &dyn Harness) {
    let (before, fence) = listening(harness, 4).await;
    let after = here(&before, before.workspace).await;
    before.park(fence, 1, for_events(&["paid"], Some("a"), after)).await;
    before.park(fence, 2, for_events(&["sent"], None, after)).await;
    before.park(fence, 3, for_events(&["sent"], None, after)).await;
    before.store.write(before.write(fence, 3, Transition::Running)).await.expect("it goes on");
    before.park(fence, 4, super::fixture::for_ends(&[3])).await;
    before.emit(10, "sent", None).await;
    before.store.close().await;

    let fixture = Fixture { store: harness.open().await, ..before };
    let fence = fixture.own().await;
    let fed = fixture.listen();
    assert_eq!(ids(&due(&fixture, moment(10)).await), [JobId(2)]);
    assert_eq!(ids(&due(&fixture, Timestamp::NEVER).await), [JobId(2), JobId(1), JobId(4)]);
    fixture.emit(11, "sent", None).await;
    fixture.emit(12, "paid", None).await;
    assert!(take(&fed).is_empty());
    fixture.emit(13, "paid", Some("a")).await;
    let woken = take(&fed);
    assert_eq!((ids(&woken), woken[0].looked_to), (vec![JobId(1)], Some(after)));
    fixture.complete(fence, 3).await;
    assert_eq!(ids(&take(&fed)), [JobId(4)]);
}

/// Whoever lost the shard neither parks nor is told of anything for it.
pub async fn an_older_epoch_parks_nothing(harness: &dyn Harness) {
    let (fixture, old) = listening(harness, 2).await;
    let after = here(&fixture, fixture.workspace).await;
    fixture.park(old, 1, for_events(&["paid"], None, after)).await;
    fixture.own().await;
    let fed = fixture.listen();
    let waits = for_events(&["paid"], None, 0);
    let wait = Transition::Waiting { wake_at: Timestamp::NEVER, waits };
    for n in [1, 2] {
        let refused = fixture.store.write(fixture.write(old, n, wait.clone())).await;
        assert!(matches!(refused, Err(Error::Fenced)), "{refused:?}");
    }
    fixture.emit(10, "paid", None).await;
    assert_eq!(ids(&take(&fed)), [JobId(1)], "what the owner before parked is woken for the new one");
    let record = fixture.store.job(fixture.workspace, JobId(2)).await.expect("reads work");
    assert_eq!(record.map(|job| job.state), Some(JobState::Pending));
}

/// An event of one workspace wakes nobody in another, at once or at the park.
pub async fn waiters_are_strangers(harness: &dyn Harness) {
    let (fixture, fence) = listening(harness, 1).await;
    let mut other = Fixture::in_workspace(fixture.store.clone(), "other").await;
    other.declare(&["paid", "*"]).await;
    other.start(2).await;
    other.emit(10, "paid", None).await;
    let fed = fixture.listen();
    fixture.park(fence, 1, for_events(&["paid"], None, 0)).await;
    other.emit(11, "paid", None).await;
    assert!(take(&fed).is_empty());
    let after = here(&other, other.workspace).await;
    other.park(fence, 2, for_events(&["*"], None, after)).await;
    fixture.emit(12, "paid", None).await;
    let woken = take(&fed);
    assert_eq!((ids(&woken), woken[0].workspace), (vec![JobId(1)], fixture.workspace));
    other.emit(13, "any.type", None).await;
    assert_eq!(ids(&take(&fed)), [JobId(2)]);
}
