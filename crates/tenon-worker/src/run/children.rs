//! Children whose end a job awaits: started so that none is forgotten half-way, and looked for in the store.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::select_all;
use tenon_capture::{JobWatch, Watch};
use tenon_engine::{ChildEnd, ChildRequest, Effect, EffectAction, Outcome};
use tenon_store::{JobId, JobRecord, JobState, Timestamp, WorkspaceId};

use super::{Ended, FULL_DISK_PAUSE, Running};
use crate::leaving::{Left, lost};
use crate::{Context, family, load, perform};

/// Those of one job.
pub(super) struct Children {
    awaited: Vec<Awaited>,
    /// Whether one that is added may have ended already.
    look: bool,
}

struct Awaited {
    effect: Arc<str>,
    attempt: u32,
    job: JobId,
    /// Tells of its end.
    watch: Option<Watch>,
    /// It may have ended.
    look: bool,
}

// === impl Children ===

impl Children {
    /// Those of a job that was parked may be why it was woken.
    pub(super) fn new(was_parked: bool) -> Self {
        Self { awaited: Vec::new(), look: was_parked }
    }

    /// Those that are added from now on have just started.
    pub(super) fn replayed(&mut self) {
        self.look = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }

    pub(super) fn add(&mut self, effect: &Arc<str>, attempt: u32, job: &str) {
        match job.parse() {
            Ok(job) => {
                let effect = Arc::clone(effect);
                self.awaited.push(Awaited { effect, attempt, job, watch: None, look: self.look });
            }
            Err(error) => tracing::error!(%error, "a child that is awaited has no id"),
        }
    }

    pub(super) fn is_over(&mut self, effect: &str) {
        self.awaited.retain(|awaited| &*awaited.effect != effect);
    }

    fn awaits(&self, job: JobId) -> bool {
        self.awaited.iter().any(|awaited| awaited.job == job)
    }

    pub(super) fn may_have_come(&self) -> bool {
        self.awaited.iter().any(|awaited| awaited.look)
    }

    pub(super) fn look_again(&mut self) {
        for awaited in &mut self.awaited {
            awaited.look = true;
        }
    }

    /// The next child that has ended, until `before`.
    pub(super) async fn look(
        &mut self,
        context: &Context,
        workspace: WorkspaceId,
        before: Option<Timestamp>,
    ) -> Result<Option<Ended>, tenon_store::Error> {
        for awaited in self.awaited.iter_mut().filter(|awaited| awaited.look) {
            let record = context.store.job(workspace, awaited.job).await?;
            let ended_at = record.as_ref().and_then(|record| record.ended_at);
            if ended_at.zip(before).is_some_and(|(ended_at, before)| ended_at > before) {
                continue;
            }
            awaited.look = false;
            if let Some(end) = end_of(record.as_ref()) {
                let at = load::time(context.capture.ports().clock.now());
                return Ok(Some((Arc::clone(&awaited.effect), awaited.attempt, at, Outcome::Ended(end))));
            }
        }
        Ok(None)
    }

    /// Asks to be told of ends. Says whether that is new for some.
    pub(super) fn take_hints(&mut self, watches: &JobWatch) -> bool {
        let mut is_new = false;
        for awaited in self.awaited.iter_mut().filter(|awaited| awaited.watch.is_none()) {
            // Where too many watch already, looking now and then has to do.
            if let Ok(watch) = watches.register(awaited.job) {
                (awaited.watch, awaited.look, is_new) = (Some(watch), true, true);
            }
        }
        is_new
    }

    /// Waits until some child has ended, which is looked for next; for ever, where none is watched. Cancel safe.
    pub(super) async fn hint(&mut self) {
        let watched = |(place, awaited): (usize, &Awaited)| awaited.watch.is_some().then_some(place);
        let places: Vec<usize> = self.awaited.iter().enumerate().filter_map(watched).collect();
        if places.is_empty() {
            return std::future::pending().await;
        }
        let watches = self.awaited.iter_mut().filter_map(|awaited| awaited.watch.as_mut());
        let (_, first, _) = select_all(watches.map(|watch| watch.end().boxed())).await;
        // A watch tells once.
        let ended = &mut self.awaited[places[first]];
        (ended.watch, ended.look) = (None, true);
    }
}

