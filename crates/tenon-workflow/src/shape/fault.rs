//! Errors, retries and timeouts, inline and as `use` defines them.

use super::Literal::{Any, JsonPointer};
use super::{Field, Object, Place, Rule, Section, Shape};

pub(super) static ERROR: Shape = Shape::Object(&Object::new(
    "an error",
    &[
        Field::new("type", &Shape::TextOr(super::Literal::UriReference, Place::Task), "Its type, a URI")
            .required(),
        Field::new("status", &Shape::IntegerOr(100, 599, Place::Task), "Its status").required(),
        Field::new("title", &Shape::TextOr(Any, Place::Task), "A short summary"),
        Field::new("detail", &Shape::TextOr(Any, Place::Task), "What happened"),
        Field::new("instance", &Shape::TextOr(JsonPointer, Place::Task), "Where; default: this task"),
    ],
));

pub(super) static ERROR_OR_NAME: Shape = Shape::Either(&[&Shape::Reference(Section::Errors, &ERROR), &ERROR]);

/// Members of a caught error that are compared by equality.
pub(super) static ERROR_FILTER: Shape = Shape::Object(
    &Object::new(
        "an error filter",
        &[
            Field::new("type", &Shape::Text(super::Literal::UriReference), "The error's type"),
            Field::new("status", &Shape::Integer(100, 599), "The error's status"),
            Field::new("instance", &Shape::Text(Any), "The error's place"),
            Field::new("title", &Shape::Text(Any), "The error's title"),
            Field::new("detail", &Shape::Text(Any), "The error's detail"),
        ],
    )
    .rules(&[Rule::AtLeastOne(&["type", "status", "instance", "title", "detail"])]),
);

pub(super) static TIMEOUT: Shape = Shape::Object(&Object::new(
    "a timeout",
    &[Field::new("after", &Shape::Duration(Some(Place::TaskInput)), "After what time").required()],
));

static WORKFLOW_TIMEOUT_OBJECT: Shape = Shape::Object(&Object::new(
    "a timeout",
    &[Field::new("after", &Shape::Duration(Some(Place::WorkflowInput)), "After what time").required()],
));

pub(super) static TIMEOUT_OR_NAME: Shape =
    Shape::Either(&[&Shape::Reference(Section::Timeouts, &TIMEOUT), &TIMEOUT]);
pub(super) static WORKFLOW_TIMEOUT: Shape = Shape::Either(&[
    &Shape::Reference(Section::Timeouts, &WORKFLOW_TIMEOUT_OBJECT),
    &WORKFLOW_TIMEOUT_OBJECT,
]);

pub(super) static RETRY_POLICY: Shape = Shape::Object(&Object::new(
    "a retry policy",
    &[
        Field::new("when", &Shape::Expression(Place::Task), "Retry only when"),
        Field::new("exceptWhen", &Shape::Expression(Place::Task), "Do not retry when"),
        Field::new("delay", &DURATION, "The delay before a retry"),
        Field::new("backoff", &BACKOFF, "How the delay grows; default constant"),
        Field::new("limit", &LIMIT, "When to give up"),
        Field::new("jitter", &JITTER, "A random addition to the delay"),
    ],
));

pub(super) static RETRY_OR_NAME: Shape =
    Shape::Either(&[&Shape::Reference(Section::Retries, &RETRY_POLICY), &RETRY_POLICY]);

static DURATION: Shape = Shape::Duration(Some(Place::Task));
static NOTHING: Shape = Shape::Object(&Object::new("a backoff", &[]));

static BACKOFF: Shape = Shape::Object(
    &Object::new(
        "a backoff",
        &[
            Field::new("constant", &NOTHING, "The same delay each time"),
            Field::new("exponential", &NOTHING, "Twice the delay each time"),
            Field::new("linear", &NOTHING, "One more delay each time"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["constant", "exponential", "linear"])]),
);

static LIMIT: Shape = Shape::Object(&Object::new(
    "a retry limit",
    &[
        Field::new("attempt", &ATTEMPT, "Bounds of attempts"),
        Field::new("duration", &DURATION, "Total time from the first failure"),
    ],
));

static ATTEMPT: Shape = Shape::Object(&Object::new(
    "bounds of attempts",
    &[
        Field::new("count", &Shape::Integer(0, 100_000), "How many retries"),
        Field::new("duration", &DURATION, "How long one attempt may take"),
    ],
));

static JITTER: Shape = Shape::Object(&Object::new(
    "a jitter",
    &[
        Field::new("from", &DURATION, "The smallest addition").required(),
        Field::new("to", &DURATION, "The largest addition").required(),
    ],
));
