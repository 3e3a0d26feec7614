//! The language as data: which fields every construct has and what they may hold.
//!
//! One table, read by the checker (unknown fields, types, required fields, ranges, expressions and their
//! variables) and by whoever wants to describe the language to a person or an editor. Everything is `static`,
//! so it costs nothing to have. The table says what is *valid*; what is valid but not executable yet carries a
//! [`Later`], which says why. It holds no logic.

mod authentication;
mod call;
mod data;
mod event;
mod fault;
pub(crate) mod later;
mod run;
mod task;
mod tenon;
mod workflow;

use crate::program::FileKind;

pub use later::Later;
pub use task::{CALLS, CUSTOM_CALL, TASK_BASE, TASK_KINDS};
pub use workflow::WORKFLOW;

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// Anything, not looked into.
    Anything,
    /// Any value; every text in it that is wholly `${ … }` is an expression.
    Data(Place),
    /// As `Data`, but an object with at least so many members.
    DataObject(Place, usize),
    /// As `Data`, but an object whose members are text, numbers, booleans, or (if so said) lists of such.
    Strings {
        /// Where expressions in it are evaluated.
        place: Place,
        /// Whether a member may be a list.
        lists: bool,
    },
    /// An expression, bare or as `${ … }`.
    Expression(Place),
    /// A bare or wrapped expression that gives data.
    Transform(Place),
    /// Text that is wholly `${ … }`.
    Computed(Place),
    /// An inline array with expressions in it.
    Array(Place),
    /// Literal text.
    Text(Literal),
    /// Literal text or `${ … }`.
    TextOr(Literal, Place),
    /// Literal text or `${ … }`, as part of an object that is one template.
    Part(Literal),
    /// An address in such an object: `{name}` is filled in.
    PartUri {
        /// Whether it must be http or https.
        web: bool,
    },
    /// An address: `{name}` is filled in. With `web`, it must be http or https.
    Uri {
        /// Where its expression is evaluated.
        place: Place,
        /// Whether it must be http or https.
        web: bool,
    },
    /// A whole number in a range, both ends included.
    Integer(i64, i64),
    /// The same, or `${ … }`.
    IntegerOr(i64, i64, Place),
    /// `true` or `false`.
    Boolean,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A duration: ISO 8601, object, or (given a place) `${ … }`.
    Duration(Option<Place>),
    /// The name of a variable.
    VariableName,
    /// `continue`, `exit`, `end` or the name of a task of the same list.
    Flow,
    /// The name of a definition under `use`, with the shape that the definition must have at this place.
    Reference(Section, &'static Shape),
    /// As `Map`, for definitions whose expressions are checked where they are used.
    Definitions(Section, &'static Shape),
    /// A JSON Schema.
    JsonSchema,
    /// What an attribute of an event must be; computed only where there is a job.
    Match(Place),
    /// What an event's data must be: an expression over the data, or a literal value.
    MatchData(Place),
    /// An object of known fields.
    Object(&'static Object),
    /// A list with at least so many items.
    List(&'static Shape, usize),
    /// An object with free names and members of one shape.
    Map(&'static Shape),
    /// A list of objects with one free name each, at least so many.
    Named(&'static Shape, usize),
    /// The address of a file that is fetched at deploy: literal, http or https. Without a kind it is never fetched.
    File(Option<FileKind>),
    /// The name of a function that `use.functions` defines.
    FunctionName,
    /// The functions under `use`.
    Functions,
    /// A list of named tasks.
    Tasks,
    /// A list of named tasks, at least one, that run at the same time.
    Branches,
    /// One task.
    Task,
    /// The first alternative that takes this type of value.
    Either(&'static [&'static Shape]),
}

/// An object of known fields.
#[derive(Debug)]
pub struct Object {
    /// What it is called in messages, with article.
    pub title: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Fields that it shares with others.
    pub base: &'static [Field],
    /// The shape of members with other names; without it they are refused.
    pub open: Option<&'static Shape>,
    /// What must hold between its fields.
    pub rules: &'static [Rule],
    /// Variables that it declares.
    pub binds: &'static [Bind],
    /// Whether the object as a whole is one template, evaluated here.
    pub whole: Option<Place>,
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it may hold.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub required: bool,
    /// Why it cannot be executed yet.
    pub later: Option<&'static Later>,
    /// One line for editors.
    pub about: &'static str,
}

/// What must hold between the fields of an object.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// One and only one of these is there.
    ExactlyOne(&'static [&'static str]),
    /// None or one of these is there; how to mend several.
    AtMostOne(&'static [&'static str], &'static str),
    /// One or more of these are there.
    AtLeastOne(&'static [&'static str]),
    /// The first needs the second.
    Needs(&'static str, &'static str),
    /// The field `.0` is there if and only if the field `.1` has the value `.2`.
    OnlyWith(&'static str, &'static str, &'static str),
}

/// A variable that an object declares for some of its fields.
#[derive(Debug)]
pub struct Bind {
    /// Where its name is written, from the object.
    pub path: &'static [&'static str],
    /// Its name if none is written.
    pub default: &'static str,
    /// The fields that see it.
    pub seen_by: &'static [&'static str],
}

