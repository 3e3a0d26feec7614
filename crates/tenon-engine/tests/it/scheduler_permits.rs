//! Who may hold how many of the permits: example by example, and in random worlds against a naive rule.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Class, Command, Input, Job, LaneKey, Obstacle, Parked, Scheduler, WorkspaceUse,
};

use crate::scheduler::job;
use crate::scheduler_fairness::World;

const HOUR: i64 = 3_600_000_000;

fn uses(scheduler: &Scheduler) -> BTreeMap<i64, WorkspaceUse> {
    let usage = scheduler.usage(Timestamp(0));
    usage.workspaces.into_iter().map(|workspace| (workspace.workspace, workspace)).collect()
}

fn running(world: &World, workspace: i64) -> u32 {
    uses(&world.scheduler).get(&workspace).map_or(0, |used| used.running)
}

#[track_caller]
fn check_alone(capacity: u32, expected: u32) {
    let mut world = World::new(capacity);
    world.feed(u64::from(capacity) + 9, HOUR, job(0));
    assert_eq!(world.scheduler.running(), expected);
    let used = &uses(&world.scheduler)[&1];
    let why = if expected == capacity { Obstacle::Capacity } else { Obstacle::Share };
    assert_eq!((used.share, used.obstacle), (expected, Some(why)), "of {capacity}");
    assert_eq!(used.startable, (capacity + 9 - expected) as usize);
}

#[test]
fn who_is_alone_gets_eight_of_nine_permits_and_all_of_a_few() {
    for (capacity, expected) in
        [(0, 0), (1, 1), (8, 8), (9, 8), (10, 9), (17, 16), (18, 16), (128, 114), (1_024, 911)]
    {
        check_alone(capacity, expected);
    }
}

#[test]
fn however_long_a_floods_jobs_run_others_start_at_once() {
    let mut world = World::new(1_024);
    world.feed(5_000, HOUR, job(0));
    assert_eq!(running(&world, 1), 911);
    // 113 are left; one that wants all of them leaves some to the next, and so on.
    for (workspace, expected) in [(2, 101), (3, 11), (4, 1)] {
        world.feed(500, HOUR, Job { workspace, ..job(0) });
        assert_eq!(running(&world, workspace), expected, "workspace {workspace}");
    }
    let mut world = World::new(1_024);
    world.feed(5_000, HOUR, job(0));
    for workspace in 2..115 {
        world.feed(1, HOUR, Job { workspace, ..job(0) });
        assert_eq!(running(&world, workspace), 1, "workspace {workspace}");
    }
}

#[test]
fn what_comes_back_goes_to_those_who_hold_less_until_all_hold_the_same() {
    for (capacity, workspaces) in [(512, 3), (1_024, 2), (1_024, 5), (1_024, 20)] {
        let mut world = World::new(capacity);
        // The first takes all it may, and all jobs take long.
        for workspace in 1..=workspaces {
            for number in 0..3_000 {
                world.feed(1, HOUR + 1_000 * number, Job { workspace, ..job(0) });
            }
        }
        world.run(2_000);
        let share = 8.0 * f64::from(capacity) / (8.0 * workspaces as f64 + 1.0);
        for workspace in 1..=workspaces {
            let held = f64::from(running(&world, workspace));
            // One free permit more or less is worth eight.
            assert!((held - share).abs() <= 9.0, "{workspace} of {workspaces} holds {held} of {capacity}");
        }
    }
}

#[test]
fn room_for_now_is_no_share() {
    let mut world = World::new(90);
    world.handle(Input::Room(4));
    world.feed(100, HOUR, job(0));
    let used = &uses(&world.scheduler)[&1];
    assert_eq!((used.running, used.share, used.obstacle), (4, 80, Some(Obstacle::Room)));
    world.feed(1, HOUR, Job { workspace: 2, ..job(0) });
    world.handle(Input::Room(5));
    assert_eq!(running(&world, 2), 1, "it is the next");
    world.handle(Input::Room(1_000));
    assert_eq!((running(&world, 1), world.scheduler.crowded()), (80, 1));
    world.handle(Input::Capacity(99));
    assert_eq!(running(&world, 1), 88, "more permits are more for all");
    world.handle(Input::WorkspaceLimit { workspace: 1, concurrency: Some(7) });
    assert_eq!(uses(&world.scheduler)[&1].obstacle, Some(Obstacle::Concurrency));
    assert_eq!(world.scheduler.crowded(), 0, "it is its own limit that holds it");
}

