//! The scheduler's rules one by one: inputs on the left, commands on the right.

use std::collections::BTreeSet;

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Class, Command, HORIZON_US, Input, Job, LaneKey, LanePolicy, Page, Parked, SHARD_LIMIT, Scheduler,
    Standing, WAITING_LIMIT,
};

const SECOND: i64 = 1_000_000;

/// An unordered live job of workflow 1 in workspace 1; place = id.
pub(crate) fn job(id: u64) -> Job {
    Job {
        id,
        shard: 0,
        workspace: 1,
        workflow: 1,
        lane: None,
        place: id,
        priority: 0,
        class: Class::Live,
        standing: Standing::Ready,
    }
}

fn ordered(id: u64) -> Job {
    Job { lane: Some(LaneKey::new("customer-7")), ..job(id) }
}

fn arrived(job: Job) -> Input {
    Input::Arrived(job)
}

fn parked(job: u64, until: i64) -> Input {
    Input::Parked(Parked { job, until: Some(Timestamp(until)), class: Class::Live, used_us: 100 })
}

fn listening(job: u64) -> Input {
    Input::Parked(Parked { job, until: None, class: Class::Live, used_us: 100 })
}

fn finished(job: u64) -> Input {
    Input::Finished { job, used_us: 100 }
}

fn suspended(job: u64, lane: LanePolicy) -> Input {
    Input::Suspended { job, lane, used_us: 100 }
}

fn start(job: u64) -> Command {
    Command::Start { shard: 0, job }
}

fn alarm(at: i64) -> Command {
    Command::SetAlarm(Timestamp(at))
}

/// Feeds inputs, each at a moment in µs, to a scheduler with room for 100 jobs.
#[track_caller]
fn check(steps: &[(i64, Input, &[Command])]) -> Scheduler {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    scheduler.handle(Input::Capacity(100), Timestamp(0), &mut commands);
    assert_eq!(commands, [], "nothing is held yet");
    for (index, (at, input, expected)) in steps.iter().enumerate() {
        commands.clear();
        scheduler.handle(input.clone(), Timestamp(*at), &mut commands);
        assert_eq!(commands, *expected, "step {index}: {input:?}");
    }
    scheduler
}

#[test]
fn unordered_jobs_run_side_by_side() {
    check(&[(0, arrived(job(1)), &[start(1)]), (0, arrived(job(2)), &[start(2)]), (0, arrived(job(2)), &[])]);
}

#[test]
fn an_ordered_lane_runs_one_job_at_a_time_by_place() {
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(3)), &[]),
        (0, arrived(ordered(2)), &[]),
        (1, finished(1), &[start(2)]),
        (2, finished(2), &[start(3)]),
    ]);
}

#[test]
fn lanes_are_a_workflows_own() {
    let elsewhere = Job { workflow: 2, ..ordered(2) };
    let other_workspace = Job { workspace: 2, ..ordered(3) };
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(elsewhere), &[start(2)]),
        (0, arrived(other_workspace), &[start(3)]),
    ]);
}

#[test]
fn a_waiting_job_gives_its_permit_back_and_keeps_its_lane() {
    let limit = Input::WorkflowLimit { workspace: 1, workflow: 1, concurrency: Some(1) };
    check(&[
        (0, limit, &[]),
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(2)), &[]),
        (0, arrived(job(3)), &[]),
        (10, parked(1, SECOND), &[start(3), alarm(SECOND)]),
        (20, finished(3), &[]),
        (SECOND - 1, Input::Tick, &[alarm(SECOND)]),
        (SECOND, Input::Tick, &[start(1)]),
        (SECOND + 1, finished(1), &[start(2)]),
    ]);
}

#[test]
fn alarms_are_set_for_the_earliest_timer() {
    check(&[
        (0, arrived(job(1)), &[start(1)]),
        (0, arrived(job(2)), &[start(2)]),
        (0, arrived(job(3)), &[start(3)]),
        (0, parked(1, 50), &[alarm(50)]),
        (0, parked(2, 80), &[]),
        (0, parked(3, 20), &[alarm(20)]),
        (20, Input::Tick, &[start(3), alarm(50)]),
        (90, Input::Tick, &[start(1), start(2)]),
    ]);
}

#[test]
fn a_timer_that_is_due_already_goes_on_at_once() {
    check(&[(5, arrived(job(1)), &[start(1)]), (9, parked(1, 7), &[start(1)])]);
}