/// Where an expression stands: decides which variables it may read (the table "runtime expression arguments"
/// of the specification, with Tenon's `$steps` and `$event`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The workflow's `input.from` and `timeout`.
    WorkflowInput,
    /// The workflow's `output.as`.
    WorkflowOutput,
    /// A task's `if`, `input.from` and `timeout`.
    TaskInput,
    /// A task's definition.
    Task,
    /// The arguments of an effect, where secrets and configuration are readable.
    Effect,
    /// The input of a child job, where configuration is readable. It is data of the child, so secrets are not.
    ChildInput,
    /// A task's `output.as`.
    TaskOutput,
    /// A task's `export.as`.
    TaskExport,
    /// Before there is a job: `.` is the event or its data, and there are no variables.
    Capture,
    /// `metadata.tenon.respond`: `.` is the workflow's output.
    Respond,
}

/// A section of `use` that names refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `use.authentications`
    Authentications,
    /// `use.errors`
    Errors,
    /// `use.retries`
    Retries,
    /// `use.secrets`
    Secrets,
    /// `use.timeouts`
    Timeouts,
}

/// The form of a literal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// Any.
    Any,
    /// Not empty.
    NotEmpty,
    /// `1.0.x`
    DslVersion,
    /// A semantic version.
    Version,
    /// Letters, digits and inner dashes, at most 63.
    Label,
    /// An HTTP method.
    HttpMethod,
    /// A JSON Pointer.
    JsonPointer,
    /// RFC 3339.
    Moment,
    /// Five or six fields.
    Cron,
    /// A name of the IANA database.
    TimeZone,
    /// A URI or relative reference.
    UriReference,
    /// `json`, with or without a version.
    SchemaFormat,
    /// `jq`
    Language,
    /// `strict`
    Mode,
}

// === impl Field ===

impl Field {
    const fn new(name: &'static str, shape: &'static Shape, about: &'static str) -> Self {
        Self { name, shape, required: false, later: None, about }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn later(mut self, later: &'static Later) -> Self {
        self.later = Some(later);
        self
    }
}

// === impl Object ===

impl Object {
    const fn new(title: &'static str, fields: &'static [Field]) -> Self {
        Self { title, fields, base: &[], open: None, rules: &[], binds: &[], whole: None }
    }

    const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    const fn open(mut self, shape: &'static Shape) -> Self {
        self.open = Some(shape);
        self
    }

    const fn binds(mut self, binds: &'static [Bind]) -> Self {
        self.binds = binds;
        self
    }

    const fn whole(mut self, place: Place) -> Self {
        self.whole = Some(place);
        self
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().chain(self.base).find(|field| field.name == name)
    }

    /// All fields: its own, then the shared ones.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> + Clone {
        self.fields.iter().chain(self.base)
    }
}

// === impl Place ===

impl Place {
    /// Whether `{"$variable": "name"}` may stand here.
    pub fn reads_configuration(self) -> bool {
        matches!(self, Self::Effect | Self::ChildInput)
    }

    /// The names (without `$`) that may be read here, loop and catch variables aside.
    pub fn variables(self) -> &'static [&'static str] {
        match self {
            Self::WorkflowInput => &["workflow", "runtime", "event"],
            Self::WorkflowOutput => &["context", "workflow", "runtime", "steps", "event"],
            Self::TaskInput => &["context", "task", "workflow", "runtime", "steps", "event"],
            Self::Task | Self::TaskOutput | Self::ChildInput => {
                &["context", "input", "task", "workflow", "runtime", "steps", "event"]
            }
            Self::TaskExport => {
                &["context", "input", "output", "task", "workflow", "runtime", "steps", "event"]
            }
            Self::Effect => &[
                "context",
                "input",
                "task",
                "workflow",
                "runtime",
                "steps",
                "event",
                "secrets",
                "authorization",
            ],
            Self::Capture | Self::Respond => &[],
        }
    }
}

// === impl Section ===

impl Section {
    /// Its key under `use`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Authentications => "authentications",
            Self::Errors => "errors",
            Self::Retries => "retries",
            Self::Secrets => "secrets",
            Self::Timeouts => "timeouts",
        }
    }
}

/// Names of variables that the language gives; documents cannot redefine the first eight.
pub const LANGUAGE_VARIABLES: [&str; 10] = [
    "context",
    "input",
    "output",
    "secrets",
    "authorization",
    "task",
    "workflow",
    "runtime",
    "steps",
    "event",
];