// === random worlds

#[derive(Debug, Clone)]
enum Step {
    Arrive {
        workspace: i64,
        lane: Option<u64>,
        class: Class,
    },
    /// The running job of this number, modulo how many there are.
    Finish(usize),
    Park(usize),
    Capacity(u32),
    Room(u32),
    Limit {
        workspace: i64,
        concurrency: Option<u32>,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![Just(Class::Live), Just(Class::Retry), Just(Class::Bulk)];
    let lane = prop_oneof![4 => Just(None), 1 => (0..3_u64).prop_map(Some)];
    let workspace = prop_oneof![3 => Just(1_i64), 2 => 2..6_i64];
    let step = prop_oneof![
        10 => (workspace, lane, class).prop_map(|(workspace, lane, class)| Step::Arrive { workspace, lane, class }),
        4 => any::<usize>().prop_map(Step::Finish),
        1 => any::<usize>().prop_map(Step::Park),
        1 => (0..40_u32).prop_map(Step::Capacity),
        1 => (0..40_u32).prop_map(Step::Room),
        1 => (1..6_i64, proptest::option::of(0..20_u32))
            .prop_map(|(workspace, concurrency)| Step::Limit { workspace, concurrency }),
    ];
    proptest::collection::vec(step, 1..200)
}

/// The rule as it is written, counted anew each time.
#[derive(Default)]
struct Naive {
    capacity: u32,
    room: Option<u32>,
    limits: BTreeMap<i64, u32>,
    ready: BTreeMap<u64, Job>,
    running: BTreeMap<u64, Job>,
}

// === impl Naive ===

impl Naive {
    fn held(&self, workspace: i64) -> u32 {
        self.running.values().filter(|job| job.workspace == workspace).count() as u32
    }

    /// What keeps a workspace's next job from starting.
    fn obstacle(&self, workspace: i64) -> Option<Obstacle> {
        let (all, own) = (self.running.len() as u32, self.held(workspace));
        let free = self.capacity.saturating_sub(all);
        if self.limits.get(&workspace).is_some_and(|limit| own >= *limit) {
            Some(Obstacle::Concurrency)
        } else if free == 0 {
            Some(Obstacle::Capacity)
        } else if own >= 8 * free {
            Some(Obstacle::Share)
        } else {
            self.room.is_some_and(|room| all >= room).then_some(Obstacle::Room)
        }
    }

    /// Whether its lane lets it start.
    fn is_first(&self, job: &Job) -> bool {
        let same = |other: &&Job| (other.workspace, other.lane) == (job.workspace, job.lane);
        job.lane.is_none()
            || !self.running.values().any(|other| same(&other))
                && self.ready.values().filter(same).all(|other| other.place >= job.place)
    }

    fn start(&mut self, id: u64) {
        let job = self.ready[&id];
        assert_eq!(self.obstacle(job.workspace), None, "{job:?} starts");
        assert!(self.is_first(&job), "{job:?} overtakes");
        self.ready.remove(&id);
        self.running.insert(id, job);
    }

    /// Nobody waits without a reason, and the reason that is shown is the right one.
    fn check(&self, scheduler: &Scheduler) {
        let uses = uses(scheduler);
        assert_eq!(scheduler.running(), self.running.len() as u32);
        for workspace in 1..6 {
            let ready = self.ready.values().filter(|job| job.workspace == workspace);
            let startable = ready.filter(|job| self.is_first(job)).count();
            let Some(used) = uses.get(&workspace) else {
                assert_eq!(startable, 0);
                continue;
            };
            let obstacle = self.obstacle(workspace);
            let expected = if startable > 0 { obstacle } else { None };
            assert_eq!((used.startable, used.obstacle), (startable, expected), "workspace {workspace}");
            assert!(startable == 0 || obstacle.is_some(), "workspace {workspace} could start something");
            self.check_share(used);
        }
    }

