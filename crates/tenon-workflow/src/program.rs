//! A checked document, compiled: what the interpreter walks.
//!
//! Tasks and blocks live in two arenas and refer to each other by index, so that a stack machine can hold
//! its place as plain numbers and a checkpoint can be written down. Names are resolved, expressions are
//! compiled, durations that are literal are parsed. Nothing here runs anything.

mod call;
mod cron;
mod duration;
mod error_type;
mod event_filter;
mod extension;
mod files;
mod listen;
mod run;
mod schedule;
mod schema;
mod schema_cost;
mod subscription;

pub use call::{
    Authentication, AuthenticationScheme, AuthenticationSource, FunctionCall, GrpcCall, HttpCall, HttpOutput,
    OpenApiCall,
};
pub use cron::{CalendarError, Cron, Zone};
pub use duration::{LONGEST_DURATION, ParseDurationError, Span, parse_duration};
pub use error_type::{ErrorType, same_error_type};
pub(crate) use error_type::{error_type_called, standard_error_type};
pub use event_filter::{EventFilter, EventTypes, Match};
pub use extension::{Extends, Extension};
pub use files::{FileKind, FileReference, Files};
pub use listen::{Correlation, Foreach, Listen, ListenFilter, Strategy, Until};
pub use run::{Fork, RunWorkflow};
pub use schedule::{Missed, Overlap, SHORTEST_INTERVAL, Schedule, Timing};
pub use schema::{Schema, Violation};
pub use subscription::Subscription;

use std::sync::Arc;
use std::time::Duration;

use tenon_expr::{Expr, Template, Value};

/// The variable that holds configuration by name, for `{"$variable": …}`. No document can name it: variables of
/// loops and catches do not start with two underscores, and expressions of documents are compiled without it.
pub const CONFIGURATION: &str = "__variables";

/// One workflow revision, ready to run.
#[derive(Debug)]
pub struct Program {
    /// Who it is.
    pub name: Name,
    /// The document as written, for `$workflow.definition`.
    pub definition: Arc<Value>,
    /// The workflow's `input`.
    pub input: Input,
    /// The workflow's `output`.
    pub output: Output,
    /// The workflow's `timeout`.
    pub timeout: Option<Span>,
    /// The top-level `do`.
    pub body: BlockId,
    /// Which events start it (`schedule.on`).
    pub subscription: Option<Subscription>,
    /// When it starts by itself (`schedule.every|cron|after`).
    pub schedule: Option<Schedule>,
    /// `document.metadata.tenon`.
    pub settings: Settings,
    /// `use.extensions`, in declaration order.
    pub extensions: Vec<Extension>,
    /// `use.secrets`: the names that the document may read.
    pub secrets: Vec<String>,
    /// The names of all `{"$variable": …}` in it, sorted.
    pub variables: Vec<String>,
    /// All tasks; a [`TaskId`] is an index here.
    pub tasks: Vec<Task>,
    /// All task lists; a [`BlockId`] is an index here.
    pub blocks: Vec<Block>,
}

// === impl Program ===

impl Program {
    /// The task of an id that this program gave out.
    pub fn task(&self, id: TaskId) -> &Task {
        &self.tasks[id.0 as usize]
    }

    /// A task as it is written, for `$task.definition`. Not kept with the task: with each level of nesting there
    /// would be another copy.
    pub fn definition_of(&self, task: &Task) -> &Value {
        self.definition.pointer(&task.pointer).expect("a task's pointer is one into its document")
    }

    /// The block of an id that this program gave out.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.0 as usize]
    }
}

/// `namespace/name:version`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// `document.namespace`.
    pub namespace: String,
    /// `document.name`.
    pub name: String,
    /// `document.version`, a semantic version.
    pub version: String,
}

/// Index of a task in [`Program::tasks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// Index of a block in [`Program::blocks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A list of tasks that run one after another; a scope for `then` and for `$steps`.
#[derive(Debug)]
pub struct Block {
    /// In declaration order.
    pub tasks: Vec<TaskId>,
}

