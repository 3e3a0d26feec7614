//! How many results an expression gives. Exactly one is required of it.

use tenon_expr::tree::{Operator, Part, Tree};

/// The least and the most; 2 stands for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Results {
    pub(super) least: u8,
    pub(super) most: u8,
}

const ONE: Results = Results { least: 1, most: 1 };
const NONE: Results = Results { least: 0, most: 0 };
const ANY: Results = Results { least: 0, most: 2 };
const AT_MOST_ONE: Results = Results { least: 0, most: 1 };

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
const STREAMS: [&str; 12] = [
    "range",
    "recurse",
    "paths",
    "leaf_paths",
    "splits",
    "scan",
    "match",
    "repeat",
    "while",
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
        Tree::Recurse => Results { least: 1, most: 2 },
        Tree::Interpolation(parts) => product(parts.iter()),
        Tree::Object(members) => product(members.iter().flat_map(|(key, value)| [key, value])),
        Tree::Path(head, steps) => steps.iter().fold(of(head), |results, step| match &step.part {
            Part::Each => results.times(ANY),
            Part::Index(index) => results.times(of(index)),
            Part::Slice(from, to) => results.times(product(from.iter().chain(to))),
            Part::Member(_) => results,
        }),
        Tree::Call(name, arguments) => call(name, arguments),
        Tree::Negate(term) => of(term),
        Tree::Pair(operator, left, right) => match operator {
            Operator::Alternative => {
                let (left, right) = (of(left), of(right));
                let least = if left.most == 0 { right.least } else { right.least.min(1) };
                Results { least, most: left.most.max(right.most) }
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
        Tree::Try(body, catch) => catch.as_deref().map_or(of(body), |catch| of(body).or(of(catch))),
        Tree::Fold(source, _, arguments) => match arguments.len() {
            2 if of(source).most < 2 || arguments.iter().all(|term| of(term) == ONE) => ONE,
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
            Results { least: results.least.min(1), most: results.most.min(1) }
        }
        ("limit", [_, term]) => Results { least: 0, most: of(term).most },
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
    fn times(self, other: Self) -> Self {
        Self { least: (self.least * other.least).min(2), most: (self.most * other.most).min(2) }
    }

    fn plus(self, other: Self) -> Self {
        Self { least: (self.least + other.least).min(2), most: (self.most + other.most).min(2) }
    }

    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}
