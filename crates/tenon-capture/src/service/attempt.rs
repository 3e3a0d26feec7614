//! From a plan to the store, and what is told to others once the store has answered.

use std::sync::Arc;

use tenon_store::{Capture, Captured, DroppedSet, Gather, JobId, JobState, NewJob, Origin};

use super::draft::Draft;
use super::sets::Decided;
use super::{Accepted, CaptureService, Plan, Ports, Stay, Watched};
use crate::{Deployed, Error, JobEvent};

/// What one attempt to commit led to.
pub(super) enum Attempt {
    Done(Accepted, Option<Watched>),
    Stale,
}

/// What a capture may start, for those who are told of it.
pub(super) struct Candidates {
    /// The jobs, and whether they have a lane.
    started: Vec<(JobId, bool)>,
    /// What they run.
    deployed: Vec<Arc<Deployed>>,
    decided: Decided,
}

// === impl CaptureService ===

impl CaptureService {
    pub(super) async fn attempt(&self, draft: &Draft, plan: Plan, stay: Stay) -> Result<Attempt, Error> {
        let ports = &self.0.ports;
        let (capture, candidates) = self.capture(draft, plan);
        let mut watched = None;
        if let (Stay::Wait, [(job, true)]) = (stay, candidates.started.as_slice()) {
            let deployed = Arc::clone(&candidates.deployed[0]);
            watched = Some(Watched { watch: ports.watch.register(*job)?, deployed });
        }
        let captured = ports.store.capture(capture).await?;
        if let Captured::Stale { generation } = captured {
            self.0.generations.observe(draft.workspace, generation);
            return Ok(Attempt::Stale);
        }
        let accepted = self.settle(draft, candidates, captured);
        let watched =
            watched.filter(|watched| !accepted.duplicate && accepted.jobs.contains(&watched.watch.job()));
        Ok(Attempt::Done(accepted, watched))
    }

    /// What the store is asked to write.
    pub(super) fn capture(&self, draft: &Draft, plan: Plan) -> (Capture, Candidates) {
        let Plan { generation, jobs, gathers, decided } = plan;
        let (jobs, mut deployed): (Vec<NewJob>, Vec<Arc<Deployed>>) = jobs.into_iter().unzip();
        let (gathers, gathering): (Vec<Gather>, Vec<Arc<Deployed>>) = gathers.into_iter().unzip();
        deployed.extend(gathering);
        let all = jobs.iter().chain(gathers.iter().map(|gather| &gather.job));
        let started = all.map(|job| (job.id, job.lane.is_some())).collect();
        let (mark, delivery) = (draft.mark.clone(), draft.delivery.clone());
        let event = draft.event(self.keep_events(draft.workspace));
        let capture = Capture { generation, mark, delivery, event, jobs, gathers };
        (capture, Candidates { started, deployed, decided })
    }

    /// It is durable: counts it and tells who looks on. A stale one never comes here.
    pub(super) fn settle(&self, draft: &Draft, candidates: Candidates, captured: Captured) -> Accepted {
        let Candidates { started, deployed, decided } = candidates;
        let (jobs, dropped) = match captured {
            Captured::New { jobs, dropped, is_wanted } => {
                if !is_wanted {
                    self.0.ports.metrics.events_unwanted.increment();
                }
                (jobs, dropped)
            }
            Captured::Duplicate(first) => {
                self.0.ports.metrics.events_duplicate.increment();
                return Accepted { event: first.event, jobs: first.jobs, duplicate: true };
            }
            Captured::Stale { .. } => unreachable!("its caller looks again"),
        };
        decided.remember();
        self.report(&dropped, &deployed);
        self.count(draft, &started, &jobs);
        self.publish(draft, &started, &deployed, &jobs);
        if draft.origin == Origin::Event {
            self.0.arrivals.tell(draft.workspace, &draft.r#type);
        }
        Accepted { event: draft.id, jobs, duplicate: false }
    }

    /// Gathered events that start nothing are lost for their workflow: somebody should know.
    fn report(&self, dropped: &[DroppedSet], deployed: &[Arc<Deployed>]) {
        for DroppedSet { workflow, events } in dropped {
            self.0.ports.metrics.gather_dropped.increment();
            let of = deployed.iter().find(|deployed| deployed.resource == *workflow);
            let workflow = of.map_or("", |deployed| &deployed.name);
            tracing::warn!(workflow, events, "gathered events were dropped: more than a workflow may gather");
        }
    }

    fn count(&self, draft: &Draft, started: &[(JobId, bool)], jobs: &[JobId]) {
        let Ports { metrics, clock, .. } = &self.0.ports;
        metrics.events_captured.increment();
        metrics.jobs_started.add(jobs.len() as u64);
        let suspended = started.iter().filter(|(job, has_lane)| !has_lane && jobs.contains(job)).count();
        metrics.jobs_started_suspended.add(suspended as u64);
        metrics.capture_time.observe(clock.now().since(draft.at));
    }

    fn publish(&self, draft: &Draft, started: &[(JobId, bool)], deployed: &[Arc<Deployed>], jobs: &[JobId]) {
        if !self.0.ports.live.is_heard() {
            return;
        }
        for ((job, has_lane), deployed) in started.iter().zip(deployed) {
            if !jobs.contains(job) {
                continue;
            }
            self.0.ports.live.publish(|| JobEvent::Job {
                workspace: draft.workspace,
                job: *job,
                state: if *has_lane { JobState::Pending } else { JobState::Suspended },
                workflow: Arc::clone(&deployed.name),
                event: draft.id,
                at: draft.at,
            });
        }
    }
}