/// How a job has ended, if it has. One that is not there any more was removed: its parent should have kept it.
fn end_of(record: Option<&JobRecord>) -> Option<ChildEnd> {
    let Some(record) = record else {
        let error = tenon_engine::Error::standard(
            tenon_workflow::ErrorType::Runtime,
            "",
            "the child job is not kept any more",
        );
        return Some(ChildEnd::Faulted { error });
    };
    let result = record.result.as_deref().unwrap_or(b"null");
    let damaged = |error: serde_json::Error| {
        let detail = format!("the child's result cannot be read: {error}");
        tenon_engine::Error::standard(tenon_workflow::ErrorType::Runtime, "", detail)
    };
    match record.state {
        JobState::Completed => Some(match serde_json::from_slice(result) {
            Ok(output) => ChildEnd::Completed { output },
            Err(error) => ChildEnd::Faulted { error: damaged(error) },
        }),
        JobState::Faulted => {
            let error = serde_json::from_slice(result).unwrap_or_else(damaged);
            Some(ChildEnd::Faulted { error })
        }
        JobState::Cancelled => Some(ChildEnd::Cancelled),
        JobState::Pending | JobState::Running | JobState::Waiting | JobState::Suspended => None,
    }
}

// === impl Running ===

impl Running {
    /// Starts children, and takes in at once that they are there: nothing comes in between, so that no child is
    /// forgotten. Those that are awaited first: an outcome that ends the job would hide one that comes after it.
    pub(super) async fn start_children(&mut self, effects: Vec<Effect>) -> Result<(), Left> {
        let (mut awaited, mut others) = (Vec::with_capacity(effects.len()), Vec::new());
        let mut is_cancelled = false;
        for effect in &effects {
            let EffectAction::StartChild(request) = &effect.action else { continue };
            let started_at = load::time(self.now());
            let Some(outcome) = self.start_child(effect, request).await? else {
                is_cancelled = true;
                break;
            };
            let child = match &outcome {
                Outcome::Started { job } if request.is_awaited => job.parse::<JobId>().ok(),
                _ => None,
            };
            let ended = (Arc::clone(&effect.id), effect.attempt, started_at, outcome);
            match child {
                Some(child) => awaited.push((child, ended)),
                None => others.push(ended),
            }
        }
        for (child, ended) in awaited {
            self.take_in(ended).await?;
            if !self.waits.children.awaits(child) && !self.orphans.contains(&child) {
                self.orphans.push(child);
            }
        }
        if is_cancelled {
            self.cancel();
            return Ok(());
        }
        for ended in others {
            self.take_in(ended).await?;
        }
        Ok(())
    }

    /// Starts one; waits where the disk is full. `None`: somebody wants the job to end meanwhile.
    async fn start_child(
        &mut self,
        effect: &Effect,
        request: &ChildRequest,
    ) -> Result<Option<Outcome>, Left> {
        let (context, job, identity) = (self.context.clone(), self.job.id, self.identity(effect));
        let lost = |error| lost(job, &error);
        let held = if request.is_awaited {
            family::held_lanes(&context, &self.job).await.map_err(lost)?
        } else {
            Vec::new()
        };
        loop {
            match perform::child::start(&context, job, request, (&identity, &held)).await {
                Err(tenon_store::Error::Full) => {}
                // Not to be broken off: it may be durable already.
                other => return other.map(Some).map_err(lost),
            }
            tokio::select! {
                biased;
                Ok(()) = &mut self.cancel => return Ok(None),
                () = tokio::time::sleep(FULL_DISK_PAUSE) => {}
            }
        }
    }
}
