//! The service itself: draft the event, plan its jobs, commit both, and plan again if workflows changed.

mod attempt;
mod call;
mod child;
mod chunk;
mod draft;
mod rerun;
mod sets;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tenon_store::{DedupMark, EventId, Gather, JobId, NewJob, ResourceId, Store, WorkspaceId};

use attempt::Attempt;
pub use call::{CALL_TYPE, Call};
pub use child::{AWAITED, CHILD_TYPE, Child};
pub use chunk::{ChunkItem, TriggerChunk};
use draft::Draft;
pub use rerun::{BULK_RERUN_FOR, Beginning, RERUN_TYPE, Rerun};
use sets::{Decided, Sets, is_undecided};

use crate::plan::Planner;
use crate::subscribers::{Directory, Subscribers};
use crate::{
    Arrivals, Clock, Deployed, Error, Event, Generations, IdSource, JobWatch, LifecycleTypes, Live, Metrics,
    Programs, Wakes, Watch,
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
    /// How long an event is kept that no job needs, if its workspace does not say.
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
    /// The mark of the delivery that brought it, beside the other: either makes it a duplicate.
    pub delivery: Option<DedupMark>,
    /// The generation at which the trigger that made the event was looked up.
    pub generation: Option<u64>,
}

// === impl Incoming ===

impl Incoming {
    /// An event that comes as it is, not through a trigger.
    pub fn new(workspace: WorkspaceId, envelope: Event) -> Self {
        Self { workspace, id: None, envelope, mark: None, delivery: None, generation: None }
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
    wakes: Wakes,
    sets: Sets,
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
    gathers: Vec<(Gather, Arc<Deployed>)>,
    decided: Decided,
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

// === impl Plan ===

impl Plan {
    fn of_job(generation: u64, job: NewJob, deployed: Arc<Deployed>) -> Self {
        Self { generation, jobs: vec![(job, deployed)], gathers: Vec::new(), decided: Decided::default() }
    }

    /// Whether the event goes into a set on which a condition decides.
    fn is_undecided(&self) -> bool {
        self.gathers.iter().any(is_undecided)
    }
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
        let sets = Sets::new(Arc::clone(&ports.store));
        Self(Arc::new(Inner {
            ports,
            options,
            generations,
            directory,
            arrivals,
            wakes: Wakes::default(),
            sets,
        }))
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

    /// Hints for pollers that webhooks wake.
    pub fn wakes(&self) -> &Wakes {
        &self.0.wakes
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
                if accepted[place].is_some() {
                    continue;
                }
                let plan = self.plan(draft, &Target::Subscribers).await?;
                if plan.is_undecided() {
                    // What it is decided on has to be written before.
                    self.attempt_all(&drafts, std::mem::take(&mut planned), &mut accepted).await?;
                    accepted[place] = Some(self.commit(draft, &Target::Subscribers, Stay::Leave).await?.0);
                } else {
                    planned.push((place, plan));
                }
            }
            self.attempt_all(&drafts, planned, &mut accepted).await?;
            if accepted.iter().all(Option::is_some) {
                return Ok(accepted.into_iter().flatten().collect());
            }
        }
        Err(Error::Busy)
    }

    /// All plans are ready, so that the commits reach the store in the order of the batch.
    async fn attempt_all(
        &self,
        drafts: &[Draft],
        planned: Vec<(usize, Plan)>,
        accepted: &mut [Option<Accepted>],
    ) -> Result<(), Error> {
        let attempts = planned.into_iter().map(|(place, plan)| {
            let draft = &drafts[place];
            async move { (place, self.attempt(draft, plan, Stay::Leave).await) }
        });
        for (place, attempt) in join_all(attempts).await {
            if let Attempt::Done(done, _) = attempt? {
                accepted[place] = Some(done);
            }
        }
        Ok(())
    }

    async fn commit(
        &self,
        draft: &Draft,
        target: &Target,
        stay: Stay,
    ) -> Result<(Accepted, Option<Watched>), Error> {
        for _ in 0..MAX_PLANS {
            let mut plan = self.plan(draft, target).await?;
            self.decide(draft, &mut plan).await?;
            if let Attempt::Done(accepted, watched) = self.attempt(draft, plan, stay).await? {
                return Ok((accepted, watched));
            }
        }
        Err(Error::Busy)
    }

    /// Decides on the sets on which a condition decides. Those are held until the plan is dropped.
    async fn decide(&self, draft: &Draft, plan: &mut Plan) -> Result<(), Error> {
        if plan.is_undecided() {
            let planner = self.planner(draft);
            let deciding = self.0.sets.decide(draft.workspace, &planner, &mut plan.gathers);
            plan.decided = Box::pin(deciding).await?;
        }
        Ok(())
    }

    /// What the draft leads to, but for decisions on sets.
    async fn plan(&self, draft: &Draft, target: &Target) -> Result<Plan, Error> {
        let plan = self.plan_target(draft, target).await?;
        if draft.generation.is_some_and(|generation| generation != plan.generation) {
            return Err(Error::TriggerChanged);
        }
        Ok(plan)
    }

    async fn plan_target(&self, draft: &Draft, target: &Target) -> Result<Plan, Error> {
        let Inner { ports, directory, .. } = &*self.0;
        let planner = self.planner(draft);
        match target {
            Target::Subscribers => {
                let subscribers = directory.of(draft.workspace, &draft.r#type).await?;
                Ok(self.plan_subscribers(&planner, &subscribers))
            }
            Target::Workflow { name, job } => {
                let named = directory.named(draft.workspace, name).await?;
                if !named.is_enabled {
                    return Err(Error::Disabled(name.clone()));
                }
                let id = job.unwrap_or_else(|| ports.ids.job());
                let job = planner.job(&named.deployed, id);
                Ok(Plan::of_job(named.generation, job, Arc::clone(&named.deployed)))
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
                Ok(Plan::of_job(named.generation, job, deployed))
            }
            Target::Rerun { deployed, rerun } => {
                let generation = directory.generation(draft.workspace).await?;
                let id = rerun.beginning.as_ref().map_or_else(|| ports.ids.job(), |beginning| beginning.job);
                let job = rerun.job(planner.job(deployed, id));
                Ok(Plan::of_job(generation, job, Arc::clone(deployed)))
            }
        }
    }

    fn planner<'a>(&self, draft: &'a Draft) -> Planner<'a> {
        let Options { shards, semantics, .. } = self.0.options;
        Planner { envelope: &draft.envelope, now: draft.at, shards, semantics }
    }

    fn plan_subscribers(&self, planner: &Planner<'_>, subscribers: &Subscribers) -> Plan {
        let (mut jobs, mut gathers) = (Vec::new(), Vec::new());
        let job = |deployed: &Deployed| planner.job_for_event(deployed, self.0.ports.ids.job());
        for subscriber in &subscribers.list {
            let deployed = &subscriber.deployed;
            match subscriber.gathers {
                None if planner.is_wanted(subscriber) => jobs.push((job(deployed), Arc::clone(deployed))),
                None => {}
                Some(strategy) => gathers.extend(
                    planner
                        .role(deployed)
                        .map(|role| (Gather { strategy, role, job: job(deployed) }, Arc::clone(deployed))),
                ),
            }
        }
        Plan { generation: subscribers.generation, jobs, gathers, decided: Decided::default() }
    }
}
