//! C15: what starts by itself does so once for each occurrence, never early, and late only by a bound; what is passed
//! over is noted. What queues starts in order, one after the other; a sequence goes on when its first job has completed.
//! Occurrences are of Tenon's own clock, which may jump; all other moments are of the run's.

use super::timers::LATE_US;
use super::{Index, Violation};
use crate::crash::history::{Job, Note};
use crate::crash::record::{Fault, Pace};
use crate::crash::timetable::{self, OWN, Starts, TIMETABLE, Timed};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Moments may be rounded to milliseconds.
const EARLY_SLACK_US: i64 = 1_000;
/// How late the newest occurrences may be when schedules are disabled, after a time without faults.
const LAST_US: i64 = 1_500_000;
/// Tenon keeps 1,000 notes of a trigger, some of which are not about occurrences. If there are so many, older ones may
/// be gone.
const NOTES: usize = 900;
/// Occurrences that wait where they are queued; the next are left out, with a note.
const WAITING: usize = 100;

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let faults = &index.evidence.faults;
    let opened = faults.iter().find_map(|fault| match fault {
        Fault::Opened { at, pace } => Some((*at, *pace)),
        _ => None,
    });
    let closed = faults.iter().find_map(|fault| match fault {
        Fault::Closed { at } => Some(*at),
        _ => None,
    });
    let Some(((opened, pace), closed)) = opened.zip(closed) else {
        return vec![violation("nothing says when schedules were there".to_owned(), Vec::new())];
    };
    let all = TIMETABLE.iter().chain([&OWN]);
    all.flat_map(|timed| Schedule::new(index, timed, pace).violations((opened, closed))).collect()
}

fn violation(what: String, evidence: Vec<String>) -> Violation {
    Violation { check: "C15", what, evidence }
}

/// What is known of one schedule.
struct Schedule<'a> {
    index: &'a Index<'a>,
    timed: &'static Timed,
    /// Between two occurrences, in microseconds.
    step_us: i64,
    /// By occurrence.
    jobs: BTreeMap<i64, Vec<&'a Job>>,
    /// Jobs of which nothing says which occurrence they are.
    nameless: Vec<&'a Job>,
    notes: Vec<&'a Note>,
}

impl<'a> Schedule<'a> {
    fn new(index: &'a Index<'a>, timed: &'static Timed, pace: Pace) -> Self {
        let all = &index.evidence.history.notes;
        let notes: Vec<&Note> = all.iter().filter(|note| note.schedule == timed.name).collect();
        let named = notes.iter().flat_map(|note| note.jobs.iter().map(|job| (job.as_str(), note.occurrence)));
        let named: HashMap<&str, i64> = named.collect();
        let (mut jobs, mut nameless): (BTreeMap<i64, Vec<&Job>>, Vec<&Job>) = Default::default();
        let own = index.evidence.history.jobs.iter().filter(|job| job.workflow == timed.name);
        for job in own.filter(|job| job.rerun_of.is_none()) {
            let token = job.token.as_deref().and_then(timetable::occurrence);
            let token = token.filter(|(owner, _)| owner.name == timed.name).map(|(_, at)| at);
            match token.or_else(|| named.get(job.id.as_str()).copied()) {
                Some(at) => jobs.entry(at).or_default().push(job),
                None => nameless.push(job),
            }
        }
        Self { index, timed, step_us: timetable::step_us(pace), jobs, nameless, notes }
    }

    /// Whether older notes may be gone.
    fn is_forgetful(&self) -> bool {
        self.notes.len() >= NOTES
    }

    fn violations(&self, (opened, closed): (i64, i64)) -> Vec<Violation> {
        let mut violations: Vec<Violation> =
            self.jobs.iter().filter_map(|(at, jobs)| self.occurrence(*at, jobs)).collect();
        violations.extend(self.queue());
        violations.extend(self.sequence(closed));
        let known: BTreeSet<i64> =
            self.jobs.keys().copied().chain(self.notes.iter().map(|note| note.occurrence)).collect();
        let shown = |at: i64| self.index.clocks.shown(at);
        let due = shown(opened) + self.step_us;
        let first = known.first().copied().unwrap_or(due);
        if !self.is_forgetful() {
            let nameless = |job: &&Job| violation(format!("nothing says why {} started", job.id), Vec::new());
            violations.extend(self.nameless.iter().map(nameless));
        }
        let is_late = !self.is_forgetful() && self.index.ready_while_shown(due, first) > LATE_US;
        if first < shown(opened) || is_late {
            let what = format!("its first occurrence is {first}, and it is there since {}", shown(opened));
            violations.extend([self.say(first, &what)]);
        }
        violations.extend(known.iter().filter(|at| (*at - first) % self.step_us != 0).map(|at| {
            self.say(*at, &format!("it is no whole number of steps after the first one, {first}"))
        }));
        let mut slot = first;
        while slot <= shown(closed) - LAST_US {
            violations.extend(self.slot(slot, (opened, closed)));
            slot += self.step_us;
        }
        violations
    }

