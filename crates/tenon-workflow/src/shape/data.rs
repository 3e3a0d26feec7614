//! `input`, `output`, `export` of workflows and tasks, schemas, and external resources.

use super::Literal::{Any, SchemaFormat};
use super::{Field, Object, Place, Rule, Shape, later};
use crate::program::FileKind;

static JSON_SCHEMA: Shape = Shape::JsonSchema;

pub(super) static SCHEMA: Shape = Shape::Object(
    &Object::new(
        "a schema",
        &[
            Field::new("format", &Shape::Text(SchemaFormat), "The schema's format; default json"),
            Field::new("document", &JSON_SCHEMA, "The schema itself"),
            Field::new("resource", &SCHEMA_RESOURCE, "Where the schema is"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["document", "resource"])]),
);

macro_rules! resource {
    ($kind:expr) => {
        Shape::Object(&Object::new(
            "an external resource",
            &[
                Field::new("name", &Shape::Text(Any), "Its name"),
                Field::new("endpoint", endpoint!($kind), "Where it is").required(),
            ],
        ))
    };
}

macro_rules! endpoint {
    ($kind:expr) => {
        &Shape::Either(&[
            &Shape::File($kind),
            &Shape::Object(&Object::new(
                "an endpoint",
                &[
                    Field::new("uri", &Shape::File($kind), "Its address").required(),
                    Field::new(
                        "authentication",
                        &super::authentication::REFERENCEABLE,
                        "How to authenticate",
                    )
                    .later(&later::FILE_AUTHENTICATION),
                ],
            )),
        ])
    };
}

pub(super) static OPENAPI_RESOURCE: Shape = resource!(Some(FileKind::OpenApi));
pub(super) static PROTO_RESOURCE: Shape = resource!(Some(FileKind::Proto));
static SCHEMA_RESOURCE: Shape = resource!(Some(FileKind::Schema));
/// Of a construct that is not executable yet.
pub(super) static RESOURCE: Shape = resource!(None);

macro_rules! transform {
    ($place:expr) => {
        &Shape::Either(&[&Shape::Transform($place), &Shape::DataObject($place, 0)])
    };
}

macro_rules! input {
    ($place:expr) => {
        Shape::Object(&Object::new(
            "`input`",
            &[
                Field::new("schema", &SCHEMA, "What the raw input must satisfy"),
                Field::new("from", transform!($place), "Makes the input from the raw input"),
            ],
        ))
    };
}

macro_rules! output {
    ($place:expr) => {
        Shape::Object(&Object::new(
            "`output`",
            &[
                Field::new("as", transform!($place), "Makes the output from the raw output"),
                Field::new("schema", &SCHEMA, "What the output must satisfy"),
            ],
        ))
    };
}

pub(super) static WORKFLOW_INPUT: Shape = input!(Place::WorkflowInput);
pub(super) static WORKFLOW_OUTPUT: Shape = output!(Place::WorkflowOutput);
pub(super) static TASK_INPUT: Shape = input!(Place::TaskInput);
pub(super) static TASK_OUTPUT: Shape = output!(Place::TaskOutput);

pub(super) static TASK_EXPORT: Shape = Shape::Object(&Object::new(
    "`export`",
    &[
        Field::new("as", transform!(Place::TaskExport), "The new `$context`"),
        Field::new("schema", &SCHEMA, "What the new `$context` must satisfy"),
    ],
));
