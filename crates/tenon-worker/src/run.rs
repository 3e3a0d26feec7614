//! One job at work: from where its journal ends to its end, or to a point where it can be left.
//!
//! The commit rule lives here: an effect starts only after every outcome before it is durable.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenon_capture::{Deployed, JobEvent, StepState};
use tenon_engine::{Accepted, Effect, EffectAction, Execution, Outcome, Progress, Recorded, Timestamp};
use tenon_store::{Entry, Fence, JobId, JobState, OpenJob, Transition, Write};
use tenon_workflow::OnFailure;
use tokio::sync::oneshot;

use crate::begin::{Begun, begin};
use crate::leaving::{Left, lost, overtaken};
use crate::{Context, ending, load, perform};

/// How long to wait before an outcome is offered again to a store that has no room.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(200);

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
    let Begun { job, deployed, execution, used } = match begin(&context, &mut task).await {
        Ok(begun) => begun,
        Err(left) => return (left, Duration::ZERO),
    };
    let mut running = Running {
        context,
        fence: task.fence,
        cancel: task.cancel,
        started_at: job.started_at.unwrap_or(started_at),
        job,
        deployed,
        execution,
        unsaved: Vec::new(),
        calls: FuturesUnordered::new(),
        aborts: Vec::new(),
        timers: Vec::new(),
        used,
    };
    let left = match running.work().await {
        Ok(left) | Err(left) => left,
    };
    (left, running.used)
}

/// An attempt that has ended.
type Ended = (Arc<str>, u32, Timestamp, Outcome);

struct Running {
    context: Context,
    fence: Fence,
    cancel: oneshot::Receiver<()>,
    job: OpenJob,
    deployed: Arc<Deployed>,
    execution: Execution,
    /// Accepted outcomes that are not durable yet.
    unsaved: Vec<Entry>,
    calls: FuturesUnordered<BoxFuture<'static, Option<Ended>>>,
    aborts: Vec<(Arc<str>, AbortHandle)>,
    timers: Vec<(Arc<str>, u32, Timestamp)>,
    started_at: tenon_store::Timestamp,
    used: Duration,
}

/// What the job waits for has come.
enum Arrival {
    Ended(Ended),
    Cancelled,
}

// === impl Running ===

impl Running {
    /// Both sides say why the job was left; `Err` when the store took the decision.
    async fn work(&mut self) -> Result<Left, Left> {
        self.advance(Execution::resume).await;
        loop {
            self.abort_withdrawn();
            if self.execution.finished().is_some() {
                return self.finish().await;
            }
            let effects = self.execution.take_effects();
            self.set_timers(&effects);
            if self.calls_are_over(&effects)
                && let Some(sleep) = self.execution.sleep()
                && sleep.until > load::time(self.now())
            {
                if self.is_cancelled() {
                    self.cancel();
                    continue;
                }
                return self.park(sleep).await;
            }
            if !self.unsaved.is_empty() && !cfg!(feature = "mutant-effect-before-durable") {
                self.save(Transition::Running).await?;
            }
            if !self.has_room_for(&effects).await {
                self.cancel();
                continue;
            }
            self.start(effects);
            match self.next_arrival().await {
                Arrival::Ended(ended) => self.take_in(ended).await,
                Arrival::Cancelled => self.cancel(),
            }
        }
    }

    fn is_cancelled(&mut self) -> bool {
        self.cancel.try_recv().is_ok()
    }

    fn cancel(&mut self) {
        let at = load::time(self.now());
        let recorded = self.execution.cancel(at);
        self.unsaved.push(load::entry(recorded));
    }

    fn now(&self) -> tenon_store::Timestamp {
        self.context.capture.ports().clock.now()
    }

    /// Lets the interpreter run as far as it can, giving other jobs their turn now and then.
    async fn advance(&mut self, begin: impl FnOnce(&mut Execution) -> Progress) {
        let begun = self.now();
        let mut progress = begin(&mut self.execution);
        self.used += self.now().since(begun);
        while progress == Progress::Yielded {
            tokio::task::yield_now().await;
            if self.is_cancelled() {
                return self.cancel();
            }
            let begun = self.now();
            progress = self.execution.resume();
            self.used += self.now().since(begun);
        }
    }

    async fn take_in(&mut self, (effect, attempt, started_at, outcome): Ended) {
        self.aborts.retain(|(id, _)| *id != effect);
        self.timers.retain(|(id, _, _)| *id != effect);
        let at = load::time(self.now());
        self.count(&effect, attempt, &outcome);
        let mut recorded: Option<Recorded> = None;
        self.advance(|execution| {
            match execution.accept(Accepted { effect, attempt, started_at, at, outcome }) {
                Some((accepted, progress)) => {
                    recorded = Some(accepted);
                    progress
                }
                None => Progress::Blocked,
            }
        })
        .await;
        self.unsaved.extend(recorded.map(load::entry));
        // A cancellation that came between two slices was put there before the outcome that it follows.
        self.unsaved.sort_by_key(|entry| entry.sequence);
    }

