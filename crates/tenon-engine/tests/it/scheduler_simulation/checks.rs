//! What must hold in the random world: checked at every start and after every step.

use tenon_engine::Timestamp;
use tenon_engine::scheduler::{Command, Input, Job, LaneKey, LanePolicy, Page, Parked};

use super::{KEYS, Open, PAGE, Phase, Simulation, WORKFLOWS, WORKSPACES, standing};

type LaneId = (i64, i64, LaneKey);

/// Open jobs of everybody that the store looks through at once for those that were asked for.
const LOOKED_THROUGH: usize = PAGE + 3;

fn lane_of(job: &Job) -> Option<LaneId> {
    job.lane.map(|key| (job.workspace, job.workflow, key))
}

impl Simulation {
    pub(super) fn tell(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            let mut commands = Vec::new();
            self.scheduler.handle(input, Timestamp(self.now), &mut commands);
            for command in commands {
                self.obey(command);
            }
            for open in self.open.values_mut().filter(|open| open.timer) {
                if matches!(open.phase, Phase::Waiting(Some(until)) if until <= self.now) {
                    open.phase = Phase::Ready;
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Start { shard, job } => self.start(shard, job),
            Command::Cancel { job } => {
                if self.open.get(&job).is_some_and(|open| open.phase == Phase::Running) {
                    self.open.remove(&job);
                    self.finished += 1;
                    self.inputs.push_back(Input::Finished { job, used_us: 5 });
                }
            }
            Command::Forget { job } => {
                if let Some(open) = self.open.get_mut(&job) {
                    assert!(open.job.lane.is_none() || open.detached, "{open:?} must keep its lane");
                    open.timer = false;
                }
            }
            Command::Refill { shard, workspace, after, limit } => {
                self.refills += u64::from(workspace.is_some());
                self.read_page((shard, workspace), after, limit);
            }
            Command::SetAlarm(at) => self.alarm = Some(at.0),
        }
    }

    fn start(&mut self, shard: u16, id: u64) {
        let doubtful = self.doubtful.remove(&id);
        let Some(&open) = self.open.get(&id) else {
            assert!(doubtful, "job {id} is over");
            return self.inputs.push_back(Input::Finished { job: id, used_us: 0 });
        };
        match open.phase {
            Phase::Suspended(lane) if doubtful => {
                return self.inputs.push_back(Input::Suspended { job: id, lane, used_us: 0 });
            }
            Phase::Waiting(until) if doubtful && until.is_none_or(|until| until > self.now) => {
                let (until, class) = (until.map(Timestamp), open.job.class);
                return self.inputs.push_back(Input::Parked(Parked { job: id, until, class, used_us: 0 }));
            }
            _ => {}
        }
        let due = matches!(open.phase, Phase::Waiting(Some(until)) if until <= self.now);
        assert!(open.phase == Phase::Ready || due, "{open:?} cannot start at {}", self.now);
        assert_eq!(shard, open.job.shard);
        if let Some(lane) = lane_of(&open.job) {
            for other in self.open.values().filter(|other| lane_of(&other.job) == Some(lane)) {
                let same = other.job.id == id;
                assert!(same || !other.begun, "{open:?} starts while {other:?} keeps the lane");
                let overtaken = other.job.place < open.job.place && !other.detached;
                assert!(same || !overtaken, "{open:?} overtakes {other:?}");
            }
        }
        let open = self.open.get_mut(&id).expect("it was found");
        (open.phase, open.begun, open.timer, open.roused) = (Phase::Running, true, false, false);
        let job = open.job;
        let (total, workspace, workflow) = self.count_running(&job);
        assert!(total <= self.capacity.min(self.room), "more than the process may run");
        let share = 8 * (self.capacity - (total - 1));
        assert!(workspace - 1 < share, "more than the share of workspace {}", job.workspace);
        assert!(workspace <= self.workspace_limit(&job), "more than workspace {} may run", job.workspace);
        assert!(workflow <= self.workflow_limit(&job), "more than workflow {} may run", job.workflow);
    }

    fn count_running(&self, job: &Job) -> (u32, u32, u32) {
        let mut counts = (0, 0, 0);
        for open in self.open.values().filter(|open| open.phase == Phase::Running) {
            counts.0 += 1;
            if open.job.workspace == job.workspace {
                counts.1 += 1;
                counts.2 += u32::from(open.job.workflow == job.workflow);
            }
        }
        counts
    }

    fn workspace_limit(&self, job: &Job) -> u32 {
        self.workspace_limits.get(&job.workspace).copied().unwrap_or(u32::MAX)
    }

    fn workflow_limit(&self, job: &Job) -> u32 {
        self.workflow_limits.get(&(job.workspace, job.workflow)).copied().unwrap_or(u32::MAX)
    }

    /// Reads what the store holds now; it is handed in at some later step.
    fn read_page(&mut self, (shard, workspace): (u16, Option<i64>), after: u64, limit: u32) {
        let size = PAGE.min(limit as usize);
        let in_store = |open: &&Open| {
            open.job.shard == shard && open.job.place > after && !matches!(open.phase, Phase::Waiting(_))
        };
        let (mut jobs, mut read_to, mut last) = (Vec::new(), None, after);
        for (looked, open) in self.open.values().filter(in_store).enumerate() {
            if jobs.len() == size || looked == LOOKED_THROUGH {
                read_to = Some(last);
                break;
            }
            last = open.job.place;
            let is_asked_for = workspace.is_none_or(|workspace| open.job.workspace == workspace);
            if is_asked_for && !matches!(open.phase, Phase::Suspended(LanePolicy::Continue)) {
                jobs.push(Job { standing: standing(open), ..open.job });
            }
        }
        self.pages.push(Page { shard, workspace, after, jobs, read_to });
    }

    /// Work is conserved: where permits and lanes allow, nothing ready waits; and an alarm is set.
    pub(super) fn check_nothing_is_left_standing(&self) {
        let mut running = [[0; WORKFLOWS]; WORKSPACES];
        let mut front = [[[u64::MAX; KEYS]; WORKFLOWS]; WORKSPACES];
        let mut earliest = i64::MAX;
        for open in self.open.values() {
            let (workspace, workflow) = (open.job.workspace as usize, open.job.workflow as usize);
            running[workspace][workflow] += u32::from(open.phase == Phase::Running);
            if let Some(key) = open.job.lane {
                let keeps = open.phase != Phase::Ready || open.detached || open.begun;
                let place = &mut front[workspace][workflow][key.0 as usize];
                *place = if keeps { 0 } else { open.job.place.min(*place) };
            }
            if let Phase::Waiting(Some(until)) = open.phase {
                earliest = if open.timer { until.min(earliest) } else { earliest };
            }
        }
        let total: u32 = running.iter().flatten().sum();
        assert_eq!(self.scheduler.running(), total);
        let alarmed = earliest == i64::MAX || self.alarm.is_some_and(|alarm| alarm <= earliest);
        assert!(alarmed, "a timer is due at {earliest}, the alarm is set for {:?}", self.alarm);
        if total >= self.capacity.min(self.room) {
            return;
        }
        for open in self.open.values().filter(|open| open.phase == Phase::Ready) {
            let (workspace, workflow) = (open.job.workspace as usize, open.job.workflow as usize);
            let own = running[workspace].iter().sum::<u32>();
            let permitted = own < self.workspace_limit(&open.job).min(8 * (self.capacity - total))
                && running[workspace][workflow] < self.workflow_limit(&open.job);
            let first =
                open.job.lane.is_none_or(|key| front[workspace][workflow][key.0 as usize] == open.job.place);
            let known = !self.scheduler.is_behind(open.job.shard, open.job.workspace);
            assert!(!(permitted && first && known), "{open:?} could start and does not");
        }
    }

    /// No more captures, no limits: everything ends.
    pub(super) fn drain(&mut self) {
        self.workspace_limits.clear();
        self.workflow_limits.clear();
        (self.capacity, self.room) = (5, u32::MAX);
        self.inputs.extend([Input::Capacity(5), Input::Room(u32::MAX)]);
        for workspace in 0..WORKSPACES as i64 {
            self.inputs.push_back(Input::WorkspaceLimit { workspace, concurrency: None });
            for workflow in 0..WORKFLOWS as i64 {
                self.inputs.push_back(Input::WorkflowLimit { workspace, workflow, concurrency: None });
            }
        }
        self.tell(Input::Tick);
        for _ in 0..10_000 {
            if self.open.is_empty() && self.pages.is_empty() {
                break;
            }
            if let Some(id) = self.pick(|open| open.phase == Phase::Running) {
                self.open.remove(&id);
                self.finished += 1;
                self.tell(Input::Finished { job: id, used_us: 1_000 });
            }
            self.now += 60_000_000;
            self.hand_in_page();
            self.record_cancel();
            self.resume();
            self.event();
            self.look_at_store();
            self.tell(Input::Tick);
            self.check_nothing_is_left_standing();
        }
        assert!(
            self.open.is_empty(),
            "{} jobs never ended: {:?}",
            self.open.len(),
            self.open.values().next()
        );
        self.now = i64::MAX;
        self.tell(Input::Tick);
        assert_eq!((self.scheduler.held(), self.scheduler.footprint()), (0, 0));
    }
}
