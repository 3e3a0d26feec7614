//! What people decide about a job, as entries of its journal: going on after a failure, and beginning at a task of
//! another job with another input. A machine learns of these entries before it begins ([`Machine::prepare`]), because
//! they change what an entry before them means.
//!
//! *Resumed.* The outcome before the entry, if it is why the job faulted, is not delivered: whoever awaited it stays
//! where it was, with all that goes on beside it, and from the entry on tries again as a new attempt. What was
//! recorded stands. A bound that ran out begins anew; other bounds are longer by the time that the job stood. If
//! something else was the reason (an expression, a `raise`), the entry changes nothing, and the job faults as before.
//!
//! *Replaced.* The task at an address has this raw input, whenever it is entered.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Recorded;
use super::effects::{Owner, Pending, Purpose};
use super::machine::{Machine, Signal};
use crate::{ChildEnd, EffectAction, Outcome, Timestamp};

/// The effect id under which it is journaled that a job was resumed.
pub(super) const RESUME: &str = "resume";
/// The effect id under which a task's input is journaled.
pub(super) const INPUT: &str = "input";

/// What the journal says of itself.
#[derive(Debug, Default)]
pub(super) struct Foresight {
    /// Entries with a resumption behind them.
    taken_back: HashSet<u32>,
    /// Raw inputs by address.
    inputs: HashMap<String, Arc<Value>>,
    /// The newest attempt of each effect that was taken back.
    attempts: HashMap<Arc<str>, u32>,
    held: Option<Held>,
}

/// An effect whose outcome was taken back, until the job is resumed.
#[derive(Debug)]
struct Held {
    id: Arc<str>,
    attempt: u32,
    owner: Option<Owner>,
    purpose: Purpose,
    /// How long it was to take, for timers.
    span: Duration,
    /// Whether it was the end of a child.
    is_child: bool,
    /// When the job failed.
    at: Timestamp,
}

// === impl Foresight ===

impl Foresight {
    fn of(journal: &[Recorded]) -> Option<Box<Self>> {
        let mut foresight: Option<Box<Self>> = None;
        for recorded in journal {
            match &*recorded.effect {
                RESUME => {
                    let before = recorded.sequence.checked_sub(1);
                    foresight.get_or_insert_default().taken_back.extend(before);
                }
                INPUT => {
                    if let Ok(Outcome::Replaced { address, input }) = Outcome::decode(&recorded.outcome) {
                        foresight.get_or_insert_default().inputs.insert(address, Arc::new(input));
                    }
                }
                _ => {}
            }
        }
        foresight
    }
}

// === impl Machine ===

impl Machine {
    /// Learns what a journal that is about to be played back says of itself.
    pub(super) fn prepare(&mut self, journal: &[Recorded]) {
        self.foresight = Foresight::of(journal);
    }

    /// The raw input that a person gave the task at an address.
    pub(super) fn replaced_input(&self, address: &str) -> Option<Arc<Value>> {
        self.foresight.as_ref()?.inputs.get(address).cloned()
    }

    /// The least number that the next attempt of an effect has.
    pub(super) fn least_attempt(&self, id: &str) -> u32 {
        let taken_back = self.foresight.as_ref().and_then(|foresight| foresight.attempts.get(id));
        taken_back.map_or(1, |attempt| attempt + 1)
    }

    /// Whether this outcome is kept back, because a person had it tried again.
    pub(super) fn hold(&mut self, pending: &Pending, outcome: &Outcome, sequence: u32) -> bool {
        let now = self.now;
        let Some(foresight) = &mut self.foresight else { return false };
        if !foresight.taken_back.contains(&sequence) || !is_failure(pending.purpose, outcome) {
            return false;
        }
        foresight.held = Some(Held {
            id: Arc::clone(&pending.id),
            attempt: pending.attempt,
            owner: pending.owner,
            purpose: pending.purpose,
            span: pending.span(),
            is_child: matches!(outcome, Outcome::Ended(_)),
            at: now,
        });
        true
    }

    /// The job is resumed: what was held is tried again.
    pub(super) fn go_on(&mut self) {
        let held = self.foresight.as_mut().and_then(|foresight| foresight.held.take());
        let Some(held) = held else { return };
        let stood = u64::try_from(self.now.0.saturating_sub(held.at.0)).unwrap_or(0);
        self.effects.delay_bounds(Duration::from_micros(stood));
        if let Some(owner) = held.owner {
            self.switch_to(owner.thread);
        }
        match held.purpose {
            Purpose::Work => self.work_again(&held),
            Purpose::Timeout | Purpose::AttemptTimeout | Purpose::Retry => {
                let attempt = held.attempt + 1;
                self.note_attempt(&held.id, attempt);
                let due = self.now.after(held.span);
                let whose = (held.owner, held.purpose, self.now);
                self.effects.issue((held.id, attempt), EffectAction::Timer { due }, whose);
            }
        }
    }

    /// The task on top does once more what failed.
    fn work_again(&mut self, held: &Held) {
        self.note_attempt(&held.id, held.attempt);
        let program = Arc::clone(&self.job.program);
        let frame = self.top_task().expect("a task that works is the top");
        let task = program.task(frame.task);
        if held.is_child {
            // Another child, which is not the one that has ended.
            let address = Arc::clone(&frame.address);
            let used = self.least_attempt(&address);
            self.note_attempt(&address, used);
        }
        let next = self.act(task).unwrap_or_else(Signal::Fault);
        if !matches!(next, Signal::Await) {
            self.thread.next = Some(next);
        }
    }

    fn note_attempt(&mut self, id: &Arc<str>, attempt: u32) {
        self.foresight.get_or_insert_default().attempts.insert(Arc::clone(id), attempt);
    }
}

/// Whether an outcome is a failure that can be tried again.
pub(super) fn is_failure(purpose: Purpose, outcome: &Outcome) -> bool {
    match (purpose, outcome) {
        (Purpose::Work, Outcome::Ended(end)) => !matches!(end, ChildEnd::Completed { .. }),
        (Purpose::Work, Outcome::Failed(_))
        | (Purpose::Timeout | Purpose::AttemptTimeout, Outcome::Fired) => true,
        _ => false,
    }
}

/// The entry that resumes a job which has so many entries.
pub(super) fn resumption(sequence: u32, at: Timestamp) -> Recorded {
    decision(RESUME, &Outcome::Resumed, (sequence, at))
}

/// The entry that gives the task at an address another raw input.
pub(super) fn replacement(address: &str, input: Value, place: (u32, Timestamp)) -> Recorded {
    decision(INPUT, &Outcome::Replaced { address: address.to_owned(), input }, place)
}

fn decision(effect: &str, outcome: &Outcome, (sequence, at): (u32, Timestamp)) -> Recorded {
    Recorded {
        sequence,
        effect: effect.into(),
        attempt: 1,
        arguments: 0,
        started_at: at,
        at,
        outcome: outcome.encode(),
    }
}
