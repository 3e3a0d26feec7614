//! The events and jobs of occurrences.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::trigger::schedule::{Schedule as TriggerSchedule, ScheduleEmits};
use tenon_capture::{Call, CaptureService, ChunkItem, Data, Error, Event, Incoming, JsonText, rfc3339};
use tenon_expr::{Limits, Scope, Template};
use tenon_store::{DedupMark, NoteKind, Timestamp, TriggerNote};

use super::super::definition::{Definition, What};
use super::super::plan::{Plan, Start, note};
use super::super::state::{Moment, Run, State};

/// Bytes of events and inputs that are started in one transaction, unless a single occurrence has more: what the
/// store's writer takes into one batch.
const CHUNK_BYTES: usize = 4 << 20;
/// How long a repeated occurrence is recognised, beside the state that makes it impossible.
const MARK: Duration = Duration::from_hours(30 * 24);
/// What a trigger's expressions may use.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 32 << 20, depth: 256 };

/// Why something starts.
pub(crate) enum Why<'a> {
    /// Its time has come.
    Due,
    /// Somebody asked for it.
    Asked {
        /// Who.
        by: &'a str,
        /// Which request it was: two of one moment, or of a clock that stands still, are two.
        request: &'a str,
    },
}

/// What is written.
pub(crate) struct Built {
    pub(crate) items: Vec<ChunkItem>,
    pub(crate) state: State,
    pub(crate) notes: Vec<TriggerNote>,
    /// Occurrences of which something starts.
    pub(crate) started: u64,
    /// Whether some did not fit, and are to come at once.
    pub(crate) is_cut: bool,
    bytes: usize,
}

/// Makes what is written of a plan; again without what turned out to be impossible.
pub(crate) struct Builder<'a> {
    capture: &'a CaptureService,
    definition: &'a Definition,
    /// Workflows that cannot be started, with the reason.
    left_out: HashMap<String, String>,
}

/// One occurrence, or step of one, while it is being made.
struct Making<'a> {
    builder: &'a Builder<'a>,
    start: &'a Start,
    run: Run,
    items: Vec<ChunkItem>,
    bytes: usize,
    failures: Vec<String>,
}

/// Expressions of a schedule see the occurrence as `.` and nothing else.
struct OccurrenceScope(Timestamp);

impl Scope for OccurrenceScope {
    fn variable(&self, _: &str) -> Option<Cow<'_, Value>> {
        None
    }
    fn now(&self) -> f64 {
        self.0.0 as f64 / 1e6
    }
}

// === impl Builder ===

impl<'a> Builder<'a> {
    pub(crate) fn new(capture: &'a CaptureService, definition: &'a Definition) -> Self {
        Self { capture, definition, left_out: HashMap::new() }
    }

    /// Takes note of something that cannot be started; gives the error back if it is about anything else.
    pub(crate) fn leave_out(&mut self, error: Error) -> Result<(), Error> {
        let is_own = matches!(self.definition.what, What::Workflow(_));
        let name = match &error {
            Error::UnknownWorkflow(name) | Error::Disabled(name) | Error::Program { name, .. } if !is_own => {
                name.clone()
            }
            _ => return Err(error),
        };
        // A subscriber that cannot be compiled has a name that is not ours to leave out.
        if self.left_out.insert(name, error.to_string()).is_some() { Err(error) } else { Ok(()) }
    }

    /// What does not fit into one transaction is postponed: the next plan begins with it.
    pub(crate) fn build(&self, plan: &Plan, why: &Why<'_>) -> Built {
        let (state, notes) = (plan.state.clone(), plan.notes.clone());
        let mut built = Built { items: Vec::new(), state, notes, started: 0, is_cut: false, bytes: 0 };
        for (index, start) in plan.starts.iter().enumerate() {
            let making = self.make(start, why);
            if !built.items.is_empty() && built.bytes + making.bytes > CHUNK_BYTES {
                built.state.postpone(&plan.starts[index..]);
                built.is_cut = true;
                break;
            }
            self.add(&mut built, making, why);
        }
        built
    }