    fn abort_withdrawn(&mut self) {
        for withdrawn in self.execution.take_withdrawn() {
            self.timers.retain(|(id, _, _)| *id != withdrawn);
            if let Some(place) = self.aborts.iter().position(|(id, _)| *id == withdrawn) {
                self.aborts.swap_remove(place).1.abort();
                self.context.capture.ports().metrics.effects_cancelled.increment();
            }
        }
    }

    fn set_timers(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let EffectAction::Timer { due } = effect.action {
                self.timers.push((Arc::clone(&effect.id), effect.attempt, due));
                self.publish(&effect.id, effect.attempt, StepState::Waiting);
            }
        }
    }

    fn calls_are_over(&self, effects: &[Effect]) -> bool {
        self.aborts.is_empty() && effects.iter().all(Effect::is_timer)
    }

    /// On a disk that is nearly full no effect starts whose outcome might find no room. Says whether the job
    /// may go on; if not, it was cancelled meanwhile.
    async fn has_room_for(&mut self, effects: &[Effect]) -> bool {
        if effects.iter().all(Effect::is_timer) || self.context.store.has_room() {
            return true;
        }
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

    fn start(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if effect.is_timer() {
                continue;
            }
            self.publish(&effect.id, effect.attempt, StepState::Running);
            let (handle, registration) = AbortHandle::new_pair();
            self.aborts.push((Arc::clone(&effect.id), handle));
            let started_at = load::time(self.now());
            let identity = perform::Identity {
                idempotency_key: effect.idempotency_key(&self.job.id.to_string()),
                attempt: effect.attempt,
            };
            let (context, workspace) = (self.context.clone(), self.job.workspace);
            let attempt = async move {
                let outcome = match &effect.action {
                    EffectAction::Http(call) => perform::http(&context, call, identity).await,
                    EffectAction::Emit(event) => perform::emit(&context, workspace, event, identity).await,
                    EffectAction::Timer { .. } => unreachable!("timers are kept apart"),
                };
                (effect.id, effect.attempt, started_at, outcome)
            };
            self.calls.push(Abortable::new(attempt, registration).map(Result::ok).boxed());
        }
    }

    async fn next_arrival(&mut self) -> Arrival {
        let first = self.timers.iter().min_by_key(|(_, _, due)| *due).cloned();
        let now = self.now();
        let until_first = first.as_ref().map(|(_, _, due)| load::stored(*due).since(now));
        loop {
            tokio::select! {
                biased;
                Ok(()) = &mut self.cancel => return Arrival::Cancelled,
                Some(ended) = self.calls.next(), if !self.calls.is_empty() => {
                    if let Some(ended) = ended {
                        return Arrival::Ended(ended);
                    }
                }
                () = sleep(until_first), if until_first.is_some() => {
                    let (effect, attempt, due) = first.expect("there is a first timer");
                    return Arrival::Ended((effect, attempt, due, Outcome::Fired));
                }
                else => std::future::pending::<()>().await,
            }
        }
    }

    async fn finish(&mut self) -> Result<Left, Left> {
        let at = self.now();
        let finished = self.execution.finished().expect("the caller looked");
        let transition = ending::transition(&self.context, &self.deployed, finished, at);
        let parks = self.deployed.program.settings.on_failure == OnFailure::Park && self.job.lane.is_some();
        if let Transition::Faulted { error, .. } = &transition
            && parks
        {
            let transition = Transition::Suspended { reason: error.clone() };
            self.save(transition).await?;
            return Ok(Left::Suspended);
        }
        self.save(transition).await?;
        Ok(Left::Finished)
    }

    async fn park(&mut self, sleep: tenon_engine::Sleep) -> Result<Left, Left> {
        self.save(Transition::Waiting { wake_at: load::stored(sleep.until) }).await?;
        Ok(Left::Parked { until: sleep.until, is_retry: sleep.is_retry })
    }

    /// Makes what was accepted durable, together with the state it leads to. A full disk is waited for.
    async fn save(&mut self, transition: Transition) -> Result<(), Left> {
        let ports = self.context.capture.ports();
        let at = ports.clock.now();
        let write = Write {
            fence: self.fence,
            workspace: self.job.workspace,
            job: self.job.id,
            entries: std::mem::take(&mut self.unsaved),
            transition,
            started_at: self.started_at,
            at,
        };
        loop {
            match self.context.store.write(write.clone()).await {
                Ok(()) => break,
                Err(tenon_store::Error::Full) => tokio::time::sleep(FULL_DISK_PAUSE).await,
                Err(tenon_store::Error::Conflict(reason)) => {
                    return Err(overtaken(&self.context, self.job.id, &reason).await);
                }
                Err(error) => return Err(lost(self.job.id, &error)),
            }
        }
        ports.metrics.write_time.observe(ports.clock.now().since(at));
        if write.transition.state() != JobState::Running {
            ending::announce(&self.context, &self.job, &self.deployed.name, &write.transition);
        }
        Ok(())
    }

    fn count(&self, effect: &Arc<str>, attempt: u32, outcome: &Outcome) {
        let metrics = &self.context.capture.ports().metrics;
        let state = match outcome {
            Outcome::Failed(_) => {
                metrics.effects_faulted.increment();
                StepState::Faulted
            }
            Outcome::Fired => StepState::Completed,
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

async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}
