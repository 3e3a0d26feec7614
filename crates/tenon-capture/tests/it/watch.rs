//! Waiting for a job's end, and news.

use bytes::Bytes;
use tenon_capture::{JobEnd, JobEvent, JobWatch, Live, TooManyWatches};
use tenon_store::{EventId, JobId, JobState, Timestamp, WorkspaceId};

fn end(job: u64) -> JobEnd {
    JobEnd { job: JobId(job), state: JobState::Completed, result: Some(Bytes::from_static(b"1")) }
}

#[tokio::test]
async fn everybody_who_waits_is_told_once() {
    let watch = JobWatch::new(10);
    let mut first = watch.register(JobId(1)).expect("room");
    let mut second = watch.register(JobId(1)).expect("room");
    let other = watch.register(JobId(2)).expect("room");
    assert!(watch.is_wanted(JobId(1)) && !watch.is_wanted(JobId(3)));
    watch.finished(end(3));
    watch.finished(end(1));
    assert_eq!(first.end().await, Some(end(1)));
    assert_eq!(second.end().await, Some(end(1)));
    assert_eq!(watch.len(), 1);
    drop(other);
    assert!(watch.is_empty());
}

#[tokio::test]
async fn whoever_leaves_is_forgotten_and_makes_room() {
    let watch = JobWatch::new(1);
    let gone = watch.register(JobId(1)).expect("room");
    assert_eq!(watch.register(JobId(2)).err(), Some(TooManyWatches(1)));
    drop(gone);
    assert!(!watch.is_wanted(JobId(1)));
    let mut stays = watch.register(JobId(1)).expect("room again");
    watch.finished(end(1));
    assert_eq!(stays.end().await, Some(end(1)));
}

#[test]
fn an_old_watch_does_not_end_a_new_one() {
    let watch = JobWatch::new(10);
    let old = watch.register(JobId(1)).expect("room");
    watch.finished(end(1));
    let _new = watch.register(JobId(1)).expect("room");
    drop(old);
    assert!(watch.is_wanted(JobId(1)));
    assert_eq!(watch.len(), 1);
}

#[tokio::test]
async fn news_is_built_only_if_somebody_listens() {
    let live = Live::new(4);
    let news = || JobEvent::Job {
        workspace: WorkspaceId(1),
        job: JobId(1),
        state: JobState::Pending,
        workflow: "a/b".into(),
        event: EventId(1),
        at: Timestamp(0),
    };
    live.publish(|| panic!("nobody listens"));
    let mut listener = live.subscribe();
    live.publish(news);
    assert_eq!(listener.recv().await, Ok(news()));
    drop(listener);
    assert!(!live.is_heard());
}
