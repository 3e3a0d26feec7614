//! What an expression says, for those who reason about it without running it (a linter, a description).
//!
//! A read-only copy of the syntax tree with its shorthands written out and names left as they stand. Nothing
//! is resolved or evaluated here: a name may be a definition of the expression itself, a variable may not exist.

use crate::lower::number;
use crate::{CompileError, Value, syntax};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `.`
    Identity,
    /// `..`
    Recurse,
    /// A number, a text without `\(…)`, `true`, `false` or `null`.
    Literal(Value),
    /// A text with `\(…)` in it: its parts.
    Interpolation(Vec<Tree>),
    /// `[…]`
    List(Option<Box<Tree>>),
    /// `{…}`: keys and values; `{a}` is `{a: .a}`.
    Object(Vec<(Tree, Tree)>),
    /// `$name`, without the dollar.
    Variable(String),
    /// `.a[0]`, or the same behind another term.
    Path(Box<Tree>, Vec<Step>),
    /// `name` or `name(…; …)`.
    Call(String, Vec<Tree>),
    /// `-x`
    Negate(Box<Tree>),
    /// `left operator right`
    Pair(Operator, Box<Tree>, Box<Tree>),
    /// `a, b, c`
    Comma(Vec<Tree>),
    /// `source as $a | body`, with the names that it gives.
    Bind(Box<Tree>, Vec<String>, Box<Tree>),
    /// `if … then … elif … else … end`
    If(Vec<(Tree, Tree)>, Option<Box<Tree>>),
    /// `try a catch b`, and `a?`.
    Try(Box<Tree>, Option<Box<Tree>>),
    /// `reduce` and `foreach`: the source, the names that it gives, what is in parentheses.
    Fold(Box<Tree>, Vec<String>, Vec<Tree>),
    /// `def name(parameters): body; rest`: the names, the bodies, the rest.
    Define(Vec<(String, Tree)>, Box<Tree>),
    /// `label $name | body`
    Label(Box<Tree>),
    /// `break $name`
    Break,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it goes.
    pub part: Part,
    /// Whether it has `?`.
    pub optional: bool,
}

/// Where a step of a path goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// `.name`, `["name"]`
    Member(String),
    /// `[x]`
    Index(Tree),
    /// `[a:b]`
    Slice(Option<Tree>, Option<Tree>),
    /// `[]`
    Each,
}

/// What stands between two terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `|`
    Pipe,
    /// `//`
    Alternative,
    /// `or`
    Or,
    /// `and`
    And,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Assign,
    /// `|=`, `+=`, `//=` and the like.
    Update,
}

// === impl Tree ===

impl Tree {
    /// Parses `source`, which comes without `${ }`. Fails where [`Expr::compile`](crate::Expr::compile) finds a
    /// fault of syntax; unknown names are no such fault.
    pub fn parse(source: &str) -> Result<Self, CompileError> {
        syntax::parse(source).map(convert)
    }

    /// The terms directly inside.
    pub fn children(&self) -> Vec<&Tree> {
        match self {
            Self::Identity | Self::Recurse | Self::Literal(_) | Self::Variable(_) | Self::Break => Vec::new(),
            Self::Interpolation(parts) | Self::Comma(parts) | Self::Call(_, parts) => parts.iter().collect(),
            Self::List(items) => items.iter().map(AsRef::as_ref).collect(),
            Self::Object(members) => members.iter().flat_map(|(key, value)| [key, value]).collect(),
            Self::Path(head, steps) => {
                std::iter::once(head.as_ref()).chain(steps.iter().flat_map(Step::children)).collect()
            }
            Self::Negate(term) | Self::Label(term) => vec![term],
            Self::Pair(_, left, right) | Self::Bind(left, _, right) => vec![left, right],
            Self::If(cases, otherwise) => {
                let cases = cases.iter().flat_map(|(condition, then)| [condition, then]);
                cases.chain(otherwise.iter().map(AsRef::as_ref)).collect()
            }
            Self::Try(body, catch) => {
                std::iter::once(body.as_ref()).chain(catch.iter().map(AsRef::as_ref)).collect()
            }
            Self::Fold(source, _, arguments) => std::iter::once(source.as_ref()).chain(arguments).collect(),
            Self::Define(definitions, rest) => {
                definitions.iter().map(|(_, body)| body).chain(std::iter::once(rest.as_ref())).collect()
            }
        }
    }
}

