//! Who gets how much, measured: backlogs are worked off in virtual time and the starts are counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{Class, Command, Input, Job, LaneKey, Parked, Scheduler};

use crate::scheduler::job;

/// A process that works jobs off; each takes as long as it was said to.
pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    pub(crate) now: i64,
    commands: Vec<Command>,
    jobs: BTreeMap<u64, (Job, i64)>,
    /// Of jobs that use less worker time than they take.
    used: BTreeMap<u64, u64>,
    /// End and job of what runs.
    running: BinaryHeap<Reverse<(i64, u64)>>,
    /// Started jobs, in order.
    starts: Vec<Job>,
}

// === impl World ===

impl World {
    pub(crate) fn new(capacity: u32) -> Self {
        let mut world = Self {
            scheduler: Scheduler::new(),
            now: 0,
            commands: Vec::new(),
            jobs: BTreeMap::new(),
            used: BTreeMap::new(),
            running: BinaryHeap::new(),
            starts: Vec::new(),
        };
        world.handle(Input::Capacity(capacity));
        world
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.scheduler.handle(input, Timestamp(self.now), &mut self.commands);
        for command in std::mem::take(&mut self.commands) {
            if let Command::Start { job, .. } = command {
                let (job, takes) = self.jobs[&job];
                self.running.push(Reverse((self.now + takes, job.id)));
                self.starts.push(job);
            }
        }
    }

    /// Hands in as many jobs like this one, each taking so many µs.
    pub(crate) fn feed(&mut self, count: u64, takes: i64, like: Job) {
        for _ in 0..count {
            let id = self.jobs.len() as u64 + 1;
            let job = Job { id, place: id, ..like };
            self.jobs.insert(id, (job, takes));
            self.handle(Input::Arrived(job));
        }
    }

    /// Ends the job that is to end next.
    pub(crate) fn step(&mut self) -> Option<Job> {
        let Reverse((end, id)) = self.running.pop()?;
        self.now = end;
        let (job, takes) = self.jobs[&id];
        let used_us = self.used.get(&id).copied().unwrap_or(takes as u64);
        self.handle(Input::Finished { job: id, used_us });
        Some(job)
    }

    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step().expect("the backlog lasts");
        }
    }
}

fn count<K: Ord>(jobs: &[Job], key: impl Fn(&Job) -> K) -> BTreeMap<K, f64> {
    let mut counts = BTreeMap::new();
    for job in jobs {
        *counts.entry(key(job)).or_insert(0.0) += 1.0;
    }
    counts
}

#[track_caller]
fn check_ratio(left: f64, right: f64, expected: f64) {
    let ratio = left / right;
    assert!((ratio / expected - 1.0).abs() < 0.1, "{left} : {right} is {ratio}, not {expected}");
}

/// The most starts between two that satisfy `of`, the first of them counted from the beginning.
fn longest_wait(starts: &[Job], of: impl Fn(&Job) -> bool) -> usize {
    let mut last = 0;
    let mut longest = 0;
    for (index, _) in starts.iter().enumerate().filter(|(_, job)| of(job)) {
        longest = longest.max(index - last);
        last = index;
    }
    longest.max(starts.len() - last)
}

#[test]
fn a_backlog_a_hundred_times_as_long_gets_no_more() {
    let mut world = World::new(4);
    world.feed(20_000, 1_000, job(0));
    world.feed(200, 1_000, Job { workspace: 2, ..job(0) });
    world.run(380);
    let by = count(&world.starts[4..], |job| job.workspace);
    check_ratio(by[&1], by[&2], 1.0);
}

#[test]
fn a_backlog_in_many_shards_gets_no_more() {
    let mut world = World::new(3);
    for shard in 0..16 {
        world.feed(50, 1_000, Job { shard, ..job(0) });
    }
    world.feed(400, 1_000, Job { workspace: 2, ..job(0) });
    world.run(600);
    let by = count(&world.starts[3..], |job| job.workspace);
    check_ratio(by[&1], by[&2], 1.0);
}

#[test]
fn jobs_ten_times_as_long_get_a_tenth_of_the_starts() {
    for capacity in [1, 8] {
        let mut world = World::new(capacity);
        world.feed(2_000, 10_000, job(0));
        world.feed(8_000, 1_000, Job { workspace: 2, ..job(0) });
        world.run(6_000);
        let by = count(&world.starts[1_000..], |job| job.workspace);
        check_ratio(by[&2], by[&1], 10.0);
    }
}

