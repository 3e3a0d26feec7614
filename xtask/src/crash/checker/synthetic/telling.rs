//! How the story goes: one key for each of some workflows, one life, everything done as the table of workflows has
//! it. Everything happens one after the other, a millisecond apart.

use super::Story;
use crate::crash::checker::Evidence;
use crate::crash::flows::{self, Emits, Flow, Hears, PARKED, SECRET, SETTING, Way};
use crate::crash::history::{Entry, Event, Job, Note};
use crate::crash::record::{
    Acknowledgement, Answer, Arrival, Carried, Fault, Mended, Pace, Page, Polled, Produced, Remedy, Replied,
    Rotated, Sending, Sunk, Surroundings,
};
use crate::crash::rotator::SESAME;
use crate::crash::source::POLLERS;
use crate::crash::timetable::{OWN, STEP_US, Starts, TIMETABLE};
use serde_json::Value;

/// Times count from here.
const BEGIN: i64 = 1_000_000;
/// Workflows that have a key in it, of the same name with `-key`.
const STARTED: &[&str] = &[
    "set", "five", "wait", "chain", "spread", "race", "deadline", "family", "ask", "series", "patience",
    "fan", "twins", "secret",
];

/// A request at the sink.
pub(super) struct Call<'a> {
    pub(super) job: &'a str,
    pub(super) effect: &'a str,
    pub(super) attempt: u32,
    pub(super) token: &'a str,
    pub(super) part: &'a str,
}

/// A job that is being told.
struct Draft<'a> {
    flow: &'static Flow,
    /// Without `job_`.
    id: &'a str,
    token: &'a str,
    parent: Option<&'a str>,
    /// What it does, in order.
    parts: Vec<&'static str>,
}

impl Story {
    /// A run in which nothing went wrong.
    pub(in crate::crash::checker) fn good() -> Self {
        let mut story = Self { evidence: Evidence::default(), requests: 0, clock: BEGIN };
        let launched = Fault::Launched { at: 0, surroundings: Surroundings::default() };
        story.evidence.faults = vec![launched, Fault::Ready { at: BEGIN }];
        story.values();
        for flow in STARTED {
            let key = format!("{flow}-key");
            story.key(flow, flow, &key, None);
            story.job_of(flow, flow, &key);
        }
        for (id, number) in [("first", 1), ("second", 2)] {
            let key = format!("{id}-key");
            story.key("ordered", id, &key, Some(("lane".to_owned(), number)));
            story.job_of("ordered", id, &key);
        }
        for (id, number) in [("given-up", 1), ("after", 2)] {
            let key = format!("{id}-key");
            story.key(PARKED, id, &key, Some(("parked-lane".to_owned(), number)));
            story.job_of(PARKED, id, &key);
        }
        story.give_up("job_given-up");
        story.items();
        story.occurrences();
        story.evidence.faults.push(Fault::Settled { at: BEGIN + 59_000_000, is_settled: true });
        story.evidence.faults.push(Fault::Drained { at: BEGIN + 60_000_000, took_us: 5, open: 0 });
        story
    }

    pub(in crate::crash::checker) fn tick(&mut self) -> i64 {
        self.clock += 1_000;
        self.clock
    }

    /// Of each variable one value before, one during, one after the run.
    fn values(&mut self) {
        for (number, sent) in [(0, 10), (1, 100), (2, BEGIN + 50_000_000)] {
            for (variable, value) in
                [(SECRET, format!("{SESAME}-{number}")), (SETTING, format!("setting-{number}"))]
            {
                let variable = variable.to_owned();
                self.evidence.rotated.push(Rotated { variable, value, sent, set: Some(sent + 10) });
            }
        }
    }

    fn key(&mut self, flow: &str, id: &str, key: &str, lane: Option<(String, u64)>) {
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
        self.event(&format!("ev_{id}"), (&format!("crash.{flow}"), 1), key, vec![format!("job_{id}")]);
    }

    /// As if a job had failed, been parked, and not been wanted any more.
    fn give_up(&mut self, id: &str) {
        let job = self.job(id);
        "faulted".clone_into(&mut job.state);
        job.output = Value::Null;
        for entry in &mut job.journal {
            "failed".clone_into(&mut entry.outcome);
        }
        let at = job.ended_at.unwrap();
        for is_done in [false, true] {
            self.evidence.mended.push(Mended { at, job: id.to_owned(), remedy: Remedy::Skip, is_done });
        }
    }

