//! What an expression can give, as far as it can be known without running it, and what cannot be meant.
//!
//! Sound in one direction only: what it calls impossible is impossible, everything else may be anything. A
//! property test holds it against the evaluator.

use std::collections::HashSet;

use serde_json::Value;
use tenon_expr::tree::{Operator, Part, Step, Tree};

use super::functions::{self, Function};
use super::kinds::{Kinds, Known};

/// Something that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) sort: Sort,
    pub(super) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Every evaluation of the expression fails here.
    Fails,
    /// Every evaluation fails here, because of what flow brings.
    Unfit,
    /// Fails whenever this part is evaluated.
    MayFail,
    /// Gives null, whatever the data is.
    Null,
    /// A comparison whose outcome is fixed.
    Comparison,
}

/// What the workflow's variables can be.
pub(super) trait Variables {
    /// `$name`
    fn known(&self, name: &str) -> Known;

    /// `$steps.name`
    fn step(&self, name: &str) -> Known;
}

pub(super) struct Inference<'a> {
    variables: &'a dyn Variables,
    locals: Vec<(String, Known)>,
    /// Whether this part is evaluated whenever the whole is, with its errors going on up.
    is_sure: bool,
    /// Functions that the expression defines itself; their names hide built-in ones.
    defined: HashSet<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// Troubles of one expression beyond these say nothing new.
const MAX_TROUBLES: usize = 5;

// === impl Inference ===

impl<'a> Inference<'a> {
    pub(super) fn new(variables: &'a dyn Variables) -> Self {
        let (locals, defined, troubles) = (Vec::new(), HashSet::new(), Vec::new());
        Self { variables, locals, is_sure: true, defined, troubles }
    }

    /// As deep as the syntax tree, which the parser bounds.
    pub(super) fn infer(&mut self, tree: &Tree, input: &Known) -> Known {
        match tree {
            Tree::Identity => input.clone(),
            Tree::Literal(value) => Known::value(value),
            Tree::Recurse | Tree::Break => Known::any(),
            Tree::Interpolation(parts) => {
                self.given(parts, |this| {
                    for part in parts {
                        this.infer(part, input);
                    }
                });
                Known::only(Kinds::TEXT)
            }
            Tree::List(items) => {
                if let Some(items) = items {
                    self.infer(items, input);
                }
                Known::only(Kinds::LIST)
            }
            Tree::Object(members) => self.object(members, input),
            Tree::Variable(name) => self.variable(name),
            Tree::Path(head, steps) => self.path(head, steps, input),
            Tree::Call(name, arguments) => self.call(name, arguments, input),
            Tree::Negate(term) => {
                let known = self.infer(term, input);
                self.given([&**term], |this| this.needs(&known, Kinds::NUMBER, "negates"));
                Known::only(Kinds::NUMBER)
            }
            Tree::Pair(operator, left, right) => self.pair(*operator, (left, right), input),
            Tree::Comma(terms) => {
                let all = terms.iter().map(|term| self.infer(term, input));
                all.fold(Known::nothing(), Known::join)
            }
            Tree::Bind(source, names, body) => {
                self.infer(source, input);
                self.given([&**source], |this| this.with(names, Known::any(), |this| this.infer(body, input)))
            }
            Tree::If(cases, otherwise) => self.conditional(cases, otherwise.as_deref(), input),
            Tree::Try(body, catch) => {
                let silent = self.troubles.len();
                let known = self.maybe(|this| this.infer(body, input));
                self.forgive(silent);
                match catch {
                    Some(catch) => known.join(self.maybe(|this| this.infer(catch, &Known::any()))),
                    None => known,
                }
            }
            Tree::Fold(source, names, arguments) => {
                self.infer(source, input);
                self.with(names, Known::any(), |this| {
                    this.maybe(|this| this.each(arguments));
                });
                Known::any()
            }
            Tree::Define(definitions, rest) => {
                self.defined.extend(definitions.iter().map(|(name, _)| name.clone()));
                self.infer(rest, input)
            }
            Tree::Label(body) => {
                self.maybe(|this| this.infer(body, input));
                Known::any()
            }
        }
    }

    /// Terms over something that is not known.
    fn each(&mut self, terms: &[Tree]) {
        for term in terms {
            self.infer(term, &Known::any());
        }
    }

