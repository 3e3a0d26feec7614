//! What is written of a job: outcomes, its sleep, its end; and the order in which that and its lifecycle events
//! become durable. An event is captured after what it tells of, and before the job is left: so none is lost, and
//! since repeats are recognised, none comes twice.

use tenon_store::{JobState, Transition, Waits, Write};
use tenon_workflow::OnFailure;

use super::{FULL_DISK_PAUSE, Running};
use crate::leaving::{Left, lost, overtaken};
use crate::{ending, load};

// === impl Running ===

impl Running {
    /// Everything that was taken in becomes durable.
    pub(super) async fn save_outcomes(&mut self) -> Result<(), Left> {
        if !self.unsaved.is_empty() && !cfg!(feature = "mutant-effect-before-durable") {
            self.save(Transition::Running).await?;
        }
        self.tell().await
    }

    pub(super) async fn finish(&mut self) -> Result<Left, Left> {
        let at = self.now();
        let finished = self.execution.finished().expect("the caller looked");
        let mut transition = ending::transition(&self.context, &self.deployed, finished, at);
        let parks = self.deployed.program.settings.on_failure == OnFailure::Park && self.job.lane.is_some();
        if let Transition::Faulted { error, .. } = &transition
            && parks
        {
            transition = Transition::Suspended { reason: error.clone() };
        }
        self.save_before(&transition).await?;
        let left = match transition {
            Transition::Suspended { .. } => Left::Suspended,
            _ => Left::Finished,
        };
        self.save(transition).await?;
        Ok(left)
    }

    pub(super) async fn park(&mut self, sleep: tenon_engine::Sleep) -> Result<Left, Left> {
        let wake_at = sleep.until.map_or(tenon_store::Timestamp::NEVER, load::stored);
        let waits = Waits {
            events: self.waits.inbox.wait(&self.execution),
            children: sleep.children.iter().filter_map(|child| child.parse().ok()).collect(),
        };
        let transition = Transition::Waiting { wake_at, waits };
        self.save_before(&transition).await?;
        self.save(transition).await?;
        Ok(Left::Parked { until: load::time(wake_at), is_retry: sleep.is_retry })
    }

    /// If lifecycle events are to be told before this transition, so they are.
    async fn save_before(&mut self, transition: &Transition) -> Result<(), Left> {
        let at = self.now();
        let Some(lifecycle) = &mut self.lifecycle else { return Ok(()) };
        lifecycle.note(self.execution.take_notices());
        lifecycle.left(transition, (self.execution.journal_length(), at));
        if lifecycle.has_news() { self.save_outcomes().await } else { Ok(()) }
    }

    /// A job with much to tell and little to wait for tells it in between.
    pub(super) async fn tell_early(&mut self) -> Result<(), Left> {
        let Some(lifecycle) = &mut self.lifecycle else { return Ok(()) };
        lifecycle.note(self.execution.take_notices());
        if lifecycle.has_many_news() { self.save_outcomes().await } else { Ok(()) }
    }

    /// Lifecycle events of what is durable.
    async fn tell(&mut self) -> Result<(), Left> {
        if self.lifecycle.is_some() {
            // A full disk is waited for.
            self.open();
        }
        let Some(lifecycle) = &mut self.lifecycle else { return Ok(()) };
        lifecycle.note(self.execution.take_notices());
        Box::pin(lifecycle.tell(&self.context)).await.map_err(|error| lost(self.job.id, &error))
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
}
