//! The engine in the simulated world: virtual time, and crashes wherever the dice say so.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{
    Accepted, Effect, EffectAction, Execution, Finished, Job, Outcome, Progress, Recorded, Timestamp,
    begin_at, places,
};
use tenon_workflow::Program;

use super::outside::{Outside, START};
use super::random::Random;
use super::reference::Observed;

/// What came of one job.
pub(crate) struct Ran {
    pub(crate) observed: Observed,
    /// Two things happened at the same moment: which one first is nobody's rule.
    pub(crate) is_tie: bool,
    pub(crate) crashes: u32,
    pub(crate) outcomes: usize,
    journal: Vec<Recorded>,
}

/// A job in its world.
struct Stage<'a> {
    job: Job,
    outside: &'a Outside,
    execution: Execution,
    journal: Vec<Recorded>,
    now: i64,
    /// Effects that are out.
    out: Vec<Effect>,
    /// When what was begun ends, by address and attempt; a crash does not change it.
    ends: HashMap<(Arc<str>, u32), i64>,
    /// How far each `listen` has looked, by its address.
    looked: HashMap<String, usize>,
    performed: BTreeSet<(String, u32)>,
    is_tie: bool,
}

/// The next thing that happens.
struct Next {
    at: i64,
    effect: (Arc<str>, u32),
    outcome: Outcome,
}

/// How often a job that faults is resumed, and how long it stands before.
const RESUMES: u32 = 3;
const STANDS_US: i64 = 3_600_000_000;

/// Runs a job to its end (or until nothing can happen any more), crashing at about so many percent of its outcomes.
pub(crate) fn run(program: &Arc<Program>, input: &Arc<Value>, outside: &Outside, dice: (u64, u64)) -> Ran {
    run_resumed(program, input, outside, (dice, 0))
}

/// The same, resumed a few times if it faults.
pub(crate) fn run_and_resume(
    program: &Arc<Program>,
    input: &Arc<Value>,
    outside: &Outside,
    dice: (u64, u64),
) -> Ran {
    run_resumed(program, input, outside, (dice, RESUMES))
}

fn run_resumed(
    program: &Arc<Program>,
    input: &Arc<Value>,
    outside: &Outside,
    ((seed, crash_percent), resumes): ((u64, u64), u32),
) -> Ran {
    let mut resumes = resumes;
    let job = job(program, input);
    let mut stage = Stage {
        execution: Execution::new(job.clone()),
        job,
        outside,
        journal: Vec::new(),
        now: START.0,
        out: Vec::new(),
        ends: HashMap::new(),
        looked: HashMap::new(),
        performed: BTreeSet::new(),
        is_tie: false,
    };
    let mut dice = Random::new(seed);
    let mut crashes = 0;
    while stage.execution.resume() == Progress::Yielded {}
    let ended = loop {
        stage.look_out();
        if resumes > 0 && matches!(stage.execution.finished(), Some(Finished::Faulted(_))) {
            resumes -= 1;
            stage.resume();
            continue;
        }
        if let Some(finished) = stage.execution.finished() {
            break Some((stage.now, finished.clone()));
        }
        if dice.chance(crash_percent) {
            crashes += 1;
            stage.crash();
            continue;
        }
        let Some(next) = stage.next() else { break None };
        stage.accept(next);
    };
    stage.nothing_is_recorded_twice();
    let (outcomes, is_tie) = (stage.journal.len(), stage.is_tie);
    let journal = stage.journal;
    Ran { observed: Observed { ended, performed: stage.performed }, is_tie, crashes, outcomes, journal }
}

