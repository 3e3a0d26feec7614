//! Every code of this crate, with what `tenon explain CODE` says about it.
//!
//! Codes are part of the interface: never give one another meaning, never use a number twice. TN10xx is about
//! text and shape, TN11xx about names, TN12xx about expressions, TN13xx about literal values, TN14xx about what
//! the language has and this version of Tenon does not run yet, TN15xx is advice.

macro_rules! codes {
    ($($constant:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(pub(crate) const $constant: &str = $code;)*

        /// `(code, title, explanation)` of every finding, sorted by code.
        pub const CODES: &[(&str, &str, &str)] = &[$(($code, $title, $explanation)),*];
    };
}

codes! {
    SYNTAX = "TN1001", "not readable as YAML or JSON",
        "The text breaks the rules of YAML 1.2 (of which JSON is a part). Look at the line that is named and the one before it: an indentation, a quote or a bracket is wrong. Values with `${ … }` inside `{ }` or `[ ]` need quotes.";
    TOO_LARGE = "TN1002", "the document is too large",
        "A workflow document may have 4 MiB of text, 50,000 values after aliases are expanded, and keys of 255 bytes. Move data out of the document: pass it as input, or split the workflow.";
    TOO_DEEP = "TN1003", "the document is nested too deeply",
        "Values may be nested 100 levels deep (about 32 tasks inside each other). Split the workflow, or flatten it with `then`.";
    DUPLICATE_KEY = "TN1004", "a key is given twice",
        "An object has the same key twice; one of the two would be lost. Remove one, or merge them.";
    UNSUPPORTED_YAML = "TN1005", "a part of YAML that JSON does not have",
        "Custom tags, keys that are not text, several documents in one file and aliases to something that is still open cannot be told apart from mistakes and have no place in a workflow. Write the value out.";
    NUMBER = "TN1006", "a number that cannot be kept exactly",
        "Whole numbers beyond 64 bits, infinity and not-a-number would be changed silently. Put the value into quotes to keep it as text.";

    UNKNOWN_FIELD = "TN1010", "unknown field",
        "The language has no such field in this place, so it would have no effect. Mend the name as suggested, or move it below `metadata`, where everything is allowed.";
    MISSING_FIELD = "TN1011", "a required field is missing",
        "Add the field that is named.";
    WRONG_TYPE = "TN1012", "wrong type of value",
        "The value has another type than the language asks for in this place: text, whole number, boolean, list or object. A version such as 1.10 must be quoted to be text.";
    NOT_ALLOWED = "TN1013", "a value that is not among the allowed ones",
        "Only the values that are listed are possible here.";
    PATTERN = "TN1014", "text of the wrong form",
        "The text does not have the form that is needed here, e.g. a name of letters, digits and dashes, or a semantic version such as 1.0.0.";
    COMBINATION = "TN1015", "fields that do not go together",
        "Of the fields named, exactly one (or at most one) may be given, or one needs another.";
    RANGE = "TN1016", "outside the allowed range",
        "The number is too small or too large, or the list or object has too few or too many members.";
    TASK_KIND = "TN1017", "a task of no kind or of several kinds",
        "A task has exactly one of call, do, emit, for, fork, listen, raise, run, set, switch, try, wait; that field says what it does.";
    TASK_ITEM = "TN1018", "a list item that is not one name with its value",
        "In a list of tasks, cases or extensions each item has exactly one key, the name: `- getPet: { call: http, … }`. Start a new item with `-` for each task, and indent the task's fields below its name.";
    DSL_VERSION = "TN1019", "another version of the language",
        "Tenon runs documents of version 1.0.x of the language. Set `document.dsl` to '1.0.3'.";
    EVALUATE = "TN1020", "another expression language or mode",
        "Expressions are jq in strict mode: a text is an expression only if all of it is `${ … }`. Remove `evaluate`, or set `language: jq` and `mode: strict`.";

    DUPLICATE_TASK = "TN1101", "two tasks of the same name",
        "Names are unique in a list of tasks, because `then` and `$steps` refer to them. Rename one.";
    JUMP = "TN1102", "a jump to a task that is not in the same list",
        "`then` is `continue`, `exit`, `end`, or the name of a task in the same list of tasks. Jumping into or out of a block is not possible: leave a block with `exit`, then go on from there.";
    REFERENCE = "TN1103", "a name that `use` does not define",
        "The name refers to a definition under `use` that does not exist. Define it there or mend the name.";
    VARIABLE_NAME = "TN1104", "a name that cannot be a variable",
        "Loop and catch variables are letters, digits and `_`, do not start with a digit, and are not one of the names of the language such as `input` or `context`. They are written without `$` where they are declared.";

    EXPRESSION = "TN1201", "an expression that does not compile",
        "What is inside `${ … }` is not valid jq. The message says where it stops making sense.";
    VARIABLE = "TN1202", "a variable that does not exist here",
        "Not every variable exists everywhere: `$input` from the task's body on, `$output` only in `export.as`, loop variables inside the loop, `$error` inside `catch`; conditions of `schedule.on`, `orderingKey` and `dedupKey` see only the event as `.`.";
    SECRET = "TN1203", "a secret outside the arguments of an effect",
        "`$secrets` and `$authorization` can be read only in the arguments of `call` and `run` and in authentication, so that no secret can enter the data, the context or a trace.";
    TOO_MANY_EXPRESSIONS = "TN1204", "too many expressions",
        "A document may have 2,000 expressions and 500 regular expressions, counted where they are used. Split the workflow.";
    NO_EXPRESSION_HERE = "TN1205", "an expression where there must be a literal value",
        "This value is needed before any job exists, or is a name; it cannot be computed.";
    VARIABLE_REFERENCE = "TN1206", "`$variable` in the wrong place",
        "`{\"$variable\": \"name\"}` reads a configuration variable. It stands alone in its object and only in the arguments of `call` and `run`.";

    DURATION = "TN1301", "not a duration",
        "A duration is ISO 8601 text of weeks, days, hours, minutes and seconds such as `PT15M`, an object such as `{minutes: 15}`, or an expression that gives one. It is at most 36,500 days. Years and months have no fixed length and are refused.";
    URI = "TN1302", "not a usable URI",
        "A literal address of an HTTP call is absolute, starts with http:// or https://, has a host, and contains no white space. `{name}` is filled from the task's input.";
    HTTP_METHOD = "TN1303", "not an HTTP method",
        "The method is GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS or QUERY, in capital or small letters, or an expression that gives one.";
    SCHEMA = "TN1305", "not a valid JSON Schema",
        "The schema itself is wrong. Schemas are JSON Schema, draft 2020-12 unless `$schema` says otherwise, and cannot refer to other addresses.";
    JSON_POINTER = "TN1306", "not a JSON Pointer",
        "A JSON Pointer is empty or starts with `/`, e.g. `/data/card`. `~` is written `~0`, `/` inside a name `~1`.";
    EVENT_FILTER = "TN1307", "not a usable event filter",
        "Below `with`, attributes are compared by equality or as a regular expression for the whole text; `data` is an expression over the event's data. Patterns are at most 1,024 bytes.";
    MOMENT = "TN1308", "not a moment",
        "Moments are RFC 3339, e.g. `2027-01-01T00:00:00Z`.";

    TASK_LATER = "TN1401", "a task that is not executable yet",
        "The document is a valid one, but this version of Tenon does not run this kind of task yet. It is refused rather than ignored.";
    CALL_LATER = "TN1402", "a call that is not executable yet",
        "This version of Tenon runs `call: http`. Other protocols and functions are refused until they are there; many can be reached by `call: http`.";
    PART_LATER = "TN1403", "a part of the document that is not executable yet",
        "The document is a valid one, but this version of Tenon does not act on this part yet. It is refused rather than ignored.";
    AUTHENTICATION_LATER = "TN1404", "authentication is not executable yet",
        "This version of Tenon does not perform the authentication of the language yet.";
    SECRETS_LATER = "TN1405", "secrets and variables are not readable yet",
        "This version of Tenon does not resolve `$secrets`, `$authorization` and `$variable` yet.";

    LINT_UNREACHABLE = "TN1501", "a task that nothing leads to",
        "The task before it always leaves, and no `then` names this task. Remove it, or jump to it.";
    LINT_FALL_INTO = "TN1502", "the target of one case runs into the target of another",
        "After a jump, flow goes on with the next task of the list. Where that is the target of another case, both run. Add `then: exit`, `then: end` or the name of the task to go on with.";
    LINT_UNUSED = "TN1503", "a definition that nothing uses",
        "Nothing refers to this definition under `use`. Remove it, or check the name where it was meant to be used.";
    LINT_RETRY_UNSAFE = "TN1504", "a retry that may act twice",
        "The call changes something, is retried, and its `Idempotency-Key` is replaced by a blank, so that the other side cannot recognise the repeat. Leave the header out: Tenon sets one that is the same for every attempt.";
    LINT_STEP_NAME = "TN1505", "`$steps` names a task that can not have run",
        "No task of this name can have run before this place, so the value is always null. Check the name.";
    LINT_NO_TIMEOUT = "TN1506", "an ordered lane without a timeout",
        "With an `orderingKey` one job at a time runs per key, and this one can take very long. A `timeout` on the workflow keeps one stuck job from holding up all that come after it.";
    LINT_LITERAL_EXPRESSION = "TN1507", "a text that looks like an expression",
        "In strict mode only a text that is wholly `${ … }` is an expression; this one is passed on as it stands. Wrap it: `${ .customer }`.";
    LINT_RETRY_FOREVER = "TN1508", "a retry without a limit of attempts",
        "A limit of time alone, with little or no delay, allows a great many attempts. Add `limit.attempt.count` or a `delay` with `backoff`.";
}