#[test]
fn timers_beyond_the_horizon_are_left_to_the_store() {
    let late = HORIZON_US + 10;
    let near = Job { standing: Standing::Waiting(Some(Timestamp(late))), ..job(1) };
    let scheduler = check(&[
        (0, arrived(job(1)), &[start(1)]),
        (0, parked(1, late), &[Command::Forget { job: 1 }]),
        (5, arrived(near), &[Command::Forget { job: 1 }]),
        (20, arrived(near), &[alarm(late)]),
        (late, Input::Tick, &[start(1)]),
        (late, finished(1), &[]),
    ]);
    assert_eq!(scheduler.footprint(), 0);
}

#[test]
fn an_ordered_job_beyond_the_horizon_still_keeps_its_lane() {
    let late = HORIZON_US + 10;
    let near = Job { standing: Standing::Waiting(Some(Timestamp(late))), ..ordered(1) };
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(2)), &[]),
        (0, parked(1, late), &[]),
        (20, arrived(near), &[alarm(late)]),
        (late, Input::Tick, &[start(1)]),
    ]);
}

#[test]
fn what_a_job_waits_for_wakes_it_before_its_timer() {
    let late = HORIZON_US + 10;
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, parked(1, SECOND), &[alarm(SECOND)]),
        (1, Input::Woken(ordered(1)), &[start(1)]),
        (2, parked(1, late), &[]),
        (3, Input::Woken(ordered(1)), &[start(1)]),
        (4, arrived(job(2)), &[start(2)]),
        (5, parked(2, late), &[Command::Forget { job: 2 }]),
        (6, Input::Woken(job(2)), &[start(2)]),
        (7, finished(2), &[]),
        (8, finished(1), &[]),
    ]);
}

#[test]
fn a_job_that_is_woken_before_it_parks_goes_on_when_it_does() {
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(2)), &[]),
        (1, Input::Woken(ordered(1)), &[]),
        (2, parked(1, SECOND), &[start(1)]),
        (3, parked(1, SECOND), &[alarm(SECOND)]),
        (4, Input::Woken(ordered(1)), &[start(1)]),
        (5, Input::Woken(ordered(1)), &[]),
        (6, finished(1), &[start(2)]),
    ]);
}

#[test]
fn what_is_suspended_or_being_cancelled_is_not_woken() {
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (1, suspended(1, LanePolicy::Park), &[]),
        (2, Input::Woken(ordered(1)), &[]),
        (3, arrived(job(2)), &[start(2)]),
        (4, parked(2, SECOND), &[alarm(SECOND)]),
        (5, Input::Cancel { job: 2 }, &[Command::Cancel { job: 2 }]),
        (6, Input::Woken(job(2)), &[]),
    ]);
}

#[test]
fn a_job_that_waits_for_an_event_goes_on_when_it_arrives_again() {
    check(&[
        (0, arrived(job(1)), &[start(1)]),
        (0, listening(1), &[Command::Forget { job: 1 }]),
        (1, arrived(job(1)), &[start(1)]),
        (2, arrived(ordered(2)), &[start(2)]),
        (2, arrived(ordered(3)), &[]),
        (3, listening(2), &[]),
        (4, arrived(ordered(2)), &[start(2)]),
    ]);
}

#[test]
fn a_suspended_job_parks_its_lane_or_lets_it_go_on() {
    check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(2)), &[]),
        (0, arrived(ordered(3)), &[]),
        (1, suspended(1, LanePolicy::Park), &[]),
        (2, Input::Resumed(ordered(1)), &[start(1)]),
        (3, suspended(1, LanePolicy::Continue), &[Command::Forget { job: 1 }, start(2)]),
        (4, Input::Resumed(ordered(1)), &[]),
        (5, finished(2), &[start(1)]),
        (6, finished(1), &[start(3)]),
    ]);
}

#[test]
fn cancelling_keeps_the_lane_until_it_is_recorded() {
    let cancel = |job| Input::Cancel { job };
    let cancelled = |job| Command::Cancel { job };
    let done = |job| Input::Finished { job, used_us: 0 };
    let scheduler = check(&[
        (0, arrived(ordered(1)), &[start(1)]),
        (0, arrived(ordered(2)), &[]),
        (0, arrived(ordered(3)), &[]),
        (1, cancel(2), &[cancelled(2)]),
        (1, cancel(1), &[cancelled(1)]),
        (2, finished(1), &[]),
        (3, done(2), &[start(3)]),
        (3, parked(3, SECOND), &[alarm(SECOND)]),
        (4, cancel(3), &[cancelled(3)]),
        (SECOND, Input::Tick, &[]),
        (SECOND, done(3), &[]),
        (SECOND, cancel(99), &[cancelled(99)]),
    ]);
    assert_eq!(scheduler.footprint(), 0);
}