    fn say(&self, at: i64, what: &str) -> Violation {
        let jobs = self.jobs.get(&at).into_iter().flatten().map(|job| format!("{job:?}"));
        let notes = self.notes.iter().filter(|note| note.covers(at)).map(|note| format!("{note:?}"));
        violation(format!("{}, occurrence {at}: {what}", self.timed.name), jobs.chain(notes).collect())
    }

    /// What is wrong with an occurrence that has started something.
    fn occurrence(&self, at: i64, jobs: &[&Job]) -> Option<Violation> {
        let [job] = jobs else {
            return Some(self.say(at, &format!("it has {} jobs", jobs.len())));
        };
        let ready = self.index.ready_since(at, (self.free_since(at), job.created_at));
        // What queues starts what has come, also when the clock has been set back since.
        let created = match self.timed.starts {
            Starts::Queued => self.index.clocks.shown_until(job.created_at),
            _ => self.index.clocks.shown(job.created_at),
        };
        let what = if created < at - EARLY_SLACK_US {
            format!("it started {} us early", at - created)
        } else if ready > LATE_US {
            format!("it started after {ready} us in which Tenon was ready")
        } else if self.notes.iter().any(|note| note.is_passed_over() && note.is_about(at)) {
            "it started something, and is noted as passed over".to_owned()
        } else {
            return None;
        };
        Some(self.say(at, &what))
    }

    /// Since when it may start, if it had to wait for the occurrence before it.
    fn free_since(&self, at: i64) -> i64 {
        let before = self.jobs.range(..at).next_back().filter(|_| self.timed.starts == Starts::Queued);
        before.and_then(|(_, jobs)| jobs.first()?.ended_at).unwrap_or(i64::MIN)
    }

    /// What queues starts in order, each when the one before has ended.
    fn queue(&self) -> Vec<Violation> {
        if self.timed.starts != Starts::Queued {
            return Vec::new();
        }
        let jobs: Vec<(i64, &Job)> =
            self.jobs.iter().filter_map(|(at, jobs)| Some((*at, *jobs.first()?))).collect();
        let is_early = |before: &Job, after: &Job| {
            before.ended_at.is_none_or(|ended| ended > after.created_at + EARLY_SLACK_US)
        };
        let early = jobs.windows(2).filter(|pair| is_early(pair[0].1, pair[1].1));
        early.map(|pair| self.say(pair[1].0, "it started before the one before it had ended")).collect()
    }

    /// Of a sequence, the second job starts once, when the first has completed.
    fn sequence(&self, closed: i64) -> Vec<Violation> {
        let Some(follower) = self.timed.follower() else { return Vec::new() };
        let mut followers: HashMap<&str, Vec<&Job>> = HashMap::new();
        for job in self.index.evidence.history.jobs.iter().filter(|job| job.workflow == follower) {
            followers.entry(job.token.as_deref().unwrap_or_default()).or_default().push(job);
        }
        let mut violations = Vec::new();
        for (at, first) in self.jobs.iter().filter_map(|(at, jobs)| Some((*at, *jobs.first()?))) {
            let token = first.token.as_deref().unwrap_or_default();
            let after = followers.remove(token).unwrap_or_default();
            violations.extend(self.step(first, &after, closed).map(|what| self.say(at, &what)));
        }
        let orphans = followers.into_values().flatten();
        violations.extend(orphans.map(|job| violation(format!("{} follows nothing", job.id), Vec::new())));
        violations
    }

