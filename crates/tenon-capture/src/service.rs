//! The service itself: draft the event, plan its jobs, commit both, and plan again if workflows changed.

mod call;
mod child;
mod draft;
mod rerun;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tenon_store::{
    Capture, Captured, DedupMark, EventId, JobId, JobState, NewJob, Origin, ResourceId, Store, WorkspaceId,
};

pub use call::{CALL_TYPE, Call};
pub use child::{AWAITED, CHILD_TYPE, Child};
use draft::Draft;
pub use rerun::{RERUN_TYPE, Rerun};

use crate::plan::Planner;
use crate::subscribers::Directory;
use crate::{
    Arrivals, Clock, Deployed, Error, Event, Generations, IdSource, JobEvent, JobWatch, LifecycleTypes, Live,
    Metrics, Programs, Watch,
};

/// How often an event is planned again because workflows changed meanwhile.
const MAX_PLANS: usize = 16;

/// What the service uses.
#[derive(Clone)]
pub struct Ports {
    /// Where everything ends up.
    pub store: Arc<dyn Store>,
    /// The time of capture.
    pub clock: Clock,
    /// Ids of events and jobs.
    pub ids: Arc<IdSource>,
    /// Compiled workflows.
    pub programs: Programs,
    /// Who waits for jobs.
    pub watch: JobWatch,
    /// Who looks on.
    pub live: Live,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Settings of the service.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many shards lanes hash to.
    pub shards: u16,
    /// The engine's semantics version that new jobs are pinned to.
    pub semantics: u16,
    /// Largest envelope of an event, in bytes.
    pub max_event_bytes: usize,
    /// Largest input of a call, in bytes.
    pub max_input_bytes: usize,
    /// How long an event is kept that no job needs.
    pub event_retention: Duration,
    /// How long `(source, id)` of an event is remembered.
    pub dedup_for: Duration,
    /// How many event types (and called workflows) are remembered with their subscribers.
    pub max_cached_types: usize,
}

impl Options {
    /// The defaults for an engine of this semantics version.
    pub fn new(semantics: u16) -> Self {
        Self {
            shards: 16,
            semantics,
            max_event_bytes: 1 << 20,
            max_input_bytes: 32 << 20,
            event_retention: Duration::from_hours(7 * 24),
            dedup_for: Duration::from_hours(24),
            max_cached_types: 10_000,
        }
    }
}

/// An event that wants in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Where.
    pub workspace: WorkspaceId,
    /// For emitted events: the id derived from the effect, so that a repeat is recognised.
    pub id: Option<EventId>,
    /// The event. With an `id` of its own (or a derived one) repeats of `(source, id)` are duplicates.
    pub envelope: Event,
    /// The trigger's mark; replaces the one by `(source, id)`.
    pub mark: Option<DedupMark>,
    /// The generation at which the trigger that made the event was looked up.
    pub generation: Option<u64>,
}

// === impl Incoming ===

impl Incoming {
    /// An event that comes as it is, not through a trigger.
    pub fn new(workspace: WorkspaceId, envelope: Event) -> Self {
        Self { workspace, id: None, envelope, mark: None, generation: None }
    }
}

/// What became of it. Durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The event; for a repeat the first one.
    pub event: EventId,
    /// The jobs it started; for a repeat those of the first one.
    pub jobs: Vec<JobId>,
    /// Whether it is a repeat.
    pub duplicate: bool,
}

/// The one job that a captured event started, watched since before it could run.
#[derive(Debug)]
pub struct Watched {
    /// Waits for its end.
    pub watch: Watch,
    /// What it runs.
    pub deployed: Arc<Deployed>,
}

/// Takes events, calls and reruns in. Cheap to clone.
#[derive(Clone)]
pub struct CaptureService(Arc<Inner>);

struct Inner {
    ports: Ports,
    options: Options,
    generations: Arc<Generations>,
    directory: Directory,
    arrivals: Arrivals,
}

/// Whether the caller wants to wait for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    Leave,
    Wait,
}

/// What an event leads to, as of a generation.
struct Plan {
    generation: u64,
    jobs: Vec<(NewJob, Arc<Deployed>)>,
}