/// One task.
#[derive(Debug)]
pub struct Task {
    /// Its index.
    pub id: TaskId,
    /// Its name in its block.
    pub name: String,
    /// JSON Pointer in the document, with indexes: `/do/0/getPet`.
    pub pointer: String,
    /// The block it stands in.
    pub block: BlockId,
    /// Its place in that block.
    pub position: usize,
    /// `if`.
    pub condition: Option<Expr>,
    /// `input`.
    pub input: Input,
    /// `output`.
    pub output: Output,
    /// `export`.
    pub export: Option<Export>,
    /// `timeout`.
    pub timeout: Option<Span>,
    /// `then`.
    pub then: Then,
    /// Which of [`Program::extensions`] surround it, by their `extend`; none for tasks of extensions.
    pub extensions: Vec<usize>,
    /// What it does.
    pub action: Action,
}

/// Where flow goes after a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next task of the block.
    Continue,
    /// Out of this block; flow goes on after the task that owns it.
    Exit,
    /// The workflow ends.
    End,
    /// The task at this position of the same block.
    Jump(usize),
}

/// `input` of a workflow or task.
#[derive(Debug, Default)]
pub struct Input {
    /// Checked against the raw input.
    pub schema: Option<Schema>,
    /// `.` is the raw input.
    pub from: Option<Template>,
}

/// `output` of a workflow or task.
#[derive(Debug, Default)]
pub struct Output {
    /// `.` is the raw output.
    pub r#as: Option<Template>,
    /// Checked against the transformed output.
    pub schema: Option<Schema>,
}

/// `export` of a task: replaces `$context`.
#[derive(Debug)]
pub struct Export {
    /// `.` is the transformed output. Without it the transformed output itself is exported.
    pub r#as: Option<Template>,
    /// Checked against the exported value.
    pub schema: Option<Schema>,
}

/// What a task does. Kinds that are not here are refused by `compile`.
#[derive(Debug)]
pub enum Action {
    /// `call` of a function under `use.functions`.
    CallFunction(FunctionCall),
    /// `call: grpc`.
    CallGrpc(Box<GrpcCall>),
    /// `call: http`.
    CallHttp(Box<HttpCall>),
    /// `call: openapi`.
    CallOpenApi(Box<OpenApiCall>),
    /// `do`.
    Do(BlockId),
    /// `emit`.
    Emit(Emit),
    /// `for`.
    For(For),
    /// `fork`.
    Fork(Fork),
    /// `listen`.
    Listen(Box<Listen>),
    /// `raise`.
    Raise(Raise),
    /// `run: workflow`.
    RunWorkflow(RunWorkflow),
    /// `set`.
    Set(Template),
    /// `switch`; without a match the task's own `then` applies.
    Switch(Vec<Case>),
    /// `try`.
    Try(Box<Try>),
    /// `wait`.
    Wait(Wait),
}

/// `emit`.
#[derive(Debug)]
pub struct Emit {
    /// `event.with`: gives an object of CloudEvents attributes and `data`.
    pub event: Template,
}

/// `for`.
#[derive(Debug)]
pub struct For {
    /// Variable of the item, without `$` (default `item`).
    pub each: String,
    /// Variable of the index, without `$` (default `index`).
    pub at: String,
    /// Gives an array: an expression (may be bare) or an inline list.
    pub r#in: Template,
    /// Checked before each iteration.
    pub r#while: Option<Expr>,
    /// The body.
    pub body: BlockId,
}

/// `raise`. Each member gives a value when the task runs.
#[derive(Debug)]
pub struct Raise {
    /// Gives a URI.
    pub r#type: Template,
    /// Gives an integer.
    pub status: Template,
    /// Gives a string.
    pub title: Option<Template>,
    /// Gives a string.
    pub detail: Option<Template>,
    /// Gives a JSON Pointer; default: this task's.
    pub instance: Option<Template>,
}

/// One case of a `switch`.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// None: the default case.
    pub when: Option<Expr>,
    /// Where to go.
    pub then: Then,
}

