//! Events: their properties, filters, and strategies of consuming them.

use super::Literal::{Any, Moment, NotEmpty, UriReference};
use super::{Bind, Field, Object, Place, Rule, Shape};

/// `emit.event`
pub(super) static EMITTED: Shape = Shape::Object(&Object::new(
    "an event",
    &[Field::new("with", &EMITTED_PROPERTIES, "The event's attributes and data").required()],
));

static EMITTED_PROPERTIES: Shape = Shape::Object(
    &Object::new(
        "the properties of an event",
        &[
            Field::new("id", &Shape::Part(NotEmpty), "Default: derived from the job and the task"),
            Field::new("source", &Shape::Part(UriReference), "Default: the workflow"),
            Field::new("type", &Shape::Part(NotEmpty), "The event's type").required(),
            Field::new("time", &Shape::Part(Moment), "Default: now"),
            Field::new("subject", &Shape::Part(Any), "What it is about"),
            Field::new("datacontenttype", &Shape::Part(NotEmpty), "Default: application/json"),
            Field::new("dataschema", &Shape::Part(UriReference), "The schema of `data`"),
            Field::new("data", &Shape::Anything, "The payload"),
        ],
    )
    .open(&EXTENSION)
    .whole(Place::Task),
);

static EXTENSION: Shape =
    Shape::Either(&[&Shape::Part(Any), &Shape::Boolean, &Shape::Integer(i32::MIN as i64, i32::MAX as i64)]);

macro_rules! filter {
    ($place:expr, $correlate:expr) => {
        Shape::Object(&Object::new(
            "an event filter",
            &[Field::new("with", &properties!($place), "What the event must be").required(), $correlate],
        ))
    };
}

macro_rules! properties {
    ($place:expr) => {
        Shape::Object(
            &Object::new(
                "the properties of an event filter",
                &[
                    Field::new("id", &Shape::Match($place), "The event's id"),
                    Field::new("source", &Shape::Match($place), "Where it happened"),
                    Field::new("type", &Shape::Match($place), "The event's type"),
                    Field::new("time", &Shape::Match($place), "When it happened"),
                    Field::new("subject", &Shape::Match($place), "What it is about"),
                    Field::new("datacontenttype", &Shape::Match($place), "The type of `data`"),
                    Field::new("dataschema", &Shape::Match($place), "The schema of `data`"),
                    Field::new("data", &Shape::MatchData($place), "An expression over the event's data"),
                ],
            )
            .open(&Shape::Match($place))
            .rules(&[Rule::AtLeastOne(&[])]),
        )
    };
}

macro_rules! correlations {
    ($place:expr) => {
        Shape::Map(&Shape::Object(&Object::new(
            "a correlation",
            &[
                Field::new("from", &Shape::Expression($place), "Takes the value from the event").required(),
                Field::new("expect", &Shape::TextOr(Any, $place), "What the value must be"),
            ],
        )))
    };
}

static TASK_FILTER: Shape =
    filter!(Place::Task, Field::new("correlate", &correlations!(Place::Task), "How events belong together"));
static CAPTURE_FILTER: Shape = filter!(
    Place::Capture,
    Field::new("correlate", &correlations!(Place::Capture), "How events belong together")
);

macro_rules! until_consumed {
    ($filter:expr, $least:expr) => {
        Shape::Object(
            &Object::new(
                "an event strategy under `until`",
                &[
                    Field::new("all", &Shape::List(&$filter, $least), "All of these events"),
                    Field::new("any", &Shape::List(&$filter, 0), "Any of these events"),
                    Field::new("one", &$filter, "This event"),
                ],
            )
            .rules(&[Rule::ExactlyOne(&["all", "any", "one"])]),
        )
    };
}

const STRATEGIES: &[Rule] = &[Rule::ExactlyOne(&["all", "any", "one"]), Rule::Needs("until", "any")];

/// `listen.to`
pub(super) static STRATEGY: Shape = Shape::Object(
    &Object::new(
        "an event strategy",
        &[
            Field::new("all", &Shape::List(&TASK_FILTER, 0), "All of these events"),
            Field::new("any", &Shape::List(&TASK_FILTER, 0), "Any of these events; of none: every event"),
            Field::new("one", &TASK_FILTER, "This event"),
            Field::new("until", &UNTIL, "With `any`: when to stop"),
        ],
    )
    .rules(STRATEGIES),
);

static UNTIL: Shape = Shape::Either(&[&Shape::Expression(Place::Task), &until_consumed!(TASK_FILTER, 0)]);

/// `schedule.on`
pub(super) static SCHEDULED: Shape = Shape::Object(
    &Object::new(
        "an event strategy",
        &[
            Field::new("all", &Shape::List(&CAPTURE_FILTER, 1), "All of these events"),
            Field::new("any", &Shape::List(&CAPTURE_FILTER, 0), "Any of these events; of none: every event"),
            Field::new("one", &CAPTURE_FILTER, "This event"),
            Field::new("until", &SCHEDULED_UNTIL, "With `any`: when to stop"),
        ],
    )
    .rules(STRATEGIES),
);

static SCHEDULED_UNTIL: Shape =
    Shape::Either(&[&Shape::Expression(Place::Capture), &until_consumed!(CAPTURE_FILTER, 1)]);

pub(super) static READ: Shape = Shape::Choice(&["data", "envelope", "raw"]);

/// `listen`
pub(super) static LISTEN: Shape = Shape::Object(&Object::new(
    "`listen`",
    &[
        Field::new("to", &STRATEGY, "Which events").required(),
        Field::new("read", &READ, "How events are read; default data"),
    ],
));

/// `foreach` of `listen` and of subscriptions.
pub(super) static ITERATOR: Shape = Shape::Object(
    &Object::new(
        "`foreach`",
        &[
            Field::new("item", &Shape::VariableName, "The variable of the item; default item"),
            Field::new("at", &Shape::VariableName, "The variable of the index; default index"),
            Field::new("do", &Shape::Tasks, "What to do with each item"),
            Field::new("output", &super::data::TASK_OUTPUT, "Makes the item's output"),
            Field::new("export", &super::data::TASK_EXPORT, "Makes the new `$context`"),
        ],
    )
    .binds(&[
        Bind { path: &["item"], default: "item", seen_by: &["do", "output", "export"] },
        Bind { path: &["at"], default: "index", seen_by: &["do", "output", "export"] },
    ]),
);
