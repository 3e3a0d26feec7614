//! What a schedule does at a moment: data in, data out.

use serde_json::{Value, json};
use tenon_capture::rfc3339;
use tenon_store::{NoteKind, Timestamp, TriggerNote};
use tenon_workflow::{Missed, Overlap, Schedule, Timing};

use super::catch_up::{Due, Question};
use super::state::{Moment, Run, State};

/// Occurrences at work that are watched at once; while there are so many, further ones are left out.
pub(crate) const MAX_RUNNING: usize = 100;
/// Occurrences that wait for those at work; while there are so many, further ones are left out.
pub(crate) const MAX_WAITING: usize = 100;
/// Occurrences that are started in one transaction.
pub(crate) const MAX_STARTS: usize = 50;
/// Missed occurrences that are noted one by one; older ones share a note.
pub(crate) const MAX_NOTED: usize = 100;

/// What holds for a schedule.
pub(crate) struct Rules<'a> {
    pub(crate) schedule: &'a Schedule,
    /// Workflows that an occurrence starts one after the other; 0: everything starts together.
    pub(crate) steps: usize,
    /// Since when somebody was there to fire.
    pub(crate) up_since: Timestamp,
}

/// How an occurrence at work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Some job of it has not ended.
    Open,
    /// All have.
    Ended {
        /// When the last one did.
        at: Timestamp,
        /// How those that it started by name did.
        end: End,
    },
}

/// How jobs ended; the worst of several is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// All have completed.
    Completed,
    /// One was removed before anybody saw how it ended.
    Unknown,
    /// One faulted or was cancelled.
    Failed,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What is remembered afterwards; what is started has to be added.
    pub(crate) state: State,
    /// In order.
    pub(crate) starts: Vec<Start>,
    /// What happened.
    pub(crate) notes: Vec<TriggerNote>,
}

/// Something to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Start {
    /// The occurrence.
    pub(crate) occurrence: Timestamp,
    /// Of a sequence that goes on: what it was so far. Its `started` says which is next.
    pub(crate) run: Option<Run>,
}

/// Decides. `standings` are those of `state.running`, in the same order.
pub(crate) fn plan(rules: &Rules<'_>, state: Option<&State>, standings: &[Standing], now: Timestamp) -> Plan {
    let mut plan = Plan::seen(rules, state, now);
    plan.settle(rules, standings);
    plan.resume(rules, now);
    plan.dequeue(rules);
    plan.occur(rules, now);
    plan
}

/// What a schedule that is enabled now goes on with. What comes from now on follows its policy, whenever that is seen.
pub(crate) fn resumed(rules: &Rules<'_>, state: Option<&State>, now: Timestamp) -> State {
    let mut plan = Plan::seen(rules, state, now);
    plan.resume(rules, now);
    let Plan { mut state, notes, .. } = plan;
    state.keep_untold(&notes);
    state
}

/// Only what becomes of occurrences that have ended.
pub(crate) fn settled(rules: &Rules<'_>, state: &State, standings: &[Standing]) -> Plan {
    let mut plan = Plan { state: state.clone(), ..Plan::default() };
    plan.settle(rules, standings);
    plan
}

/// A note about a schedule.
pub(crate) fn note(kind: NoteKind, at: Timestamp, detail: &Value) -> TriggerNote {
    TriggerNote { at, kind, detail: detail.to_string().into() }
}

// === impl Rules ===

impl Rules<'_> {
    /// Whether somebody has to know when an occurrence has ended.
    pub(crate) fn is_tracked(&self) -> bool {
        self.steps > 1
            || self.schedule.overlap != Overlap::Allow
            || matches!(self.schedule.timing, Timing::After(_))
    }

    /// Whether as many are watched as can be, with those that are about to start.
    pub(crate) fn is_full(&self, state: &State, starts: &[Start]) -> bool {
        // What waits in a queue starts alone; else it starts with the next plan.
        let waiting = if self.schedule.overlap == Overlap::Queue { 0 } else { state.waiting.len() };
        self.is_tracked() && state.running.len() + waiting + starts.len() >= MAX_RUNNING
    }
}

// === impl Plan ===

