//! The arguments of every kind of call.

use super::Literal::{Any, HttpMethod, NotEmpty};
use super::{Field, Object, Place, Rule, Shape};

static ARGUMENTS: Shape = Shape::DataObject(Place::Effect, 0);
static TEXT: Shape = Shape::TextOr(NotEmpty, Place::Effect);
static OUTPUT: Shape = Shape::Choice(&["raw", "content", "response"]);
static HEADERS: Shape = Shape::Strings { place: Place::Effect, lists: false };
static EXPRESSION: Shape = Shape::Computed(Place::Effect);

// --- endpoints ---

macro_rules! endpoint {
    ($web:expr) => {
        Shape::Either(&[
            &Shape::Uri { place: Place::Effect, web: $web },
            &Shape::Object(&Object::new(
                "an endpoint",
                &[
                    Field::new("uri", &Shape::Uri { place: Place::Effect, web: $web }, "Its address")
                        .required(),
                    Field::new(
                        "authentication",
                        &super::authentication::REFERENCEABLE,
                        "How to authenticate",
                    ),
                ],
            )),
        ])
    };
}

/// An address that is called over HTTP.
static ENDPOINT_WEB: Shape = endpoint!(true);
/// An address of any scheme.
pub(super) static ENDPOINT_ANY: Shape = endpoint!(false);

// --- http ---

pub(super) static HTTP: Shape = Shape::Object(&Object::new(
    "the arguments of `call: http`",
    &[
        Field::new("method", &Shape::TextOr(HttpMethod, Place::Effect), "The HTTP method").required(),
        Field::new("endpoint", &ENDPOINT_WEB, "Where to").required(),
        Field::new("headers", &Shape::Either(&[&EXPRESSION, &HEADERS]), "Request headers"),
        Field::new("body", &Shape::Data(Place::Effect), "The request's body"),
        Field::new(
            "query",
            &Shape::Either(&[&EXPRESSION, &Shape::Strings { place: Place::Effect, lists: true }]),
            "Query parameters",
        ),
        Field::new("output", &OUTPUT, "What the output is; default content"),
        Field::new("redirect", &Shape::Boolean, "Whether a 3xx answer is a result; default false"),
    ],
));

// --- openapi ---

pub(super) static OPENAPI: Shape = Shape::Object(&Object::new(
    "the arguments of `call: openapi`",
    &[
        Field::new("document", &super::data::OPENAPI_RESOURCE, "The OpenAPI document").required(),
        Field::new("operationId", &TEXT, "The operation").required(),
        Field::new("parameters", &ARGUMENTS, "Its parameters"),
        Field::new("authentication", &super::authentication::REFERENCEABLE, "How to authenticate"),
        Field::new("output", &OUTPUT, "What the output is; default content"),
        Field::new("redirect", &Shape::Boolean, "Whether a 3xx answer is a result; default false"),
    ],
));

// --- grpc ---

pub(super) static GRPC: Shape = Shape::Object(&Object::new(
    "the arguments of `call: grpc`",
    &[
        Field::new("proto", &super::data::PROTO_RESOURCE, "The protocol definition").required(),
        Field::new("service", &GRPC_SERVICE, "The service").required(),
        Field::new("method", &TEXT, "The method").required(),
        Field::new("arguments", &ARGUMENTS, "Its arguments"),
    ],
));

static GRPC_SERVICE: Shape = Shape::Object(&Object::new(
    "a gRPC service",
    &[
        Field::new("name", &TEXT, "Its name").required(),
        Field::new("host", &TEXT, "Its host").required(),
        Field::new("port", &Shape::IntegerOr(0, 65_535, Place::Effect), "Its port"),
        Field::new("authentication", &super::authentication::REFERENCEABLE, "How to authenticate"),
    ],
));

// --- asyncapi ---

const PROTOCOLS: &[&str] = &[
    "amqp",
    "amqp1",
    "anypointmq",
    "googlepubsub",
    "http",
    "ibmmq",
    "jms",
    "kafka",
    "mercure",
    "mqtt",
    "mqtt5",
    "nats",
    "pulsar",
    "redis",
    "sns",
    "solace",
    "sqs",
    "stomp",
    "ws",
];

pub(super) static ASYNCAPI: Shape = Shape::Object(
    &Object::new(
        "the arguments of `call: asyncapi`",
        &[
            Field::new("document", &super::data::RESOURCE, "The AsyncAPI document").required(),
            Field::new("channel", &TEXT, "The channel (AsyncAPI 2.6)"),
            Field::new("operation", &TEXT, "The operation"),
            Field::new("server", &ASYNCAPI_SERVER, "The server"),
            Field::new("protocol", &Shape::Choice(PROTOCOLS), "The protocol"),
            Field::new("message", &ASYNCAPI_MESSAGE, "What to publish"),
            Field::new("subscription", &ASYNCAPI_SUBSCRIPTION, "What to consume"),
            Field::new("authentication", &super::authentication::REFERENCEABLE, "How to authenticate"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["operation", "channel"]), Rule::ExactlyOne(&["message", "subscription"])]),
);