    fn add(&self, built: &mut Built, making: Making<'_>, why: &Why<'_>) {
        let Making { start, run, items, bytes, failures, .. } = making;
        let now = self.capture.ports().clock.now();
        let rules = self.definition.rules(now);
        built.items.extend(items);
        built.bytes += bytes;
        let occurrence = start.occurrence;
        for reason in failures {
            let detail = json!({ "occurrence": Moment(occurrence), "reason": reason });
            built.notes.push(note(NoteKind::Failed, occurrence, &detail));
        }
        if run.event.is_none() && run.jobs.is_empty() {
            if run.started < rules.steps {
                // What could not be started is noted; the next of the sequence has nothing to wait for.
                built.state.running.push(run);
            } else {
                // An occurrence without jobs is over.
                self.end_at_once(start, &mut built.state, now);
            }
            return;
        }
        built.started += u64::from(start.run.is_none());
        built.notes.push(fired(start, &run, why, now));
        if rules.is_tracked() {
            built.state.running.push(run);
        }
    }

    fn end_at_once(&self, start: &Start, state: &mut State, now: Timestamp) {
        if start.run.is_none() && state.next.is_none() && state.running.is_empty() {
            let again = self.definition.schedule().timing.again_after(now.0);
            state.next = again.map(|next| Moment(Timestamp(next)));
        }
    }

    fn make(&'a self, start: &'a Start, why: &Why<'_>) -> Making<'a> {
        let (event, asked) = match (&start.run, why) {
            // A sequence goes on as what it began as.
            (Some(run), _) => (run.event, run.asked.clone()),
            (None, Why::Asked { request, .. }) => (None, Some((*request).to_owned())),
            (None, Why::Due) => (None, None),
        };
        let run = Run { occurrence: Moment(start.occurrence), event, asked, ..Run::default() };
        let (items, failures) = (Vec::new(), Vec::new());
        let mut making = Making { builder: self, start, run, items, bytes: 0, failures };
        match &self.definition.what {
            What::Workflow(_) => {
                let input = JsonText::parse("{}".into()).expect("an empty object is JSON");
                making.job(0, &self.definition.name, input);
                making.run.started = 1;
            }
            What::Trigger(trigger) => making.all(trigger),
        }
        making
    }
}

// === impl Making ===

impl Making<'_> {
    fn all(&mut self, trigger: &TriggerSchedule) {
        let view =
            json!({ "trigger": self.builder.definition.name, "occurrence": Moment(self.start.occurrence) });
        let data = match trigger.data.as_ref().map(|data| self.evaluate("data", data, &view)) {
            None => json!({}),
            Some(Ok(data)) => data,
            Some(Err(reason)) => {
                // Nothing of it can be started, now or later.
                self.run.started = trigger.run.len();
                return self.failures.push(reason);
            }
        };
        if let Some(emits) = trigger.emits.as_ref().filter(|_| self.start.run.is_none()) {
            match self.event(emits, &view, &data) {
                Ok(incoming) => {
                    let id = incoming.id;
                    if self.push(ChunkItem::Event(Box::new(incoming))) {
                        self.run.event = id;
                    }
                }
                Err(reason) => self.failures.push(reason),
            }
        }
        let steps = self.builder.definition.rules(self.start.occurrence).steps;
        let done = self.start.run.as_ref().map_or(0, |run| run.started);
        let these = if steps > 1 { done..(done + 1).min(trigger.run.len()) } else { 0..trigger.run.len() };
        self.run.started = these.end;
        let input = serde_json::to_vec(&data).expect("a JSON value can always be written");
        match JsonText::parse(input.into()) {
            Ok(input) => these.for_each(|index| self.job(index, &trigger.run[index], input.clone())),
            Err(error) => self.failures.push(format!("`data` cannot be a job's input: {error}")),
        }
    }

