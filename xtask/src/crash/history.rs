//! The third log: what Tenon itself says happened, read over its API once everything is over.

use super::log::{Log, read};
use super::rotator::SESAME;
use super::timetable::{OWN, TIMETABLE, Timed};
use crate::api::Api;
use crate::progress::Progress;
use crate::server::Server;
use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

/// Connections that read at once.
const READERS: usize = 4;

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) notes: Vec<Note>,
}

/// One line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Event(Event),
    Job(Box<Job>),
    Note(Note),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) subject: Option<String>,
    pub(crate) duplicates: u64,
    pub(crate) jobs: Vec<String>,
}

/// What a schedule has noted about an occurrence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) schedule: String,
    /// `fired`, `missed`, `skipped`, `failed`.
    pub(crate) kind: String,
    pub(crate) occurrence: i64,
    /// It is about all from `occurrence` to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<i64>,
    /// What it started by name.
    pub(crate) jobs: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// Without its namespace.
    pub(crate) workflow: String,
    pub(crate) event: Option<String>,
    pub(crate) state: String,
    /// What its input carried.
    pub(crate) token: Option<String>,
    /// Microseconds since 1970, as all times here.
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) rerun_of: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) output: Value,
    pub(crate) error: Value,
    pub(crate) journal: Vec<Entry>,
    /// What its trace lacks.
    pub(crate) trace_lacks: Option<String>,
    /// Why replaying its journal does not give its stored result.
    pub(crate) replay_differs: Option<String>,
    /// Where a secret's value is shown.
    pub(crate) secret_in: Option<String>,
}

/// An entry of a job's journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) sequence: u32,
    pub(crate) effect: String,
    pub(crate) attempt: u32,
    pub(crate) started_at: i64,
    pub(crate) at: i64,
    /// `answered`, `failed`, `emitted`, `started`, `ended`, `received`, `fired`, `cancelled`.
    pub(crate) outcome: String,
    /// The job that was started, or the event that was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
}

impl Event {
    /// The last part of its source, where that counts events of one subject and type.
    pub(crate) fn number(&self) -> usize {
        self.source.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(1)
    }
}

impl Job {
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state.as_str(), "completed" | "faulted" | "cancelled")
    }
}

/// Reads all events and jobs with their journals, traces and replays, and writes them to a log.
pub(crate) fn fetch(server: &Server, log: PathBuf) -> Result<History> {
    let mut api = server.api();
    let events: Vec<Event> =
        api.list("/api/v1/events")?.iter().map(event).collect::<Result<_>>().context("reading events")?;
    let ids: Vec<String> =
        api.list("/api/v1/jobs")?.iter().map(|job| text(job, "id")).collect::<Result<_>>()?;
    let progress = Progress::new("replaying every job", ids.len() as u64);
    let queue = Mutex::new(ids.into_iter());
    let next = || queue.lock().expect("no reader panics while it holds the queue").next();
    let jobs = thread::scope(|scope| {
        let readers: Vec<_> =
            (0..READERS).map(|_| scope.spawn(|| read_jobs(&mut server.api(), &next, &progress))).collect();
        let mut jobs = Vec::new();
        for reader in readers {
            jobs.extend(reader.join().expect("a reader does not panic")?);
        }
        anyhow::Ok(jobs)
    })?;
    progress.finish();
    let notes = notes(&mut server.api())?;
    keep(&log, History { events, jobs, notes })?;
    load(&log)
}

/// The notes of all schedules.
fn notes(api: &mut Api) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for timed in TIMETABLE.iter().chain([&OWN]) {
        let items = api.list(&timed.notes())?;
        notes.extend(items.iter().filter_map(|item| note(timed, item)));
    }
    Ok(notes)
}

/// `None`: it is about no occurrence.
fn note(timed: &Timed, value: &Value) -> Option<Note> {
    let detail = &value["detail"];
    let moment = |name: &str| time(&detail[name]).ok().flatten();
    let (occurrence, until) = match moment("occurrence") {
        Some(occurrence) => (occurrence, None),
        None => (moment("from")?, Some(moment("to")?)),
    };
    let kind = value["kind"].as_str()?.to_owned();
    let jobs = detail["jobs"].as_array().into_iter().flatten().filter_map(id_of).collect();
    Some(Note { schedule: timed.name.to_owned(), kind, occurrence, until, jobs })
}

fn read_jobs(api: &mut Api, next: &dyn Fn() -> Option<String>, progress: &Progress) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    while let Some(id) = next() {
        jobs.push(job(api, &id).with_context(|| format!("reading {id}"))?);
        progress.advance();
    }
    Ok(jobs)
}

fn keep(log: &std::path::Path, history: History) -> Result<()> {
    let log = Log::create(log.to_owned())?;
    let pen = log.pen();
    let History { events, jobs, notes } = history;
    let events = events.into_iter().map(Line::Event);
    let jobs = jobs.into_iter().map(|job| Line::Job(Box::new(job)));
    for line in events.chain(jobs).chain(notes.into_iter().map(Line::Note)) {
        pen.write(line);
    }
    log.finish().map(drop)
}

