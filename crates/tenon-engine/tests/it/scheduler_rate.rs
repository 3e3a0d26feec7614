//! Rates of workflows: a token for each first start, against a naive bucket in a random world.

use std::collections::BTreeMap;

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{
    Bucket, Class, Command, Input, Job, LaneKey, LanePolicy, Parked, Rate, Scheduler, Standing,
};

use crate::scheduler::job;

const SECOND: i64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ready,
    Running,
    Waiting(i64),
    Suspended,
}

/// Tokens as a plain fraction, and when each was taken.
#[derive(Debug)]
struct Naive {
    rate: Rate,
    level: i128,
    at: i64,
    taken: Vec<i64>,
}

struct World {
    random: u64,
    scheduler: Scheduler,
    now: i64,
    alarm: Option<i64>,
    next: u64,
    /// The job, how it is, and whether it has begun.
    open: BTreeMap<u64, (Job, Phase, bool)>,
    naive: Option<Naive>,
    starts: usize,
}

// === impl Naive ===

impl Naive {
    fn new(rate: Rate, now: i64) -> Self {
        let level = i128::from(rate.burst) * i128::from(rate.per_us);
        Self { rate, level, at: now, taken: Vec::new() }
    }

    fn has_token(&mut self, now: i64) -> bool {
        let full = i128::from(self.rate.burst) * i128::from(self.rate.per_us);
        self.level += i128::from(now - self.at) * i128::from(self.rate.limit);
        self.level = self.level.min(full);
        self.at = now;
        self.level >= i128::from(self.rate.per_us)
    }

    fn take(&mut self, now: i64) {
        assert!(self.has_token(now), "no token at {now}: {self:?}");
        self.level -= i128::from(self.rate.per_us);
        self.taken.push(now);
        let (limit, per) = (i128::from(self.rate.limit), i128::from(self.rate.per_us));
        for (count, first) in (1..).zip(self.taken.iter().rev().take(100)) {
            let may = i128::from(self.rate.burst) * per + limit * i128::from(now - first);
            assert!(count * per <= may, "{count} starts from {first} to {now}");
        }
    }
}

