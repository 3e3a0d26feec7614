//! The codes of findings in trigger documents, TN05xx. Codes are part of the interface: never reuse one.

/// `(code, title, explanation)`, sorted by code. Findings about the text itself have the codes of
/// `tenon-workflow` (TN10xx).
pub const CODES: &[(&str, &str, &str)] = &[
    (
        UNKNOWN_FIELD,
        "unknown field in a trigger",
        "A trigger has no such field, so it would have no effect. Mend the name as suggested, or move it below `metadata`.",
    ),
    (
        MISSING_FIELD,
        "a required field of a trigger is missing",
        "Every trigger has a `kind`; a webhook has a `path` and says who may call it, e.g. `auth: { kind: key }`, or `auth: { kind: none }` for everybody.",
    ),
    (WRONG_TYPE, "wrong type of value in a trigger", "The value has another type than this field takes."),
    (
        NOT_ALLOWED,
        "a value of a trigger that is not among the allowed ones",
        "Only the values that are listed are possible here.",
    ),
    (
        LATER,
        "a part of triggers that is not in this version",
        "This version of Tenon has triggers of kind `webhook`, `schedule` and `poll`; a poller calls `http`, `openapi` or `grpc`. What comes later is refused rather than ignored.",
    ),
    (
        PATH,
        "not a usable webhook path",
        "A path is one or more segments of letters, digits and `-._~`, joined by `/`, without a slash at either end, at most 512 characters: `shop/orders`. A segment may be a parameter: `shop/{shop}/orders`. It becomes `/hooks/<workspace>/shop/orders`.",
    ),
    (
        EXPRESSION,
        "an expression of a trigger that does not compile",
        "What is inside `${ … }` is not valid jq. In a webhook `.` is the request: `{method, path, params, query, headers, body, raw}`; there are no variables. In a poller `.` is the answer or, in `dedupKey` and `emits`, one item; `$cursor` is what the call was asked with.",
    ),
    (
        SCHEMA,
        "not a valid JSON Schema",
        "The schema itself is wrong. Schemas are JSON Schema, draft 2020-12 unless `$schema` says otherwise, and cannot refer to other addresses.",
    ),
    (
        DURATION,
        "not a duration",
        "A duration is ISO 8601 text such as `PT24H`, or an object such as `{hours: 24}`, longer than nothing.",
    ),
    (
        COMBINATION,
        "fields of a trigger that do not go together",
        "`dedupFor` says how long keys are remembered, so it needs a `dedupKey`; a `dedupKey` must be an expression, because with a constant everything after the first request would be a repeat. `more` and `cursorOrder` of a poller need a `cursor`.",
    ),
    (
        CALENDAR,
        "not a time that ever comes",
        "A cron expression has five fields, minute, hour, day of the month, month and day of the week, or six with seconds first; one that no day fits, such as 30 February, is refused. A time zone is a name of the IANA database, such as `Europe/Berlin`. A moment is RFC 3339: `2027-01-01T00:00:00Z`.",
    ),
    (
        AUTH,
        "a setting of `auth` that cannot be used",
        "A secret is named, never written: `secret: NAME`, or `secrets: [OLD, NEW]` while one replaces the other. Headers have names of letters, digits, `-`, `_` and `.`. What a generic signature covers is `signed`, with `{body}` in it, and with `{timestamp}` and `{id}` if their headers are named.",
    ),
    (
        RATE,
        "not a usable rate limit",
        "A rate limit is `rateLimit: { limit: 100, per: PT1S, burst: 100 }`: whole numbers from 1 to 1,000,000, and a duration of at most a day.",
    ),
    (
        CORS,
        "not an origin",
        "An origin is `*`, or scheme, host and port without a path, as browsers send it: `https://shop.example`.",
    ),
    (
        MASK,
        "not a place in the request",
        "`mask` is a list of JSON Pointers into the request as expressions see it: they start with `/body`, `/query`, `/headers` or `/params`. `*` as a segment means every member.",
    ),
    (
        PARAMETER,
        "an unknown path parameter",
        "An expression reads `.params.<name>`, but the webhook's path has no such parameter, so it would be null in every request.",
    ),
];

pub(super) const UNKNOWN_FIELD: &str = "TN0501";
pub(super) const MISSING_FIELD: &str = "TN0502";
pub(super) const WRONG_TYPE: &str = "TN0503";
pub(super) const NOT_ALLOWED: &str = "TN0504";
pub(super) const LATER: &str = "TN0505";
pub(super) const PATH: &str = "TN0506";
pub(super) const EXPRESSION: &str = "TN0507";
pub(super) const SCHEMA: &str = "TN0508";
pub(super) const DURATION: &str = "TN0509";
pub(super) const COMBINATION: &str = "TN0510";
pub(super) const CALENDAR: &str = "TN0520";
pub(super) const AUTH: &str = "TN0530";
pub(super) const RATE: &str = "TN0531";
pub(super) const CORS: &str = "TN0532";
pub(super) const MASK: &str = "TN0533";
pub(super) const PARAMETER: &str = "TN0534";