    /// Two items of the source, seen by every poller.
    fn items(&mut self) {
        for number in [1, 2] {
            let at = self.tick();
            self.evidence.polled.push(Polled::Offered { at, number, stamp: number });
        }
        for poller in POLLERS {
            let (at, name) = (self.tick(), poller.name.to_owned());
            let (how, numbers) = (Page::Good, vec![2, 1]);
            self.evidence.polled.push(Polled::Asked {
                at,
                poller: name,
                since: 0,
                is_orphan: false,
                how,
                numbers,
            });
            for token in [1, 2].map(|number| poller.token(number)) {
                self.event(
                    &format!("ev_{token}"),
                    (&format!("crash.{}", poller.name), 1),
                    &token,
                    vec![format!("job_{token}")],
                );
                self.job_of(poller.name, &token, &token);
            }
            self.asked(poller.name, 2, false);
        }
    }

    /// Four seconds of every schedule.
    fn occurrences(&mut self) {
        let first = (self.clock / STEP_US + 2) * STEP_US;
        let opened = first - 700_000;
        self.evidence.faults.push(Fault::Opened { at: opened, pace: Pace::Brisk });
        for timed in TIMETABLE {
            for number in 0..4 {
                let at = first + number * STEP_US;
                let passed_over = match (timed.name, number) {
                    ("every-skip", 2) => Some("missed"),
                    ("alone", 1 | 3) => Some("skipped"),
                    _ => None,
                };
                let kind = passed_over.unwrap_or("fired");
                self.note(timed.name, kind, at, Vec::new());
                if passed_over.is_none() {
                    let (id, token) = (format!("{}-{number}", timed.name), timed.token(at));
                    self.clock = at;
                    self.job_of(timed.name, &id, &token);
                    if let Some(follower) = timed.follower() {
                        self.job_of(follower, &format!("{follower}-{number}"), &token);
                    }
                    if timed.starts == Starts::Event {
                        let (kind, jobs) = (format!("crash.{}", timed.name), vec![format!("job_{id}")]);
                        self.event(&format!("ev_{id}"), (&kind, 1), &token, jobs);
                    }
                }
            }
        }
        for number in 1..=4 {
            self.clock = opened + number * STEP_US;
            let job = format!("job_own-{number}");
            self.note(OWN.name, "fired", self.clock, vec![job.clone()]);
            self.job_of(OWN.name, &format!("own-{number}"), &job);
        }
        self.clock = first + 4 * STEP_US + 600_000;
        self.evidence.faults.push(Fault::Closed { at: self.clock });
    }

    fn note(&mut self, schedule: &str, kind: &str, occurrence: i64, jobs: Vec<String>) {
        let (schedule, kind) = (schedule.to_owned(), kind.to_owned());
        self.evidence.history.notes.push(Note { schedule, kind, occurrence, until: None, jobs });
    }

    fn event(&mut self, id: &str, (kind, number): (&str, usize), subject: &str, jobs: Vec<String>) {
        self.evidence.history.events.push(Event {
            id: id.to_owned(),
            kind: kind.to_owned(),
            source: format!("https://crash.test/{kind}/{number}"),
            subject: Some(subject.to_owned()),
            duplicates: 0,
            jobs,
        });
    }

    /// A job and all that comes of it.
    fn job_of(&mut self, workflow: &str, id: &str, token: &str) {
        let flow = flows::flow(workflow).unwrap();
        let lost = flow.rivals.get(1..).unwrap_or_default();
        let parts = flow.parts.iter().copied().filter(|part| !lost.contains(part)).collect();
        self.tell(&Draft { flow, id, token, parent: None, parts });
        for emits in flow.emits {
            self.emitted(emits, (token, flow.gathered));
        }
        for name in flow.gathered {
            self.job_of(name, name, token);
        }
    }

    fn emitted(&mut self, emits: &Emits, (token, gathered): (&str, &[&str])) {
        for number in 1..=emits.count {
            let mut jobs: Vec<String> = gathered.iter().map(|name| format!("job_{name}")).collect();
            for name in emits.starts {
                let id = if emits.count == 1 { (*name).to_owned() } else { format!("{name}-{number}") };
                let flow = flows::flow(name).unwrap();
                let parts = flow.parts.iter().copied().skip(number - 1).take(1).collect();
                self.tell(&Draft { flow, id: &id, token, parent: None, parts });
                jobs.push(format!("job_{id}"));
            }
            self.event(&format!("ev_{}-{number}", emits.kind), (emits.kind, number), token, jobs);
        }
    }

