//! The document as a whole: `document`, `use`, `schedule`, `evaluate`.

use super::Literal::{Any, Cron, DslVersion, Label, Language, Mode, NotEmpty, Version};
use super::{
    Field, Object, Place, Rule, Section, Shape, authentication, call, data, event, fault, later, tenon,
};

/// A workflow document.
pub static WORKFLOW: Object = Object::new(
    "a workflow",
    &[
        Field::new("document", &DOCUMENT, "What this is").required(),
        Field::new("input", &data::WORKFLOW_INPUT, "What the workflow gets"),
        Field::new("use", &USE, "Definitions to refer to"),
        Field::new("do", &Shape::Tasks, "Tasks, one after another").required(),
        Field::new("timeout", &fault::WORKFLOW_TIMEOUT, "How long a job may take"),
        Field::new("output", &data::WORKFLOW_OUTPUT, "What the workflow gives"),
        Field::new("schedule", &SCHEDULE, "What starts the workflow"),
        Field::new("evaluate", &EVALUATE, "The expression language"),
    ],
);

static DOCUMENT: Shape = Shape::Object(&Object::new(
    "`document`",
    &[
        Field::new("dsl", &Shape::Text(DslVersion), "The language's version").required(),
        Field::new("namespace", &Shape::Text(Label), "The namespace").required(),
        Field::new("name", &Shape::Text(Label), "The name").required(),
        Field::new("version", &Shape::Text(Version), "The workflow's version").required(),
        Field::new("title", &Shape::Text(Any), "A title"),
        Field::new("summary", &Shape::Text(Any), "A summary, in Markdown"),
        Field::new("tags", &Shape::Map(&Shape::Anything), "Tags"),
        Field::new("metadata", &tenon::DOCUMENT_METADATA, "Further information"),
    ],
));

static USE: Shape = Shape::Object(&Object::new(
    "`use`",
    &[
        Field::new(
            "authentications",
            &Shape::Definitions(Section::Authentications, &authentication::POLICY),
            "Authentication policies",
        ),
        Field::new("catalogs", &Shape::Map(&CATALOG), "Catalogs of functions").later(&later::CATALOGS),
        Field::new("errors", &Shape::Definitions(Section::Errors, &fault::ERROR), "Errors"),
        Field::new("extensions", &Shape::Named(&EXTENSION, 0), "Extensions of tasks"),
        Field::new("functions", &Shape::Functions, "Functions"),
        Field::new("retries", &Shape::Definitions(Section::Retries, &fault::RETRY_POLICY), "Retry policies"),
        Field::new("secrets", &Shape::List(&Shape::Text(NotEmpty), 0), "Names of secrets"),
        Field::new("timeouts", &Shape::Definitions(Section::Timeouts, &fault::TIMEOUT), "Timeouts"),
    ],
));

static CATALOG: Shape = Shape::Object(&Object::new(
    "a catalog",
    &[Field::new("endpoint", &call::ENDPOINT_ANY, "Where it is").required()],
));

const EXTENDED: &[&str] =
    &["call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all"];

static EXTENSION: Shape = Shape::Object(&Object::new(
    "an extension",
    &[
        Field::new("extend", &Shape::Choice(EXTENDED), "Which kind of task").required(),
        Field::new("when", &Shape::Expression(Place::TaskInput), "Only when"),
        Field::new("before", &Shape::Tasks, "Tasks before it"),
        Field::new("after", &Shape::Tasks, "Tasks after it"),
    ],
));

/// The language allows several. What they share (what is missed or overlaps, what comes next) is one schedule's.
const ONE_TIMING: &str = "keep one of them (`after` is only for workflows); for any other write a trigger of \
    `kind: schedule` with `run: [{ workflow: <namespace>/<name> }]`";

static SCHEDULE: Shape = Shape::Object(
    &Object::new(
        "`schedule`",
        &[
            Field::new("every", &Shape::Duration(None), "An interval, at least a second"),
            Field::new("cron", &Shape::Text(Cron), "A cron expression of five or six fields"),
            Field::new("after", &Shape::Duration(None), "A pause after each job, at least a second"),
            Field::new("on", &event::SCHEDULED, "Events"),
            Field::new("read", &event::READ, "How events are read; default data"),
        ],
    )
    .rules(&[
        Rule::AtLeastOne(&["every", "cron", "after", "on"]),
        Rule::AtMostOne(&["every", "cron", "after"], ONE_TIMING),
        Rule::Needs("read", "on"),
    ]),
);

static EVALUATE: Shape = Shape::Object(&Object::new(
    "`evaluate`",
    &[
        Field::new("language", &Shape::Text(Language), "Only jq"),
        Field::new("mode", &Shape::Text(Mode), "Only strict"),
    ],
));