    /// Adds an item, if it can be captured: else it would hold up all others of its transaction, for ever.
    fn push(&mut self, item: ChunkItem) -> bool {
        match self.builder.capture.check_item(&item) {
            Ok(bytes) => {
                self.items.push(item);
                self.bytes += bytes;
                true
            }
            Err(error) => {
                self.failures.push(error.to_string());
                false
            }
        }
    }

    fn event(&self, emits: &ScheduleEmits, view: &Value, data: &Value) -> Result<Incoming, String> {
        let Builder { capture, definition, .. } = self.builder;
        let r#type = match self.evaluate("emits.type", &emits.r#type, view)? {
            Value::String(text) if !text.is_empty() => text,
            other => return Err(format!("`emits.type` must give text, but gave {other}")),
        };
        let subject = match &emits.subject {
            None => None,
            Some(subject) => match self.evaluate("emits.subject", subject, view)? {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            },
        };
        let data = match &emits.data {
            None => data.clone(),
            Some(data) => self.evaluate("emits.data", data, view)?,
        };
        let occurrence = rfc3339(self.start.occurrence);
        let event = Event {
            id: Some(format!("{}/{}", definition.name, self.key())),
            source: format!("/triggers/{}", definition.name),
            r#type,
            subject,
            time: Some(occurrence.clone()),
            datacontenttype: Some("application/json".to_owned()),
            data: Data::Value(data),
            ..Event::default()
        };
        let ports = capture.ports();
        // Of the defect: an occurrence that comes again must not be known by its mark either.
        let is_defect = cfg!(feature = "mutant-schedule-again");
        let other = if is_defect { ports.ids.event().to_string() } else { String::new() };
        let mark = DedupMark {
            scope: format!("schedule:{}", definition.resource.0),
            key: format!("{}{other}", self.key()),
            expires: ports.clock.now().after(MARK),
        };
        let incoming = Incoming::new(definition.workspace, event);
        Ok(Incoming { id: Some(ports.ids.event()), mark: Some(mark), ..incoming })
    }

    fn job(&mut self, index: usize, workflow: &str, input: JsonText) {
        let Builder { capture, definition, left_out, .. } = self.builder;
        if let Some(reason) = left_out.get(workflow) {
            return self.failures.push(reason.clone());
        }
        let job = capture.ports().ids.job();
        let key = format!("schedule:{}:{}#{index}", definition.resource.0, self.key());
        let call = Call {
            workspace: definition.workspace,
            workflow: workflow.to_owned(),
            input,
            idempotency_key: Some(key),
            job: Some(job),
        };
        if self.push(ChunkItem::Run(call)) {
            self.run.jobs.push(job);
        }
    }

    /// What tells it from all others of its schedule: what is asked for is another thing than what is due at the same
    /// moment, and each request asks for one of its own.
    fn key(&self) -> String {
        let occurrence = rfc3339(self.start.occurrence);
        match &self.run.asked {
            None => occurrence,
            Some(request) => format!("asked-{occurrence}-{request}"),
        }
    }

    fn evaluate(&self, name: &str, template: &Template, view: &Value) -> Result<Value, String> {
        let scope = OccurrenceScope(self.builder.capture.ports().clock.now());
        template.evaluate(view, &scope, &LIMITS).map_err(|error| format!("`{name}` failed: {error}"))
    }
}

fn fired(start: &Start, run: &Run, why: &Why<'_>, now: Timestamp) -> TriggerNote {
    let mut detail = json!({ "occurrence": Moment(start.occurrence), "jobs": run.jobs });
    if start.run.is_none()
        && let Some(event) = run.event
    {
        detail["event"] = json!(event);
    }
    if let Why::Asked { by, .. } = why {
        detail["by"] = (*by).into();
    }
    let late = now.since(start.occurrence).as_secs();
    if late > 0 {
        detail["lateSeconds"] = late.into();
    }
    note(NoteKind::Fired, start.occurrence, &detail)
}