static ASYNCAPI_SERVER: Shape = Shape::Object(&Object::new(
    "an AsyncAPI server",
    &[Field::new("name", &TEXT, "Its name").required(), Field::new("variables", &ARGUMENTS, "Its variables")],
));

static ASYNCAPI_MESSAGE: Shape = Shape::Object(&Object::new(
    "an AsyncAPI message",
    &[Field::new("payload", &ARGUMENTS, "Its payload"), Field::new("headers", &ARGUMENTS, "Its headers")],
));

static ASYNCAPI_SUBSCRIPTION: Shape = Shape::Object(&Object::new(
    "an AsyncAPI subscription",
    &[
        Field::new("filter", &Shape::Computed(Place::Task), "Which messages"),
        Field::new("consume", &ASYNCAPI_CONSUME, "How many messages").required(),
        Field::new("foreach", &super::event::ITERATOR, "What to do with each message"),
    ],
));

static ASYNCAPI_CONSUME: Shape = Shape::Object(
    &Object::new(
        "a consumption policy",
        &[
            Field::new("for", &Shape::Duration(Some(Place::Task)), "How long"),
            Field::new("amount", &Shape::Integer(1, i32::MAX as i64), "How many"),
            Field::new("while", &Shape::Expression(Place::Task), "As long as"),
            Field::new("until", &Shape::Expression(Place::Task), "Until"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["amount", "while", "until"])]),
);

// --- a2a ---

static PARAMETERS: Shape =
    Shape::Either(&[&Shape::TextOr(Any, Place::Effect), &Shape::DataObject(Place::Effect, 0)]);

pub(super) static A2A: Shape = Shape::Object(
    &Object::new(
        "the arguments of `call: a2a`",
        &[
            Field::new("agentCard", &super::data::RESOURCE, "The agent"),
            Field::new("server", &ENDPOINT_ANY, "Where the agent is"),
            Field::new("method", &Shape::Choice(A2A_METHODS), "What to ask").required(),
            Field::new("parameters", &PARAMETERS, "Its parameters"),
        ],
    )
    .rules(&[Rule::AtLeastOne(&["agentCard", "server"])]),
);

const A2A_METHODS: &[&str] = &[
    "message/send",
    "message/stream",
    "tasks/get",
    "tasks/list",
    "tasks/cancel",
    "tasks/resubscribe",
    "tasks/pushNotificationConfig/set",
    "tasks/pushNotificationConfig/get",
    "tasks/pushNotificationConfig/list",
    "tasks/pushNotificationConfig/delete",
    "agent/getAuthenticatedExtendedCard",
];

// --- mcp ---

pub(super) static MCP: Shape = Shape::Object(&Object::new(
    "the arguments of `call: mcp`",
    &[
        Field::new("protocolVersion", &TEXT, "The protocol's version"),
        Field::new("method", &Shape::Choice(MCP_METHODS), "What to ask").required(),
        Field::new("parameters", &PARAMETERS, "Its parameters"),
        Field::new("timeout", &Shape::Duration(Some(Place::Task)), "How long it may take"),
        Field::new("transport", &MCP_TRANSPORT, "How to reach the server").required(),
        Field::new("client", &MCP_CLIENT, "Who asks"),
    ],
));

const MCP_METHODS: &[&str] = &[
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
    "resources/templates/list",
];

static MCP_TRANSPORT: Shape = Shape::Object(
    &Object::new(
        "an MCP transport",
        &[
            Field::new("http", &MCP_HTTP, "Over HTTP"),
            Field::new("stdio", &MCP_STDIO, "As a process"),
            Field::new("options", &HEADERS, "Further options"),
        ],
    )
    .rules(&[Rule::ExactlyOne(&["http", "stdio"])]),
);

static MCP_HTTP: Shape = Shape::Object(&Object::new(
    "an MCP server over HTTP",
    &[
        Field::new("endpoint", &ENDPOINT_WEB, "Where it is").required(),
        Field::new("headers", &HEADERS, "Request headers"),
    ],
));

static MCP_STDIO: Shape = Shape::Object(&Object::new(
    "an MCP server as a process",
    &[
        Field::new("command", &TEXT, "The command").required(),
        Field::new("arguments", &Shape::List(&Shape::TextOr(Any, Place::Effect), 0), "Its arguments"),
        Field::new("environment", &HEADERS, "Its environment"),
    ],
));

static MCP_CLIENT: Shape = Shape::Object(&Object::new(
    "an MCP client",
    &[
        Field::new("name", &TEXT, "Its name").required(),
        Field::new("version", &TEXT, "Its version").required(),
    ],
));

// --- custom functions ---

/// They become the function's input, which is data: no secrets.
pub(super) static CUSTOM: Shape = Shape::DataObject(Place::Task, 0);
