//! The places of a shard are shared by workspace: however long the backlog of one, the jobs of others are held and
//! start. A store and a worker in a few lines: what was started ends at once, unless its workflow is held back.

use std::collections::BTreeMap;

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Bounds, Command, Input, Job, LaneKey, Page, Parked, SHARD_LIMIT, Scheduler, Standing, WAITING_LIMIT,
};

use crate::scheduler::job;

/// What a lone workspace may hold here.
const LIMIT: usize = 1_000;
const BOUNDS: Bounds = Bounds { held: LIMIT, least: 64 };
const MINUTE: i64 = 60_000_000;
/// Reads that no test here needs.
const MANY: usize = 10_000;
/// Of workspace 1; at most one of its jobs runs at a time.
const SLOW: i64 = 1;

struct World {
    bounds: Bounds,
    scheduler: Scheduler,
    commands: Vec<Command>,
    /// Open jobs by place.
    store: BTreeMap<u64, Job>,
    /// Started jobs, in order.
    starts: Vec<Job>,
    /// Whether jobs of the slow workflow end.
    slow_ends: bool,
    /// Reads of the store: whose jobs, and how many came.
    reads: Vec<(Option<i64>, usize)>,
    captured: u64,
}

// === impl World ===

impl World {
    fn new() -> Self {
        Self::within(BOUNDS)
    }

