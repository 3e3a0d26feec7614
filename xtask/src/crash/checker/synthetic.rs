//! A small invented run in which all is well, for tests to spoil.

mod telling;

use super::clocks::Clocks;
use super::{Evidence, Violation, check};
use crate::crash::flows::{SETTING, Way};
use crate::crash::history::{Event, Job};
use crate::crash::record::{
    Carried, Fault, Moment, Page, Polled, Produced, Replied, Rotated, Sending, Sunk, Surroundings,
};
use telling::Call;

const HOUR_US: i64 = 3_600_000_000;

#[derive(Clone)]
pub(super) struct Story {
    pub(super) evidence: Evidence,
    requests: u64,
    clock: i64,
}

impl Story {
    // === what tests spoil

    pub(super) fn job(&mut self, id: &str) -> &mut Job {
        self.evidence.history.jobs.iter_mut().find(|job| job.id == id).unwrap()
    }

    pub(super) fn event_of(&mut self, kind: &str, number: usize) -> &mut Event {
        let mut events = self.evidence.history.events.iter_mut();
        events.find(|event| event.kind == kind && event.number() == number).unwrap()
    }

    /// A call of an effect that nothing else tells of.
    pub(super) fn arrival(&mut self, job: &str, effect: &str, attempt: u32, at: i64) {
        self.seen(&Call { job, effect, attempt, token: "set-key", part: "post" }, None, at);
    }

    /// The first attempt of one of a job's own effects.
    pub(super) fn call(&mut self, job: &str, part: &str, at: i64) {
        let token = self.job(job).token.clone().unwrap();
        let effect = format!("do.{part}");
        self.seen(&Call { job, effect: &effect, attempt: 1, token: &token, part }, None, at);
    }

    /// The effect of a journal entry is seen once more.
    pub(super) fn again(&mut self, job: &str, sequence: usize, at: i64) {
        let found = self.job(job).clone();
        let entry = &found.journal[sequence];
        let part = entry.effect.trim_start_matches("do.");
        let carried = self.evidence.sunk.iter().find_map(|record| match record {
            Sunk::Arrived(arrival) if arrival.part == part => arrival.carried.clone(),
            _ => None,
        });
        let token = found.token.as_deref().unwrap();
        let call = Call { job, effect: &entry.effect, attempt: entry.attempt, token, part };
        self.seen(&call, carried, at);
    }

    /// What the call that was seen then carries.
    pub(super) fn carried(&mut self, at: i64) -> &mut Carried {
        let carried = self.evidence.sunk.iter_mut().find_map(|record| match record {
            Sunk::Arrived(arrival) if arrival.at == at => arrival.carried.as_mut(),
            _ => None,
        });
        carried.unwrap()
    }

    /// A value of the setting, by its number.
    pub(super) fn setting(&mut self, number: usize) -> &mut Rotated {
        self.evidence.rotated.iter_mut().filter(|rotated| rotated.variable == SETTING).nth(number).unwrap()
    }

    pub(super) fn produced(&mut self, flow: &str, step: Sending) {
        let key = format!("{flow}-key");
        let at = self.tick();
        let flow = flow.to_owned();
        self.evidence.produced.push(Produced { at, key, flow, way: Way::Webhook, lane: None, step });
    }

    /// The first event that a job listens for is sent once more.
    pub(super) fn replied(&mut self, token: &str, kind: &str, step: Sending) {
        let at = self.tick();
        let (token, kind) = (token.to_owned(), kind.to_owned());
        self.evidence.replied.push(Replied { at, token, kind, number: 1, step });
    }

    /// A poller asks, and there is nothing more.
    pub(super) fn asked(&mut self, poller: &str, since: u64, is_orphan: bool) {
        let (at, poller) = (self.tick(), poller.to_owned());
        let (how, numbers) = (Page::Good, Vec::new());
        self.evidence.polled.push(Polled::Asked { at, poller, since, is_orphan, how, numbers });
    }

    /// As if the acknowledgement had been lost.
    pub(super) fn unacknowledged(&mut self, key: &str) {
        for record in self.evidence.produced.iter_mut().filter(|record| record.key == key) {
            if matches!(record.step, Sending::Acknowledged(_)) {
                record.step = Sending::Lost("connection reset".to_owned());
            }
        }
    }

    pub(super) fn repeat_job(&mut self, id: &str, again: &str) {
        let mut job = self.job(id).clone();
        job.id = again.to_owned();
        self.evidence.history.jobs.push(job);
    }

    /// A kill, after which Tenon is ready at once.
    pub(super) fn kill(&mut self, at: i64) {
        self.down(at, at);
    }

    pub(super) fn down(&mut self, from: i64, to: i64) {
        let end = self.evidence.faults.len() - 1;
        let killed = Fault::Killed { at: from, gone: from, moment: Moment::Time };
        let launched = Fault::Launched { at: to, surroundings: Surroundings::default() };
        self.evidence.faults.splice(end..end, [killed, launched, Fault::Ready { at: to }]);
    }

    /// A kill after which the clock is so many hours ahead, and what happens from then on bears its moments.
    pub(super) fn jump(&mut self, at: i64, hours: i64) {
        self.kill(at);
        let launched = self.evidence.faults.iter_mut().rev().find_map(|fault| match fault {
            Fault::Launched { surroundings, .. } => Some(surroundings),
            _ => None,
        });
        let ahead_us = hours * HOUR_US;
        launched.unwrap().ahead_us = ahead_us;
    }

    /// What Tenon recorded, by the clocks that it had; the story itself is told by the run's.
    pub(super) fn recorded(&self) -> Evidence {
        let mut evidence = self.evidence.clone();
        let clocks = Clocks::new(&evidence.faults);
        let jobs = evidence.history.jobs.iter_mut().filter(|_| !clocks.are_right());
        for job in jobs {
            let ends = [&mut job.created_at].into_iter().chain(&mut job.started_at).chain(&mut job.ended_at);
            ends.for_each(|moment| *moment = clocks.shown(*moment));
            let mut newest = job.created_at;
            for entry in &mut job.journal {
                entry.started_at = clocks.shown(entry.started_at);
                // As Tenon does it: a job's own time does not go back.
                newest = newest.max(clocks.shown(entry.at));
                entry.at = newest;
            }
        }
        evidence
    }

    /// Something else than a kill.
    pub(super) fn fault(&mut self, fault: Fault) {
        let end = self.evidence.faults.len() - 1;
        self.evidence.faults.insert(end, fault);
    }

    // === what tests expect

    #[track_caller]
    pub(super) fn passes(&self) {
        assert_eq!(check(&self.recorded()), []);
    }

    #[track_caller]
    pub(super) fn expect(&self, check_name: &str, what: &str) {
        let violations = check(&self.recorded());
        let hit = |violation: &Violation| violation.check == check_name && violation.what.contains(what);
        assert!(violations.iter().any(hit), "no {check_name} with `{what}` among {violations:#?}");
    }

    #[track_caller]
    pub(super) fn lacks(&self, check_name: &str) {
        self.lacks_saying(check_name, "");
    }

    /// No violation of a check says this.
    #[track_caller]
    pub(super) fn lacks_saying(&self, check_name: &str, what: &str) {
        let violations = check(&self.recorded());
        let hit = |violation: &Violation| violation.check == check_name && violation.what.contains(what);
        assert!(!violations.iter().any(hit), "{violations:#?}");
    }
}
