//! How many results an expression gives. Exactly one is required of it.

use tenon_expr::tree::{Operator, Part, Tree};

/// The least and the most; 2 stands for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Results {
    /// Unless something is swallowed.
    pub(super) least: u8,
    pub(super) most: u8,
    /// Whether an error in it may be swallowed, with what would have come after it.
    pub(super) may_vanish: bool,
}

const ONE: Results = Results::of(1, 1);
const NONE: Results = Results::of(0, 0);
const ANY: Results = Results::of(0, 2);
const AT_MOST_ONE: Results = Results::of(0, 1);

/// Functions without arguments that give anything but one result.
const FILTERS: [&str; 11] = [
    "values",
    "nulls",
    "booleans",
    "numbers",
    "finites",
    "normals",
    "strings",
    "arrays",
    "objects",
    "iterables",
    "scalars",
];
const STREAMS: [&str; 13] = [
    "range",
    "recurse",
    "paths",
    "leaf_paths",
    "splits",
    "scan",
    "match",
    "repeat",
    "while",
    "capture",
    "tostream",
    "skip",
    "combinations",
];

/// How many results a term gives where it gives any and does not fail. Errors that are caught count as results.
pub(super) fn of(tree: &Tree) -> Results {
    match tree {
        Tree::Identity
        | Tree::Literal(_)
        | Tree::Variable(_)
        | Tree::List(_)
        | Tree::Break
        | Tree::Label(_) => ONE,
        Tree::Recurse => Results::of(1, 2),
        Tree::Interpolation(parts) => product(parts.iter()),
        Tree::Object(members) => product(members.iter().flat_map(|(key, value)| [key, value])),
        Tree::Path(head, steps) => steps.iter().fold(of(head), |results, step| {
            let results = match &step.part {
                Part::Each => results.times(ANY),
                Part::Index(index) => results.times(of(index)),
                Part::Slice(from, to) => results.times(product(from.iter().chain(to))),
                Part::Member(_) => results,
            };
            if step.optional { results.caught() } else { results }
        }),
        Tree::Call(name, arguments) => call(name, arguments),
        Tree::Negate(term) => of(term),
        Tree::Pair(operator, left, right) => match operator {
            Operator::Alternative => {
                let (left, right) = (of(left), of(right));
                let least = if left.most == 0 { right.least } else { right.least.min(1) };
                Results { least, most: left.most.max(right.most), may_vanish: right.may_vanish }
            }
            // `and` and `or` may not look at their right side.
            Operator::And | Operator::Or => of(left).times(of(right).or(ONE)),
            Operator::Update => ONE,
            Operator::Assign => of(right),
            _ => of(left).times(of(right)),
        },
        Tree::Comma(terms) => terms.iter().map(of).fold(NONE, Results::plus),
        Tree::Bind(source, _, body) => of(source).times(of(body)),
        Tree::If(cases, otherwise) => {
            let otherwise = otherwise.as_deref().map_or(ONE, of);
            cases
                .iter()
                .rev()
                .fold(otherwise, |rest, (condition, then)| of(condition).times(of(then).or(rest)))
        }
        Tree::Try(body, catch) => match catch.as_deref().map(of) {
            None => of(body).caught(),
            // What came before the error stays, and what is caught comes after it.
            Some(catch) if of(body).most > 1 => {
                let all = of(body).plus(catch);
                Results { least: of(body).least.min(catch.least).min(1), ..all }
            }
            Some(catch) => of(body).or(catch),
        },
        Tree::Fold(_, _, arguments) => match arguments.len() {
            2 if arguments.iter().all(|term| of(term) == ONE) => ONE,
            _ => ANY,
        },
        Tree::Define(_, rest) => of(rest),
    }
}

fn call(name: &str, arguments: &[Tree]) -> Results {
    match (name, arguments) {
        ("empty", []) => NONE,
        ("select", [condition]) => AT_MOST_ONE.times(of(condition)),
        ("first" | "last", [term]) => {
            let results = of(term);
            Results { least: results.least.min(1), most: results.most.min(1), ..results }
        }
        ("limit", [_, term]) => Results { least: 0, ..of(term) },
        _ if FILTERS.contains(&name) => AT_MOST_ONE,
        _ if STREAMS.contains(&name) => ANY,
        _ => ONE,
    }
}

fn product<'t>(terms: impl Iterator<Item = &'t Tree>) -> Results {
    terms.map(of).fold(ONE, Results::times)
}

// === impl Results ===

impl Results {
    const fn of(least: u8, most: u8) -> Self {
        Self { least, most, may_vanish: false }
    }

    /// Whether there is a result whenever nothing fails.
    pub(super) fn is_sure(self) -> bool {
        self.least > 0 && !self.may_vanish
    }

    fn times(self, other: Self) -> Self {
        Self {
            least: (self.least * other.least).min(2),
            most: (self.most * other.most).min(2),
            may_vanish: self.may_vanish || other.may_vanish,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            least: (self.least + other.least).min(2),
            most: (self.most + other.most).min(2),
            may_vanish: self.may_vanish || other.may_vanish,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
            may_vanish: self.may_vanish || other.may_vanish,
        }
    }

    /// With errors swallowed. That a single result may be missing then is what `?` is written for.
    fn caught(self) -> Self {
        Self { least: self.least.min(1), may_vanish: true, ..self }
    }
}
