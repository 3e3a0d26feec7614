//! What a job waits for: moments, events, children. While other effects are on their way it is looked for from
//! memory; else the job is parked, and the store wakes it.

use std::sync::Arc;
use std::time::Duration;

use tenon_engine::{Effect, EffectAction, Outcome, Timestamp};
use tenon_store::{JobState, OpenJob};

use super::children::Children;
use super::inbox::{Inbox, Sight};
use super::{Arrival, Running};
use crate::leaving::{Left, lost};
use crate::load;

/// How often a job in memory looks for what it waits for, if no hint reaches it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// All of one job.
pub(super) struct Waits {
    timers: Vec<(Arc<str>, u32, Timestamp)>,
    pub(super) inbox: Inbox,
    pub(super) children: Children,
}

// === impl Waits ===

impl Waits {
    pub(super) fn of(job: &OpenJob) -> Self {
        let was_parked = job.state == JobState::Waiting;
        let looked_to = if was_parked { job.looked_to } else { None };
        let inbox = Inbox::new(job.place, looked_to);
        Self { timers: Vec::new(), inbox, children: Children::new(was_parked) }
    }

    /// What comes from now on was not there when the job was left the last time.
    pub(super) fn replayed(&mut self) {
        self.inbox.replayed();
        self.children.replayed();
    }

    pub(super) fn add(&mut self, effect: &Effect) {
        match &effect.action {
            EffectAction::Timer { due } => {
                self.timers.push((Arc::clone(&effect.id), effect.attempt, *due));
            }
            EffectAction::Listen(_) => self.inbox.add(&effect.id),
            EffectAction::AwaitChild { job } => self.children.add(&effect.id, effect.attempt, job),
            EffectAction::Http(_)
            | EffectAction::Grpc(_)
            | EffectAction::Emit(_)
            | EffectAction::StartChild(_) => {}
        }
    }

    /// It has its outcome, or is not wanted any more.
    pub(super) fn is_over(&mut self, effect: &str) {
        self.timers.retain(|(id, _, _)| &**id != effect);
        self.inbox.is_over(effect);
        self.children.is_over(effect);
    }

    /// Whether it is worth looking for events and children.
    pub(super) fn may_have_come(&self) -> bool {
        self.inbox.may_have_come() || self.children.may_have_come()
    }

    /// Whether events or children are awaited.
    fn has_others(&self) -> bool {
        !self.inbox.is_empty() || !self.children.is_empty()
    }

    fn first_timer(&self) -> Option<&(Arc<str>, u32, Timestamp)> {
        self.timers.iter().min_by_key(|(_, _, due)| *due)
    }

    /// Waits until something else than a timer may have come. Cancel safe.
    async fn stir(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {
                self.inbox.look_again();
                self.children.look_again();
            }
            () = self.inbox.hint() => self.inbox.look_again(),
            () = self.children.hint() => {}
        }
    }
}

// === impl Running ===

impl Running {
    /// The next event or end of a child that has come. A timer that is due goes before what came after it. Looking
    /// through many events takes long: a cancellation breaks it off.
    pub(super) async fn look(&mut self) -> Result<Option<Arrival>, Left> {
        let now = load::time(self.now());
        let due = self.waits.first_timer().map(|(_, _, due)| *due).filter(|due| *due <= now);
        let before = due.map(load::stored);
        let Self { context, execution, waits, used, cancel, job, .. } = self;
        let looking = async {
            let ended = waits.children.look(context, job.workspace, before).await?;
            if ended.is_some() {
                return Ok(ended);
            }
            let sight = Sight { context, workspace: job.workspace, execution, before };
            waits.inbox.look(&sight, used).await
        };
        tokio::select! {
            biased;
            Ok(()) = cancel => Ok(Some(Arrival::Cancelled)),
            found = looking => match found {
                Ok(ended) => Ok(ended.map(Arrival::Ended)),
                Err(error) => Err(lost(job.id, &error)),
            },
        }
    }

    pub(super) async fn next_arrival(&mut self) -> Arrival {
        if self.waits.has_others() && self.take_hints() {
            // Between the last look and the first hint something may have come.
            return Arrival::Stirred;
        }
        let first = self.waits.first_timer().cloned();
        let now = self.now();
        let until_first = first.as_ref().map(|(_, _, due)| load::stored(*due).since(now));
        let has_others = self.waits.has_others();
        tokio::select! {
            biased;
            Ok(()) = &mut self.cancel => Arrival::Cancelled,
            ended = self.attempts.next() => Arrival::Ended(ended),
            () = sleep(until_first), if until_first.is_some() => {
                let (effect, attempt, due) = first.expect("there is a first timer");
                Arrival::Ended((effect, attempt, due, Outcome::Fired))
            }
            () = self.waits.stir(), if has_others => Arrival::Stirred,
        }
    }

    /// Asks to be told of events and ends of children. Says whether it was not so before.
    fn take_hints(&mut self) -> bool {
        let Self { waits, context, execution, job, .. } = self;
        let ports = context.capture.ports();
        let of_events = waits.inbox.take_hint(context.capture.arrivals(), job.workspace, execution);
        let of_children = waits.children.take_hints(&ports.watch);
        of_events || of_children
    }
}

async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}
