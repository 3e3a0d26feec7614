//! What jq's functions take and give, as far as the linter relies on it.
//!
//! Where a function takes more in some version of jq, it takes more here: too little is never claimed. What is
//! not in the table takes and gives anything.

use super::kinds::Kinds;

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    arity: usize,
    /// What `.` may be.
    pub(super) input: Kinds,
    /// What each argument may be.
    pub(super) arguments: Kinds,
    /// Whether its arguments are run for each item, so perhaps never, or over something else than `.`.
    pub(super) is_over_items: bool,
    pub(super) result: Kinds,
}

const ANY: Kinds = Kinds::ANY;
const BOOL: Kinds = Kinds::BOOL;
const LIST: Kinds = Kinds::LIST;
const NUMBER: Kinds = Kinds::NUMBER;
const OBJECT: Kinds = Kinds::OBJECT;
const TEXT: Kinds = Kinds::TEXT;
const LIST_OR_OBJECT: Kinds = LIST.or(OBJECT);
const LIST_OR_NULL: Kinds = LIST.or(Kinds::NULL);
const NOTHING: Kinds = Kinds::NONE;

const fn leaf(name: &'static str, input: Kinds, result: Kinds) -> Function {
    Function { name, arity: 0, input, arguments: ANY, is_over_items: false, result }
}

const fn with(
    name: &'static str,
    arity: usize,
    (input, arguments): (Kinds, Kinds),
    result: Kinds,
) -> Function {
    Function { name, arity, input, arguments, is_over_items: false, result }
}

const fn each(name: &'static str, input: Kinds, result: Kinds) -> Function {
    Function { name, arity: 1, input, arguments: ANY, is_over_items: true, result }
}

static FUNCTIONS: [Function; 82] = [
    leaf("abs", NUMBER, NUMBER),
    leaf("add", LIST_OR_OBJECT.or(Kinds::NULL), ANY),
    leaf("all", LIST_OR_OBJECT, BOOL),
    each("all", LIST_OR_OBJECT, BOOL),
    leaf("any", LIST_OR_OBJECT, BOOL),
    each("any", LIST_OR_OBJECT, BOOL),
    leaf("ascii_downcase", TEXT, TEXT),
    leaf("ascii_upcase", TEXT, TEXT),
    leaf("ceil", NUMBER, NUMBER),
    with("endswith", 1, (TEXT, TEXT), BOOL),
    leaf("empty", ANY, NOTHING),
    leaf("error", ANY, NOTHING),
    with("error", 1, (ANY, ANY), NOTHING),
    leaf("explode", TEXT, LIST),
    leaf("flatten", LIST, LIST),
    leaf("floor", NUMBER, NUMBER),
    leaf("from_entries", LIST, OBJECT),
    leaf("fromdate", TEXT, NUMBER),
    leaf("fromdateiso8601", TEXT, NUMBER),
    leaf("fromjson", TEXT, ANY),
    each("group_by", LIST, LIST),
    with("has", 1, (LIST_OR_OBJECT, TEXT.or(NUMBER)), BOOL),
    leaf("implode", LIST, TEXT),
    leaf("isarray", ANY, BOOL),
    leaf("isboolean", ANY, BOOL),
    each("isempty", ANY, BOOL),
    leaf("isnumber", ANY, BOOL),
    leaf("isobject", ANY, BOOL),
    leaf("isstring", ANY, BOOL),
    with("join", 1, (LIST, TEXT.or(Kinds::NULL)), TEXT),
    leaf("keys", LIST_OR_OBJECT, LIST),
    leaf("keys_unsorted", LIST_OR_OBJECT, LIST),
    leaf("length", ANY, NUMBER),
    leaf("ltrim", TEXT, TEXT),
    each("map", LIST_OR_OBJECT, LIST),
    each("map_values", LIST_OR_OBJECT, LIST_OR_OBJECT),
    leaf("max", LIST_OR_NULL, ANY),
    each("max_by", LIST_OR_NULL, ANY),
    leaf("min", LIST_OR_NULL, ANY),
    each("min_by", LIST_OR_NULL, ANY),
    leaf("not", ANY, BOOL),
    leaf("now", ANY, NUMBER),
    leaf("reverse", LIST_OR_NULL.or(TEXT), LIST_OR_NULL.or(TEXT)),
    leaf("round", NUMBER, NUMBER),
    leaf("rtrim", TEXT, TEXT),
    with("select", 1, (ANY, ANY), ANY),
    leaf("sort", LIST, LIST),
    each("sort_by", LIST, LIST),
    with("split", 1, (TEXT, TEXT), LIST),
    leaf("sqrt", NUMBER, NUMBER),
    with("startswith", 1, (TEXT, TEXT), BOOL),
    with("test", 1, (TEXT, TEXT.or(LIST)), BOOL),
    with("test", 2, (TEXT, TEXT.or(LIST).or(Kinds::NULL)), BOOL),
    leaf("to_entries", OBJECT, LIST),
    leaf("toarray", ANY, LIST),
    leaf("todate", NUMBER.or(LIST), TEXT),
    leaf("todateiso8601", NUMBER.or(LIST), TEXT),
    leaf("tojson", ANY, TEXT),
    leaf("tonumber", NUMBER.or(TEXT), NUMBER),
    leaf("tostring", ANY, TEXT),
    leaf("transpose", ANY, LIST),
    leaf("trim", TEXT, TEXT),
    leaf("type", ANY, TEXT),
    leaf("unique", LIST, LIST),
    each("unique_by", LIST, LIST),
    leaf("utf8bytelength", TEXT, NUMBER),
    leaf("values", ANY, ANY),
    each("with_entries", OBJECT, OBJECT),
    with("match", 1, (TEXT, TEXT.or(LIST)), OBJECT),
    with("capture", 1, (TEXT, TEXT.or(LIST)), OBJECT),
    with("scan", 1, (TEXT, TEXT.or(LIST)), TEXT.or(LIST)),
    with("splits", 1, (TEXT, TEXT.or(LIST)), TEXT),
    leaf("@base64", ANY, TEXT),
    leaf("@base64d", ANY, TEXT),
    leaf("@csv", LIST_OR_OBJECT, TEXT),
    leaf("@html", ANY, TEXT),
    leaf("@json", ANY, TEXT),
    leaf("@sh", ANY, TEXT),
    leaf("@text", ANY, TEXT),
    leaf("@tsv", LIST_OR_OBJECT, TEXT),
    leaf("@uri", ANY, TEXT),
    leaf("@urid", ANY, TEXT),
];

/// The function of this name that takes so many arguments.
pub(super) fn find(name: &str, arity: usize) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name && function.arity == arity)
}
