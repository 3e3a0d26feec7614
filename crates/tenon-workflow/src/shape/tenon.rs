//! `metadata`, and what Tenon reads below `metadata.tenon`. All else under `metadata` is free.

use super::Literal::{Any, JsonPointer, TimeZone};
use super::{Field, Object, Place, Shape};

pub(super) static TASK_METADATA: Shape = Shape::Object(
    &Object::new(
        "`metadata`",
        &[
            Field::new("title", &Shape::Text(Any), "What the task is called in plain English"),
            Field::new("description", &Shape::Text(Any), "What the task is for"),
            Field::new("tenon", &TASK_TENON, "What Tenon reads"),
        ],
    )
    .open(&Shape::Anything),
);

static TASK_TENON: Shape = Shape::Object(&Object::new(
    "a task's `metadata.tenon`",
    &[Field::new("until", &Shape::Expression(Place::Task), "With `wait`: the moment to wait for")],
));

pub(super) static DOCUMENT_METADATA: Shape = Shape::Object(
    &Object::new("`metadata`", &[Field::new("tenon", &DOCUMENT_TENON, "What Tenon reads")])
        .open(&Shape::Anything),
);

static COUNT: Shape = Shape::Integer(1, 1_000_000);

static DOCUMENT_TENON: Shape = Shape::Object(&Object::new(
    "`document.metadata.tenon`",
    &[
        Field::new(
            "orderingKey",
            &Shape::Expression(Place::Capture),
            "Jobs with the same value run in sequence",
        ),
        Field::new(
            "dedupKey",
            &Shape::Expression(Place::Capture),
            "Events with the same value start one job",
        ),
        Field::new("dedupFor", &Shape::Duration(None), "How long a repeat is recognised; default PT24H"),
        Field::new("concurrency", &COUNT, "Jobs of this workflow at once"),
        Field::new("rateLimit", &RATE_LIMIT, "Jobs of this workflow that start in a time"),
        Field::new("onFailure", &Shape::Choice(&["continue", "park"]), "What a lane does when a job faults"),
        Field::new("priority", &Shape::Integer(0, 9), "0 to 9, higher first; default 5"),
        Field::new("retention", &RETENTION, "How long finished jobs are kept"),
        Field::new(
            "mask",
            &Shape::List(&Shape::Text(JsonPointer), 0),
            "Values of the event that nobody is shown",
        ),
        Field::new("respond", &RESPOND, "The answer for synchronous callers"),
        Field::new("timeZone", &Shape::Text(TimeZone), "The time zone of `schedule.cron`; default UTC"),
        Field::new(
            "missed",
            &Shape::Choice(&["skip", "latest", "all"]),
            "What becomes of times that were missed; default latest",
        ),
        Field::new(
            "overlap",
            &Shape::Choice(&["allow", "skip", "queue"]),
            "What becomes of a time at which a job is still at work; default allow",
        ),
    ],
));

static RATE_LIMIT: Shape = Shape::Object(&Object::new(
    "`rateLimit`",
    &[
        Field::new("limit", &COUNT, "How many").required(),
        Field::new("per", &Shape::Duration(None), "In what time, e.g. PT1S").required(),
        Field::new("burst", &COUNT, "How many at once after a pause; default `limit`"),
    ],
));

static RETENTION: Shape = Shape::Object(&Object::new(
    "`retention`",
    &[
        Field::new("jobs", &Shape::Duration(None), "How long jobs are kept; default P30D"),
        Field::new(
            "payloads",
            &Shape::Duration(None),
            "How long their input, journal, result and event are kept; default: as long as the job",
        ),
    ],
));

static RESPOND: Shape = Shape::Object(&Object::new(
    "`respond`",
    &[
        Field::new("status", &Shape::IntegerOr(200, 599, Place::Respond), "The HTTP status; default 200"),
        Field::new(
            "headers",
            &Shape::Either(&[
                &Shape::Computed(Place::Respond),
                &Shape::Strings { place: Place::Respond, lists: false },
            ]),
            "Response headers",
        ),
        Field::new("body", &Shape::Data(Place::Respond), "The body; default: the workflow's output"),
    ],
));
