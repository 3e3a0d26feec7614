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
        "Every trigger has a `kind`; a webhook has a `path` and says who may call it: `auth: { kind: none }` or `auth: { kind: key }`.",
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
        "This version of Tenon has triggers of kind `webhook` with `auth` of kind `none` or `key`. Other kinds are refused rather than ignored.",
    ),
    (
        PATH,
        "not a usable webhook path",
        "A path is one or more segments of letters, digits and `-._~`, joined by `/`, without a slash at either end, at most 512 characters: `shop/orders`. It becomes `/hooks/<workspace>/shop/orders`.",
    ),
    (
        EXPRESSION,
        "an expression of a trigger that does not compile",
        "What is inside `${ … }` is not valid jq. In a webhook `.` is the request: `{method, path, query, headers, body, raw}`; there are no variables.",
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
        "`dedupFor` says how long keys are remembered, so it needs a `dedupKey`; a `dedupKey` must be an expression, because with a constant everything after the first request would be a repeat.",
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