#[test]
fn what_is_charged_is_what_was_measured() {
    let mut world = World::new(2);
    for workflow in 0..300 {
        world.feed(1, 10_000, Job { workflow, ..job(0) });
    }
    world.feed(4_000, 1_000, Job { workspace: 2, ..job(0) });
    world.run(2_200);
    let by = count(&world.starts[100..], |job| job.workspace);
    check_ratio(by[&2], by[&1], 10.0);
}

#[test]
fn workflows_of_a_workspace_share_by_time_too() {
    let mut world = World::new(2);
    world.feed(2_000, 4_000, job(0));
    world.feed(4_000, 1_000, Job { workflow: 2, ..job(0) });
    world.run(4_000);
    let by = count(&world.starts[500..], |job| job.workflow);
    check_ratio(by[&2], by[&1], 4.0);
}

#[test]
fn lanes_of_a_workflow_share_by_time_too() {
    let mut world = World::new(1);
    let lane = |key| Job { lane: Some(LaneKey(key)), ..job(0) };
    world.feed(500, 10_000, lane(1));
    world.feed(3_000, 1_000, lane(2));
    world.run(2_500);
    let by = count(&world.starts, |job| job.lane);
    check_ratio(by[&Some(LaneKey(2))], by[&Some(LaneKey(1))], 10.0);
}

#[test]
fn live_retry_and_bulk_share_eight_to_four_to_one() {
    let mut world = World::new(3);
    for class in [Class::Bulk, Class::Retry, Class::Live] {
        world.feed(2_000, 1_000, Job { class, ..job(0) });
    }
    world.run(2_600);
    // Three of the bulk ran when the others came, and count: 3 x 8 live and 3 x 4 retried ones are ahead of the next.
    let ahead = world.starts[3..].iter().position(|job| job.class == Class::Bulk);
    assert!(ahead.is_some_and(|ahead| ahead <= 3 * (8 + 4) + 2), "{ahead:?}");
    let by = count(&world.starts, |job| job.class as u8);
    check_ratio(by[&(Class::Live as u8)], by[&(Class::Bulk as u8)], 8.0);
    check_ratio(by[&(Class::Retry as u8)], by[&(Class::Bulk as u8)], 4.0);
    for (class, bound) in [(Class::Live, 3), (Class::Retry, 5), (Class::Bulk, 16)] {
        let wait = longest_wait(&world.starts[3 + 3 * (8 + 4) + 2..], |job| job.class == class);
        assert!(wait <= bound, "{class:?} waited {wait} starts");
    }
}

#[test]
fn the_highest_priority_goes_first_and_no_other_starves() {
    let mut world = World::new(1);
    for priority in 0..10 {
        world.feed(2_000, 1_000, Job { priority, ..job(0) });
    }
    world.run(1_600);
    let by = count(&world.starts[1..], |job| job.priority);
    check_ratio(by[&9], 1_500.0, 1.0);
    for priority in 0..9 {
        let wait = longest_wait(&world.starts[1..], |job| job.priority == priority);
        assert!(wait <= 9 * 16, "priority {priority} waited {wait} starts");
    }
}

#[test]
fn a_priority_says_nothing_to_other_workspaces() {
    let mut world = World::new(1);
    world.feed(500, 1_000, Job { priority: 9, ..job(0) });
    world.feed(500, 1_000, Job { workspace: 2, ..job(0) });
    world.run(400);
    let by = count(&world.starts[1..], |job| job.workspace);
    check_ratio(by[&1], by[&2], 1.0);
}

#[test]
fn every_workspace_and_workflow_has_its_turn_in_every_round() {
    let mut world = World::new(1);
    for workspace in 0..40 {
        for workflow in 0..5 {
            world.feed(10, 1_000, Job { workspace, workflow, ..job(0) });
        }
    }
    world.run(1_600);
    for workspace in 0..40 {
        let wait = longest_wait(&world.starts[40..], |job| job.workspace == workspace);
        assert!(wait <= 80, "workspace {workspace} waited {wait} starts");
        for workflow in 0..5 {
            let of = |job: &Job| (job.workspace, job.workflow) == (workspace, workflow);
            let wait = longest_wait(&world.starts[40..], of);
            assert!(wait <= 400, "workflow {workflow} of workspace {workspace} waited {wait} starts");
        }
    }
}

