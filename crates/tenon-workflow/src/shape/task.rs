//! The twelve kinds of tasks and what they share.

use super::Literal::NotEmpty;
use super::{Bind, Field, Object, Place, Shape, call, data, event, fault, later, run, tenon};

/// Fields that every task has.
pub static TASK_BASE: [Field; 7] = [
    Field::new("if", &Shape::Expression(Place::TaskInput), "Whether the task runs at all"),
    Field::new("input", &data::TASK_INPUT, "What the task gets"),
    Field::new("output", &data::TASK_OUTPUT, "What the task gives"),
    Field::new("export", &data::TASK_EXPORT, "What the task adds to the context"),
    Field::new("timeout", &fault::TIMEOUT_OR_NAME, "How long it may take"),
    Field::new("then", &Shape::Flow, "Where to go next; default continue"),
    Field::new("metadata", &tenon::TASK_METADATA, "Further information"),
];

const fn task(title: &'static str, fields: &'static [Field]) -> Object {
    Object { base: &TASK_BASE, ..Object::new(title, fields) }
}

/// `(field that makes the kind, its shape)`. `for` comes before `do`, which it contains.
pub static TASK_KINDS: [(&str, &Object); 12] = [
    ("call", &CUSTOM_CALL),
    ("emit", &EMIT),
    ("for", &FOR),
    ("fork", &FORK),
    ("listen", &LISTEN),
    ("raise", &RAISE),
    ("run", &RUN),
    ("set", &SET),
    ("switch", &SWITCH),
    ("try", &TRY),
    ("wait", &WAIT),
    ("do", &DO),
];

macro_rules! call {
    ($title:literal, $arguments:expr) => {
        task(
            $title,
            &[
                Field::new("call", &Shape::Text(NotEmpty), "What to call").required(),
                Field::new("with", $arguments, "The call's arguments").required(),
            ],
        )
    };
}

macro_rules! later_call {
    ($title:literal, $arguments:expr, $later:expr) => {
        task(
            $title,
            &[
                Field::new("call", &Shape::Text(NotEmpty), "What to call").required().later($later),
                Field::new("with", $arguments, "The call's arguments").required(),
            ],
        )
    };
}

/// Tasks with `call`, by what they call.
pub static CALLS: [(&str, &Object); 6] = [
    ("http", &CALL_HTTP),
    ("openapi", &CALL_OPENAPI),
    ("grpc", &CALL_GRPC),
    ("asyncapi", &CALL_ASYNCAPI),
    ("a2a", &CALL_A2A),
    ("mcp", &CALL_MCP),
];

static CALL_HTTP: Object = call!("a `call: http` task", &call::HTTP);
static CALL_OPENAPI: Object = call!("a `call: openapi` task", &call::OPENAPI);
static CALL_GRPC: Object = call!("a `call: grpc` task", &call::GRPC);
static CALL_ASYNCAPI: Object = later_call!("a `call: asyncapi` task", &call::ASYNCAPI, &later::ASYNCAPI);
static CALL_A2A: Object = later_call!("a `call: a2a` task", &call::A2A, &later::A2A);
static CALL_MCP: Object = later_call!("a `call: mcp` task", &call::MCP, &later::MCP);

/// A call of anything that is not built in: a function of the document or of a catalog.
pub static CUSTOM_CALL: Object = task(
    "a `call` task",
    &[
        Field::new("call", &Shape::FunctionName, "The function").required(),
        Field::new("with", &call::CUSTOM, "Its arguments"),
    ],
);

static DO: Object =
    task("a `do` task", &[Field::new("do", &Shape::Tasks, "Tasks, one after another").required()]);

static EMIT: Object =
    task("an `emit` task", &[Field::new("emit", &EMIT_BODY, "The event to emit").required()]);

static EMIT_BODY: Shape =
    Shape::Object(&Object::new("`emit`", &[Field::new("event", &event::EMITTED, "The event").required()]));

