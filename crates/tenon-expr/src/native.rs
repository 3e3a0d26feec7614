//! The functions that are not defined in jq, in one table.

use crate::budget::Budget;
use crate::ops::Outcome;
use crate::regex::Patterns;
use crate::term::Term;
use crate::value::Val;
use crate::{leaf, leaf_jaq, leaf_text};
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Debug)]
pub(crate) struct Native {
    pub(crate) name: &'static str,
    pub(crate) arity: usize,
    pub(crate) run: Run,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// One value from the input and the values of the arguments.
    Leaf(Leaf),
    /// Arguments are run by it; see `special`.
    Special(Special),
}

pub(crate) type Leaf = for<'v> fn(&Tools<'v>, Val<'v>, &[Val<'v>]) -> Outcome<'v>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    All,
    Any,
    Add,
    Del,
    Empty,
    Error,
    ErrorOf,
    First,
    GetPath,
    GroupBy,
    IsEmpty,
    Last,
    Limit,
    MaxBy,
    MinBy,
    Path,
    PathValue,
    Range,
    Recurse,
    Repeat,
    Skip,
    SortBy,
    Until,
    While,
}

/// What leaf functions work with.
pub(crate) struct Tools<'v> {
    pub(crate) budget: &'v Budget,
    pub(crate) now: f64,
    pub(crate) patterns: Patterns,
}

impl<'v> Tools<'v> {
    pub(crate) fn new(budget: &'v Budget, now: f64) -> Self {
        Self { budget, now, patterns: Patterns::default() }
    }
}

impl Native {
    pub(crate) fn leaf(name: &'static str, arity: usize, leaf: Leaf) -> Self {
        let run = Run::Leaf(leaf);
        Self { name, arity, run }
    }

    fn special(name: &'static str, arity: usize, special: Special) -> Self {
        let run = Run::Special(special);
        Self { name, arity, run }
    }

    /// Whether a call with these arguments is known to give exactly one value.
    pub(crate) fn is_single(&self, args: &[Term]) -> bool {
        use Special::{Add, All, Any, Del, GroupBy, IsEmpty, MaxBy, MinBy, SortBy};
        match self.run {
            Run::Leaf(_) => args.iter().all(|arg| arg.single),
            Run::Special(special) => {
                matches!(special, Add | All | Any | Del | GroupBy | IsEmpty | MaxBy | MinBy | SortBy)
            }
        }
    }
}

static NATIVES: LazyLock<HashMap<&'static str, Vec<Native>>> = LazyLock::new(|| {
    let natives = specials().into_iter().chain(leaf::natives());
    let natives = natives.chain(leaf_text::natives()).chain(leaf_jaq::natives());
    let mut table: HashMap<_, Vec<_>> = HashMap::new();
    for native in natives {
        table.entry(native.name).or_default().push(native);
    }
    table
});

fn specials() -> Vec<Native> {
    use Special as S;
    let table = [
        ("all", 0, S::All),
        ("all", 1, S::All),
        ("all", 2, S::All),
        ("any", 0, S::Any),
        ("any", 1, S::Any),
        ("any", 2, S::Any),
        ("add", 1, S::Add),
        ("del", 1, S::Del),
        ("empty", 0, S::Empty),
        ("error", 0, S::Error),
        ("error", 1, S::ErrorOf),
        ("first", 1, S::First),
        ("getpath", 1, S::GetPath),
        ("group_by", 1, S::GroupBy),
        ("isempty", 1, S::IsEmpty),
        ("last", 1, S::Last),
        ("limit", 2, S::Limit),
        ("max_by", 1, S::MaxBy),
        ("min_by", 1, S::MinBy),
        ("path", 1, S::Path),
        ("path_value", 1, S::PathValue),
        ("range", 1, S::Range),
        ("range", 2, S::Range),
        ("range", 3, S::Range),
        ("recurse", 1, S::Recurse),
        ("repeat", 1, S::Repeat),
        ("skip", 2, S::Skip),
        ("sort_by", 1, S::SortBy),
        ("until", 2, S::Until),
        ("while", 2, S::While),
    ];
    let special = |(name, arity, special)| Native::special(name, arity, special);
    table.into_iter().map(special).collect()
}

pub(crate) fn find(name: &str, arity: usize) -> Option<&'static Native> {
    let mut natives = NATIVES.get(name)?.iter();
    natives.find(|native| native.arity == arity)
}

pub(crate) fn names() -> impl Iterator<Item = (&'static str, usize)> {
    let natives = NATIVES.values().flatten();
    natives.map(|native| (native.name, native.arity))
}

/// Why a function of jq does not exist here, if that is on purpose.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    Some(match name {
        "env" | "halt" | "halt_error" | "input" | "inputs" | "input_filename" | "input_line_number"
        | "debug" | "stderr" | "get_search_list" | "modulemeta" | "input_" => {
            "expressions work on their input alone: no environment, files, output or exit"
        }
        "localtime" | "strflocaltime" | "mktimelocal" => {
            "there is no local time here: use `gmtime`, `strftime` or `todate`"
        }
        "jn" | "yn" => "Bessel functions of any order are not available",
        "min_by_or_empty" | "max_by_or_empty" => "use `min_by` or `max_by`",
        _ => return None,
    })
}