/// What a draft is planned for.
enum Target {
    /// All workflows that want the event.
    Subscribers,
    /// The enabled workflow of this name.
    Workflow { name: String, job: Option<JobId> },
    /// The same, of a version (or the newest), as a child. The lanes are ones that it must not wait in.
    Child { name: String, version: Option<String>, parent: JobId, held: Vec<(ResourceId, String)> },
    /// This revision, again.
    Rerun { deployed: Arc<Deployed>, rerun: Box<Rerun> },
}

/// What one attempt to commit led to.
enum Attempt {
    Done(Accepted, Option<Watched>),
    Stale,
}

// === impl CaptureService ===

impl CaptureService {
    /// A service on these ports.
    pub fn new(ports: Ports, options: Options) -> Self {
        let generations = Arc::new(Generations::default());
        let directory = Directory::new(
            Arc::clone(&ports.store),
            ports.programs.clone(),
            Arc::clone(&generations),
            options.max_cached_types,
        );
        let arrivals = Arrivals::default();
        Self(Arc::new(Inner { ports, options, generations, directory, arrivals }))
    }

    /// What the service was made of.
    pub fn ports(&self) -> &Ports {
        &self.0.ports
    }

    /// Its settings.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The newest generations seen; caches of resources ask it whether they are still true.
    pub fn generations(&self) -> &Generations {
        &self.0.generations
    }

    /// Hints for jobs in memory that wait for events.
    pub fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    /// The lifecycle events that somebody in the workspace wants. Kept until workflows change.
    pub async fn lifecycle(&self, workspace: WorkspaceId) -> Result<LifecycleTypes, Error> {
        self.0.directory.lifecycle(workspace).await
    }

    /// Makes every cache see a change of the workspace's resources at once. Call it after each change.
    pub async fn refresh(&self, workspace: WorkspaceId) -> Result<(), Error> {
        self.0.directory.generation(workspace).await.map(|_| ())
    }

    /// Captures an event with the jobs of its subscribers. `Ok`: durable.
    pub async fn event(&self, incoming: Incoming) -> Result<Accepted, Error> {
        let draft = self.draft_event(incoming)?;
        let (accepted, _) = self.commit(&draft, &Target::Subscribers, Stay::Leave).await?;
        Ok(accepted)
    }

    /// As [`CaptureService::event`]; if it starts exactly one job, that job is watched. No watch: none or
    /// several were started, it is a repeat, or its job was suspended by a failing key.
    pub async fn event_and_watch(&self, incoming: Incoming) -> Result<(Accepted, Option<Watched>), Error> {
        let draft = self.draft_event(incoming)?;
        self.commit(&draft, &Target::Subscribers, Stay::Wait).await
    }

    /// Captures events in this order, sharing commits. If one is refused, those before it may have been
    /// captured: a repeat of the batch finds them as duplicates if they have ids.
    pub async fn events(&self, batch: Vec<Incoming>) -> Result<Vec<Accepted>, Error> {
        let drafts: Vec<Draft> =
            batch.into_iter().map(|incoming| self.draft_event(incoming)).collect::<Result<_, _>>()?;
        let mut accepted: Vec<Option<Accepted>> = vec![None; drafts.len()];
        for _ in 0..MAX_PLANS {
            let mut planned = Vec::new();
            for (place, draft) in drafts.iter().enumerate() {
                if accepted[place].is_none() {
                    planned.push((place, self.plan(draft, &Target::Subscribers).await?));
                }
            }
            // All plans are ready, so that the commits reach the store in the order of the batch.
            let attempts = planned.into_iter().map(|(place, plan)| {
                let draft = &drafts[place];
                async move { (place, self.attempt(draft, plan, Stay::Leave).await) }
            });
            for (place, attempt) in join_all(attempts).await {
                if let Attempt::Done(done, _) = attempt? {
                    accepted[place] = Some(done);
                }
            }
            if accepted.iter().all(Option::is_some) {
                return Ok(accepted.into_iter().flatten().collect());
            }
        }
        Err(Error::Busy)
    }

    async fn commit(
        &self,
        draft: &Draft,
        target: &Target,
        stay: Stay,
    ) -> Result<(Accepted, Option<Watched>), Error> {
        for _ in 0..MAX_PLANS {
            let plan = self.plan(draft, target).await?;
            if draft.generation.is_some_and(|generation| generation != plan.generation) {
                return Err(Error::TriggerChanged);
            }
            if let Attempt::Done(accepted, watched) = self.attempt(draft, plan, stay).await? {
                return Ok((accepted, watched));
            }
        }
        Err(Error::Busy)
    }