    /// What is wrong with what follows the first job of a sequence.
    fn step(&self, first: &Job, after: &[&Job], closed: i64) -> Option<String> {
        let completed = first.ended_at.filter(|_| first.state == "completed");
        let ready = |to: i64| completed.map(|ended| self.index.ready_between(ended, to));
        match after {
            [] if ready(closed).is_some_and(|ready| ready > LATE_US) => {
                Some(format!("nothing followed {}", first.id))
            }
            [next] if completed.is_none_or(|ended| ended > next.created_at + EARLY_SLACK_US) => {
                Some(format!("{} started before {} had completed", next.id, first.id))
            }
            [next] if ready(next.created_at).is_some_and(|ready| ready > LATE_US) => {
                Some(format!("{} started late after {} had completed", next.id, first.id))
            }
            [] | [_] => None,
            _ => Some(format!("{} jobs followed {}", after.len(), first.id)),
        }
    }

    /// Whether as many as may had come before an occurrence and waited when it came.
    fn is_full(&self, at: i64) -> bool {
        let starts = |job: &&Job| self.index.clocks.shown(job.created_at);
        let before = self.jobs.range(..at).filter_map(|(_, jobs)| jobs.first());
        self.timed.starts == Starts::Queued && before.filter(|job| starts(job) > at).count() >= WAITING
    }

    /// Whether an occurrence may be in the queue still when schedules are disabled: all later than it are, and what
    /// came before it kept the queue busy until then.
    fn may_wait(&self, at: i64, closed: i64) -> bool {
        let Some((last, jobs)) = self.jobs.last_key_value() else { return false };
        let ended = jobs.first().and_then(|job| job.ended_at);
        self.timed.starts == Starts::Queued
            && at > *last
            && ended.is_none_or(|ended| self.index.ready_between(ended, closed) <= LATE_US)
    }

    /// What is wrong with a moment at which something should have started, if nothing did.
    fn slot(&self, at: i64, open: (i64, i64)) -> Option<Violation> {
        if self.jobs.contains_key(&at) || self.index.ready_since(at, open) < LAST_US {
            return None;
        }
        let oldest = self.notes.iter().map(|note| note.occurrence).min();
        let may_be_forgotten = self.is_forgetful() && oldest > Some(at);
        let is_noted = self.notes.iter().any(|note| note.is_passed_over() && note.covers(at));
        let what = match (self.timed.has_all, is_noted) {
            _ if may_be_forgotten || self.may_wait(at, open.1) => return None,
            (true, true) if self.is_full(at) => return None,
            (true, _) => "it was lost",
            (false, true) => return None,
            (false, false) => "it started nothing, and no note says so",
        };
        Some(self.say(at, what))
    }
}

impl Note {
    fn is_passed_over(&self) -> bool {
        matches!(self.kind.as_str(), "missed" | "skipped")
    }

    /// Whether it is about this one alone.
    fn is_about(&self, at: i64) -> bool {
        self.occurrence == at && self.until.is_none()
    }

