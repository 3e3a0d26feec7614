//! A compiled filter: what `lower` makes of jaq's syntax tree and `eval` runs.
//!
//! Names are resolved. A local variable, closure or label is the number of bindings to walk up from where it
//! is used; definitions are positions in a table; the variables of the workflow are positions in a list.

use crate::Value;
use crate::native::Native;
use jaq_core::ops::{Cmp, Math};

/// A whole expression, or the standard definitions (whose `root` is not used).
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) root: Term,
    pub(crate) definitions: Vec<Definition>,
    /// The workflow's variables, or members of them, that are used.
    pub(crate) globals: Vec<Global>,
}

/// `$name`, or `$name.member`, so that `$steps.x` need not build all of `$steps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) member: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) params: Vec<Param>,
    pub(crate) body: Term,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param {
    Variable,
    Closure,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum DefinitionRef {
    Standard(usize),
    Own(usize),
}

#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) kind: Kind,
    /// Known to give exactly one value (or an error), so that it can be evaluated without callbacks.
    pub(crate) single: bool,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Identity,
    RecurseDefault,
    Literal(Value),
    /// A string with `\(…)` in it; each value goes through `format` first.
    Interpolate(Box<Interpolation>),
    Array(Option<Box<Term>>),
    Object(Vec<(Term, Term)>),
    Local(usize),
    Closure(usize),
    Global(usize),
    Call(Box<Call>),
    Native(&'static Native, Vec<Term>),
    Label(Box<Term>),
    Break(usize),
    Negate(Box<Term>),
    Pipe(Box<(Term, Term)>),
    Bind(Box<(Term, Pattern, Term)>),
    Comma(Vec<Term>),
    /// `l = r`
    Assign(Box<(Term, Term)>),
    /// `l |= r`
    Update(Box<(Term, Term)>),
    /// `l += r` and the like
    UpdateMath(Math, Box<(Term, Term)>),
    /// `l //= r`
    UpdateAlternative(Box<(Term, Term)>),
    And(Box<(Term, Term)>),
    Or(Box<(Term, Term)>),
    Math(Math, Box<(Term, Term)>),
    Compare(Cmp, Box<(Term, Term)>),
    Alternative(Box<(Term, Term)>),
    Try(Box<Term>, Option<Box<Term>>),
    If(Box<(Term, Term, Term)>),
    Reduce(Box<Fold>),
    Foreach(Box<Fold>),
    Path(Box<Term>, Vec<(Part, Optional)>),
}

#[derive(Debug)]
pub(crate) struct Interpolation {
    pub(crate) format: Option<Term>,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Term(Term),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) definition: DefinitionRef,
    pub(crate) args: Vec<Term>,
    /// How many bindings up its definition's surroundings are; `None` for standard definitions.
    pub(crate) up: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) source: Term,
    pub(crate) pattern: Pattern,
    pub(crate) init: Term,
    pub(crate) update: Term,
    pub(crate) project: Option<Term>,
}

#[derive(Debug)]
pub(crate) enum Pattern {
    Variable,
    Members(Vec<(Term, Pattern)>),
}

#[derive(Debug)]
pub(crate) enum Part {
    Index(Term),
    Slice(Option<Term>, Option<Term>),
    Each,
}

/// Whether a part of a path has `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optional {
    Yes,
    No,
}

impl Term {
    pub(crate) fn single(kind: Kind) -> Self {
        Self { kind, single: true }
    }

    pub(crate) fn many(kind: Kind) -> Self {
        Self { kind, single: false }
    }

    pub(crate) fn literal(value: impl Into<Value>) -> Self {
        Self::single(Kind::Literal(value.into()))
    }
}

impl Pattern {
    pub(crate) fn is_single(&self) -> bool {
        match self {
            Self::Variable => true,
            Self::Members(members) => members.iter().all(|(key, pattern)| key.single && pattern.is_single()),
        }
    }
}

impl Part {
    pub(crate) fn is_single(&self) -> bool {
        let one = |term: &Option<Term>| term.as_ref().is_none_or(|term| term.single);
        match self {
            Self::Index(index) => index.single,
            Self::Slice(from, to) => one(from) && one(to),
            Self::Each => false,
        }
    }

    /// The key, if this is `.key`.
    pub(crate) fn literal_key(&self) -> Option<&str> {
        match self {
            Self::Index(Term { kind: Kind::Literal(value), .. }) => value.as_str(),
            _ => None,
        }
    }
}