    async fn plan(&self, draft: &Draft, target: &Target) -> Result<Plan, Error> {
        let Inner { ports, options, directory, .. } = &*self.0;
        let planner = Planner {
            envelope: &draft.envelope,
            now: draft.at,
            shards: options.shards,
            semantics: options.semantics,
        };
        match target {
            Target::Subscribers => {
                let subscribers = directory.of(draft.workspace, &draft.r#type).await?;
                let wanted = subscribers.list.iter().filter(|subscriber| planner.is_wanted(subscriber));
                let jobs = wanted
                    .map(|subscriber| {
                        let deployed = &subscriber.deployed;
                        (planner.job_for_event(deployed, ports.ids.job()), Arc::clone(deployed))
                    })
                    .collect();
                Ok(Plan { generation: subscribers.generation, jobs })
            }
            Target::Workflow { name, job } => {
                let named = directory.named(draft.workspace, name).await?;
                if !named.is_enabled {
                    return Err(Error::Disabled(name.clone()));
                }
                let id = job.unwrap_or_else(|| ports.ids.job());
                let job = planner.job(&named.deployed, id);
                Ok(Plan { generation: named.generation, jobs: vec![(job, Arc::clone(&named.deployed))] })
            }
            Target::Child { name, version, parent, held } => {
                let named = directory.named(draft.workspace, name).await?;
                if !named.is_enabled {
                    return Err(Error::Disabled(name.clone()));
                }
                let deployed = directory.version(&named, version.as_deref()).await?;
                let job = NewJob { parent: Some(*parent), ..planner.job(&deployed, ports.ids.job()) };
                let lane = job.lane.as_ref().and_then(|lane| lane.key.as_ref());
                if lane.is_some_and(|key| held.iter().any(|held| held.0 == job.workflow && held.1 == *key)) {
                    return Err(Error::LaneHeld(name.clone()));
                }
                Ok(Plan { generation: named.generation, jobs: vec![(job, deployed)] })
            }
            Target::Rerun { deployed, rerun } => {
                let generation = directory.generation(draft.workspace).await?;
                let job = rerun.job(planner.job(deployed, ports.ids.job()));
                Ok(Plan { generation, jobs: vec![(job, Arc::clone(deployed))] })
            }
        }
    }

    async fn attempt(&self, draft: &Draft, plan: Plan, stay: Stay) -> Result<Attempt, Error> {
        let ports = &self.0.ports;
        let mut watched = None;
        if let (Stay::Wait, [(job, deployed)]) = (stay, plan.jobs.as_slice())
            && job.lane.is_some()
        {
            watched = Some(Watched { watch: ports.watch.register(job.id)?, deployed: Arc::clone(deployed) });
        }
        let (jobs, deployed): (Vec<NewJob>, Vec<Arc<Deployed>>) = plan.jobs.into_iter().unzip();
        let started: Vec<(JobId, bool)> = jobs.iter().map(|job| (job.id, job.lane.is_some())).collect();
        let capture = Capture {
            generation: plan.generation,
            mark: draft.mark.clone(),
            event: draft.event(&self.0.options),
            jobs,
        };
        match ports.store.capture(capture).await? {
            Captured::New { jobs } => {
                self.count(draft, &started, &jobs);
                self.publish(draft, &started, &deployed, &jobs);
                if draft.origin == Origin::Event {
                    self.0.arrivals.tell(draft.workspace, &draft.r#type);
                }
                let watched = watched.filter(|watched| jobs.contains(&watched.watch.job()));
                Ok(Attempt::Done(Accepted { event: draft.id, jobs, duplicate: false }, watched))
            }
            Captured::Duplicate(first) => {
                ports.metrics.events_duplicate.increment();
                let accepted = Accepted { event: first.event, jobs: first.jobs, duplicate: true };
                Ok(Attempt::Done(accepted, None))
            }
            Captured::Stale { generation } => {
                self.0.generations.observe(draft.workspace, generation);
                Ok(Attempt::Stale)
            }
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