    fn covers(&self, at: i64) -> bool {
        (self.occurrence..=self.until.unwrap_or(self.occurrence)).contains(&at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use super::*;
    use crate::crash::timetable::STEP_US;

    /// Changes the job of an occurrence; the first is 0.
    fn spoil(name: &str, number: usize, spoil: impl FnOnce(&mut Job)) -> Story {
        let mut story = Story::good();
        let mut jobs = story.evidence.history.jobs.iter_mut().filter(|job| job.workflow == name);
        spoil(jobs.nth(number).unwrap());
        story
    }

    #[test]
    fn an_occurrence_that_came_twice_is_c15() {
        for timed in TIMETABLE {
            let mut story = Story::good();
            let job = story.evidence.history.jobs.iter().find(|job| job.workflow == timed.name).unwrap();
            let id = job.id.clone();
            story.repeat_job(&id, "job_again");
            story.expect("C15", "it has 2 jobs");
        }
    }

    #[test]
    fn an_early_occurrence_is_c15() {
        let story = spoil("every-all", 1, |job| job.created_at -= 100_000);
        story.expect("C15", "us early");
    }

    #[test]
    fn a_late_occurrence_is_c15_unless_tenon_was_down() {
        let late = |job: &mut Job| job.created_at += LATE_US + 100_000;
        let mut story = spoil("every-all", 0, late);
        story.expect("C15", "us in which Tenon was ready");
        let at =
            story.evidence.history.jobs.iter().find(|job| job.workflow == "every-all").unwrap().created_at;
        story.down(at - LATE_US, at - 1_000);
        story.lacks("C15");
    }

    #[test]
    fn what_is_to_be_made_up_for_must_not_be_lost() {
        let mut story = Story::good();
        let lost = story.evidence.history.jobs.iter().position(|job| job.workflow == "every-all").unwrap();
        story.evidence.history.jobs.remove(lost + 1);
        story.expect("C15", "every-all, occurrence");
        story.expect("C15", "it was lost");
    }

    #[test]
    fn what_is_passed_over_must_be_noted() {
        let mut story = Story::good();
        story.evidence.history.notes.clear();
        story.expect("C15", "every-skip, occurrence");
        story.expect("C15", "alone, occurrence");
        story.expect("C15", "it started nothing, and no note says so");
    }

    #[test]
    fn what_started_must_not_be_noted_as_passed_over() {
        let mut story = Story::good();
        let note = story.evidence.history.notes.iter_mut().find(|note| note.kind == "missed").unwrap();
        note.occurrence -= STEP_US;
        story.expect("C15", "it started something, and is noted as passed over");
    }

    #[test]
    fn occurrences_lie_whole_seconds_apart() {
        let story = spoil("cron-latest", 2, |job| {
            let at = job.created_at - 400_000;
            job.token = Some(timetable::timed("cron-latest").unwrap().token(at));
        });
        story.expect("C15", "it is no whole number of steps after the first one");
    }

    #[test]
    fn a_schedule_that_begins_too_late_is_c15() {
        let mut story = Story::good();
        for fault in &mut story.evidence.faults {
            if let Fault::Opened { at, .. } = fault {
                *at += 10_000_000;
            }
        }
        story.expect("C15", "its first occurrence is");
        story.evidence.faults.retain(|fault| !matches!(fault, Fault::Opened { .. }));
        story.expect("C15", "nothing says when schedules were there");
    }

    #[test]
    fn a_workflows_own_occurrences_are_known_by_notes() {
        let story = spoil("own", 3, |job| job.created_at -= STEP_US);
        story.expect("C15", "us early");
        let mut story = Story::good();
        note_of_own(&mut story).occurrence += STEP_US;
        story.expect("C15", "it has 2 jobs");
        note_of_own(&mut story).jobs.clear();
        story.expect("C15", "nothing says why job_own-1 started");
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_own-2");
        story.expect("C15", "own, occurrence");
        story.expect("C15", "it was lost");
    }

    #[test]
    fn what_queues_starts_when_the_one_before_has_ended() {
        let story = spoil("queue", 0, |job| job.ended_at = job.ended_at.map(|at| at + STEP_US));
        story.expect("C15", "it started before the one before it had ended");
        // Who waits is late only from then on.
        let late = |job: &mut Job| job.created_at += LATE_US + STEP_US;
        let mut story = spoil("queue", 3, late);
        story.expect("C15", "us in which Tenon was ready");
        let mut jobs = story.evidence.history.jobs.iter_mut().filter(|job| job.workflow == "queue");
        let before = jobs.nth(2).unwrap();
        before.ended_at = before.ended_at.map(|at| at + LATE_US);
        story.lacks("C15");
    }

    /// When schedules are disabled.
    fn closed(story: &mut Story) -> &mut i64 {
        let mut faults = story.evidence.faults.iter_mut();
        let closed = faults.find_map(|fault| match fault {
            Fault::Closed { at } => Some(at),
            _ => None,
        });
        closed.unwrap()
    }

    #[test]
    fn what_waits_when_schedules_are_disabled_is_not_lost() {
        let mut story = Story::good();
        *closed(&mut story) += LATE_US + STEP_US;
        let closed = *closed(&mut story);
        story.expect("C15", "queue, occurrence");
        let mut jobs = story.evidence.history.jobs.iter_mut().filter(|job| job.workflow == "queue");
        jobs.next_back().unwrap().ended_at = Some(closed);
        story.lacks_saying("C15", "queue, occurrence");
    }

    #[test]
    fn a_queue_that_is_full_leaves_out_what_it_notes() {
        let mut story = Story::good();
        let jobs = &mut story.evidence.history.jobs;
        let left_out = jobs.iter().position(|job| job.id == "job_queue-1").unwrap();
        let left_out = jobs.remove(left_out);
        let (_, at) = timetable::occurrence(left_out.token.as_deref().unwrap()).unwrap();
        let (schedule, kind) = ("queue".to_owned(), "skipped".to_owned());
        let note = Note { schedule, kind, occurrence: at, until: None, jobs: Vec::new() };
        story.evidence.history.notes.push(note);
        // The first one has started already.
        let mut before = at - STEP_US;
        for number in 0..WAITING {
            story.expect("C15", "it was lost");
            before -= STEP_US;
            let token = Some(timetable::timed("queue").unwrap().token(before));
            let (id, created_at) = (format!("job_before-{number}"), at + STEP_US);
            story.evidence.history.jobs.push(Job { id, token, created_at, ..left_out.clone() });
        }
        story.lacks_saying("C15", "it was lost");
    }

    #[test]
    fn a_sequence_goes_on_once_when_its_first_job_has_completed() {
        let story = spoil("sequence-then", 1, |job| job.created_at -= 100_000);
        story.expect("C15", "started before job_sequence-1 had completed");
        let story = spoil("sequence-then", 1, |job| job.created_at += LATE_US + STEP_US);
        story.expect("C15", "started late after job_sequence-1 had completed");
        let mut story = Story::good();
        story.repeat_job("job_sequence-then-2", "job_again");
        story.expect("C15", "2 jobs followed job_sequence-2");
        let mut story = Story::good();
        story.evidence.history.jobs.retain(|job| job.id != "job_sequence-then-0");
        story.lacks("C15");
        *closed(&mut story) += LATE_US;
        story.expect("C15", "nothing followed job_sequence-0");
        let mut story = Story::good();
        story.job("job_sequence-0").workflow = "sequence-then".to_owned();
        story.job("job_sequence-0").token = Some("else".to_owned());
        story.expect("C15", "job_sequence-0 follows nothing");
    }

    #[test]
    fn an_occurrence_is_judged_by_the_clock_that_tenon_had() {
        // Of its own time of day, nothing is early or late an hour forth.
        let created = |name: &str, number: usize| {
            let mut at = 0;
            spoil(name, number, |job| at = job.created_at);
            at
        };
        let mut story = Story::good();
        story.jump(created("every-all", 0) - 100_000, 1);
        story.expect("C15", "every-all, occurrence");
        story.expect("C15", "it was lost");
        story.lacks_saying("C15", "early");
        // An hour back, what has started is not due, and what starts all the same is early.
        let mut story = Story::good();
        story.jump(created("every-skip", 1) - 100_000, -1);
        story.expect("C15", "us early");
    }

    #[test]
    fn what_came_before_the_clock_was_set_back_may_wait_in_a_queue() {
        let mut story = Story::good();
        let created = spoil("queue", 1, |_| {}).job("job_queue-1").created_at;
        let is_early = |story: &Story| {
            let violations = super::super::check(&story.recorded());
            violations.iter().any(|found| found.what.starts_with("queue,") && found.what.contains("early"))
        };
        story.jump(created - 100_000, -1);
        assert!(is_early(&story));
        let mut story = Story::good();
        story.jump(created - 200_000, 1);
        story.jump(created - 100_000, -1);
        assert!(!is_early(&story));
    }

    #[test]
    fn what_a_clock_has_jumped_over_is_made_up_for_or_noted() {
        let mut story = Story::good();
        // Long enough for what is missed to be due.
        let closed = *closed(&mut story);
        story.jump(closed - LAST_US, 1);
        story.expect("C15", "it started nothing, and no note says so");
        story.lacks_saying("C15", "early");
        let until = closed + 2 * 3_600 * STEP_US;
        for timed in TIMETABLE.iter().filter(|timed| !timed.has_all) {
            let last = story.evidence.history.notes.iter().filter(|note| note.schedule == timed.name);
            let occurrence = last.map(|note| note.occurrence).max().unwrap() + STEP_US;
            let (schedule, kind) = (timed.name.to_owned(), "missed".to_owned());
            let note = Note { schedule, kind, occurrence, until: Some(until), jobs: Vec::new() };
            story.evidence.history.notes.push(note);
        }
        story.lacks_saying("C15", "it started nothing, and no note says so");
    }

    fn note_of_own(story: &mut Story) -> &mut Note {
        story.evidence.history.notes.iter_mut().find(|note| note.schedule == "own").unwrap()
    }
}
