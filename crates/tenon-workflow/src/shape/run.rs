//! `run`: containers, scripts, shell commands and other workflows.

use super::Literal::{Any, Label, NotEmpty};
use super::{Field, Object, Place, Rule, Shape, later};

static TEXT: Shape = Shape::TextOr(Any, Place::Effect);
static TEXTS: Shape = Shape::List(&TEXT, 0);
static DATA: Shape = Shape::DataObject(Place::Effect, 0);

pub(super) static RUN: Shape = Shape::Object(
    &Object::new(
        "`run`",
        &[
            Field::new("container", &CONTAINER, "A container").later(&later::CONTAINER),
            Field::new("script", &SCRIPT, "A script").later(&later::SCRIPT),
            Field::new("shell", &SHELL, "A shell command").later(&later::SHELL),
            Field::new("workflow", &WORKFLOW, "Another workflow"),
            Field::new("await", &Shape::Boolean, "Whether to wait for the end; default true"),
            Field::new(
                "return",
                &Shape::Choice(&["stdout", "stderr", "code", "all", "none"]),
                "What the output is; default stdout",
            ),
        ],
    )
    .rules(&[
        Rule::ExactlyOne(&["container", "script", "shell", "workflow"]),
        Rule::AtMostOne(&["return", "workflow"], "keep one of them"),
    ]),
);

static CONTAINER: Shape = Shape::Object(&Object::new(
    "a container",
    &[
        Field::new("image", &Shape::TextOr(NotEmpty, Place::Effect), "Its image").required(),
        Field::new("name", &TEXT, "Its name"),
        Field::new("command", &TEXT, "The command in it"),
        Field::new("ports", &DATA, "Its ports"),
        Field::new("volumes", &DATA, "Its volumes"),
        Field::new("environment", &DATA, "Its environment"),
        Field::new("stdin", &TEXT, "Its standard input"),
        Field::new("arguments", &TEXTS, "The command's arguments"),
        Field::new("lifetime", &LIFETIME, "How long it stays"),
        Field::new(
            "pullPolicy",
            &Shape::Choice(&["ifNotPresent", "always", "never"]),
            "When to pull the image",
        ),
    ],
));

static LIFETIME: Shape = Shape::Object(
    &Object::new(
        "a container's lifetime",
        &[
            Field::new("cleanup", &Shape::Choice(&["always", "never", "eventually"]), "When to remove it")
                .required(),
            Field::new("after", &Shape::Duration(Some(Place::Task)), "With `eventually`: after what time"),
        ],
    )
    .rules(&[Rule::OnlyWith("after", "cleanup", "eventually")]),
);

static SCRIPT: Shape = Shape::Object(
    &Object::new(
        "a script",
        &[
            Field::new("language", &Shape::Text(NotEmpty), "Its language").required(),
            Field::new("code", &TEXT, "The script itself"),
            Field::new("source", &super::data::RESOURCE, "Where the script is"),
            Field::new("stdin", &TEXT, "Its standard input"),
            Field::new("arguments", &TEXTS, "Its arguments"),
            Field::new("environment", &DATA, "Its environment"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["code", "source"])]),
);

static SHELL: Shape = Shape::Object(&Object::new(
    "a shell command",
    &[
        Field::new("command", &Shape::TextOr(NotEmpty, Place::Effect), "The command").required(),
        Field::new("stdin", &TEXT, "Its standard input"),
        Field::new("arguments", &TEXTS, "Its arguments"),
        Field::new("environment", &DATA, "Its environment"),
    ],
));

static INPUT: Shape =
    Shape::Either(&[&Shape::Computed(Place::ChildInput), &Shape::DataObject(Place::ChildInput, 0)]);

static WORKFLOW: Shape = Shape::Object(&Object::new(
    "a workflow to run",
    &[
        Field::new("namespace", &Shape::Text(Label), "Its namespace").required(),
        Field::new("name", &Shape::Text(Label), "Its name").required(),
        Field::new("version", &Shape::Text(NotEmpty), "Its version, or `latest`").required(),
        Field::new("input", &INPUT, "Its input"),
    ],
));