/// A job that begins at any task that another one like it came to begins with just what was recorded before, but for
/// children whose end was still awaited: it starts those anew, and waits for none that is not its own.
#[track_caller]
pub(crate) fn check_beginnings(program: &Arc<Program>, input: &Arc<Value>, ran: &Ran) -> usize {
    let job = || job(program, input);
    let places = places(job(), &ran.journal).unwrap_or_else(|diverged| panic!("{diverged}"));
    for place in &places {
        let begun = begin_at(job(), (job(), Some(job())), &ran.journal, (place, None));
        let begun = begun.unwrap_or_else(|diverged| panic!("{place:?}: {diverged}"));
        let left_out = left_out(&begun, &ran.journal[..place.entries as usize]);
        let mut stage = Execution::new(job());
        stage.prepare(&begun);
        while stage.resume() == Progress::Yielded {}
        for recorded in &begun {
            stage.replay(recorded).unwrap_or_else(|diverged| panic!("{place:?}: {diverged}"));
        }
        let mut starts = BTreeSet::new();
        for effect in stage.take_effects() {
            match effect.action {
                EffectAction::AwaitChild { .. } => panic!("{place:?}: a child of another job: {effect:?}"),
                EffectAction::StartChild(_) => drop(starts.insert((effect.id, effect.attempt))),
                _ => {}
            }
        }
        assert!(left_out.is_subset(&starts), "{place:?}: {left_out:?}, {starts:?}");
    }
    places.len()
}

/// The effects whose outcomes a journal lacks that is made of another one; the rest is the same, in its order.
#[track_caller]
fn left_out(begun: &[Recorded], whole: &[Recorded]) -> BTreeSet<(Arc<str>, u32)> {
    let mut begun = begun.iter().peekable();
    let is_left_out = |recorded: &&Recorded| {
        let same =
            |other: &&Recorded| Recorded { sequence: recorded.sequence, ..(**other).clone() } == **recorded;
        begun.next_if(same).is_none()
    };
    let left_out = whole.iter().filter(is_left_out);
    let left_out = left_out.map(|recorded| (Arc::clone(&recorded.effect), recorded.attempt)).collect();
    assert_eq!(begun.next(), None);
    left_out
}

fn job(program: &Arc<Program>, input: &Arc<Value>) -> Job {
    Job {
        id: "job_0000000000001".to_owned(),
        program: Arc::clone(program),
        event: Some(Outside::own_event()),
        input: Arc::clone(input),
        captured_at: START,
        runtime: Arc::new(json!({ "name": "tenon", "version": "1" })),
        hops: 0,
    }
}

// === impl Stage ===