// === impl World ===

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            scheduler: Scheduler::new(),
            now: SECOND,
            alarm: None,
            next: 1,
            open: BTreeMap::new(),
            naive: None,
            starts: 0,
        };
        world.tell(Input::Capacity(1_000));
        world
    }

    /// xorshift64*: a seed reproduces a run.
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn tell(&mut self, input: Input) {
        let mut commands = Vec::new();
        self.scheduler.handle(input, Timestamp(self.now), &mut commands);
        for open in self.open.values_mut() {
            if matches!(open.1, Phase::Waiting(until) if until <= self.now) {
                open.1 = Phase::Ready;
            }
        }
        for command in commands {
            match command {
                Command::Start { job, .. } => self.start(job),
                Command::SetAlarm(at) => self.alarm = Some(at.0),
                Command::Cancel { .. } | Command::Forget { .. } | Command::Refill { .. } => {}
            }
        }
    }

    fn start(&mut self, id: u64) {
        let open = self.open.get_mut(&id).expect("it is open");
        assert_eq!(open.1, Phase::Ready, "job {id}");
        open.1 = Phase::Running;
        if !std::mem::replace(&mut open.2, true) {
            self.starts += 1;
            if let Some(naive) = &mut self.naive {
                naive.take(self.now);
            }
        }
    }

    fn step(&mut self) {
        let to = self.now + self.below(300_000) as i64;
        while let Some(alarm) = self.alarm.filter(|alarm| *alarm <= to) {
            (self.now, self.alarm) = (alarm.max(self.now), None);
            self.tell(Input::Tick);
            self.check();
        }
        self.now = to;
        match self.below(100) {
            0..40 => self.capture(),
            40..60 => self.finish(),
            60..75 => self.park(),
            75..80 => self.suspend(),
            80..88 => self.resume(),
            88..94 => self.withdraw(),
            94..97 => self.change_rate(),
            _ => self.now += SECOND * self.below(5) as i64,
        }
        self.tell(Input::Tick);
        self.check();
    }

    fn capture(&mut self) {
        for _ in 0..=self.below(4) {
            let id = self.next;
            self.next += 1;
            let lane = (self.below(2) == 0).then(|| LaneKey(self.below(4)));
            let job = Job { lane, ..job(id) };
            self.open.insert(id, (job, Phase::Ready, false));
            self.tell(Input::Arrived(job));
        }
    }

    fn finish(&mut self) {
        while let Some(id) = self.pick(Phase::Running) {
            self.open.remove(&id);
            self.tell(Input::Finished { job: id, used_us: 100 });
            if self.below(3) == 0 {
                break;
            }
        }
    }

    fn park(&mut self) {
        let Some(id) = self.pick(Phase::Running) else { return };
        let until = self.now + 1 + self.below(2_000_000) as i64;
        self.open.get_mut(&id).expect("picked").1 = Phase::Waiting(until);
        let until = Some(Timestamp(until));
        self.tell(Input::Parked(Parked { job: id, until, class: Class::Live, used_us: 50 }));
    }

    fn suspend(&mut self) {
        let Some(id) = self.pick(Phase::Running) else { return };
        self.open.get_mut(&id).expect("picked").1 = Phase::Suspended;
        self.tell(Input::Suspended { job: id, lane: LanePolicy::Park, used_us: 50 });
    }

    fn resume(&mut self) {
        let Some(id) = self.pick(Phase::Suspended) else { return };
        let open = self.open.get_mut(&id).expect("picked");
        open.1 = Phase::Ready;
        let job = Job { standing: Standing::Ready, ..open.0 };
        self.tell(Input::Resumed(job));
    }

    /// Somebody cancels one that only waits for its turn.
    fn withdraw(&mut self) {
        let Some(id) = self.pick(Phase::Ready) else { return };
        self.tell(Input::Cancel { job: id });
        self.open.remove(&id);
        self.tell(Input::Finished { job: id, used_us: 0 });
    }

    fn change_rate(&mut self) {
        let rate = match self.below(4) {
            0 => None,
            _ => {
                Some(Rate::new(1 + self.below(7) as u32, 1 + self.below(3_000_000), 1 + self.below(5) as u32))
            }
        };
        // A changed rate keeps its tokens; the naive one knows only fresh ones.
        self.naive = None;
        self.tell(Input::WorkflowRate { workspace: 1, workflow: 1, rate: None });
        self.naive = rate.map(|rate| Naive::new(rate, self.now));
        self.tell(Input::WorkflowRate { workspace: 1, workflow: 1, rate });
    }

    fn pick(&mut self, phase: Phase) -> Option<u64> {
        let ids: Vec<u64> = self.open.iter().filter(|(_, open)| open.1 == phase).map(|(id, _)| *id).collect();
        let index = (!ids.is_empty()).then(|| self.below(ids.len() as u64))?;
        Some(ids[index as usize])
    }

    /// Nothing ready waits where there are tokens, or where none is needed.
    fn check(&mut self) {
        let now = self.now;
        let has_token = self.naive.as_mut().is_none_or(|naive| naive.has_token(now));
        for (job, phase, begun) in self.open.values().filter(|open| open.1 == Phase::Ready) {
            let is_first = job.lane.is_none()
                || *begun
                || !self.open.values().any(|(other, _, begun)| {
                    other.lane == job.lane && other.id != job.id && (*begun || other.place < job.place)
                });
            assert!(!(is_first && (*begun || has_token)), "{job:?} {phase:?} could start at {now}");
        }
    }
}

#[test]
fn never_more_than_the_rate_and_never_idle_with_tokens() {
    for seed in 1..=8 {
        let mut world = World::new(seed);
        for _ in 0..1_500 {
            world.step();
        }
        assert!(world.starts > 200, "seed {seed} did little: {}", world.starts);
        world.naive = None;
        world.tell(Input::WorkflowRate { workspace: 1, workflow: 1, rate: None });
        for id in world.open.keys().copied().collect::<Vec<_>>() {
            world.scheduler.handle(
                Input::Finished { job: id, used_us: 0 },
                Timestamp(world.now),
                &mut Vec::new(),
            );
        }
        world.now += 10_000 * SECOND;
        world.open.clear();
        world.tell(Input::Tick);
        assert_eq!((world.scheduler.held(), world.scheduler.footprint()), (0, 0), "seed {seed}");
    }
}