/// `try` with its `catch`.
#[derive(Debug)]
pub struct Try {
    /// The guarded tasks.
    pub body: BlockId,
    /// `catch.errors.with`: member name (`type`, `status`, `title`, `detail`, `instance`) and the wanted value.
    pub errors: Vec<(String, Value)>,
    /// Variable of the error, without `$` (default `error`).
    pub r#as: String,
    /// `catch.when`.
    pub when: Option<Expr>,
    /// `catch.exceptWhen`.
    pub except_when: Option<Expr>,
    /// `catch.retry`.
    pub retry: Option<Retry>,
    /// `catch.do`.
    pub handler: Option<BlockId>,
    /// `catch.then`, if it is written.
    pub then: Option<Then>,
}

/// A retry policy, references resolved.
#[derive(Debug)]
pub struct Retry {
    /// Retry only when.
    pub when: Option<Expr>,
    /// Do not retry when.
    pub except_when: Option<Expr>,
    /// Base delay (default none).
    pub delay: Option<Span>,
    /// How the delay grows.
    pub backoff: Backoff,
    /// `limit.attempt.count`: number of retries.
    pub count: Option<u32>,
    /// `limit.attempt.duration`: bound of each attempt.
    pub attempt_duration: Option<Span>,
    /// `limit.duration`: total time from the first failure.
    pub duration: Option<Span>,
    /// Uniform value of `[from, to]` added to each delay.
    pub jitter: Option<(Span, Span)>,
}

/// How the delay before the n-th retry grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// `delay`.
    Constant,
    /// `delay · n`.
    Linear,
    /// `delay · 2ⁿ⁻¹`.
    Exponential,
}

/// `wait`.
#[derive(Debug)]
pub enum Wait {
    /// For a time.
    For(Span),
    /// `metadata.tenon.until`: gives an RFC 3339 moment.
    Until(Expr),
}

/// How a triggering event is read into the workflow's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadAs {
    /// Its `data` (default).
    #[default]
    Data,
    /// The whole envelope.
    Envelope,
    /// Its data as captured: text stays text, binary is base64.
    Raw,
}

/// `document.metadata.tenon`.
#[derive(Debug)]
pub struct Settings {
    /// Gives the ordering key; `.` is the event's envelope.
    pub ordering_key: Option<Expr>,
    /// Gives the dedup key; `.` is the event's envelope.
    pub dedup_key: Option<Expr>,
    /// How long a dedup mark lives (default 24 h).
    pub dedup_for: Duration,
    /// Jobs of this workflow at once.
    pub concurrency: Option<u32>,
    /// Jobs of this workflow that start in a time.
    pub rate_limit: Option<RateLimit>,
    /// What an ordered lane does when a job faults.
    pub on_failure: OnFailure,
    /// 0..=9, higher first (default 5).
    pub priority: u8,
    /// How long finished jobs are kept; `None`: as the server is configured.
    pub keep_jobs: Option<Duration>,
    /// How long their payloads are kept; `None`: as the server is configured.
    pub keep_payloads: Option<Duration>,
    /// JSON Pointers into the event: values that are masked wherever they are shown.
    pub mask: Vec<String>,
    /// The answer for synchronous callers.
    pub respond: Option<Respond>,
}

/// So many in so much time. Only the first start of a job counts, not its going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many, at least 1.
    pub limit: u32,
    /// In what time.
    pub per: Duration,
    /// How many at once after a pause, at least 1.
    pub burst: u32,
}

/// What an ordered lane does when a job faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The next job starts (default).
    #[default]
    Continue,
    /// The lane stops until someone resumes.
    Park,
}

/// `metadata.tenon.respond`; `.` is the workflow's output.
#[derive(Debug)]
pub struct Respond {
    /// Gives an integer 200..=599.
    pub status: Option<Template>,
    /// Gives an object of strings.
    pub headers: Option<Template>,
    /// Gives the body.
    pub body: Option<Template>,
}
