//! Which parked jobs wait for what: the table `waiter` in memory, so that an event or an end that nobody waits for
//! costs no read, and one that somebody waits for costs as much as there are who do.
//!
//! Rows and memory change together (`waiting.rs`). What a batch changed is undone if the batch is rolled back,
//! because reading all rows again could take long.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::Connection;
use tenon_store::{JobId, WorkspaceId};

use crate::codec::Columns as _;

const LOAD: &str = "SELECT job, workspace, type, subject, child FROM waiter";

/// One thing that a job waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    /// An event.
    Event {
        /// Of this type; `*`: any.
        r#type: String,
        /// With this subject; `None`: with any or none.
        subject: Option<String>,
    },
    /// The end of this job.
    End(JobId),
}

/// A parked job and all that it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiter {
    /// The job.
    pub(crate) job: JobId,
    /// Where it hears of events.
    pub(crate) workspace: WorkspaceId,
    /// Any of it wakes the job.
    pub(crate) wants: Vec<Want>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Waiters {
    parked: HashSet<JobId>,
    events: HashMap<WorkspaceId, HashMap<String, OfType>>,
    ends: HashMap<JobId, BTreeSet<JobId>>,
    /// Since the last commit.
    changes: Vec<Change>,
}

enum Change {
    Parked(Waiter),
    Left(Waiter),
}

/// Jobs that wait for one type, in order of their ids, so that runs are alike.
#[derive(Default)]
struct OfType {
    any_subject: BTreeSet<JobId>,
    by_subject: HashMap<String, BTreeSet<JobId>>,
}

// === impl Waiters ===

impl Waiters {
    /// As they are in the database.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut waiters = Self::default();
        let mut statement = connection.prepare(LOAD)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let want = match row.optional_job_id(4)? {
                Some(child) => Want::End(child),
                None => Want::Event { r#type: row.get(2)?, subject: row.get(3)? },
            };
            let waiter =
                Waiter { job: row.job_id(0)?, workspace: WorkspaceId(row.get(1)?), wants: vec![want] };
            waiters.insert(&waiter);
        }
        Ok(waiters)
    }

    /// Whether a job waits for anything but its moment.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.parked.contains(&job)
    }

    /// A job waits from now on.
    pub(crate) fn park(&mut self, waiter: Waiter) {
        self.insert(&waiter);
        self.changes.push(Change::Parked(waiter));
    }

    /// A job waits no more; `waiter` is all that it waited for.
    pub(crate) fn leave(&mut self, waiter: Waiter) {
        self.remove(&waiter);
        self.changes.push(Change::Left(waiter));
    }

    /// Adds the jobs that an event in the inbox under this type wakes.
    pub(crate) fn of_event(
        &self,
        workspace: WorkspaceId,
        r#type: &str,
        subject: Option<&str>,
        woken: &mut BTreeSet<JobId>,
    ) {
        let Some(of_type) = self.events.get(&workspace).and_then(|types| types.get(r#type)) else { return };
        woken.extend(&of_type.any_subject);
        if let Some(jobs) = subject.and_then(|subject| of_type.by_subject.get(subject)) {
            woken.extend(jobs);
        }
    }

    /// The jobs that the end of this one wakes.
    pub(crate) fn of_end(&self, job: JobId) -> Option<&BTreeSet<JobId>> {
        self.ends.get(&job)
    }

    /// The batch is committed.
    pub(crate) fn settle(&mut self) {
        self.changes.clear();
    }

    /// The batch is rolled back.
    pub(crate) fn revert(&mut self) {
        self.revert_to(0);
    }

    /// Changes since the last commit: where [`Waiters::revert_to`] can go back to.
    pub(crate) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// What came after that mark is rolled back.
    pub(crate) fn revert_to(&mut self, mark: usize) {
        for change in self.changes.split_off(mark).into_iter().rev() {
            match change {
                Change::Parked(waiter) => self.remove(&waiter),
                Change::Left(waiter) => self.insert(&waiter),
            }
        }
    }

    fn insert(&mut self, waiter: &Waiter) {
        self.parked.insert(waiter.job);
        for want in &waiter.wants {
            match want {
                Want::Event { r#type, subject } => {
                    let types = self.events.entry(waiter.workspace).or_default();
                    types.entry(r#type.clone()).or_default().insert(subject.as_deref(), waiter.job);
                }
                Want::End(child) => {
                    self.ends.entry(*child).or_default().insert(waiter.job);
                }
            }
        }
    }

    fn remove(&mut self, waiter: &Waiter) {
        self.parked.remove(&waiter.job);
        for want in &waiter.wants {
            match want {
                Want::Event { r#type, subject } => self.remove_event(waiter, r#type, subject.as_deref()),
                Want::End(child) => {
                    let Some(jobs) = self.ends.get_mut(child) else { continue };
                    jobs.remove(&waiter.job);
                    if jobs.is_empty() {
                        self.ends.remove(child);
                    }
                }
            }
        }
    }

    fn remove_event(&mut self, waiter: &Waiter, r#type: &str, subject: Option<&str>) {
        let Some(types) = self.events.get_mut(&waiter.workspace) else { return };
        let Some(of_type) = types.get_mut(r#type) else { return };
        of_type.remove(subject, waiter.job);
        if of_type.is_empty() {
            types.remove(r#type);
        }
        if types.is_empty() {
            self.events.remove(&waiter.workspace);
        }
    }
}

// === impl OfType ===

impl OfType {
    fn insert(&mut self, subject: Option<&str>, job: JobId) {
        match subject {
            None => self.any_subject.insert(job),
            Some(subject) => self.by_subject.entry(subject.to_owned()).or_default().insert(job),
        };
    }

    fn remove(&mut self, subject: Option<&str>, job: JobId) {
        let Some(subject) = subject else {
            self.any_subject.remove(&job);
            return;
        };
        let Some(jobs) = self.by_subject.get_mut(subject) else { return };
        jobs.remove(&job);
        if jobs.is_empty() {
            self.by_subject.remove(subject);
        }
    }

    fn is_empty(&self) -> bool {
        self.any_subject.is_empty() && self.by_subject.is_empty()
    }
}
