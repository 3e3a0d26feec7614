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

/// How findings of this code are mended, where nothing more fitting can be said.
pub(crate) fn explanation(code: &str) -> Option<String> {
    CODES.iter().find(|(known, ..)| *known == code).map(|(_, _, explanation)| (*explanation).to_owned())
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

    FUNCTION_CALLS = "TN1105", "functions that call themselves",
        "A function of the document cannot call itself, not by way of others either. Repeat tasks with `for`, or with a `then` that goes back.";

    EXPRESSION = "TN1201", "an expression that does not compile",
        "What is inside `${ … }` is not valid jq. The message says where it stops making sense.";
    VARIABLE = "TN1202", "a variable that does not exist here",
        "Not every variable exists everywhere: `$input` from the task's body on, `$output` only in `export.as`, loop variables inside the loop, `$error` inside `catch`; conditions of `schedule.on`, `orderingKey` and `dedupKey` see only the event as `.`.";
    SECRET = "TN1203", "a secret outside the arguments of an effect",
        "`$secrets` and `$authorization` can be read only in the arguments of calls and in authentication, so that no secret can enter the data, the context or a trace.";
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
    CRON = "TN1309", "not a cron expression that ever happens",
        "A cron expression has five fields, minute, hour, day of the month, month and day of the week, or six with seconds first: `*/5 * * * *`. Lists, ranges, steps, names such as `MON` or `JAN`, `L`, `W` and `#` are possible. One that no day fits, such as 30 February, is refused.";
    TIME_ZONE = "TN1310", "not a time zone",
        "A time zone is a name of the IANA database, such as `Europe/Berlin` or `America/New_York`, or `UTC`. Abbreviations and offsets do not say when clocks are changed.";

    TASK_LATER = "TN1401", "a task that is not executable yet",
        "The document is a valid one, but this version of Tenon does not run this kind of task yet. It is refused rather than ignored.";
    CALL_LATER = "TN1402", "a call that is not executable yet",
        "This version of Tenon runs `call: http`, `openapi`, `grpc`, and functions under `use.functions`. Other protocols and catalogs of functions are refused until they are there; many can be reached by `call: http`.";
    PART_LATER = "TN1403", "a part of the document that is not executable yet",
        "The document is a valid one, but this version of Tenon does not act on this part yet. It is refused rather than ignored.";
    FILE_LATER = "TN1406", "a file that cannot be fetched",
        "OpenAPI documents, protocol definitions and schemas that a workflow refers to are fetched when it is applied, over http or https, without authentication, and kept with the revision. Their addresses are literal.";

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

    LINT_ENDLESS_LOOP = "TN1510", "a loop that nothing but an error leads out of",
        "Tasks jump back to each other with `then`, and none of them leads anywhere else. Such a job ends only by an error, a timeout, a cancel, or the bound on its journal. Add a case that leads out, or start a new job for the next round with `emit`.";
    LINT_BUSY_LOOP = "TN1511", "a loop that never ends and does nothing",
        "Tasks that neither act nor wait jump back to each other, and none of them leads anywhere else. Every job that gets there ends with a *runtime* error. Add a case that leads out.";
    LINT_CASE_REPEATED = "TN1512", "a case with the condition of an earlier one",
        "The first case that holds is taken, so the later of two with the same condition never is. Change its condition or remove it.";
    LINT_CASE_UNREACHABLE = "TN1513", "a case that is never taken",
        "A case before it always holds. Put the case that always holds last; without a `when` it is the default case, wherever it stands.";
    LINT_CONSTANT_CONDITION = "TN1514", "a condition that is decided before anything runs",
        "The condition holds always, or never, whatever the data is. Only `null` and `false` do not hold in jq: 0, empty text and empty lists do, so compare with something.";
    LINT_THEN_AFTER_RAISE = "TN1515", "a direction that flow never takes",
        "A `raise` task never finishes, so its `then` has no effect; and where the task is skipped, `then` does not apply. Remove it.";
    LINT_THEN_CONTINUE = "TN1516", "a direction that says what happens anyway",
        "Without `then` flow goes on with the next task. Remove it; `tenon workflow lint --fix` does.";
    LINT_EMPTY_BLOCK = "TN1517", "an empty list of tasks",
        "A list without tasks does nothing: its input is its output. Add a task, or remove what the list belongs to.";

    LINT_STEP_AMBIGUOUS = "TN1520", "`$steps` names more than one task",
        "Several tasks of this name can have run before this place, in lists inside of others, and the newest of them counts. Give them different names.";
    LINT_CONTEXT_DROPPED = "TN1521", "an export that drops what others exported",
        "`export.as` replaces the whole `$context`. Keep what is there: `as: '${ $context + {…} }'`.";
    LINT_CONTEXT_NEVER = "TN1522", "a part of `$context` that nothing exports",
        "`$context` starts as an empty object, and no `export` gives it this member, so it is always null. Mend the name or export it.";
    LINT_CONTEXT_RACE = "TN1523", "two branches export the same part of `$context`",
        "Branches of a `fork` run at the same time; afterwards what they exported is put together in the order of the branches, so the last one wins. Give each branch a member of its own.";
    LINT_ALWAYS_NULL = "TN1524", "an expression that is always null",
        "It reads a member of an object whose members are all known, and this one is not among them; often because `set` replaces the data and does not keep what was there. Mend the name, or keep the value: `set: '${ . + {…} }'`.";
    LINT_EVENTS_ARE_A_LIST = "TN1525", "the list of events is read like one event",
        "A job that `schedule.on` starts gets the list of its events, also if it is one. Take the first: `.[0]`, or make it the input: `input: { from: '${ .[0] }' }`.";
    LINT_EVENT_DATA_TWICE = "TN1526", "`data` of an event that is read as its data",
        "With `schedule.read: data`, which is the default, each event of the list is its data already. Leave `.data` out, or say `read: envelope`.";

    LINT_UNFIT_DATA = "TN1527", "an expression that cannot use what it gets",
        "What the task before it gives, or the task itself, has another type than the expression needs: a member of a list or of text is read, for example. A `listen` gives a list of events, a `fork` a list of outputs, `output: raw` text.";

    LINT_EXPRESSION_FAILS = "TN1530", "an expression that always fails",
        "Values of these types cannot be used like this, whatever the data is, so every job that gets here ends with an *expression* error.";
    LINT_EXPRESSION_MAY_FAIL = "TN1531", "a part of an expression that always fails",
        "Whenever this part of the expression is reached, it fails: values of these types cannot be used like this.";
    LINT_COMPARISON = "TN1532", "a comparison with only one outcome",
        "It compares something with itself, or values of types that are never equal, such as a number with text.";
    LINT_ASSIGNMENT = "TN1533", "a condition that assigns",
        "`=` makes a changed copy of the data, which always holds as a condition. Compare with `==`.";
    LINT_NOT_ONE_RESULT = "TN1534", "an expression that never gives one result",
        "Exactly one result is needed. `a, b` gives two, `empty` none. Put several into a list: `[ … ]`.";
    LINT_MANY_RESULTS = "TN1535", "an expression that may give none or several results",
        "`.items[]` gives a result for each item, `select` none where it does not hold; exactly one is needed. Put them into a list, `[ … ]`, or take one: `first( … ) // null`.";
    LINT_FOR_NO_LIST = "TN1536", "`for` over something that is not a list",
        "`for.in` must give a list; an object, a text or a number is an *expression* error in every job. For an object use `to_entries`, for a number `[range( … )]`.";

    LINT_VARIABLE_UNUSED = "TN1540", "a loop variable that nothing reads",
        "Nothing inside the loop reads the item that it is given. Read it, or leave the name out. In a loop, `.` is the output of the iteration before, not the item.";
    LINT_VARIABLE_HIDES = "TN1541", "a variable that hides another",
        "A loop or catch variable has the name of one around it, or of one of Tenon's own, which cannot be read inside any more. Give it another name.";

    LINT_FORK_OF_ONE = "TN1545", "a fork with one branch",
        "With one branch nothing runs at the same time. Use `do`, or add a branch.";
    LINT_COMPETE_ACTS = "TN1546", "branches that compete and act",
        "All branches start, the first to end wins, and the others are stopped; what they have done by then is not undone. Let the branches only look, and act after the fork.";

    LINT_CATCH_SILENT = "TN1550", "a catch that swallows every error",
        "Without a filter, a condition, a retry or tasks under `do`, every error disappears, also mistakes in the workflow itself. Say which errors are meant, or handle them.";
    LINT_CATCH_NEVER = "TN1551", "a catch for an error that nothing raises",
        "Nothing inside the `try` can raise an error of this type, so nothing is ever caught. Mend the type, or remove the filter.";
    LINT_ERROR_TYPE = "TN1552", "a type that looks like a standard error and is none",
        "Standard errors are below `https://open-workflow-specification.org/spec/1.0.0/errors/`: configuration, validation, expression, authentication, authorization, timeout, communication, runtime. Types are compared as a whole.";
    LINT_ERROR_STATUS = "TN1553", "a status that does not go with the type of the error",
        "Standard errors have a status of their own (400, 401, 403, 408, 500), except *communication*, which has that of the answer. A filter with another status catches nothing; an error that is raised with another one misleads.";
    LINT_ERROR_TYPE_OLD = "TN1554", "an older name of a standard error",
        "The name still counts as the standard error in filters. Write `https://open-workflow-specification.org/spec/1.0.0/errors/…`; `tenon workflow lint --fix` does in filters.";
    LINT_RETRY_DEFAULT = "TN1555", "a retry that relies on the default limit",
        "Without a limit there are 10 retries here, and perhaps none or endlessly many elsewhere. Write it down: `limit: { attempt: { count: 10 } }`; `tenon workflow lint --fix` does.";
    LINT_RETRY_NEVER = "TN1556", "a retry policy whose parts cancel each other out",
        "A count of 0, a delay or an attempt longer than the total limit, a jitter that ends before it begins, or a backoff without a delay: this part has no effect, or there is no retry.";
    LINT_RETRY_HOLDS_LANE = "TN1557", "a long retry in an ordered lane",
        "With an `orderingKey` the next job of a key waits until this one has ended, through all its retries. Lower the limit, or add a `timeout` to the workflow.";
    LINT_WAIT_HOLDS_LANE = "TN1558", "a long wait in an ordered lane",
        "With an `orderingKey` the next job of a key waits until this one has ended. Move what comes after the wait to a workflow of its own, or add a `timeout`.";

    LINT_CREDENTIAL_LITERAL = "TN1560", "a credential in the document",
        "Documents are kept in git, shown in the console and stored in the clear. Keep the credential in a variable of kind secret, list its name under `use.secrets`, and read it as `$secrets.name` where the call is made.";
    LINT_CREDENTIAL_FROM_DATA = "TN1561", "a credential that comes from the data",
        "What comes from the input, the context or a configuration variable can be read in events, traces and logs. Keep it in a variable of kind secret and read `$secrets`.";
    LINT_SECRET_IN_ADDRESS = "TN1562", "a secret in an address",
        "Addresses with their queries are written to logs by servers and proxies. Send the secret in a header, or use `authentication`.";
    LINT_PLAIN_HTTP = "TN1563", "an address that is called in plain text",
        "Over http:// everybody on the way can read and change what is sent. Use https://. Addresses of this machine and of private networks are not meant.";
    LINT_CALL_TIMEOUT = "TN1565", "calls without a timeout of their own",
        "A call may take 60 seconds, connecting included. If an answer is of no use after a shorter time, say so with `timeout` on the task.";
    LINT_LISTEN_TIMEOUT = "TN1566", "a listen that may wait for ever",
        "Waiting costs nothing but a row in the store, but a job whose event never comes is never done. Add a `timeout` where there is nothing to wait for after some time.";
    LINT_REDIRECT_RESULT = "TN1567", "a redirect as the result",
        "Redirects are followed without a word. With `redirect: true` they are not: the 3xx answer is the result, and its address is in `headers`, which only `output: response` gives.";
    LINT_BODY_OF_GET = "TN1568", "a GET or HEAD with a body",
        "A body has no meaning there; servers ignore or refuse it. Use `query`, or another method.";
    LINT_HEADER_TWICE = "TN1569", "a header that is given twice",
        "Names of headers are the same in capital and small letters. Remove one of the two.";
    LINT_KEY_LITERAL = "TN1570", "an Idempotency-Key that is always the same",
        "The other side takes two requests with the same key for one, so only the first job has an effect. Leave the header out: Tenon sends one for each call that stays the same over all attempts.";

    LINT_ZERO_DURATION = "TN1575", "a duration of nothing",
        "A wait of no length does nothing, and a timeout of no length strikes at once. Give it a length, or remove it.";
    LINT_WAIT_TOO_LONG = "TN1576", "a wait that a timeout ends",
        "The wait is as long as the timeout of the task, of one around it, or of the workflow, or longer, so what comes after it never runs.";
    LINT_TIMEOUT_USELESS = "TN1577", "a timeout that never strikes",
        "A timeout around it, of a task or of the workflow, strikes before. Shorten this one, or raise the other.";

    LINT_DEDUP_WITHOUT_KEY = "TN1580", "`dedupFor` without `dedupKey`",
        "Events are recognised by their source and id before this workflow sees them. Its own `dedupFor` counts for its `dedupKey`, and for calls that send an `Idempotency-Key`.";
    LINT_DEDUP_WITHOUT_EVENTS = "TN1581", "`dedupKey` without events",
        "`dedupKey` keeps a second event from starting a second job. This workflow is started by no event; calls are recognised by their `Idempotency-Key`.";
    LINT_CONSTANT_KEY = "TN1582", "a key that is the same for all events",
        "A constant `orderingKey` puts all jobs into one lane; a constant `dedupKey` drops all events but the first. Take the key from the event, e.g. `${ .data.id }`.";
    LINT_ON_FAILURE_WITHOUT_ORDER = "TN1583", "`onFailure` without `orderingKey`",
        "It says what an ordered lane does when a job faults. Without an `orderingKey` there are no ordered lanes.";
    LINT_ORDER_OF_ONE = "TN1584", "lanes that never run in parallel",
        "With `concurrency: 1` one job runs at a time over all keys, so keys do not make lanes parallel. Raise `concurrency` or leave it out.";
    LINT_EMIT_LOOP = "TN1585", "a workflow that starts itself by an event",
        "The event passes the filter under `schedule.on` of the workflow that emits it, so each job starts the next, until 32 have caused one another. Emit another type, or filter.";
    LINT_RUN_ITSELF = "TN1586", "a workflow that runs itself",
        "Each job starts another of the same workflow inside itself; beyond 32 that is an error. Use a loop.";
    LINT_CORRELATION_ALONE = "TN1587", "a correlation of one event",
        "A key relates events to each other, or to a value that is given with `expect`. This one stands at one event only and expects nothing.";

    LINT_NAME_STYLE = "TN1590", "a name that is no identifier",
        "`$steps.name` can be written only for names of letters, digits and `_`; others need `$steps[\"…\"]`.";
    LINT_NAME_DIRECTIVE = "TN1591", "a task with the name of a direction",
        "`continue`, `exit` and `end` in `then` are directions, so a task with such a name can not be jumped to.";
    LINT_NO_TITLE = "TN1592", "a larger workflow without a title",
        "`document.title` and `document.summary` are what lists and the plain-English view show.";
    LINT_DSL_OLD = "TN1593", "an older version of the language",
        "Versions 1.0.x go together, and documents are read as 1.0.3. Say so in `document.dsl`; `tenon workflow lint --fix` does.";
}