impl Stage<'_> {
    /// Takes effects out and begins them.
    fn look_out(&mut self) {
        let withdrawn = self.execution.take_withdrawn();
        self.out.retain(|effect| !withdrawn.contains(&effect.id));
        for effect in self.execution.take_effects() {
            let key = (Arc::clone(&effect.id), effect.attempt);
            let takes = match &effect.action {
                EffectAction::Http(_) | EffectAction::Emit(_) | EffectAction::StartChild(_) => {
                    self.performed.insert((effect.id.to_string(), effect.attempt));
                    self.outside.latency(&effect.id, effect.attempt)
                }
                EffectAction::AwaitChild { .. } => self.outside.child(started_at(&effect.id)).0,
                EffectAction::Timer { due } => due.0 - self.now,
                EffectAction::Listen(_) => {
                    if let Some(listen) = effect.id.strip_suffix("/event/0") {
                        self.looked.remove(listen);
                    }
                    self.outside.look(&effect.id)
                }
                EffectAction::Grpc(_) => unreachable!("not generated"),
            };
            if let EffectAction::Timer { .. } = &effect.action {
                // A bound may be longer than it was, once the job was resumed.
                self.ends.insert(key, self.now + takes);
            } else {
                self.ends.entry(key).or_insert(self.now + takes);
            }
            self.out.push(effect);
        }
    }

    /// Somebody has the job go on, after a while.
    fn resume(&mut self) {
        self.now += STANDS_US;
        let sequence = u32::try_from(self.journal.len()).expect("few outcomes");
        self.journal.push(Recorded::resumption(sequence, Timestamp(self.now)));
        self.crash();
    }

    #[track_caller]
    fn nothing_is_recorded_twice(&self) {
        let mut known = BTreeSet::new();
        for recorded in self.journal.iter().filter(|recorded| !recorded.is_resumption()) {
            assert!(known.insert((&recorded.effect, recorded.attempt)), "{recorded:?}");
        }
    }

    /// Everything that is not durable is gone.
    fn crash(&mut self) {
        self.execution = Execution::new(self.job.clone());
        self.execution.prepare(&self.journal);
        while self.execution.resume() == Progress::Yielded {}
        for recorded in &self.journal {
            self.execution.replay(recorded).unwrap_or_else(|diverged| panic!("{diverged}"));
        }
        self.out.clear();
        self.looked.clear();
        // Effects that were made and settled on the way are no news.
        self.execution.take_withdrawn();
        self.look_out();
    }

    fn next(&mut self) -> Option<Next> {
        let mut moments = Vec::new();
        for (place, effect) in self.out.iter().enumerate() {
            if !matches!(effect.action, EffectAction::Listen(_)) {
                moments.push((
                    self.ends[&(Arc::clone(&effect.id), effect.attempt)].max(self.now),
                    place,
                    None,
                ));
            }
        }
        for listening in self.execution.listening() {
            let place = self.out.iter().position(|effect| effect.id == listening.effect);
            let place = place.expect("a listen that listens is out");
            if let Some((at, event)) = self.heard(&listening.effect) {
                let looks_until = self.ends[&(Arc::clone(&listening.effect), listening.attempt)];
                moments.push((at.max(looks_until), place, Some(event)));
            }
        }
        let first = moments.iter().map(|(at, _, _)| *at).min()?;
        self.is_tie |= moments.iter().filter(|(at, _, _)| *at == first).count() > 1;
        let (at, place, event) = moments.into_iter().find(|(at, _, _)| *at == first)?;
        let effect = &self.out[place];
        let outcome = match (&effect.action, event) {
            (_, Some(event)) => {
                let event = &self.outside.events[event];
                Outcome::Received { event: event.id.clone(), envelope: event.envelope.clone() }
            }
            (EffectAction::Http(_), _) => self.outside.answer(&effect.id, effect.attempt),
            (EffectAction::Emit(_), _) => Outcome::Emitted,
            (EffectAction::StartChild(_), _) => Outcome::Started { job: "job_0000000000002".to_owned() },
            (EffectAction::AwaitChild { .. }, _) => {
                Outcome::Ended(self.outside.child(started_at(&effect.id)).1)
            }
            (EffectAction::Timer { .. }, _) => Outcome::Fired,
            (other, _) => unreachable!("nothing comes of {other:?}"),
        };
        Some(Next { at, effect: (Arc::clone(&effect.id), effect.attempt), outcome })
    }

    /// The first event that a `listen` takes, and when. What it refuses is not offered again.
    fn heard(&mut self, effect: &Arc<str>) -> Option<(i64, usize)> {
        let listen = effect.rsplit_once("/event/").map_or(&**effect, |(listen, _)| listen).to_owned();
        let mut place = self.looked.get(&listen).copied().unwrap_or(0);
        let mut is_now = true;
        while let Some(event) = self.outside.events.get(place) {
            is_now &= event.at <= self.now;
            if self.execution.wants(effect, &event.id, &event.envelope) {
                return Some((event.at.max(self.now), place));
            }
            place += 1;
            if is_now {
                self.looked.insert(listen.clone(), place);
            }
        }
        None
    }

    fn accept(&mut self, next: Next) {
        let (id, attempt) = next.effect;
        let started_at = Timestamp(self.now);
        self.now = next.at;
        self.out.retain(|effect| effect.id != id);
        let at = Timestamp(next.at);
        let accepted = Accepted { effect: id, attempt, started_at, at, outcome: next.outcome };
        let (recorded, mut progress) = self.execution.accept(accepted).expect("it was awaited");
        self.journal.push(recorded);
        while progress == Progress::Yielded {
            progress = self.execution.resume();
        }
    }
}

/// The address of the effect that started a child, of the one that awaits it.
fn started_at(awaits: &str) -> &str {
    awaits.strip_suffix("/child").unwrap_or(awaits)
}
