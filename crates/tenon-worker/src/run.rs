//! One job at work: from where its journal ends to its end, or to a point where it can be left.
//!
//! The commit rule lives here: an effect starts only after every outcome before it is durable. What is on its
//! way is in `attempts`, what is waited for in `waits` (`inbox`: events, `children`: jobs), what is written in
//! `saving`.

pub(crate) mod attempts;
mod children;
mod inbox;
mod saving;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{Deployed, JobEvent, StepState};
use tenon_engine::{Accepted, Effect, EffectAction, Execution, Finished, Outcome, Progress, Timestamp};
use tenon_store::{Entry, Fence, JobId, OpenJob};
use tokio::sync::oneshot;

use crate::begin::{Begun, begin};
use crate::family;
use crate::leaving::{Left, lost};
use crate::lifecycle::Lifecycle;
use crate::openings::Opened;
use crate::{Context, load, perform};
use attempts::Attempts;
use waits::Waits;

/// How long to wait before something is offered again to a store that has no room.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(200);

/// Outcomes that are taken in before they are written, where nothing has to start in between.
const UNSAVED: usize = 100;

/// What to work on.
pub(crate) struct Task {
    pub(crate) fence: Fence,
    pub(crate) job: JobId,
    /// The job as the feed gave it, if it is fresh.
    pub(crate) fresh: Option<OpenJob>,
    /// Resolves when somebody wants the job to end.
    pub(crate) cancel: oneshot::Receiver<()>,
}

/// Works on a job. Gives why it was left and the time that the work itself took (waiting not counted).
pub(crate) async fn run(context: Context, mut task: Task) -> (Left, Duration) {
    let started_at = context.capture.ports().clock.now();
    let begun = match begin(&context, &mut task).await {
        Ok(begun) => begun,
        Err(left) => return (left, Duration::ZERO),
    };
    let Begun { job, deployed, execution, hops, is_lifecycle, is_masked, lifecycle, opened, used } = begun;
    // Boxed like what is rare in it: a small task is cheap to start.
    let mut running = Box::new(Running {
        context,
        fence: task.fence,
        cancel: task.cancel,
        started_at: job.started_at.unwrap_or(started_at),
        waits: Waits::of(&job),
        job,
        deployed,
        execution,
        hops,
        is_lifecycle,
        is_masked,
        lifecycle,
        unsaved: Vec::new(),
        issued: Vec::new(),
        attempts: Attempts::default(),
        orphans: Vec::new(),
        has_strays: false,
        opened,
        used,
    });
    let left = match running.work().await {
        Ok(left) | Err(left) => left,
    };
    (left, running.used)
}

/// An attempt that has ended.
pub(crate) type Ended = (Arc<str>, u32, Timestamp, Outcome);

struct Running {
    context: Context,
    fence: Fence,
    cancel: oneshot::Receiver<()>,
    job: OpenJob,
    deployed: Arc<Deployed>,
    execution: Execution,
    /// How many emits and calls lie between it and an event from outside.
    hops: u32,
    /// Whether a lifecycle event started it or made it go on.
    is_lifecycle: bool,
    /// Whether it has values that nobody is shown: masked by its workflow, or of an event that came of such a job.
    is_masked: bool,
    /// Its own lifecycle events, where somebody wants them.
    lifecycle: Option<Box<Lifecycle>>,
    /// Accepted outcomes that are not durable yet.
    unsaved: Vec<Entry>,
    /// Effects that were made and have not started.
    issued: Vec<Effect>,
    /// Effects on their way.
    attempts: Attempts,
    /// Timers, events and children that are awaited.
    waits: Waits,
    /// Children that nobody awaits any more, and that have to end.
    orphans: Vec<JobId>,
    /// The job was cancelled, and there may be children that it does not know of: started before a crash, and not
    /// yet recorded.
    has_strays: bool,
    /// Since it called out or paused for the first time.
    opened: Option<Opened>,
    started_at: tenon_store::Timestamp,
    used: Duration,
}

/// Why a job that could not go on can.
enum Arrival {
    Ended(Ended),
    Cancelled,
    /// Something that it waits for may have come.
    Stirred,
}

// === impl Running ===