/// Arrivals at 0, ends at once; when each starts, in ms.
#[track_caller]
fn check(rate: Rate, jobs: u64, expected: &[i64]) {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    scheduler.handle(Input::Capacity(10), Timestamp(0), &mut commands);
    let limit = Input::WorkflowRate { workspace: 1, workflow: 1, rate: Some(rate) };
    scheduler.handle(limit, Timestamp(0), &mut commands);
    for id in 1..=jobs {
        scheduler.handle(Input::Arrived(job(id)), Timestamp(0), &mut commands);
    }
    let mut starts = Vec::new();
    let mut now = 0;
    loop {
        let mut alarm = None;
        while !commands.is_empty() {
            for command in std::mem::take(&mut commands) {
                match command {
                    Command::Start { job, .. } => {
                        starts.push(now / 1_000);
                        scheduler.handle(Input::Finished { job, used_us: 1 }, Timestamp(now), &mut commands);
                    }
                    Command::SetAlarm(at) => alarm = Some(at.0),
                    other => panic!("{other:?}"),
                }
            }
        }
        let Some(at) = alarm.filter(|_| starts.len() < jobs as usize) else { break };
        now = at;
        scheduler.handle(Input::Tick, Timestamp(now), &mut commands);
    }
    assert_eq!(starts, expected);
}

#[test]
fn a_burst_then_the_rate() {
    check(Rate::new(10, 1_000_000, 3), 6, &[0, 0, 0, 100, 200, 300]);
    check(Rate::new(1, 3_600_000_000, 1), 3, &[0, 3_600_000, 7_200_000]);
}

#[test]
fn thirds_do_not_drift() {
    let mut bucket = Bucket::full(Rate::new(3, 1_000_000, 1), Timestamp(0));
    let mut now = Timestamp(0);
    for _ in 0..3_000 {
        now = bucket.next(now);
        assert!(bucket.take(now));
    }
    assert!((999_600_000..=999_670_000).contains(&now.0), "{now:?}");
}

#[test]
fn a_changed_rate_keeps_what_it_holds() {
    let mut bucket = Bucket::full(Rate::new(1, 1_000_000, 10), Timestamp(0));
    bucket.change(Rate::new(5, 60_000_000, 4), Timestamp(0));
    assert_eq!(bucket.tokens(Timestamp(0)), 4);
    bucket.change(Rate::new(5, 60_000_000, 100), Timestamp(0));
    assert_eq!(bucket.tokens(Timestamp(0)), 4, "no tokens for a larger burst");
}

#[test]
fn what_waits_can_be_seen() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    scheduler.handle(Input::Capacity(10), Timestamp(0), &mut commands);
    scheduler.handle(
        Input::WorkspaceLimit { workspace: 1, concurrency: Some(4) },
        Timestamp(0),
        &mut commands,
    );
    let rate = Some(Rate::new(2, 1_000_000, 2));
    scheduler.handle(Input::WorkflowRate { workspace: 1, workflow: 1, rate }, Timestamp(0), &mut commands);
    for id in 1..=5 {
        scheduler.handle(Input::Arrived(job(id)), Timestamp(0), &mut commands);
    }
    let usage = scheduler.usage(Timestamp(0));
    let [workspace] = usage.workspaces.as_slice() else { panic!("{usage:?}") };
    assert_eq!((workspace.concurrency, workspace.running, workspace.ready), (Some(4), 2, 3));
    let [workflow] = usage.workflows.as_slice() else { panic!("{usage:?}") };
    let rate = workflow.rate.expect("it has one");
    assert_eq!((workflow.ready, rate.tokens, rate.next), (3, 0, Timestamp(500_000)));
}

#[test]
fn only_what_lacks_nothing_but_its_turn_ages() {
    let mut scheduler = Scheduler::new();
    let mut commands = Vec::new();
    let hour = Timestamp(3_600 * SECOND);
    let rate = Some(Rate::new(1, 86_400_000_000, 1));
    scheduler.handle(Input::WorkflowRate { workspace: 1, workflow: 1, rate }, Timestamp(0), &mut commands);
    scheduler.handle(Input::Capacity(1), Timestamp(0), &mut commands);
    scheduler.handle(Input::Arrived(job(1)), Timestamp(0), &mut commands);
    scheduler.handle(Input::Arrived(job(2)), Timestamp(0), &mut commands);
    let oldest = |scheduler: &Scheduler, now| {
        let backlogs: Vec<_> = scheduler.backlogs(now).collect();
        backlogs.iter().map(|backlog| (backlog.ready, backlog.oldest_us)).collect::<Vec<_>>()
    };
    assert_eq!(oldest(&scheduler, hour), [(1, 0)], "its rate holds it back, not the server");
    let other = Job { workflow: 2, ..job(3) };
    scheduler.handle(Input::Arrived(other), Timestamp(0), &mut commands);
    let [(2, age)] = oldest(&scheduler, hour)[..] else { panic!("one workspace") };
    assert!(age.abs_diff(3_600_000_000) < 40_000, "{age}");
}
