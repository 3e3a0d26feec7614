//! What a plan does with overlap, held against a world of random jobs, without a store.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tenon_store::{NoteKind, Timestamp};
use tenon_workflow::{Missed, Overlap, Schedule, Timing};

use super::plan::{End, MAX_WAITING, Plan, Rules, Standing, plan};
use super::state::{Moment, Run, State};

const SECOND: i64 = 1_000_000;

/// A random number generator; the same seed gives the same world.
struct Random(u64);

impl Random {
    /// SplitMix64.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What has become of the occurrences of one schedule.
#[derive(Default)]
struct World {
    state: Option<State>,
    /// When the job of an occurrence ends.
    ends: BTreeMap<Moment, i64>,
    started: Vec<Moment>,
    left_out: BTreeSet<Moment>,
}

// === impl World ===

impl World {
    fn standings(&self, now: i64) -> Vec<Standing> {
        let running = self.state.as_ref().map_or(&[][..], |state| &state.running);
        let standing = |run: &Run| match self.ends[&run.occurrence] {
            end if end <= now => Standing::Ended { at: Timestamp(end), end: End::Completed },
            _ => Standing::Open,
        };
        running.iter().map(standing).collect()
    }

    /// Takes over a plan as a commit would.
    fn commit(&mut self, plan: Plan, rules: &Rules<'_>, end: impl Fn(i64) -> i64) {
        let Plan { mut state, starts, notes } = plan;
        for start in starts {
            let occurrence = Moment(start.occurrence);
            self.started.push(occurrence);
            self.ends.insert(occurrence, end(start.occurrence.0));
            if rules.is_tracked() {
                state.running.push(Run { occurrence, started: 1, ..Run::default() });
            }
        }
        for note in notes {
            let is_left_out = matches!(note.kind, NoteKind::Missed | NoteKind::Skipped);
            assert!(!is_left_out || self.left_out.insert(Moment(note.at)), "{note:?} comes twice");
        }
        self.state = Some(state);
    }
}

#[test]
fn an_occurrence_starts_once_waits_or_is_left_out() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let overlap = [Overlap::Allow, Overlap::Skip, Overlap::Queue][random.below(3) as usize];
        let missed = [Missed::Skip, Missed::Latest, Missed::All][random.below(3) as usize];
        let step = 1 + random.below(5);
        let schedule = Schedule { timing: Timing::Every(Duration::from_secs(step)), missed, overlap };
        let (mut world, mut now, mut up_since) = (World::default(), 0, 0);
        for _ in 0..200 {
            now += (random.below(6) as i64) * SECOND / 2;
            if random.below(40) == 0 {
                now += 30 * SECOND;
                up_since = now;
            }
            let rules = Rules { schedule: &schedule, steps: 0, up_since: Timestamp(up_since) };
            let made = plan(&rules, world.state.as_ref(), &world.standings(now), Timestamp(now));
            assert!(made.starts.iter().all(|start| start.occurrence.0 <= now), "seed {seed}: early");
            let length = random.below(20) as i64 * SECOND;
            world.commit(made, &rules, |_| now + length);
            let state = world.state.as_ref().expect("it was written");
            assert!(overlap == Overlap::Allow || state.running.len() <= 1, "seed {seed}: two at work");
            assert!(state.waiting.len() <= MAX_WAITING, "seed {seed}: too many wait");
        }
        let state = world.state.as_ref().expect("it was written");
        let next = state.next.expect("an interval never ends").0.0;
        let started: BTreeSet<Moment> = world.started.iter().copied().collect();
        assert_eq!(started.len(), world.started.len(), "seed {seed}: something started twice");
        assert!(world.started.is_sorted(), "seed {seed}: out of order");
        let anchor = state.anchor.0.0;
        for at in (1..).map(|number| anchor + number * step as i64 * SECOND).take_while(|at| *at < next) {
            let at = Moment(Timestamp(at));
            let fates = [started.contains(&at), world.left_out.contains(&at), state.waiting.contains(&at)];
            let count = fates.iter().filter(|fate| **fate).count();
            assert_eq!(count, 1, "seed {seed}, {overlap:?}, {missed:?}: {at:?} has {count} fates");
        }
    }
}

#[test]
fn a_plan_without_change_writes_nothing() {
    let schedule = Schedule {
        timing: Timing::Every(Duration::from_mins(1)),
        missed: Missed::All,
        overlap: Overlap::Queue,
    };
    let rules = Rules { schedule: &schedule, steps: 0, up_since: Timestamp(0) };
    let first = plan(&rules, None, &[], Timestamp(0)).state;
    let again = plan(&rules, Some(&first), &[], Timestamp(30 * SECOND));
    assert_eq!(again.state, first);
    assert!(again.starts.is_empty() && again.notes.is_empty());
}

#[test]
fn states_are_read_as_they_were_written() {
    let moment = Moment(Timestamp(1_800_000_000_123_456));
    let run = Run { occurrence: moment, started: 2, ..Run::default() };
    let state = State {
        timing: "every 60.000000".to_owned(),
        anchor: moment,
        next: Some(moment),
        last: None,
        paused: Some(moment),
        running: vec![run],
        waiting: vec![moment],
        untold: Vec::new(),
    };
    assert_eq!(State::parse(&state.text()).expect("we wrote it"), state);
    assert!(State::parse(b"{}").is_err());
}