    /// A finished job with its journal; its children before it.
    fn tell(&mut self, draft: &Draft<'_>) {
        let Draft { flow, id, token, .. } = draft;
        let job = format!("job_{id}");
        let created_at = self.tick();
        let mut journal = self.children(draft);
        if let Some(timer) = flow.timer.as_ref().filter(|timer| timer.is_certain) {
            self.clock = created_at + timer.delay_us;
            let at = self.tick();
            journal.push(entry("pause", (created_at, at), "fired", None));
        }
        for _ in 0..flow.emits.iter().map(|emits| emits.count).sum::<usize>() {
            let at = self.tick();
            journal.push(entry("announce", (at, at), "emitted", None));
        }
        let asks = flow.hears.as_ref().map(|hears| (hears, hears.asks));
        for part in &draft.parts {
            if let Some((hears, _)) = asks.filter(|(_, asks)| asks != part) {
                let place = hears.says.iter().position(|said| said == part).unwrap_or(0);
                journal.push(self.heard(hears, (id, token), place + 1));
            }
            let started_at = self.tick();
            let effect = format!("do.{part}");
            let call = Call { job: &job, effect: &effect, attempt: 1, token, part };
            self.seen(&call, carried(flow), started_at + 100);
            let at = self.tick();
            journal.push(entry(&effect, (started_at, at), "answered", None));
        }
        if flow.ends == "cancelled" {
            let at = self.tick();
            journal.push(entry("cancel", (at, at), "cancelled", None));
        }
        for (entry, sequence) in journal.iter_mut().zip(0..) {
            entry.sequence = sequence;
        }
        let ended_at = self.tick();
        let finished = finished(draft, journal, (created_at, ended_at));
        self.evidence.history.jobs.push(finished);
    }

    /// The children of a job, whose ids end with its own.
    fn children(&mut self, draft: &Draft<'_>) -> Vec<Entry> {
        let mut journal = Vec::new();
        let parent = format!("job_{}", draft.id);
        for child in draft.flow.children {
            let id = format!("{}-{}", child.workflow, draft.id);
            let at = self.tick();
            journal.push(entry("start", (at, at), "started", Some(format!("job_{id}"))));
            let flow = flows::flow(child.workflow).unwrap();
            let parts = flow.parts.to_vec();
            self.tell(&Draft { flow, id: &id, token: draft.token, parent: Some(&parent), parts });
            if child.is_awaited && flow.ends != "cancelled" {
                let end = self.tick();
                journal.push(entry("start/child", (at, end), "ended", None));
            }
        }
        journal
    }

    /// An event that a job listens for comes and is taken.
    fn heard(&mut self, hears: &Hears, (id, token): (&str, &str), number: usize) -> Entry {
        let event = format!("ev_{id}-{number}");
        let promise = Acknowledgement { event: Some(event.clone()), jobs: Vec::new(), duplicate: false };
        for step in [Sending::Sent, Sending::Acknowledged(promise)] {
            let at = self.tick();
            let (token, kind) = (token.to_owned(), hears.kind.to_owned());
            self.evidence.replied.push(Replied { at, token, kind, number, step });
        }
        self.event(&event, (hears.kind, number), token, Vec::new());
        let at = self.tick();
        entry("hear/event", (at, at), "received", Some(event))
    }

    pub(super) fn seen(&mut self, call: &Call<'_>, carried: Option<Carried>, at: i64) {
        let request = self.requests;
        self.requests += 1;
        self.evidence.sunk.push(Sunk::Arrived(Arrival {
            at,
            request,
            key: format!("{}.{}", call.job, call.effect),
            attempt: call.attempt,
            token: call.token.to_owned(),
            part: call.part.to_owned(),
            carried,
            is_orphan: false,
        }));
        self.evidence.sunk.push(Sunk::Answered { at, request, how: Answer::Ok });
    }
}

fn carried(flow: &Flow) -> Option<Carried> {
    flow.has_credentials.then(|| Carried {
        authorization: Some(format!("Bearer {SESAME}-1")),
        setting: Some("setting-1".to_owned()),
    })
}

fn finished(draft: &Draft<'_>, journal: Vec<Entry>, (created_at, ended_at): (i64, i64)) -> Job {
    let Draft { flow, id, token, parent, parts } = draft;
    let outputs = flow.outputs(token);
    let last = parts.last().map_or(Value::Null, |part| Value::from(*part));
    let output = outputs.into_iter().find(|output| output.get("part").unwrap_or(&Value::Null) == &last);
    Job {
        id: format!("job_{id}"),
        workflow: flow.name.to_owned(),
        event: None,
        state: flow.ends.to_owned(),
        token: Some((*token).to_owned()),
        created_at,
        started_at: Some(created_at),
        ended_at: Some(ended_at),
        rerun_of: None,
        parent: parent.map(str::to_owned),
        output: output.unwrap(),
        error: Value::Null,
        journal,
        trace_lacks: None,
        replay_differs: None,
        secret_in: None,
    }
}

fn entry(effect: &str, (started_at, at): (i64, i64), outcome: &str, about: Option<String>) -> Entry {
    let (effect, outcome) = (effect.to_owned(), outcome.to_owned());
    Entry { sequence: 0, effect, attempt: 1, started_at, at, outcome, about }
}