static FOR: Object = task(
    "a `for` task",
    &[
        Field::new("for", &FOR_BODY, "What to go over").required(),
        Field::new("while", &Shape::Expression(Place::Task), "Checked before each iteration"),
        Field::new("do", &Shape::Tasks, "Tasks for each item").required(),
    ],
)
.binds(&[
    Bind { path: &["for", "each"], default: "item", seen_by: &["while", "do"] },
    Bind { path: &["for", "at"], default: "index", seen_by: &["while", "do"] },
]);

static FOR_BODY: Shape = Shape::Object(&Object::new(
    "`for`",
    &[
        Field::new("each", &Shape::VariableName, "The variable of the item; default item"),
        Field::new(
            "in",
            &Shape::Either(&[&Shape::Transform(Place::Task), &Shape::Array(Place::Task)]),
            "The array to go over",
        )
        .required(),
        Field::new("at", &Shape::VariableName, "The variable of the index; default index"),
    ],
));

static FORK: Object = task("a `fork` task", &[Field::new("fork", &FORK_BODY, "Branches").required()]);

static FORK_BODY: Shape = Shape::Object(&Object::new(
    "`fork`",
    &[
        Field::new("branches", &Shape::Branches, "Tasks that run at the same time").required(),
        Field::new("compete", &Shape::Boolean, "Whether the first one to end wins; default false"),
    ],
));

static LISTEN: Object = task(
    "a `listen` task",
    &[
        Field::new("listen", &event::LISTEN, "What to wait for").required(),
        Field::new("foreach", &event::ITERATOR, "What to do with each event"),
    ],
);

static RAISE: Object = task("a `raise` task", &[Field::new("raise", &RAISE_BODY, "The error").required()]);

static RAISE_BODY: Shape = Shape::Object(&Object::new(
    "`raise`",
    &[Field::new("error", &fault::ERROR_OR_NAME, "The error").required()],
));

static RUN: Object = task("a `run` task", &[Field::new("run", &run::RUN, "What to run").required()]);

static SET: Object = task("a `set` task", &[Field::new("set", &SET_BODY, "The new data").required()]);

static SET_BODY: Shape = Shape::Either(&[&Shape::Computed(Place::Task), &Shape::DataObject(Place::Task, 1)]);

static SWITCH: Object =
    task("a `switch` task", &[Field::new("switch", &Shape::Named(&CASE, 1), "Cases, in order").required()]);

static CASE: Shape = Shape::Object(&Object::new(
    "a case",
    &[
        Field::new("when", &Shape::Expression(Place::Task), "The condition; without it: the default case"),
        Field::new("then", &Shape::Flow, "Where to go").required(),
    ],
));

static TRY: Object = task(
    "a `try` task",
    &[
        Field::new("try", &Shape::Tasks, "The guarded tasks").required(),
        Field::new("catch", &CATCH, "What to do with errors").required(),
    ],
);

static CATCH: Shape = Shape::Object(
    &Object::new(
        "`catch`",
        &[
            Field::new("errors", &CATCH_ERRORS, "Which errors, by their members"),
            Field::new("as", &Shape::VariableName, "The variable of the error; default error"),
            Field::new("when", &Shape::Expression(Place::Task), "Catch only when"),
            Field::new("exceptWhen", &Shape::Expression(Place::Task), "Do not catch when"),
            Field::new("retry", &fault::RETRY_OR_NAME, "Whether and how to try again"),
            Field::new("do", &Shape::Tasks, "Tasks that handle the error"),
            Field::new("then", &Shape::Flow, "Where to go after the error is handled"),
        ],
    )
    .binds(&[Bind { path: &["as"], default: "error", seen_by: &["when", "exceptWhen", "retry", "do"] }]),
);

static CATCH_ERRORS: Shape = Shape::Object(&Object::new(
    "`errors`",
    &[Field::new("with", &fault::ERROR_FILTER, "Members of the error")],
));

static WAIT: Object =
    task("a `wait` task", &[Field::new("wait", &Shape::Duration(Some(Place::Task)), "How long").required()]);