#[test]
fn a_cancelled_unordered_job_never_starts() {
    let scheduler = check(&[
        (0, Input::Capacity(0), &[]),
        (0, arrived(job(1)), &[]),
        (0, arrived(job(2)), &[]),
        (0, arrived(job(3)), &[]),
        (1, Input::Cancel { job: 1 }, &[Command::Cancel { job: 1 }]),
        (1, Input::Cancel { job: 2 }, &[Command::Cancel { job: 2 }]),
        (1, Input::Finished { job: 2, used_us: 0 }, &[]),
        (2, Input::Capacity(9), &[start(3)]),
        (2, Input::Finished { job: 1, used_us: 0 }, &[]),
        (2, finished(3), &[]),
    ]);
    assert_eq!(scheduler.footprint(), 0);
}

#[test]
fn limits_hold_and_a_higher_limit_lets_more_start() {
    let workflow = |concurrency| Input::WorkflowLimit { workspace: 1, workflow: 1, concurrency };
    let workspace = |concurrency| Input::WorkspaceLimit { workspace: 1, concurrency };
    let other = |id| Job { workflow: 2, ..job(id) };
    check(&[
        (0, workflow(Some(1)), &[]),
        (0, workspace(Some(2)), &[]),
        (0, arrived(job(1)), &[start(1)]),
        (0, arrived(job(2)), &[]),
        (0, arrived(other(3)), &[start(3)]),
        (0, arrived(other(4)), &[]),
        (0, arrived(Job { workspace: 2, ..job(5) }), &[start(5)]),
        (1, workspace(Some(3)), &[start(4)]),
        (1, workspace(None), &[]),
        (2, workflow(Some(0)), &[]),
        (3, finished(1), &[]),
        (4, workflow(None), &[start(2)]),
    ]);
}

#[test]
fn the_holder_of_a_lane_is_known() {
    let scheduler = check(&[(0, arrived(ordered(1)), &[start(1)]), (0, arrived(ordered(2)), &[])]);
    assert_eq!(scheduler.holder(1, 1, LaneKey::new("customer-7")), Some(1));
    assert_eq!(scheduler.holder(1, 1, LaneKey::new("customer-8")), None);
    assert_eq!(scheduler.holder(1, 2, LaneKey::new("customer-7")), None);
}

#[test]
fn a_new_owner_reads_the_shard_and_misses_no_capture_meanwhile() {
    let refill = |after| Command::Refill { shard: 0, workspace: None, after, limit: 10_000 };
    let page = |after, jobs| Input::Page(Page { shard: 0, workspace: None, after, jobs, read_to: None });
    let waiting = Job { standing: Standing::Waiting(Some(Timestamp(i64::MAX))), ..ordered(1) };
    let scheduler = check(&[
        (0, arrived(waiting), &[]),
        (0, Input::Own { shard: 0 }, &[refill(0)]),
        (1, arrived(job(4)), &[]),
        (2, page(7, vec![job(9)]), &[]),
        (2, page(0, vec![ordered(2), job(3)]), &[start(3), refill(3)]),
        (3, page(3, vec![job(4)]), &[start(4)]),
        (4, arrived(job(5)), &[start(5)]),
        (5, finished(1), &[start(2)]),
    ]);
    assert!(!scheduler.is_behind(0, 1));
}

#[test]
fn a_job_resumed_while_its_page_is_read_goes_on() {
    let page = |after, jobs| Input::Page(Page { shard: 0, workspace: None, after, jobs, read_to: None });
    let asleep = Job { standing: Standing::Suspended, ..ordered(1) };
    check(&[
        (
            0,
            Input::Own { shard: 0 },
            &[Command::Refill { shard: 0, workspace: None, after: 0, limit: 10_000 }],
        ),
        (1, Input::Resumed(ordered(1)), &[]),
        (
            2,
            page(0, vec![asleep, ordered(2)]),
            &[Command::Refill { shard: 0, workspace: None, after: 0, limit: 10_000 }],
        ),
        (3, page(0, vec![ordered(1), ordered(2)]), &[start(1)]),
        (4, finished(1), &[start(2)]),
    ]);
}

#[test]
fn a_resumed_job_goes_on_though_an_old_page_said_that_it_waits() {
    let old = Job { standing: Standing::Waiting(Some(Timestamp(1_000))), ..job(1) };
    check(&[(0, arrived(old), &[alarm(1_000)]), (1, Input::Resumed(job(1)), &[start(1)])]);
}

