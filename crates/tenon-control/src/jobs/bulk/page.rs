//! One page of a bulk request: what came of its jobs, and where to go on. A page that the server could not finish is a
//! shorter page: all that it did is told, and the next one begins with the job that failed.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tenon_gateway::{Problem, codes};
use tenon_store::JobId;

use super::Action;
use super::cursor::Cursor;

/// Jobs that are acted on at once: their writes share commits.
const AT_ONCE: usize = 16;
/// Jobs that are purged at once: as many as the store removes in one write.
const PURGED_AT_ONCE: usize = 64;

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
    // To cancel is to ask, which shares no commit; and a job may be met again while it comes to its end, so nothing may
    // be done behind one that failed.
    let at_once = if action == Action::Cancel { 1 } else { AT_ONCE };
    let mut deeds = std::pin::pin!(stream::iter(deeds).buffered(at_once));
    let mut tally = Tally::default();
    while let Some((job, done)) = deeds.next().await {
        tally.add(action, job, done);
    }
    tally
}

/// Purges jobs in their order, as many at once as the store removes in one write. `purge` gives those that stay. Where
/// the server fails, which job it is shows only one by one.
pub(super) async fn purge<F, D>(jobs: &[JobId], purge: F) -> Tally
where
    F: Fn(Vec<JobId>) -> D,
    D: Future<Output = Result<Vec<JobId>, Problem>>,
{
    let mut tally = Tally::default();
    for piece in jobs.chunks(PURGED_AT_ONCE) {
        if let Ok(stay) = purge(piece.to_vec()).await {
            tally.purged(piece, &stay);
            continue;
        }
        for job in piece {
            match purge(vec![*job]).await {
                Ok(stay) => tally.purged(&[*job], &stay),
                Err(problem) if is_servers(&problem) => {
                    tally.stop(*job, problem);
                    return tally;
                }
                Err(problem) => tally.refuse(*job, problem.detail()),
            }
        }
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
            Err(problem) => self.refuse(job, problem.detail()),
        }
    }

    fn refuse(&mut self, job: JobId, detail: &str) {
        self.refused.push(json!({ "job": job, "detail": detail }));
    }

    /// Who does not stay is gone.
    fn purged(&mut self, jobs: &[JobId], stay: &[JobId]) {
        self.done += (jobs.len() - stay.len()) as u64;
        for job in stay {
            self.refuse(*job, "a job that has not ended still needs it");
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