impl Plan {
    /// What is to be told, and whether the timing is still the same.
    fn seen(rules: &Rules<'_>, state: Option<&State>, now: Timestamp) -> Self {
        let mut plan = Self::default();
        let Some(mut state) = state.cloned() else {
            plan.begin(rules, State::default(), now);
            return plan;
        };
        plan.notes = state.take_untold();
        if state.timing == rules.schedule.timing.text() {
            plan.state = state;
        } else {
            plan.retime(rules, state, now);
        }
        plan
    }

    /// The schedule is seen for the first time, or with another timing.
    fn begin(&mut self, rules: &Rules<'_>, before: State, now: Timestamp) {
        let timing = &rules.schedule.timing;
        let waits = matches!(timing, Timing::After(_)) && !before.running.is_empty();
        let next = timing.first(now.0).filter(|_| !waits).map(|next| Moment(Timestamp(next)));
        if let Timing::At(at) = *timing
            && next.is_none()
        {
            self.miss(Timestamp(at), "it was over when the schedule was applied");
        }
        self.state = State { timing: timing.text(), anchor: Moment(now), next, ..before };
    }

    fn retime(&mut self, rules: &Rules<'_>, before: State, now: Timestamp) {
        let timing = rules.schedule.timing.text();
        let detail = json!({ "reason": "the timing changed", "from": before.timing, "to": timing });
        self.notes.push(note(NoteKind::Noticed, now, &detail));
        if let Some(next) = before.next.filter(|next| next.0 <= now) {
            self.miss(next.0, "the timing changed before it could be started");
        }
        self.begin(rules, before, now);
    }

    /// It was disabled, and is not any more: what would have come meanwhile is not made up for. Whoever enables it does
    /// so in the same transaction; whoever sees it, if that was an older version, or if it was gone and is there again.
    fn resume(&mut self, rules: &Rules<'_>, now: Timestamp) {
        let Some(Moment(since)) = self.state.paused.take() else { return };
        let detail = json!({ "reason": "the schedule is enabled again", "disabled": rfc3339(since) });
        self.notes.push(note(NoteKind::Noticed, now, &detail));
        let Some(Moment(next)) = self.state.next.filter(|next| next.0 <= now) else { return };
        let timing = &rules.schedule.timing;
        self.state.next = match timing {
            Timing::After(_) => Some(Moment(now)),
            Timing::At(_) => {
                self.miss(next, "the schedule was disabled");
                None
            }
            Timing::Cron(_) | Timing::Every(_) => {
                self.leave_out(rules, next, since);
                timing.next_after(self.state.anchor.0.0, now.0).map(|next| Moment(Timestamp(next)))
            }
        };
    }

    /// What was due from `next` on, and could not be started before the schedule was disabled.
    fn leave_out(&mut self, rules: &Rules<'_>, next: Timestamp, disabled: Timestamp) {
        if next > disabled {
            return;
        }
        let (timing, anchor) = (&rules.schedule.timing, self.state.anchor.0);
        let question = Question { timing, anchor, next, now: disabled, up_since: disabled };
        let Due { chosen, missed, older, .. } = question.decide(Missed::Skip);
        let count = chosen.len() + missed.len() + older.map_or(0, |older| older.count);
        let to = chosen.last().or(missed.back()).copied().unwrap_or(next);
        if count <= 1 {
            return self.miss(next, "the schedule was disabled before it could be started");
        }
        let reason = "the schedule was disabled before they could be started";
        let detail = json!({ "from": Moment(next), "to": Moment(to), "count": count, "reason": reason });
        self.notes.push(note(NoteKind::Missed, next, &detail));
    }

    /// Occurrences whose jobs have ended leave, or go on with the next workflow of their sequence.
    fn settle(&mut self, rules: &Rules<'_>, standings: &[Standing]) {
        let mut stay = Vec::new();
        for (run, standing) in std::mem::take(&mut self.state.running).into_iter().zip(standings) {
            let Standing::Ended { at, end } = *standing else {
                stay.push(run);
                continue;
            };
            if run.started < rules.steps && end == End::Completed {
                self.starts.push(Start { occurrence: run.occurrence.0, run: Some(run) });
                continue;
            }
            if run.started < rules.steps {
                let reason = if end == End::Unknown {
                    "a job of the sequence was removed before anybody saw how it ended, so the workflows after it \
                     are left out"
                } else {
                    "a workflow of the sequence did not complete, so those after it are left out"
                };
                let detail = json!({
                    "occurrence": run.occurrence,
                    "reason": reason,
                    "jobs": run.jobs,
                    "leftOut": rules.steps - run.started,
                });
                self.notes.push(note(NoteKind::Failed, run.occurrence.0, &detail));
            }
            if self.state.next.is_none() {
                let again = rules.schedule.timing.again_after(at.0);
                self.state.next = again.map(|next| Moment(Timestamp(next)));
            }
        }
        self.state.running = stay;
    }