    /// What is said to be its share is what it would come to by taking one after the other.
    fn check_share(&self, used: &WorkspaceUse) {
        let (mut own, mut free) = (used.running, self.capacity.saturating_sub(self.running.len() as u32));
        while own < 8 * free {
            (own, free) = (own + 1, free - 1);
        }
        assert_eq!(used.share, own, "{used:?} of {}", self.capacity);
    }
}

fn play(steps: Vec<Step>) {
    let mut scheduler = Scheduler::new();
    let mut naive = Naive::default();
    let mut tell = |naive: &mut Naive, input: Input, now: i64| {
        let mut commands = Vec::new();
        scheduler.handle(input, Timestamp(now), &mut commands);
        for command in commands {
            match command {
                Command::Start { job, .. } => naive.start(job),
                Command::SetAlarm(_) => {}
                other => panic!("{other:?}"),
            }
        }
        naive.check(&scheduler);
        scheduler.footprint()
    };
    tell(&mut naive, Input::Capacity(0), 0);
    for (now, step) in (1..).zip(steps) {
        let input = match step {
            Step::Arrive { workspace, lane, class } => {
                let job = Job { workspace, lane: lane.map(LaneKey), class, ..job(now as u64) };
                naive.ready.insert(job.id, job);
                Input::Arrived(job)
            }
            Step::Finish(_) | Step::Park(_) if naive.running.is_empty() => continue,
            Step::Finish(index) => {
                let job = nth(&naive.running, index);
                naive.running.remove(&job.id);
                Input::Finished { job: job.id, used_us: index as u64 % 10_000 }
            }
            // It waits for nothing, and is in line again at once.
            Step::Park(index) => {
                let job = Job { place: 0, ..nth(&naive.running, index) };
                naive.running.remove(&job.id);
                naive.ready.insert(job.id, job);
                let until = Some(Timestamp(now));
                Input::Parked(Parked { job: job.id, until, class: Class::Live, used_us: 5 })
            }
            Step::Capacity(capacity) => {
                naive.capacity = capacity;
                Input::Capacity(capacity)
            }
            Step::Room(room) => {
                naive.room = Some(room);
                Input::Room(room)
            }
            Step::Limit { workspace, concurrency } => {
                naive.limits.remove(&workspace);
                naive.limits.extend(concurrency.map(|limit| (workspace, limit)));
                Input::WorkspaceLimit { workspace, concurrency }
            }
        };
        tell(&mut naive, input, now);
    }
    // Everything ends, and nothing is left of it.
    let end = 1_000;
    for workspace in 1..6 {
        naive.limits.remove(&workspace);
        tell(&mut naive, Input::WorkspaceLimit { workspace, concurrency: None }, end);
    }
    naive.room = Some(100);
    tell(&mut naive, Input::Room(100), end);
    naive.capacity = 3;
    tell(&mut naive, Input::Capacity(3), end);
    let mut footprint = tell(&mut naive, Input::Tick, end);
    while let Some(&id) = naive.running.keys().next() {
        naive.running.remove(&id);
        footprint = tell(&mut naive, Input::Finished { job: id, used_us: 7 }, end);
    }
    assert!(naive.ready.is_empty(), "{:?} never started", naive.ready);
    assert_eq!(footprint, 0);
}

fn nth(running: &BTreeMap<u64, Job>, index: usize) -> Job {
    *running.values().nth(index % running.len()).expect("an index within")
}

proptest! {
    #[test]
    fn random_worlds_keep_to_the_shares_and_leave_nothing_standing(steps in steps()) {
        play(steps);
    }
}
