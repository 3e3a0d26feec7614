//! A stored job as the interpreter wants it: program, event, input, and its journal.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_capture::{Deployed, HOPS, LIFECYCLE, MASKED_BY};
use tenon_engine::{Job, Recorded, SEMANTICS, Timestamp};
use tenon_store::{Entry, JobId, JobPayload, Origin};
use tenon_workflow::{Action, Program};

/// Why a job cannot be interpreted.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The stored event or input is not JSON: damaged.
    #[error("the job's {0} cannot be read: {1}")]
    Unreadable(&'static str, String),
    /// The job needs an interpreter that this version does not have.
    #[error("the job is pinned to version {0} of the engine's semantics; this server has {SEMANTICS}")]
    Semantics(u16),
}

/// What of a job the interpreter needs, wherever it was read from.
pub(crate) struct Source<'a> {
    pub(crate) id: JobId,
    pub(crate) origin: Origin,
    pub(crate) semantics: u16,
    pub(crate) captured_at: tenon_store::Timestamp,
    pub(crate) payload: &'a JobPayload,
}

/// A job as the interpreter wants it.
pub(crate) struct Loaded {
    pub(crate) job: Job,
    /// Whether a lifecycle event started it, by whatever number of steps.
    pub(crate) is_lifecycle: bool,
    /// Whether it has values that nobody is shown.
    pub(crate) is_masked: bool,
}

/// Puts the pieces together.
pub(crate) fn job(deployed: &Deployed, source: &Source<'_>) -> Result<Loaded, Error> {
    if source.semantics != SEMANTICS {
        return Err(Error::Semantics(source.semantics));
    }
    let Events { own, gathered } = Events::read(source.payload)?;
    let About { hops, is_lifecycle, is_masked } = about_all(std::iter::once(&own).chain(&gathered));
    let is_masked = is_masked || !deployed.program.settings.mask.is_empty();
    let triggering = if gathered.is_empty() { vec![own] } else { gathered };
    let input = match (&source.payload.input, source.origin) {
        (Some(edited), _) => read("input", edited)?,
        (None, Origin::Call) => triggering[0].get("data").cloned().unwrap_or(Value::Null),
        (None, Origin::Event) => input(&deployed.program, &triggering),
    };
    let event = match source.origin {
        Origin::Event => triggering.into_iter().next().map(Arc::new),
        Origin::Call => None,
    };
    let job = Job {
        id: source.id.to_string(),
        program: Arc::clone(&deployed.program),
        event,
        input: Arc::new(input),
        captured_at: time(source.captured_at),
        runtime: Arc::new(runtime(source.semantics)),
        hops,
    };
    Ok(Loaded { job, is_lifecycle, is_masked })
}

/// The events of a job.
struct Events {
    /// The one that it started with.
    own: Value,
    /// Those that it was gathered from, in order of capture.
    gathered: Vec<Value>,
}

// === impl Events ===

impl Events {
    fn read(payload: &JobPayload) -> Result<Self, Error> {
        let gathered = payload.gathered.iter().map(|envelope| read("event", envelope));
        Ok(Self { own: read("event", &payload.envelope)?, gathered: gathered.collect::<Result<_, _>>()? })
    }
}

/// What an event's own attributes say of the jobs that it starts.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) hops: u32,
    pub(crate) is_lifecycle: bool,
    /// A job made it that has values which nobody is shown.
    pub(crate) is_masked: bool,
}

/// Whether a workflow may take events while it runs.
pub(crate) fn listens(program: &Program) -> bool {
    program.tasks.iter().any(|task| matches!(task.action, Action::Listen(_)))
}

/// What the events of a job say of it; nothing if they cannot be read.
pub(crate) fn about_job(payload: &JobPayload) -> Option<About> {
    let Events { own, gathered } = Events::read(payload).ok()?;
    Some(about_all(std::iter::once(&own).chain(&gathered)))
}

/// The longest way counts, and every origin.
fn about_all<'a>(envelopes: impl Iterator<Item = &'a Value>) -> About {
    envelopes.map(about).fold(About::default(), |all, one| About {
        hops: all.hops.max(one.hops),
        is_lifecycle: all.is_lifecycle || one.is_lifecycle,
        is_masked: all.is_masked || one.is_masked,
    })
}

/// Reads them. Binary CloudEvents carry attributes as text.
pub(crate) fn about(envelope: &Value) -> About {
    let hops = envelope.get(HOPS).and_then(|hops| hops.as_u64().or_else(|| hops.as_str()?.parse().ok()));
    About {
        hops: hops.map_or(0, |hops| u32::try_from(hops).unwrap_or(u32::MAX)),
        is_lifecycle: envelope.get(LIFECYCLE).is_some_and(|is| *is == true || is == "true"),
        is_masked: envelope.get(MASKED_BY).is_some(),
    }
}

/// `$runtime` is pinned with the job, so it names the semantics and not the build.
fn runtime(semantics: u16) -> Value {
    json!({ "name": "tenon", "version": semantics.to_string(), "metadata": {} })
}

/// Rule 22: the array of the triggering events, in order of capture.
fn input(program: &Program, triggering: &[Value]) -> Value {
    let read = program.subscription.as_ref().map(|subscription| subscription.read).unwrap_or_default();
    triggering.iter().map(|envelope| read.copy(envelope)).collect()
}

fn read(what: &'static str, bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::Unreadable(what, error.to_string()))
}

/// The engine's moment of a stored one.
pub(crate) fn time(at: tenon_store::Timestamp) -> Timestamp {
    Timestamp(at.0)
}

/// The stored moment of an engine's.
pub(crate) fn stored(at: Timestamp) -> tenon_store::Timestamp {
    tenon_store::Timestamp(at.0)
}

/// A journal entry as the engine replays it.
pub(crate) fn recorded(entry: Entry) -> Recorded {
    Recorded {
        sequence: entry.sequence,
        effect: entry.effect.into(),
        attempt: entry.attempt,
        arguments: entry.arguments,
        started_at: time(entry.started_at),
        at: time(entry.at),
        outcome: entry.outcome.into(),
    }
}

/// An accepted outcome as the store keeps it.
pub(crate) fn entry(recorded: Recorded) -> Entry {
    Entry {
        sequence: recorded.sequence,
        effect: recorded.effect.to_string(),
        attempt: recorded.attempt,
        arguments: recorded.arguments,
        started_at: stored(recorded.started_at),
        at: stored(recorded.at),
        outcome: recorded.outcome.into(),
    }
}