impl Running {
    /// Both sides say why the job was left; `Err` when the store took the decision.
    async fn work(&mut self) -> Result<Left, Left> {
        let progress = self.work_on(Execution::resume);
        self.advance(progress).await?;
        self.waits.replayed();
        // Cancelled before a crash: what was to end with it may be there still.
        self.has_strays |= matches!(self.execution.finished(), Some(Finished::Cancelled));
        if self.is_cancelled() {
            self.cancel();
        }
        loop {
            self.end_orphans().await?;
            if self.execution.finished().is_some() {
                return self.finish().await;
            }
            let is_full = self.unsaved.len() >= UNSAVED;
            // Children that may have been started before a crash are there again before anything ends them.
            if !is_full
                && !self.issued.iter().any(starts_child)
                && self.waits.may_have_come()
                && let Some(arrival) = self.look().await?
            {
                self.arrived(arrival).await?;
                continue;
            }
            if let Some(sleep) = self.sleep() {
                if self.is_cancelled() {
                    self.cancel();
                    continue;
                }
                return self.park(sleep).await;
            }
            self.save_outcomes().await?;
            if !self.has_room().await {
                self.cancel();
                continue;
            }
            if self.start().await? || is_full {
                if self.is_cancelled() {
                    self.cancel();
                }
                continue;
            }
            let arrival = self.next_arrival().await;
            self.arrived(arrival).await?;
        }
    }

    async fn arrived(&mut self, arrival: Arrival) -> Result<(), Left> {
        match arrival {
            Arrival::Ended(ended) => self.take_in(ended).await?,
            Arrival::Cancelled => self.cancel(),
            Arrival::Stirred => {}
        }
        Ok(())
    }

    /// It is no longer among those that are about to begin.
    fn open(&mut self) {
        if self.opened.is_none() {
            self.opened = Some(self.context.openings.opened());
        }
    }

    fn is_cancelled(&mut self) -> bool {
        self.cancel.try_recv().is_ok()
    }

    fn cancel(&mut self) {
        let at = load::time(self.now());
        let recorded = self.execution.cancel(at);
        self.unsaved.push(load::entry(recorded));
        self.has_strays = true;
        self.gather();
    }

    fn now(&self) -> tenon_store::Timestamp {
        self.context.capture.ports().clock.now()
    }

    /// One slice of the interpreter's work.
    fn work_on<T>(&mut self, step: impl FnOnce(&mut Execution) -> T) -> T {
        let begun = self.now();
        let worked = step(&mut self.execution);
        self.used += self.now().since(begun);
        worked
    }

    /// Lets the interpreter run as far as it can, giving other jobs their turn now and then.
    async fn advance(&mut self, progress: Progress) -> Result<(), Left> {
        let mut progress = progress;
        while progress == Progress::Yielded {
            self.open();
            tokio::task::yield_now().await;
            if self.is_cancelled() {
                self.cancel();
                break;
            }
            self.tell_early().await?;
            progress = self.work_on(Execution::resume);
        }
        self.gather();
        Ok(())
    }

    async fn take_in(&mut self, (effect, attempt, started_at, outcome): Ended) -> Result<(), Left> {
        self.attempts.is_over(&effect);
        self.waits.is_over(&effect);
        let at = load::time(self.now());
        self.count(&effect, attempt, &outcome);
        if let Outcome::Received { envelope, .. } = &outcome {
            let about = load::about(envelope);
            if about.is_lifecycle {
                self.fall_silent();
            }
            if about.is_masked {
                self.is_masked = true;
                self.lifecycle.iter_mut().for_each(|lifecycle| lifecycle.mask());
            }
        }
        let accepted = Accepted { effect, attempt, started_at, at, outcome };
        let Some((recorded, progress)) = self.work_on(|execution| execution.accept(accepted)) else {
            return Ok(());
        };
        self.unsaved.push(load::entry(recorded));
        self.advance(progress).await
    }

    /// A lifecycle event makes the job go on.
    fn fall_silent(&mut self) {
        self.is_lifecycle = true;
        if let Some(lifecycle) = &mut self.lifecycle {
            lifecycle.fall_silent(self.execution.take_notices());
        }
    }

    /// Takes over what the interpreter has withdrawn and made, in this order: a retry may bring the same effect
    /// again.
    fn gather(&mut self) {
        for withdrawn in self.execution.take_withdrawn() {
            self.issued.retain(|effect| effect.id != withdrawn);
            if self.attempts.abort(&withdrawn) {
                self.context.capture.ports().metrics.effects_cancelled.increment();
            }
            self.waits.is_over(&withdrawn);
        }
        let abandoned = self.execution.take_abandoned();
        self.orphans.extend(abandoned.iter().filter_map(|child| child.parse::<JobId>().ok()));
        let effects = self.execution.take_effects();
        for effect in effects.iter().filter(|effect| effect.is_wait()) {
            self.waits.add(effect);
            self.publish(&effect.id, effect.attempt, StepState::Waiting);
        }
        if self.issued.is_empty() {
            self.issued = effects;
        } else {
            self.issued.extend(effects);
        }
    }

