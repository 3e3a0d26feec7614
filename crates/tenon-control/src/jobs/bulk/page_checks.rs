//! What a page tells when the server fails in its middle.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tenon_gateway::{Problem, codes};
use tenon_store::JobId;

use super::Action;
use super::cursor::Cursor;
use super::page::{Tally, purge, work};

/// What comes of one job after another: `+` it is done, `r` it is refused, `x` the store is closed, `u` it cannot be
/// read, which is its own fault.
async fn page(action: Action, story: &str) -> (Tally, u64) {
    let ended = AtomicU64::new(0);
    let ended_of = &ended;
    let newest = 1_000;
    let deeds = story.chars().enumerate().map(|(place, what)| {
        let deed = async move {
            // Those that begin together end together, the first one last.
            for _ in place % 16..16 {
                tokio::task::yield_now().await;
            }
            ended_of.fetch_add(1, Ordering::Relaxed);
            match what {
                '+' => Ok(()),
                'r' => Err(Problem::new(&codes::CONFLICT, "no")),
                'u' => Err(Problem::new(&codes::NOT_RUNNABLE, "unreadable")),
                _ => Err(tenon_store::Error::Closed.into()),
            }
        };
        (JobId(newest - place as u64), deed)
    });
    let tally = work(action, deeds).await;
    (tally, ended.load(Ordering::Relaxed))
}

/// The counts of a page, the place of the job that it stopped at, and how many jobs were acted on.
#[track_caller]
fn check(action: Action, story: &str, (done, refused, stopped_at, ended): (u64, usize, Option<u64>, u64)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (tally, all) = runtime.block_on(page(action, story));
    let place = tally.stopped.as_ref().map(|stopped| 1_000 - stopped.job.0);
    assert_eq!((tally.done, tally.refused.len(), place, all), (done, refused, stopped_at, ended), "{story}");
}

#[test]
fn all_that_was_begun_comes_to_its_end_and_no_more_is_begun() {
    check(Action::Rerun, "++r+u+", (4, 2, None, 6));
    check(Action::Rerun, "++rx", (2, 1, Some(3), 4));
    check(Action::Cancel, "x", (0, 0, Some(0), 1));
    let many = "+".repeat(16) + "x" + &"+".repeat(200);
    let (tally, ended) = {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(page(Action::Rerun, &many))
    };
    assert_eq!((tally.done, tally.stopped.map(|stopped| stopped.job)), (16, Some(JobId(984))));
    assert!((17..=48).contains(&ended), "{ended}");
}

#[test]
fn what_comes_behind_the_failure_is_told_once() {
    // Reruns are met again and told then; what was moved is not found again.
    check(Action::Rerun, "+x+r+x+", (1, 0, Some(1), 7));
    check(Action::Resume, "+x+r+x+", (4, 0, Some(1), 7));
}

#[test]
fn nothing_is_cancelled_behind_the_failure() {
    // A job that was asked to end is found again until it has: it would be told twice.
    check(Action::Cancel, "+x+r+x+", (1, 0, Some(1), 2));
    check(Action::Cancel, "+r++", (3, 1, None, 4));
}

/// Purges jobs one after the other: `+` goes, `r` stays, since another needs it, `c` is refused, `x` fails. What the
/// page tells, and the jobs that are gone.
async fn purged(story: &str) -> (Tally, usize) {
    let jobs: Vec<JobId> = (0..story.len()).map(|place| JobId(1_000 - place as u64)).collect();
    let gone = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let gone_of = &gone;
    let tally = purge(&jobs, |piece| async move {
        let what = |job: &JobId| story.as_bytes()[usize::try_from(1_000 - job.0).expect("a place")];
        // All of a piece or nothing.
        if piece.iter().any(|job| what(job) == b'x') {
            return Err(tenon_store::Error::Closed.into());
        }
        if piece.iter().any(|job| what(job) == b'c') {
            return Err(Problem::new(&codes::CONFLICT, "no"));
        }
        let (stay, go): (Vec<JobId>, Vec<JobId>) = piece.into_iter().partition(|job| what(job) == b'r');
        gone_of.lock().expect("no panic").extend(go);
        Ok(stay)
    });
    let tally = tally.await;
    (tally, gone.into_inner().expect("no panic").len())
}

#[test]
fn a_purge_tells_what_is_gone_and_where_it_failed() {
    #[track_caller]
    fn check(story: &str, (done, refused, stopped_at): (u64, usize, Option<u64>)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (tally, gone) = runtime.block_on(purged(story));
        let place = tally.stopped.as_ref().map(|stopped| 1_000 - stopped.job.0);
        assert_eq!((tally.done, tally.refused.len(), place), (done, refused, stopped_at), "{story}");
        assert_eq!(gone as u64, done, "{story}");
    }
    check("+r+", (2, 1, None));
    check("x++", (0, 0, Some(0)));
    check("++rx+", (2, 1, Some(3)));
    check("+c+", (2, 1, None));
    let whole_pieces = "+".repeat(150);
    check(&(whole_pieces.clone() + "r+x" + &whole_pieces), (151, 1, Some(152)));
}

#[test]
fn the_answer_says_where_to_go_on() {
    let cursor = Cursor { before: 1_001, request: 7 };
    let answer = |tally: Tally, next| tally.answer(cursor, next);
    let whole = answer(Tally { done: 2, refused: vec![json!("no")], stopped: None }, Some(900));
    assert_eq!(
        (&whole["matched"], &whole["cursor"], &whole["next"]),
        (&json!(3), &json!("1001.7"), &json!("900.7"))
    );
    assert_eq!(answer(Tally::default(), None)["next"], Value::Null);
    let mut tally = Tally { done: 2, ..Tally::default() };
    tally.stop(JobId(950), Problem::new(&codes::DISK_FULL, "the disk is full"));
    let cut = answer(tally, None);
    let stopped = &cut["stopped"];
    assert_eq!(
        (&cut["done"], &cut["next"]),
        (&json!(2), &json!("951.7")),
        "the page that follows begins with it"
    );
    assert_eq!((&stopped["status"], &stopped["past"]), (&json!(507), &json!("950.7")));
    assert!("951.7".parse::<Cursor>().is_ok_and(|next| next == Cursor { before: 951, request: 7 }));
    for malformed in ["951", "951.", "a.7", "-1.7", ""] {
        assert!(malformed.parse::<Cursor>().is_err(), "{malformed}");
    }
}