fn load(log: &std::path::Path) -> Result<History> {
    let mut history = History::default();
    for line in read::<Line>(log)? {
        match line {
            Line::Event(event) => history.events.push(event),
            Line::Job(job) => history.jobs.push(*job),
            Line::Note(note) => history.notes.push(note),
        }
    }
    Ok(history)
}

fn event(value: &Value) -> Result<Event> {
    Ok(Event {
        id: text(value, "id")?,
        kind: text(value, "type")?,
        source: text(value, "source")?,
        subject: value["subject"].as_str().map(str::to_owned),
        duplicates: value["duplicates"].as_u64().unwrap_or(0),
        jobs: value["jobs"].as_array().into_iter().flatten().filter_map(id_of).collect(),
    })
}

/// An id, bare or as a member of an object.
fn id_of(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned)
}

fn job(api: &mut Api, id: &str) -> Result<Job> {
    let value = api.get(&format!("/api/v1/jobs/{id}"))?;
    let journal = api.get(&format!("/api/v1/jobs/{id}/journal"))?;
    let entries = journal["items"].as_array().context("the journal has no items")?;
    let state = text(&value, "state")?;
    // Of a job that is not over, nothing is complete; that it is not over is a violation of its own.
    let over = matches!(state.as_str(), "completed" | "faulted" | "cancelled");
    let trace = over.then(|| api.get(&format!("/api/v1/jobs/{id}/trace")));
    let verdict = over.then(|| api.post(&format!("/api/v1/jobs/{id}/verify")));
    let shown = [("job", Some(&value)), ("journal", Some(&journal)), ("trace", trace.as_ref().and_then(ok))];
    let secret_in = shown.into_iter().find(|(_, shown)| shown.is_some_and(shows_secret));
    Ok(Job {
        id: id.to_owned(),
        workflow: text(&value["workflow"], "name")?,
        event: id_of(&value["event"]),
        state,
        token: token(&value["input"]).or_else(|| token(&value["output"])),
        created_at: time(&value["createdAt"])?.context("a job without createdAt")?,
        started_at: time(&value["startedAt"])?,
        ended_at: time(&value["endedAt"])?,
        rerun_of: id_of(&value["rerunOf"]),
        parent: id_of(&value["parent"]),
        output: value["output"].clone(),
        error: value["error"].clone(),
        journal: entries.iter().map(entry).collect::<Result<_>>()?,
        secret_in: secret_in.map(|(place, _)| place.to_owned()),
        trace_lacks: trace.and_then(|trace| judge(trace, |trace| trace_lacks(id, trace))),
        replay_differs: verdict.and_then(|verdict| judge(verdict, replay_differs)),
    })
}

fn ok(answer: &Result<Value>) -> Option<&Value> {
    answer.as_ref().ok()
}

fn shows_secret(shown: &Value) -> bool {
    shown.to_string().contains(SESAME)
}

/// An answer that is an error is a finding, not the end of the reading.
fn judge(answer: Result<Value>, finding: impl Fn(&Value) -> Option<String>) -> Option<String> {
    answer.map_or_else(|error| Some(format!("{error:#}")), |value| finding(&value))
}

fn entry(value: &Value) -> Result<Entry> {
    Ok(Entry {
        sequence: value["sequence"].as_u64().context("a journal entry without sequence")? as u32,
        effect: text(value, "effect")?,
        attempt: value["attempt"].as_u64().context("a journal entry without attempt")? as u32,
        started_at: time(&value["startedAt"])?.context("a journal entry without startedAt")?,
        at: time(&value["at"])?.context("a journal entry without at")?,
        outcome: text(&value["outcome"], "kind")?,
        about: id_of(&value["outcome"]["job"]).or_else(|| id_of(&value["outcome"]["event"])),
    })
}

/// The input of a job that an event started is an array of data.
fn token(value: &Value) -> Option<String> {
    let value = value.get(0).unwrap_or(value);
    value.get("token")?.as_str().map(str::to_owned)
}

fn trace_lacks(id: &str, trace: &Value) -> Option<String> {
    if trace["job"]["id"] != id {
        return Some(format!("it is the trace of {}", trace["job"]["id"]));
    }
    match trace["steps"].as_array() {
        Some(steps) if !steps.is_empty() => steps.iter().find_map(step_lacks),
        _ => Some("it has no steps".to_owned()),
    }
}