    /// How many occurrences are at work, with those that are about to be.
    fn at_work(&self) -> usize {
        self.state.running.len() + self.starts.len()
    }

    fn dequeue(&mut self, rules: &Rules<'_>) {
        let is_free = rules.schedule.overlap != Overlap::Queue || self.at_work() == 0;
        while is_free && !self.state.waiting.is_empty() && self.starts.len() < MAX_STARTS {
            let occurrence = self.state.waiting.remove(0);
            self.start(occurrence.0);
            if rules.schedule.overlap == Overlap::Queue {
                return;
            }
        }
    }

    fn occur(&mut self, rules: &Rules<'_>, now: Timestamp) {
        let Some(Moment(next)) = self.state.next.filter(|next| next.0 <= now) else { return };
        let (timing, anchor) = (&rules.schedule.timing, self.state.anchor.0);
        let question = Question { timing, anchor, next, now, up_since: rules.up_since };
        let due = question.decide(rules.schedule.missed);
        self.note_missed(&due);
        self.state.next = due.next.map(Moment);
        for occurrence in due.chosen {
            if self.starts.len() >= MAX_STARTS {
                // The rest comes with the next plan.
                self.state.next = Some(Moment(occurrence));
                return;
            }
            self.overlap(rules, occurrence);
        }
    }

    /// Starts an occurrence, or what its policy says if another one is at work.
    fn overlap(&mut self, rules: &Rules<'_>, occurrence: Timestamp) {
        let at_work = self.at_work();
        let skip = |reason: &str| {
            let detail = json!({ "occurrence": Moment(occurrence), "reason": reason });
            note(NoteKind::Skipped, occurrence, &detail)
        };
        match rules.schedule.overlap {
            Overlap::Skip if at_work > 0 => self.notes.push(skip("the occurrence before is still at work")),
            Overlap::Queue if at_work > 0 || !self.state.waiting.is_empty() => {
                if self.state.waiting.len() < MAX_WAITING {
                    self.state.waiting.push(Moment(occurrence));
                } else {
                    self.notes.push(skip("as many as can wait are waiting already"));
                }
            }
            _ if rules.is_tracked() && at_work >= MAX_RUNNING => {
                self.notes.push(skip("as many as can be watched are at work already"));
            }
            _ => self.start(occurrence),
        }
    }

    fn start(&mut self, occurrence: Timestamp) {
        self.starts.push(Start { occurrence, run: None });
        self.state.last = self.state.last.max(Some(Moment(occurrence)));
    }

    fn note_missed(&mut self, due: &Due) {
        let listed = due.missed.len().min(MAX_NOTED);
        let (summed, listed) = (due.missed.len() - listed, due.missed.iter().skip(due.missed.len() - listed));
        let mut older = due.older;
        for at in due.missed.iter().take(summed) {
            let before = older.unwrap_or(super::catch_up::Older { from: *at, to: *at, count: 0 });
            older = Some(super::catch_up::Older { to: *at, count: before.count + 1, ..before });
        }
        if let Some(older) = older {
            let detail = json!({
                "from": Moment(older.from), "to": Moment(older.to), "count": older.count,
                "reason": "nobody could start them in time",
            });
            self.notes.push(note(NoteKind::Missed, older.from, &detail));
        }
        for at in listed {
            self.miss(*at, "nobody could start it in time");
        }
    }

    fn miss(&mut self, occurrence: Timestamp, reason: &str) {
        let detail = json!({ "occurrence": Moment(occurrence), "reason": reason });
        self.notes.push(note(NoteKind::Missed, occurrence, &detail));
    }
}
