//! A small invented run in which all is well, for tests to spoil.

use super::{Evidence, Violation, check};
use crate::crash::flows::{self, PAUSE_US, Way};
use crate::crash::history::{Entry, Event, Job};
use crate::crash::record::{Acknowledgement, Answer, Arrival, Fault, Moment, Produced, Sending, Sunk};
use serde_json::Value;

/// Times count from here.
const BEGIN: i64 = 1_000_000;

pub(super) struct Story {
    pub(super) evidence: Evidence,
    requests: u64,
    clock: i64,
}

impl Story {
    /// One key for each of some workflows, one life, everything done.
    pub(super) fn good() -> Self {
        let mut story = Self { evidence: Evidence::default(), requests: 0, clock: BEGIN };
        story.evidence.faults = vec![Fault::Launched { at: 0 }, Fault::Ready { at: BEGIN }];
        for flow in ["set", "five", "wait", "chain"] {
            let key = format!("{flow}-key");
            story.key(flow, &key, None);
            story.finished(flow, flow, &key);
        }
        for flow in ["left", "right"] {
            story.finished(flow, flow, "chain-key");
        }
        story.event("ev_fanned", "crash.fanned", "chain-key", &["job_left", "job_right"]);
        for (id, number) in [("first", 1), ("second", 2)] {
            let key = format!("{id}-key");
            story.key_as("ordered", id, &key, Some(("lane".to_owned(), number)));
            story.finished("ordered", id, &key);
        }
        story.evidence.faults.push(Fault::Drained { at: BEGIN + 60_000_000, took_us: 5, open: 0 });
        story
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1_000;
        self.clock
    }

    fn key(&mut self, flow: &str, key: &str, lane: Option<(String, u64)>) {
        self.key_as(flow, flow, key, lane);
    }

    fn key_as(&mut self, flow: &str, id: &str, key: &str, lane: Option<(String, u64)>) {
        let acknowledgement = Acknowledgement {
            event: Some(format!("ev_{id}")),
            jobs: vec![format!("job_{id}")],
            duplicate: false,
        };
        for step in [Sending::Sent, Sending::Acknowledged(acknowledgement)] {
            let at = self.tick();
            let (key, flow, lane) = (key.to_owned(), flow.to_owned(), lane.clone());
            self.evidence.produced.push(Produced { at, key, flow, way: Way::Webhook, lane, step });
        }
        let job = format!("job_{id}");
        self.event(&format!("ev_{id}"), &format!("crash.{flow}"), key, &[&job]);
    }

    fn event(&mut self, id: &str, kind: &str, subject: &str, jobs: &[&str]) {
        self.evidence.history.events.push(Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            subject: Some(subject.to_owned()),
            duplicates: 0,
            jobs: jobs.iter().map(|job| (*job).to_owned()).collect(),
        });
    }

    /// A completed job with its effects.
    fn finished(&mut self, workflow: &str, id: &str, token: &str) {
        let flow = flows::flow(workflow).unwrap();
        let job = format!("job_{id}");
        let created_at = self.tick();
        let mut journal = Vec::new();
        if workflow == "wait" {
            self.clock += PAUSE_US;
            let at = self.tick();
            journal.push(entry(0, "pause", created_at, at, "fired"));
        }
        if workflow == "chain" {
            let at = self.tick();
            journal.push(entry(0, "announce", at, at, "emitted"));
        }
        for part in flow.parts {
            let started_at = self.tick();
            let effect = format!("do.{part}");
            self.seen((&job, &effect, 1), (token, part), started_at + 100);
            let at = self.tick();
            journal.push(entry(journal.len() as u32, &effect, started_at, at, "answered"));
        }
        let ended_at = Some(self.tick());
        self.evidence.history.jobs.push(Job {
            id: job,
            workflow: workflow.to_owned(),
            event: None,
            state: "completed".to_owned(),
            token: Some(token.to_owned()),
            created_at,
            started_at: Some(created_at),
            ended_at,
            rerun_of: None,
            output: flow.output(token),
            error: Value::Null,
            journal,
            trace_lacks: None,
            replay_differs: None,
        });
    }

    fn seen(&mut self, (job, effect, attempt): (&str, &str, u32), (token, part): (&str, &str), at: i64) {
        let request = self.requests;
        self.requests += 1;
        self.evidence.sunk.push(Sunk::Arrived(Arrival {
            at,
            request,
            key: format!("{job}.{effect}"),
            attempt,
            token: token.to_owned(),
            part: part.to_owned(),
            is_orphan: false,
        }));
        self.evidence.sunk.push(Sunk::Answered { at, request, how: Answer::Ok });
    }

    // === what tests spoil

    pub(super) fn job(&mut self, id: &str) -> &mut Job {
        self.evidence.history.jobs.iter_mut().find(|job| job.id == id).unwrap()
    }

    /// A call of an effect that nothing else tells of.
    pub(super) fn arrival(&mut self, job: &str, effect: &str, attempt: u32, at: i64) {
        self.seen((job, effect, attempt), ("set-key", "post"), at);
    }

    /// The effect of a journal entry is seen once more.
    pub(super) fn again(&mut self, job: &str, sequence: usize, at: i64) {
        let found = self.job(job).clone();
        let entry = &found.journal[sequence];
        let part = entry.effect.trim_start_matches("do.");
        self.seen((job, &entry.effect, entry.attempt), (found.token.as_deref().unwrap(), part), at);
    }

    pub(super) fn produced(&mut self, flow: &str, step: Sending) {
        let key = format!("{flow}-key");
        let at = self.tick();
        let flow = flow.to_owned();
        self.evidence.produced.push(Produced { at, key, flow, way: Way::Webhook, lane: None, step });
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
        self.evidence.faults.splice(end..end, [killed, Fault::Launched { at: to }, Fault::Ready { at: to }]);
    }

    // === what tests expect

    #[track_caller]
    pub(super) fn passes(&self) {
        assert_eq!(check(&self.evidence), []);
    }

    #[track_caller]
    pub(super) fn expect(&self, check_name: &str, what: &str) {
        let violations = check(&self.evidence);
        let hit = |violation: &Violation| violation.check == check_name && violation.what.contains(what);
        assert!(violations.iter().any(hit), "no {check_name} with `{what}` among {violations:#?}");
    }

    #[track_caller]
    pub(super) fn lacks(&self, check_name: &str) {
        let violations = check(&self.evidence);
        assert!(violations.iter().all(|violation| violation.check != check_name), "{violations:#?}");
    }
}

fn entry(sequence: u32, effect: &str, started_at: i64, at: i64, outcome: &str) -> Entry {
    Entry { sequence, effect: effect.to_owned(), attempt: 1, started_at, at, outcome: outcome.to_owned() }
}