// === impl Step ===

impl Step {
    fn children(&self) -> Vec<&Tree> {
        match &self.part {
            Part::Member(_) | Part::Each => Vec::new(),
            Part::Index(index) => vec![index],
            Part::Slice(from, to) => from.iter().chain(to).collect(),
        }
    }
}

/// As deep as the syntax tree, whose height the parser bounds; commas are flattened without recursion.
fn convert(term: Term<&str>) -> Tree {
    match term {
        Term::Id => Tree::Identity,
        Term::Recurse => Tree::Recurse,
        Term::Num(text) => Tree::Literal(number(text)),
        Term::Str(format, parts) => text(format, parts),
        Term::Arr(items) => Tree::List(items.map(|term| boxed(*term))),
        Term::Obj(members) => Tree::Object(members.into_iter().map(member).collect()),
        Term::Neg(term) => Tree::Negate(boxed(*term)),
        Term::BinOp(left, operator, right) => binary(*left, operator, *right),
        Term::Label(_, body) => Tree::Label(boxed(*body)),
        Term::Break(_) => Tree::Break,
        Term::Fold(_, source, pattern, arguments) => {
            Tree::Fold(boxed(*source), names(&pattern), arguments.into_iter().map(convert).collect())
        }
        Term::TryCatch(body, catch) => Tree::Try(boxed(*body), catch.map(|term| boxed(*term))),
        Term::IfThenElse(cases, otherwise) => {
            let cases = cases.into_iter().map(|(condition, then)| (convert(condition), convert(then)));
            Tree::If(cases.collect(), otherwise.map(|term| boxed(*term)))
        }
        Term::Def(definitions, rest) => {
            let definition = |Def { name, body, .. }: Def<&str>| (name.to_owned(), convert(body));
            Tree::Define(definitions.into_iter().map(definition).collect(), boxed(*rest))
        }
        Term::Call(name, arguments) => match (name, arguments.is_empty()) {
            ("true", true) => Tree::Literal(Value::Bool(true)),
            ("false", true) => Tree::Literal(Value::Bool(false)),
            ("null", true) => Tree::Literal(Value::Null),
            _ => Tree::Call(name.to_owned(), arguments.into_iter().map(convert).collect()),
        },
        Term::Var(name) => Tree::Variable(bare(name)),
        Term::Path(head, path) => Tree::Path(boxed(*head), path.0.into_iter().map(step).collect()),
    }
}

fn boxed(term: Term<&str>) -> Box<Tree> {
    Box::new(convert(term))
}

fn bare(variable: &str) -> String {
    variable.trim_start_matches('$').to_owned()
}

fn text(format: Option<&str>, parts: Vec<StrPart<&str, Term<&str>>>) -> Tree {
    let mut trees = Vec::new();
    let mut literal = String::new();
    for part in parts {
        match part {
            StrPart::Str(text) => literal.push_str(text),
            StrPart::Char(letter) => literal.push(letter),
            StrPart::Term(term) => {
                if !literal.is_empty() {
                    trees.push(Tree::Literal(Value::String(std::mem::take(&mut literal))));
                }
                let inner = convert(term);
                trees.push(match format {
                    Some(format) => {
                        let call = Tree::Call(format.to_owned(), Vec::new());
                        Tree::Pair(Operator::Pipe, Box::new(inner), Box::new(call))
                    }
                    None => inner,
                });
            }
        }
    }
    if trees.is_empty() {
        return Tree::Literal(Value::String(literal));
    }
    if !literal.is_empty() {
        trees.push(Tree::Literal(Value::String(literal)));
    }
    Tree::Interpolation(trees)
}

