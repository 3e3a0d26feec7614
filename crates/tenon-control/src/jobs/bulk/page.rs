//! One page of a bulk request: where it begins, what came of its jobs, and where to go on. A page that the server could
//! not finish is a shorter page: all that it did is told, and the next one begins with the job that failed.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tenon_gateway::{Problem, codes};
use tenon_store::JobId;

use super::Action;

/// Jobs that are acted on at once: their writes share commits.
const AT_ONCE: usize = 16;

/// Where a page begins, and of which request it is: by one request a job is run again once, however often a page is
/// asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The page has jobs with smaller ids, the greatest first.
    pub(super) before: u64,
    /// A number that no other request has.
    pub(super) request: u64,
}

/// What a page of jobs came to.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) done: u64,
    pub(super) refused: Vec<Value>,
    /// Why the page ends before its last job.
    pub(super) stopped: Option<Stopped>,
}

/// The server failed.
pub(super) struct Stopped {
    /// The first job of which it is not known whether it was done.
    pub(super) job: JobId,
    pub(super) problem: Problem,
}

/// Not a cursor.
pub(super) struct Malformed;

/// Acts on jobs in their order, some at once. When the server fails no more are begun, and those that were come to
/// their end.
pub(super) async fn work<D>(action: Action, deeds: impl Iterator<Item = (JobId, D)>) -> Tally
where
    D: Future<Output = Result<(), Problem>>,
{
    let (mut deeds, is_over) = (deeds, AtomicBool::new(false));
    let is_over = &is_over;
    let begun = std::iter::from_fn(|| if is_over.load(Ordering::Relaxed) { None } else { deeds.next() });
    let deeds = begun.map(|(job, deed)| async move {
        let done = deed.await;
        is_over.fetch_or(done.as_ref().is_err_and(is_servers), Ordering::Relaxed);
        (job, done)
    });
    let mut deeds = std::pin::pin!(stream::iter(deeds).buffered(AT_ONCE));
    let mut tally = Tally::default();
    while let Some((job, done)) = deeds.next().await {
        tally.add(action, job, done);
    }
    tally
}

/// Whether the rest would fare no better.
fn is_servers(problem: &Problem) -> bool {
    problem.status().is_server_error() && problem.code().code != codes::NOT_RUNNABLE.code
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, action: Action, job: JobId, done: Result<(), Problem>) {
        // What comes after the job that failed is met again by the next page, which tells of it; but jobs that were
        // moved are not found again.
        let is_met_again = self.stopped.is_some();
        match done {
            Ok(()) if is_met_again && action == Action::Rerun => {}
            Ok(()) => self.done += 1,
            Err(_) if is_met_again => {}
            Err(problem) if is_servers(&problem) => self.stop(job, problem),
            Err(problem) => self.refused.push(json!({ "job": job, "detail": problem.detail() })),
        }
    }

    /// The server has failed at this job.
    pub(super) fn stop(&mut self, job: JobId, problem: Problem) {
        self.stopped = Some(Stopped { job, problem });
    }

    /// The answer to a request that began at a cursor and found jobs up to `next`.
    pub(super) fn answer(self, cursor: Cursor, next: Option<u64>) -> Value {
        let to = |before: u64| Cursor { before, ..cursor }.to_string();
        let next = match &self.stopped {
            Some(stopped) => Some(to(stopped.job.0.saturating_add(1))),
            None => next.map(to),
        };
        let stopped = self.stopped.map(|Stopped { job, problem }| {
            json!({
                "job": job,
                "status": problem.status().as_u16(),
                "code": problem.code().code,
                "detail": problem.detail(),
                "past": to(job.0),
            })
        });
        let matched = self.done + self.refused.len() as u64;
        json!({
            "matched": matched,
            "done": self.done,
            "refused": self.refused,
            "cursor": cursor.to_string(),
            "next": next,
            "stopped": stopped,
        })
    }
}

// === impl Cursor ===

impl Cursor {
    /// Where a new request begins. `newest` is an id that was made for it: the jobs that it starts itself are newer.
    pub(super) fn new(newest: JobId) -> Self {
        Self { before: newest.0, request: newest.0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.before, self.request)
    }
}

impl FromStr for Cursor {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (before, request) = text.split_once('.').ok_or(Malformed)?;
        let number = |text: &str| text.parse().map_err(|_| Malformed);
        Ok(Self { before: number(before)?, request: number(request)? })
    }
}