fn step_lacks(step: &Value) -> Option<String> {
    let (place, state) = (&step["reference"], step["state"].as_str().unwrap_or("no state"));
    if !matches!(state, "completed" | "faulted" | "cancelled" | "skipped") {
        return Some(format!("step {place} is {state}"));
    }
    if state != "skipped" && !(step["startedAt"].is_string() && step["endedAt"].is_string()) {
        return Some(format!("step {place} is {state}, but has no start or no end"));
    }
    let open = |attempt: &&Value| !attempt["endedAt"].is_string();
    if let Some(attempt) = step["attempts"].as_array().into_iter().flatten().find(open) {
        return Some(format!("attempt {} of step {place} has no end", attempt["number"]));
    }
    step["children"].as_array().into_iter().flatten().find_map(step_lacks)
}

fn replay_differs(verdict: &Value) -> Option<String> {
    let good = verdict["replayed"] == true && verdict["matches"] == true;
    (!good).then(|| verdict.to_string())
}

fn text(value: &Value, name: &str) -> Result<String> {
    let text = value[name].as_str().with_context(|| format!("no text `{name}` in {value}"))?;
    Ok(text.to_owned())
}

/// Microseconds since 1970 of a time that may be null.
fn time(value: &Value) -> Result<Option<i64>> {
    let Some(text) = value.as_str() else { return Ok(None) };
    let time: Timestamp = text.parse().with_context(|| format!("`{text}` is not a time"))?;
    Ok(Some(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn step(state: &str) -> Value {
        json!({ "reference": "/do/0/a", "state": state, "startedAt": "x", "endedAt": "y",
                "attempts": [{ "number": 1, "startedAt": "x", "endedAt": "y" }], "children": [] })
    }

    #[test]
    fn a_trace_lacks_what_is_not_over() {
        let trace = |steps: Value| json!({ "job": { "id": "job_1" }, "steps": steps });
        assert_eq!(trace_lacks("job_1", &trace(json!([step("completed"), step("skipped")]))), None);
        assert!(trace_lacks("job_2", &trace(json!([step("completed")]))).is_some());
        assert!(trace_lacks("job_1", &trace(json!([]))).is_some());
        assert!(trace_lacks("job_1", &trace(json!([step("running")]))).unwrap().contains("running"));
        let mut parent = step("completed");
        parent["children"] = json!([step("pending")]);
        assert!(trace_lacks("job_1", &trace(json!([parent]))).is_some());
        let mut open = step("completed");
        open["attempts"][0]["endedAt"] = Value::Null;
        assert!(trace_lacks("job_1", &trace(json!([open]))).unwrap().contains("attempt 1"));
    }

    #[test]
    fn a_replay_must_say_that_it_matches() {
        assert_eq!(replay_differs(&json!({ "replayed": true, "matches": true })), None);
        assert!(replay_differs(&json!({ "replayed": true, "matches": false })).is_some());
        assert!(replay_differs(&json!({})).is_some());
    }

    #[test]
    fn what_an_outcome_is_about_is_read() {
        let read = |outcome: Value| {
            let value = json!({ "sequence": 1, "effect": "/do/0/a", "attempt": 1, "outcome": outcome,
                "startedAt": "1970-01-01T00:00:01Z", "at": "1970-01-01T00:00:01Z" });
            entry(&value).unwrap().about
        };
        assert_eq!(read(json!({ "kind": "started", "job": "job_2" })).as_deref(), Some("job_2"));
        let received = json!({ "kind": "received", "event": "ev_1", "envelope": {} });
        assert_eq!(read(received).as_deref(), Some("ev_1"));
        assert_eq!(read(json!({ "kind": "answered" })), None);
    }

    #[test]
    fn notes_about_occurrences_are_read() {
        let read = |detail: Value| {
            let note = note(&OWN, &json!({ "kind": "missed", "at": "x", "detail": detail }))?;
            Some((note.occurrence, note.until))
        };
        let (one, two) = ("1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:02.000000Z");
        assert_eq!(read(json!({ "occurrence": one, "reason": "r" })), Some((1_000_000, None)));
        let span = json!({ "from": one, "to": two, "count": 2 });
        assert_eq!(read(span), Some((1_000_000, Some(2_000_000))));
        assert_eq!(read(json!({ "reason": "the timing changed", "from": "every 1", "to": "every 2" })), None);
    }

    #[test]
    fn a_secret_is_seen_wherever_it_is() {
        assert!(shows_secret(&json!({ "steps": [{ "output": [format!("Bearer {SESAME}-7")] }] })));
        assert!(!shows_secret(&json!({ "output": "<secret:crash-bearer>" })));
    }

    #[test]
    fn tokens_and_times_are_found() {
        assert_eq!(token(&json!([{ "token": "a" }])).as_deref(), Some("a"));
        assert_eq!(token(&json!({ "token": "b" })).as_deref(), Some("b"));
        assert_eq!(token(&Value::Null), None);
        assert_eq!(time(&json!("1970-01-01T00:00:01.000002Z")).unwrap(), Some(1_000_002));
        assert_eq!(time(&Value::Null).unwrap(), None);
        assert!(time(&json!("yesterday")).is_err());
    }
}