    fn within(bounds: Bounds) -> Self {
        let mut world = Self {
            bounds,
            scheduler: Scheduler::with_bounds(bounds),
            commands: Vec::new(),
            store: BTreeMap::new(),
            starts: Vec::new(),
            slow_ends: false,
            reads: Vec::new(),
            captured: 0,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        self.handle(Input::WorkflowLimit { workspace: 1, workflow: SLOW, concurrency: Some(1) });
        self.handle(Input::Capacity(4));
    }

    fn handle(&mut self, input: Input) {
        self.scheduler.handle(input, Timestamp(0), &mut self.commands);
        while let Some(command) = self.commands.pop() {
            match command {
                Command::Start { job, .. } => self.start(job),
                Command::Refill { shard, workspace, after, limit } => {
                    let of = |job: &&Job| workspace.is_none_or(|workspace| job.workspace == workspace);
                    let found = self.store.range(after + 1..).map(|(_, job)| job).filter(of);
                    let mut jobs: Vec<Job> = found.take(limit as usize).copied().collect();
                    self.reads.push((workspace, jobs.len()));
                    assert!(self.reads.len() < MANY, "it reads for ever: {:?}", &self.reads[MANY - 10..]);
                    let read_to = jobs.get(limit as usize - 1).map(|job| job.place);
                    // Without a lane they are nobody's business until they are resumed.
                    jobs.retain(|job| job.standing != Standing::Suspended);
                    let page = Page { shard, workspace, after, jobs, read_to };
                    self.scheduler.handle(Input::Page(page), Timestamp(0), &mut self.commands);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    fn start(&mut self, id: u64) {
        let job = self.store[&id];
        self.starts.push(job);
        if job.workspace != 1 || self.slow_ends {
            self.end(id);
        }
    }

    fn end(&mut self, id: u64) {
        self.store.remove(&id);
        self.scheduler.handle(Input::Finished { job: id, used_us: 100 }, Timestamp(0), &mut self.commands);
    }

    /// Captures as many jobs like this one.
    fn feed(&mut self, count: usize, like: Job) {
        for _ in 0..count {
            self.captured += 1;
            let job = Job { id: self.captured, place: self.captured, ..like };
            self.store.insert(job.place, job);
            self.handle(Input::Arrived(job));
        }
    }

    /// The process dies, and a new one takes over.
    fn restart(&mut self) {
        self.scheduler = Scheduler::with_bounds(self.bounds);
        self.starts.clear();
        self.set_up();
        self.handle(Input::Own { shard: 0 });
    }

    /// The jobs that run end, and with them all that are open.
    fn end_all(&mut self) {
        self.slow_ends = true;
        for job in self.started(1) {
            self.end(job);
        }
        self.handle(Input::Tick);
        assert_eq!((self.store.len(), self.scheduler.held()), (0, 0));
        assert_eq!(self.scheduler.footprint(), 0);
    }

    fn started(&self, workspace: i64) -> Vec<u64> {
        self.starts.iter().filter(|job| job.workspace == workspace).map(|job| job.id).collect()
    }
}

fn of(workspace: i64) -> Job {
    Job { workspace, ..job(0) }
}

#[test]
fn a_flood_leaves_places_to_others() {
    let mut world = World::new();
    world.feed(LIMIT + 200, of(1));
    assert_eq!(world.scheduler.held(), LIMIT, "a lone one gets them all");
    let left =
        |world: &World| world.scheduler.backlogs(Timestamp(0)).map(|backlog| backlog.left).sum::<u64>();
    assert_eq!(left(&world), 200);
    world.feed(3, of(2));
    assert_eq!(world.started(2).len(), 3, "the quiet workspace is not behind the flood");
    assert_eq!(world.reads, [], "nothing can be taken in, so nothing is read");
    world.end_all();
    assert!(world.started(1).is_sorted() && world.started(1).len() == LIMIT + 200);
    assert_eq!(left(&world), 0);
}

#[test]
fn a_new_owner_finds_those_behind_a_flood() {
    let mut world = World::new();
    world.feed(LIMIT + 500, of(1));
    world.feed(3, of(2));
    world.feed(1_000, of(1));
    for job in 0..3 {
        // They had started and not ended when the process died.
        let place = (LIMIT + 501 + job) as u64;
        world.store.insert(place, Job { id: place, place, standing: Standing::Begun, ..of(2) });
    }
    world.restart();
    assert_eq!(world.started(2).len(), 3);
    assert_eq!(world.scheduler.held(), LIMIT);
    let left: u64 = world.scheduler.backlogs(Timestamp(0)).map(|backlog| backlog.left).sum();
    assert_eq!(left, 1_500, "what was passed by is known to be there");
    world.end_all();
    assert!(world.started(1).is_sorted(), "captured first, started first");
}

#[test]
fn a_lane_in_a_flood_keeps_its_order() {
    let mut world = World::new();
    for _ in 0..LIMIT / 2 {
        world.feed(2, of(1));
        world.feed(1, Job { workflow: 2, lane: Some(LaneKey(1)), ..of(1) });
    }
    world.restart();
    world.end_all();
    let lane = world.starts.iter().filter(|job| job.lane.is_some()).map(|job| job.place);
    assert!(lane.is_sorted());
}

#[test]
fn of_many_floods_each_has_its_share_and_a_newcomer_too() {
    let mut world = World::new();
    world.handle(Input::Capacity(0));
    for workspace in 1..=20 {
        world.feed(LIMIT, of(workspace));
    }
    let held = world.scheduler.held();
    let most = LIMIT * 9 / 8 + 20 * 64;
    assert!((LIMIT..most).contains(&held), "{held} are held");
    world.feed(64, of(21));
    assert_eq!(world.scheduler.held(), held + 64);
    world.handle(Input::Capacity(4));
    world.end_all();
}

#[test]
fn where_nobody_is_sure_of_a_place_nobody_reads_in_vain() {
    let mut world = World::within(Bounds { least: 0, ..BOUNDS });
    world.handle(Input::Capacity(0));
    for workspace in 1..=20 {
        world.feed(if workspace <= 4 { LIMIT } else { 20 }, of(workspace));
    }
    assert_eq!(world.scheduler.held(), LIMIT * 9 / 8);
    assert_eq!(world.reads, [], "nothing can be taken in, so nothing is read");
    world.handle(Input::Capacity(4));
    world.end_all();
}

#[test]
fn a_page_of_nobodys_business_is_passed_over() {
    let mut world = World::new();
    let suspended = 2 * SHARD_LIMIT as u64;
    for place in 1..=suspended {
        world.store.insert(place, Job { id: place, place, standing: Standing::Suspended, ..of(1) });
    }
    world.captured = suspended;
    world.handle(Input::Capacity(0));
    world.feed(1, of(2));
    world.restart();
    assert_eq!(world.started(2), [suspended + 1]);
}

#[test]
fn timers_of_a_flood_leave_places_to_others() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    let waiting = |id, workspace, until| {
        Input::Arrived(Job { standing: Standing::Waiting(Some(Timestamp(until))), id, ..of(workspace) })
    };
    for id in 1..=2 * WAITING_LIMIT as u64 + 1 {
        scheduler.handle(waiting(id, 1, MINUTE), Timestamp(0), &mut commands);
    }
    assert_eq!(commands.pop(), Some(Command::Forget { job: 2 * WAITING_LIMIT as u64 + 1 }));
    commands.clear();
    scheduler.handle(Input::Capacity(9), Timestamp(0), &mut commands);
    scheduler.handle(waiting(300_000, 2, MINUTE / 2), Timestamp(0), &mut commands);
    scheduler.handle(Input::Tick, Timestamp(MINUTE / 2), &mut commands);
    assert!(commands.contains(&Command::Start { shard: 0, job: 300_000 }), "{commands:?}");
    let parked = Parked {
        job: 300_000,
        until: Some(Timestamp(MINUTE - 1)),
        class: tenon_engine::scheduler::Class::Live,
        used_us: 1,
    };
    commands.clear();
    scheduler.handle(Input::Parked(parked), Timestamp(MINUTE / 2), &mut commands);
    assert!(!commands.contains(&Command::Forget { job: 300_000 }), "{commands:?}");
}