fn member((key, value): (Term<&str>, Option<Term<&str>>)) -> (Tree, Tree) {
    match (key, value) {
        (key, Some(value)) => (convert(key), convert(value)),
        (Term::Var(name), None) => (Tree::Literal(Value::String(bare(name))), Tree::Variable(bare(name))),
        (key, None) => {
            let key = convert(key);
            let part = match &key {
                Tree::Literal(Value::String(name)) => Part::Member(name.clone()),
                other => Part::Index(other.clone()),
            };
            (key, Tree::Path(Box::new(Tree::Identity), vec![Step { part, optional: false }]))
        }
    }
}

fn binary(left: Term<&str>, operator: BinaryOp<&str>, right: Term<&str>) -> Tree {
    let operator = match operator {
        BinaryOp::Comma => return comma(left, right),
        BinaryOp::Pipe(Some(pattern)) => {
            let names = names(&pattern);
            return Tree::Bind(Box::new(convert(left)), names, Box::new(convert(right)));
        }
        BinaryOp::Pipe(None) => Operator::Pipe,
        BinaryOp::Alt => Operator::Alternative,
        BinaryOp::Or => Operator::Or,
        BinaryOp::And => Operator::And,
        BinaryOp::Math(Math::Add) => Operator::Add,
        BinaryOp::Math(Math::Sub) => Operator::Subtract,
        BinaryOp::Math(Math::Mul) => Operator::Multiply,
        BinaryOp::Math(Math::Div) => Operator::Divide,
        BinaryOp::Math(Math::Rem) => Operator::Remainder,
        BinaryOp::Cmp(Cmp::Eq) => Operator::Equal,
        BinaryOp::Cmp(Cmp::Ne) => Operator::NotEqual,
        BinaryOp::Cmp(Cmp::Lt) => Operator::Less,
        BinaryOp::Cmp(Cmp::Le) => Operator::LessOrEqual,
        BinaryOp::Cmp(Cmp::Gt) => Operator::Greater,
        BinaryOp::Cmp(Cmp::Ge) => Operator::GreaterOrEqual,
        BinaryOp::Assign => Operator::Assign,
        BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => Operator::Update,
    };
    Tree::Pair(operator, Box::new(convert(left)), Box::new(convert(right)))
}

/// Flattens `a, b, c`, whose tree leans left.
fn comma(mut left: Term<&str>, right: Term<&str>) -> Tree {
    let mut reversed = vec![right];
    while let Term::BinOp(further, BinaryOp::Comma, last) = left {
        reversed.push(*last);
        left = *further;
    }
    let first = convert(left);
    Tree::Comma(std::iter::once(first).chain(reversed.into_iter().rev().map(convert)).collect())
}

fn step((part, optional): (path::Part<Term<&str>>, path::Opt)) -> Step {
    let part = match part {
        path::Part::Index(index) => match convert(index) {
            Tree::Literal(Value::String(name)) => Part::Member(name),
            index => Part::Index(index),
        },
        path::Part::Range(None, None) => Part::Each,
        path::Part::Range(from, to) => Part::Slice(from.map(convert), to.map(convert)),
    };
    Step { part, optional: matches!(optional, path::Opt::Optional) }
}

fn names(pattern: &Pattern<&str>) -> Vec<String> {
    match pattern {
        Pattern::Var(name) => vec![bare(name)],
        Pattern::Arr(items) => items.iter().flat_map(names).collect(),
        Pattern::Obj(items) => items
            .iter()
            .flat_map(|(key, pattern)| {
                // `{$a: [$b]}` gives $a and $b.
                let own = match key {
                    Term::Var(name) => Some(bare(name)),
                    _ => None,
                };
                own.into_iter().chain(names(pattern))
            })
            .collect(),
    }
}