    /// Children that nobody awaits any more have ended when this returns. Why they have to is durable before: else
    /// a crash in between would leave a job whose child has ended for no reason. The job's own end is written
    /// after it, so that none is forgotten.
    async fn end_orphans(&mut self) -> Result<(), Left> {
        let mut orphans = std::mem::take(&mut self.orphans);
        if std::mem::take(&mut self.has_strays) {
            let strays = family::open_children(&self.context, &self.job).await;
            orphans.extend(strays.map_err(|error| lost(self.job.id, &error))?);
        }
        if orphans.is_empty() {
            return Ok(());
        }
        self.open();
        self.save_outcomes().await?;
        for child in orphans {
            self.end_child(child).await?;
        }
        Ok(())
    }

    async fn end_child(&mut self, child: JobId) -> Result<(), Left> {
        let ended = family::end(&self.context, self.job.workspace, child).await;
        ended.map_err(|error| lost(self.job.id, &error))
    }

    /// The sleep that the job can go into now.
    fn sleep(&self) -> Option<tenon_engine::Sleep> {
        if !self.attempts.is_empty() || !self.issued.iter().all(Effect::is_wait) {
            return None;
        }
        let sleep = self.execution.sleep()?;
        let now = load::time(self.now());
        let may_sleep = sleep.until.is_none_or(|until| until > now) && !self.waits.may_have_come();
        may_sleep.then_some(sleep)
    }

    /// On a disk that is nearly full no effect starts whose outcome might find no room. Says whether the job
    /// may go on; if not, it was cancelled meanwhile.
    async fn has_room(&mut self) -> bool {
        if self.issued.iter().all(Effect::is_wait) || self.context.store.has_room() {
            return true;
        }
        self.open();
        let store = Arc::clone(&self.context.store);
        let room = async {
            while !store.has_room() {
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
        };
        tokio::select! {
            biased;
            Ok(()) = &mut self.cancel => false,
            () = room => true,
        }
    }

    /// Starts what was made. Says whether some of it has ended already.
    async fn start(&mut self) -> Result<bool, Left> {
        let mut children = Vec::new();
        for effect in std::mem::take(&mut self.issued) {
            if effect.is_wait() {
                continue;
            }
            self.open();
            self.publish(&effect.id, effect.attempt, StepState::Running);
            if starts_child(&effect) {
                children.push(effect);
                continue;
            }
            let started_at = load::time(self.now());
            let identity = self.identity(&effect);
            let context = self.context.clone();
            self.attempts.start(Arc::clone(&effect.id), async move {
                let outcome = perform::perform(&context, &effect.action, identity).await;
                (effect.id, effect.attempt, started_at, outcome)
            });
        }
        if children.is_empty() {
            return Ok(false);
        }
        Box::pin(self.start_children(children)).await.map(|()| true)
    }

    fn identity(&self, effect: &Effect) -> perform::Identity {
        perform::Identity {
            workspace: self.job.workspace,
            idempotency_key: effect.idempotency_key(&self.job.id.to_string()),
            attempt: effect.attempt,
            hops: self.hops,
            is_lifecycle: self.is_lifecycle,
            masked_by: self.is_masked.then_some(self.job.id),
            deployed: Arc::clone(&self.deployed),
        }
    }

    fn count(&self, effect: &Arc<str>, attempt: u32, outcome: &Outcome) {
        let metrics = &self.context.capture.ports().metrics;
        let state = match outcome {
            Outcome::Failed(_) => {
                metrics.effects_faulted.increment();
                StepState::Faulted
            }
            Outcome::Fired | Outcome::Received { .. } | Outcome::Ended(_) => StepState::Completed,
            _ => {
                metrics.effects_completed.increment();
                StepState::Completed
            }
        };
        self.publish(effect, attempt, state);
    }

    fn publish(&self, effect: &Arc<str>, attempt: u32, state: StepState) {
        let ports = self.context.capture.ports();
        ports.live.publish(|| JobEvent::Step {
            workspace: self.job.workspace,
            job: self.job.id,
            effect: Arc::clone(effect),
            attempt,
            state,
            at: ports.clock.now(),
        });
    }
}

fn starts_child(effect: &Effect) -> bool {
    matches!(effect.action, EffectAction::StartChild(_))
}