#[test]
fn what_ended_while_a_page_was_read_does_not_come_back() {
    let page = |after, jobs| Input::Page(Page { shard: 0, workspace: None, after, jobs, read_to: None });
    let asleep = Job { standing: Standing::Suspended, ..ordered(1) };
    let scheduler = check(&[
        (0, arrived(asleep), &[]),
        (
            0,
            Input::Own { shard: 0 },
            &[Command::Refill { shard: 0, workspace: None, after: 0, limit: 10_000 }],
        ),
        (1, Input::Finished { job: 1, used_us: 0 }, &[]),
        (1, Input::Finished { job: 2, used_us: 0 }, &[]),
        (2, page(0, vec![asleep, ordered(2), ordered(3)]), &[start(3)]),
        (3, finished(3), &[]),
    ]);
    assert_eq!(scheduler.footprint(), 0);
}

#[test]
fn a_full_shard_leaves_jobs_in_the_store_and_comes_back_for_them() {
    let total = SHARD_LIMIT as u64 + 5_000;
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    let mut store: BTreeSet<u64> = (1..=total).collect();
    for id in (1..=total).filter(|id| *id != 500) {
        scheduler.handle(arrived(job(id)), Timestamp(0), &mut commands);
    }
    assert_eq!((scheduler.held(), scheduler.is_behind(0, 1)), (SHARD_LIMIT, true));
    scheduler.handle(Input::Resumed(job(500)), Timestamp(0), &mut commands);
    assert!(commands.is_empty(), "there is no room to ask for more");
    scheduler.handle(Input::Capacity(1), Timestamp(0), &mut commands);
    let mut starts = Vec::new();
    while let Some(command) = commands.pop() {
        match command {
            Command::Start { job, .. } => {
                starts.push(job);
                assert!(store.remove(&job), "job {job} started twice");
                scheduler.handle(finished(job), Timestamp(0), &mut commands);
            }
            Command::Refill { shard, workspace, after, limit } => {
                let jobs: Vec<Job> =
                    store.range(after + 1..).take(limit as usize).map(|id| job(*id)).collect();
                let read_to = jobs.get(limit as usize - 1).map(|job| job.place);
                scheduler.handle(
                    Input::Page(Page { shard, workspace, after, jobs, read_to }),
                    Timestamp(0),
                    &mut commands,
                );
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(starts.len(), total as usize);
    starts.retain(|job| *job != 500);
    assert!(starts.is_sorted(), "captured first, started first");
    assert_eq!((scheduler.footprint(), scheduler.is_behind(0, 1)), (0, false));
}

#[test]
fn timers_are_bounded_and_near_ones_go_before() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    let waiting = |id, until| Job { standing: Standing::Waiting(Some(Timestamp(until))), ..job(id) };
    for id in 1..=WAITING_LIMIT as u64 {
        scheduler.handle(arrived(waiting(id, 600 * SECOND)), Timestamp(0), &mut commands);
    }
    commands.clear();
    scheduler.handle(arrived(waiting(200_000, 600 * SECOND)), Timestamp(0), &mut commands);
    assert_eq!(commands, [Command::Forget { job: 200_000 }]);
    commands.clear();
    scheduler.handle(arrived(waiting(200_000, SECOND)), Timestamp(0), &mut commands);
    assert_eq!(commands, [alarm(SECOND)]);
    assert!(!scheduler.is_behind(0, 1), "jobs that wait keep no others out");
}

#[test]
fn idle_workflows_cost_nothing() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    scheduler.handle(Input::Capacity(1), Timestamp(0), &mut commands);
    let mut most = 0;
    for id in 1..=100_000 {
        let workflow = id as i64;
        let lane = (id % 2 == 0).then_some(LaneKey(id));
        scheduler.handle(
            arrived(Job { workflow, workspace: workflow % 1_000, lane, ..job(id) }),
            Timestamp(0),
            &mut commands,
        );
        scheduler.handle(finished(id), Timestamp(0), &mut commands);
        most = most.max(scheduler.footprint());
    }
    assert_eq!(commands.len(), 100_000);
    assert_eq!(most, 0, "every node goes with its last job");
}

#[test]
fn dropped_timers_do_not_pile_up() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    scheduler.handle(Input::Capacity(1), Timestamp(0), &mut commands);
    scheduler.handle(arrived(job(1)), Timestamp(0), &mut commands);
    scheduler.handle(parked(1, 1), Timestamp(0), &mut commands);
    let one = scheduler.footprint();
    for id in 2..=10_000 {
        scheduler.handle(arrived(job(id)), Timestamp(0), &mut commands);
        scheduler.handle(parked(id, SECOND), Timestamp(0), &mut commands);
        scheduler.handle(Input::Finished { job: id, used_us: 0 }, Timestamp(0), &mut commands);
    }
    let more = scheduler.footprint() - one;
    assert!(more <= 70, "{more} timers of no job");
}