#[test]
fn who_was_idle_has_the_next_turn_and_no_more() {
    let mut world = World::new(1);
    world.feed(3_000, 1_000, job(0));
    world.run(1_000);
    let before = world.starts.len();
    world.feed(1_000, 1_000, Job { workspace: 2, ..job(0) });
    world.run(200);
    let after = &world.starts[before..];
    assert_eq!(after[0].workspace, 2);
    let by = count(after, |job| job.workspace);
    check_ratio(by[&1], by[&2], 1.0);
}

#[test]
fn a_job_that_goes_on_does_not_queue_behind_the_backlog() {
    let mut world = World::new(1);
    world.feed(1_000, 1_000, job(0));
    let first = world.starts[0].id;
    world.running.clear();
    world.now = 10;
    let until = Some(Timestamp(2_000));
    world.handle(Input::Parked(Parked { job: first, until, class: Class::Live, used_us: 10 }));
    world.run(10);
    let again = world.starts.iter().rposition(|job| job.id == first);
    assert!(again.is_some_and(|at| (1..=5).contains(&at)), "went on at start {again:?}");
}

#[test]
fn a_limited_workspace_leaves_the_rest_to_others_and_catches_nothing_up() {
    let mut world = World::new(4);
    world.handle(Input::WorkspaceLimit { workspace: 1, concurrency: Some(1) });
    world.feed(2_000, 1_000, job(0));
    world.feed(4_000, 1_000, Job { workspace: 2, ..job(0) });
    world.run(800);
    let by = count(&world.starts, |job| job.workspace);
    check_ratio(by[&2], by[&1], 3.0);
    let before = world.starts.len();
    world.handle(Input::WorkspaceLimit { workspace: 1, concurrency: None });
    world.run(800);
    let by = count(&world.starts[before..], |job| job.workspace);
    check_ratio(by[&2], by[&1], 1.0);
}

/// Starts of others between the arrival of each of the quiet workspace's jobs, one at a time, and its own start.
#[track_caller]
fn waits_beside(capacity: u32, takes: impl Fn(u64) -> i64) -> Vec<usize> {
    let mut world = World::new(capacity);
    let quiet = Job { workspace: 2, ..job(0) };
    for number in 0..30_000 {
        world.feed(1, takes(number), job(0));
    }
    let mut waits = Vec::new();
    for _ in 0..50 {
        world.run(100);
        let before = world.starts.len();
        world.feed(1, 1, quiet);
        while world.starts[before..].iter().all(|job| job.workspace == 1) {
            world.step().expect("the quiet one's job is there");
        }
        waits.push(world.starts[before..].iter().position(|job| job.workspace == 2).expect("just seen"));
    }
    waits
}

#[test]
fn a_quiet_workspace_is_next_whatever_a_flood_was_charged_in_advance() {
    for capacity in [1, 32, 1_024] {
        for takes in [20, 50, 1_000, 20_000] {
            let waits = waits_beside(capacity, |_| takes);
            assert!(waits.iter().all(|wait| *wait <= 1), "{capacity} permits, {takes} µs: {waits:?}");
        }
        let waits = waits_beside(capacity, |number| if number % 100 == 99 { 10_000 } else { 30 });
        assert!(
            waits.iter().all(|wait| *wait <= 1),
            "{capacity} permits, one in a hundred is slow: {waits:?}"
        );
    }
}

#[test]
fn what_runs_is_not_paid_for_again_by_joining_again() {
    // 100 slow jobs that each use 20 ms of a minute; where one ends the next may start, beside a flood. Permits enough
    // for that to be their share.
    let mut world = World::new(230);
    let slow = Job { workspace: 2, ..job(0) };
    world.handle(Input::WorkspaceLimit { workspace: 2, concurrency: Some(100) });
    for number in 0..200 {
        world.feed(1, 10_000_000 + 300_000 * number, slow);
    }
    world.used.extend((1..=200).map(|job| (job, 20_000)));
    world.feed(60_000, 10_000, job(0));
    let mut waits = Vec::new();
    while waits.len() < 50 {
        let before = world.starts.len();
        if world.step().expect("the backlog lasts").workspace != 2 {
            continue;
        }
        while world.starts[before..].iter().all(|job| job.workspace == 1) {
            world.step().expect("the backlog lasts");
        }
        waits.push(world.starts[before..].iter().position(|job| job.workspace == 2).expect("just seen"));
    }
    assert!(waits.iter().all(|wait| *wait == 0), "{waits:?}");
}