    /// In a part that is not always evaluated, or whose errors go nowhere.
    fn maybe<T>(&mut self, inner: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.is_sure, false);
        let result = inner(self);
        self.is_sure = outer;
        result
    }

    fn with<T>(&mut self, names: &[String], known: Known, inner: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.locals.len();
        self.locals.extend(names.iter().map(|name| (name.clone(), known.clone())));
        let result = inner(self);
        self.locals.truncate(before);
        result
    }

    /// Forgets errors that something catches.
    fn forgive(&mut self, from: usize) {
        let mut place = 0;
        self.troubles.retain(|trouble| {
            place += 1;
            place <= from || !matches!(trouble.sort, Sort::Fails | Sort::MayFail)
        });
    }

    fn note(&mut self, sort: Sort, message: String) {
        let trouble = Trouble { sort, message };
        if self.troubles.len() < MAX_TROUBLES && !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    fn fails(&mut self, message: String) -> Known {
        self.note(if self.is_sure { Sort::Fails } else { Sort::MayFail }, message);
        // What comes after it is not looked at: one trouble is enough.
        Known::any()
    }

    /// Whether a value can be of these types.
    fn needs(&mut self, known: &Known, kinds: Kinds, verb: &str) -> bool {
        let fits = known.kinds.is_none() || known.kinds.has(kinds);
        if !fits {
            self.fails(format!("{verb} {}, which must be {kinds}", known.kinds));
        }
        fits
    }

    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|(local, _)| local == name)
    }

    fn variable(&self, name: &str) -> Known {
        let local = self.locals.iter().rev().find(|(local, _)| local == name);
        local.map_or_else(|| self.variables.known(name), |(_, known)| known.clone())
    }

    fn object(&mut self, members: &[(Tree, Tree)], input: &Known) -> Known {
        let mut known = Vec::new();
        let mut is_closed = true;
        self.given(members.iter().flat_map(|(key, value)| [key, value]), |this| {
            for (key, value) in members {
                let name = this.infer(key, input);
                let value = this.infer(value, input);
                this.needs(&name, Kinds::TEXT, "takes for a key");
                match name.value {
                    Some(Value::String(name)) => known.push((name, value)),
                    _ => is_closed = false,
                }
            }
        });
        if is_closed { Known::object(known) } else { Known::only(Kinds::OBJECT) }
    }

    // --- paths ---

    fn path(&mut self, head: &Tree, steps: &[Step], input: &Known) -> Known {
        let (mut known, steps) = match (head, steps) {
            (Tree::Variable(steps), [Step { part: Part::Member(name), .. }, rest @ ..])
                if steps == "steps" && !self.is_local(steps) =>
            {
                (self.variables.step(name), rest)
            }
            _ => (self.infer(head, input), steps),
        };
        let mut is_caught = !super::results::of(head).is_sure();
        for step in steps {
            is_caught = is_caught || step.optional;
            known = if step.optional {
                let silent = self.troubles.len();
                let known = self.maybe(|this| this.step(&step.part, &known, input));
                self.forgive(silent);
                known
            } else if is_caught {
                // Nothing may have come out of the steps before.
                self.maybe(|this| this.step(&step.part, &known, input))
            } else {
                self.step(&step.part, &known, input)
            };
            is_caught = is_caught || !matches!(step.part, Part::Member(_));
        }
        known
    }

    fn step(&mut self, part: &Part, known: &Known, input: &Known) -> Known {
        match part {
            Part::Member(name) => self.member(name, known),
            Part::Index(index) => {
                let index = self.infer(index, input);
                match &index.value {
                    Some(Value::String(name)) => self.member(name, known),
                    _ => self.index(known, &index),
                }
            }
            Part::Slice(from, to) => {
                for bound in from.iter().chain(to) {
                    self.infer(bound, input);
                }
                self.needs(known, Kinds::NULL.or(Kinds::TEXT).or(Kinds::LIST), "slices");
                Known::any()
            }
            Part::Each => {
                self.needs(known, Kinds::LIST.or(Kinds::OBJECT), "goes over");
                Known::any()
            }
        }
    }

    fn member(&mut self, name: &str, known: &Known) -> Known {
        let fits = Kinds::NULL.or(Kinds::OBJECT);
        if !known.kinds.is_none() && !known.kinds.has(fits) {
            return self.fails(format!("reads the member `{name}` of {}", known.kinds));
        }
        if known.kinds.is_only(Kinds::NULL) {
            return Known::only(Kinds::NULL);
        }
        if !known.kinds.is_only(fits) || known.members.is_none() {
            return Known::any();
        }
        let Some(found) = known.member(name) else {
            self.note(Sort::Null, missing(name, known));
            return Known::only(Kinds::NULL);
        };
        let null = if known.kinds.has(Kinds::NULL) { Known::only(Kinds::NULL) } else { Known::nothing() };
        found.clone().join(null)
    }

    fn index(&mut self, known: &Known, index: &Known) -> Known {
        let (scalars, numbers) = (Kinds::BOOL.or(Kinds::NUMBER), index.kinds.is_only(Kinds::NUMBER));
        let wrong = known.kinds.is_only(scalars)
            || (numbers && known.kinds.is_only(scalars.or(Kinds::TEXT).or(Kinds::OBJECT)))
            || (index.kinds.is_only(Kinds::TEXT)
                && known.kinds.is_only(scalars.or(Kinds::TEXT).or(Kinds::LIST)));
        if wrong {
            return self.fails(format!("indexes {} with {}", known.kinds, index.kinds));
        }
        Known::any()
    }

    // --- operators ---

    fn pair(&mut self, operator: Operator, (left, right): (&Tree, &Tree), input: &Known) -> Known {
        match operator {
            Operator::Pipe => {
                let known = self.infer(left, input);
                self.given([left], |this| this.infer(right, &known))
            }
            Operator::Alternative => {
                let silent = self.troubles.len();
                let known = self.maybe(|this| this.infer(left, input));
                self.forgive(silent);
                let other = self.maybe(|this| this.infer(right, input));
                known.without(Kinds::NULL.or(Kinds::FALSE)).join(other)
            }
            Operator::And | Operator::Or => {
                self.infer(left, input);
                self.maybe(|this| this.infer(right, input));
                Known::only(Kinds::BOOL)
            }
            Operator::Equal | Operator::NotEqual => {
                let (a, b) = self.both(left, right, input);
                self.equality(operator, (left, right), (&a, &b))
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                let (a, b) = self.both(left, right, input);
                self.ordering((left, right), (&a, &b));
                Known::only(Kinds::BOOL)
            }
            Operator::Assign | Operator::Update => {
                self.maybe(|this| this.infer(left, input));
                self.maybe(|this| this.infer(right, &Known::any()));
                Known::any()
            }
            _ => {
                let (a, b) = self.both(left, right, input);
                self.given([left, right], |this| this.mathematics(operator, &a, &b))
            }
        }
    }

    /// What needs a result of each of these terms is not always evaluated if one may give none.
    fn given<'t, T>(
        &mut self,
        terms: impl IntoIterator<Item = &'t Tree>,
        inner: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let are_sure = terms.into_iter().all(|term| super::results::of(term).is_sure());
        if are_sure { inner(self) } else { self.maybe(inner) }
    }

    /// Two terms of which the one is evaluated only if the other gives something.
    fn both(&mut self, left: &Tree, right: &Tree, input: &Known) -> (Known, Known) {
        let a = self.given([right], |this| this.infer(left, input));
        (a, self.given([left], |this| this.infer(right, input)))
    }

    fn equality(
        &mut self,
        operator: Operator,
        (left, right): (&Tree, &Tree),
        (a, b): (&Known, &Known),
    ) -> Known {
        let is_literal = |tree: &Tree| matches!(tree, Tree::Literal(_));
        let are_literal = is_literal(left) && is_literal(right);
        let are_known = !a.kinds.is_none() && !b.kinds.is_none() && !are_literal;
        if left == right && !is_literal(left) {
            self.note(Sort::Comparison, "compares something with itself".to_owned());
        } else if are_known && !a.kinds.has(b.kinds) {
            let word = if operator == Operator::Equal { "never" } else { "always" };
            let message = format!("is {word} true: compares {} with {}", a.kinds, b.kinds);
            self.note(Sort::Comparison, message);
            return Known::value(&Value::Bool(operator == Operator::NotEqual));
        }
        Known::only(Kinds::BOOL)
    }

    fn ordering(&mut self, (left, right): (&Tree, &Tree), (a, b): (&Known, &Known)) {
        let scalar = Kinds::NUMBER.or(Kinds::TEXT);
        if left == right && !matches!(left, Tree::Literal(_)) {
            self.note(Sort::Comparison, "compares something with itself".to_owned());
        } else if a.kinds.is_only(scalar) && b.kinds.is_only(scalar) && !a.kinds.has(b.kinds) {
            let message = format!("compares {} with {}: numbers always come before text", a.kinds, b.kinds);
            self.note(Sort::Comparison, message);
        }
    }

    fn mathematics(&mut self, operator: Operator, a: &Known, b: &Known) -> Known {
        if a.kinds.is_none() || b.kinds.is_none() {
            return Known::any();
        }
        let same = |kinds: Kinds| a.kinds.has(kinds) && b.kinds.has(kinds);
        let (number, text) = (Kinds::NUMBER, Kinds::TEXT);
        let can_be = match operator {
            Operator::Add => {
                let equal = [number, text, Kinds::LIST, Kinds::OBJECT].into_iter().any(same);
                equal || a.kinds.has(Kinds::NULL) || b.kinds.has(Kinds::NULL)
            }
            Operator::Subtract => same(number) || same(Kinds::LIST),
            Operator::Multiply => {
                let repeated =
                    (a.kinds.has(text) && b.kinds.has(number)) || (a.kinds.has(number) && b.kinds.has(text));
                same(number) || same(Kinds::OBJECT) || repeated
            }
            Operator::Divide => same(number) || same(text),
            _ => same(number),
        };
        if !can_be {
            let (verb, word) = match operator {
                Operator::Add => ("adds", "and"),
                Operator::Subtract => ("subtracts", "and"),
                Operator::Multiply => ("multiplies", "and"),
                _ => ("divides", "by"),
            };
            return self.fails(format!("{verb} {} {word} {}", a.kinds, b.kinds));
        }
        if operator == Operator::Add && a.kinds.is_only(Kinds::OBJECT) && b.kinds.is_only(Kinds::OBJECT) {
            return a.merged(b);
        }
        let is_all = |kinds: Kinds| a.kinds.is_only(kinds) && b.kinds.is_only(kinds);
        match operator {
            _ if is_all(number) => Known::only(number),
            Operator::Add if is_all(text) => Known::only(text),
            Operator::Divide if is_all(text) => Known::only(Kinds::LIST),
            Operator::Add | Operator::Subtract if is_all(Kinds::LIST) => Known::only(Kinds::LIST),
            _ => Known::any(),
        }
    }

    fn conditional(&mut self, cases: &[(Tree, Tree)], otherwise: Option<&Tree>, input: &Known) -> Known {
        let mut result = Known::nothing();
        for (place, (condition, then)) in cases.iter().enumerate() {
            if place == 0 {
                self.infer(condition, input);
            } else {
                self.maybe(|this| this.infer(condition, input));
            }
            result = result.join(self.maybe(|this| this.infer(then, input)));
        }
        match otherwise {
            Some(term) => result.join(self.maybe(|this| this.infer(term, input))),
            None => result.join(input.clone()),
        }
    }

    // --- functions ---

    fn call(&mut self, name: &str, arguments: &[Tree], input: &Known) -> Known {
        let function = functions::find(name, arguments.len()).filter(|_| !self.defined.contains(name));
        let Some(function) = function else {
            self.maybe(|this| this.each(arguments));
            return Known::any();
        };
        if !self.needs(input, function.input, &format!("gives `{name}`")) {
            return Known::any();
        }
        self.apply(function, arguments, input)
    }

    fn apply(&mut self, function: &Function, arguments: &[Tree], input: &Known) -> Known {
        if function.is_over_items {
            self.maybe(|this| this.each(arguments));
        } else {
            self.given(arguments, |this| {
                for term in arguments {
                    let known = this.infer(term, input);
                    let verb = format!("gives `{}` for an argument", function.name);
                    this.needs(&known, function.arguments, &verb);
                }
            });
        }
        match function.name {
            "select" | "values" => input.clone(),
            "not" => match input.truth() {
                Some(truth) => Known::value(&Value::Bool(!truth)),
                None => Known::only(Kinds::BOOL),
            },
            _ => Known::only(function.result),
        }
    }
}

fn missing(name: &str, known: &Known) -> String {
    let all = known.members.as_deref().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return format!("reads `{name}` of an object that is empty here");
    }
    let names: Vec<String> = all.iter().take(8).map(|(name, _)| format!("`{name}`")).collect();
    let more = if all.len() > names.len() { ", …" } else { "" };
    format!("reads `{name}` of an object that has only {}{more}", names.join(", "))
}
