//! What is valid but not executable in this version of Tenon: why, and what to do instead.
//!
//! Such a part is refused at deploy, never ignored at run time. Each reason stands in one place, here.

use crate::codes;

/// Valid, but not executable in this version.
#[derive(Debug)]
pub struct Later {
    /// The code of the finding.
    pub code: &'static str,
    /// Why, one sentence without full stop.
    pub reason: &'static str,
    /// What to do instead.
    pub hint: &'static str,
}

macro_rules! later {
    ($($name:ident: $code:ident, $reason:literal, $hint:literal;)*) => {
        $(pub(crate) static $name: Later = Later { code: codes::$code, reason: $reason, hint: $hint };)*
    };
}

later! {
    CONTAINER: TASK_LATER,
        "`run: container` needs a container runtime beside the server, which this version of Tenon does not drive",
        "let a service of yours run the container, and reach it by `call: http`";
    SCRIPT: TASK_LATER,
        "`run: script` needs a host for functions, which this version of Tenon does not have",
        "write it as an expression in `set`, or put the script behind an address and use `call: http`";
    SHELL: TASK_LATER,
        "`run: shell` would run commands on the server itself, which this version of Tenon never does",
        "let a service of yours run the command, and reach it by `call: http`";

    ASYNCAPI: CALL_LATER,
        "`call: asyncapi` needs a connector for the protocol of the channel, and this version of Tenon has none",
        "send with `emit` or `call: http`, receive with `listen` or a trigger";
    A2A: CALL_LATER,
        "`call: a2a` needs a client for the agent-to-agent protocol, which this version of Tenon does not have",
        "the protocol is JSON-RPC over HTTP: send the request by `call: http`";
    MCP: CALL_LATER,
        "`call: mcp` needs a client for the model context protocol, which this version of Tenon does not have",
        "a server that speaks streamable HTTP can be reached by `call: http`";
    CATALOG_FUNCTION: CALL_LATER,
        "functions by address or from a catalog come with the function catalog, which this version of Tenon does not have",
        "define the function under `use.functions` and call it by its name";

    CATALOGS: PART_LATER,
        "`use.catalogs` comes with the function catalog, which this version of Tenon does not have",
        "define functions under `use.functions` and remove the catalog";

    FILE_ADDRESS: FILE_LATER,
        "a file that the workflow refers to is fetched when it is applied, from a literal http or https address",
        "put the file where the server can fetch it, e.g. `https://example.com/greet.proto`";
    FILE_AUTHENTICATION: FILE_LATER,
        "a file that the workflow refers to is fetched when it is applied, before there is a job that could authenticate",
        "put the file where the server can fetch it without authentication";
}
