//! From jaq's syntax tree to terms with all names resolved.

mod names;

use crate::CompileError;
use crate::standard::{self, Standard};
use crate::syntax::offset;
use crate::term::{
    Definition, Fold, Global, Interpolation, Kind, Optional, Param, Part, Pattern, Piece, Program, Term,
};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{self, BinaryOp, Def};
use jaq_core::path;

type Syntax<'s> = parse::Term<&'s str>;
type Lowered<T = Term> = Result<T, CompileError>;

/// What a place in an expression can refer to by walking up.
#[derive(PartialEq)]
enum Binding<'s> {
    Variable(&'s str),
    Closure(&'s str),
    Label(&'s str),
}

/// A definition that is in scope.
struct Known<'s> {
    name: &'s str,
    params: Vec<Param>,
    definition: usize,
    /// How many bindings there were where it was defined.
    level: usize,
    /// Known to give one value; false while its own body is being lowered.
    single: bool,
}

pub(crate) struct Lowering<'s> {
    source: &'s str,
    allowed: &'s [&'s str],
    /// `None` while the standard definitions themselves are lowered.
    standard: Option<&'static Standard>,
    bindings: Vec<Binding<'s>>,
    known: Vec<Known<'s>>,
    definitions: Vec<Definition>,
    globals: Vec<Global>,
}

/// Resolves the names in `term`. `allowed` are the workflow's variables, without `$`.
pub(crate) fn program<'s>(source: &'s str, term: Syntax<'s>, allowed: &'s [&'s str]) -> Lowered<Program> {
    let mut lowering = Lowering::new(source, allowed, Some(standard::standard()));
    let root = lowering.term(term)?;
    Ok(Program { root, definitions: lowering.definitions, globals: lowering.globals })
}

/// Lowers the standard definitions, each of which sees those before it, and lists what they are.
pub(crate) fn definitions(
    defs: impl IntoIterator<Item = Def<&'static str>>,
) -> Lowered<(Vec<Definition>, Vec<standard::Entry>)> {
    let mut lowering = Lowering::new("", &[], None);
    for def in defs {
        lowering.define(def)?;
    }
    let entry = |known: &Known<'static>| standard::Entry {
        name: known.name,
        params: known.params.clone(),
        definition: known.definition,
        single: known.single,
    };
    let entries = lowering.known.iter().map(entry).collect();
    Ok((lowering.definitions, entries))
}

impl<'s> Lowering<'s> {
    fn new(source: &'s str, allowed: &'s [&'s str], standard: Option<&'static Standard>) -> Self {
        Self {
            source,
            allowed,
            standard,
            bindings: Vec::new(),
            known: Vec::new(),
            definitions: Vec::new(),
            globals: Vec::new(),
        }
    }

    fn term(&mut self, term: Syntax<'s>) -> Lowered {
        use parse::Term::{
            Arr, BinOp, Break, Call, Def, Fold, Id, IfThenElse, Label, Neg, Num, Obj, Path, Recurse, Str,
            TryCatch, Var,
        };
        Ok(match term {
            Id => Term::single(Kind::Identity),
            Recurse => Term::many(Kind::RecurseDefault),
            Num(text) => Term::literal(number(text)),
            Str(format, parts) => self.string(format, parts)?,
            Arr(None) => Term::single(Kind::Array(None)),
            Arr(Some(items)) => Term::single(Kind::Array(Some(self.boxed(*items)?))),
            Obj(members) => self.object(members)?,
            Neg(term) => self.negate(*term)?,
            BinOp(left, op, right) => self.operator(*left, op, *right)?,
            Label(name, body) => {
                self.bindings.push(Binding::Label(name));
                let body = self.term(*body);
                self.bindings.pop();
                Term::many(Kind::Label(Box::new(body?)))
            }
            Break(name) => {
                let up = self
                    .up(&Binding::Label(name))
                    .ok_or_else(|| CompileError::new(format!("undefined label `{name}`"), self.at(name)))?;
                Term::many(Kind::Break(up))
            }
            Fold(name, source, pattern, args) => self.fold(name, *source, pattern, args)?,
            TryCatch(body, catch) => {
                let body = self.boxed(*body)?;
                let catch = catch.map(|catch| self.boxed(*catch)).transpose()?;
                let single = body.single && catch.as_ref().is_some_and(|catch| catch.single);
                let kind = Kind::Try(body, catch);
                Term { kind, single }
            }
            IfThenElse(cases, otherwise) => self.conditional(cases, otherwise)?,
            Def(defs, body) => {
                let known = self.known.len();
                for def in defs {
                    self.define(def)?;
                }
                let body = self.term(*body);
                self.known.truncate(known);
                body?
            }
            Call(name, args) => self.call(name, args)?,
            Var(name) => self.variable(name)?,
            Path(head, path) => self.path(*head, path)?,
        })
    }

    fn boxed(&mut self, term: Syntax<'s>) -> Lowered<Box<Term>> {
        self.term(term).map(Box::new)
    }

    fn at(&self, part: &str) -> usize {
        offset(self.source, part)
    }

    /// How many bindings up the nearest one like `wanted` is.
    fn up(&self, wanted: &Binding<'s>) -> Option<usize> {
        self.bindings.iter().rev().position(|b| b == wanted)
    }

    fn negate(&mut self, term: Syntax<'s>) -> Lowered {
        let term = self.boxed(term)?;
        let single = term.single;
        let kind = Kind::Negate(term);
        Ok(Term { kind, single })
    }

    fn string(&mut self, format: Option<&'s str>, parts: Vec<StrPart<&'s str, Syntax<'s>>>) -> Lowered {
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                StrPart::Term(term) => pieces.push(Piece::Term(self.term(term)?)),
                StrPart::Str(text) => push_text(&mut pieces, text),
                StrPart::Char(char) => push_text(&mut pieces, char.encode_utf8(&mut [0; 4])),
            }
        }
        match &mut pieces[..] {
            [] => return Ok(Term::literal("")),
            [Piece::Text(text)] => return Ok(Term::literal(std::mem::take(text))),
            _ => {}
        }
        let format = format.map(|name| self.call(name, Vec::new())).transpose()?;
        let one = |piece: &Piece| match piece {
            Piece::Text(_) => true,
            Piece::Term(term) => term.single,
        };
        let single = pieces.iter().all(one) && format.as_ref().is_none_or(|format| format.single);
        let kind = Kind::Interpolate(Box::new(Interpolation { format, pieces }));
        Ok(Term { kind, single })
    }

    fn object(&mut self, members: Vec<(Syntax<'s>, Option<Syntax<'s>>)>) -> Lowered {
        let mut lowered = Vec::with_capacity(members.len());
        for (key, value) in members {
            lowered.push(match (key, value) {
                (parse::Term::Var(name), None) => (Term::literal(&name[1..]), self.variable(name)?),
                (key, None) => {
                    let index = Part::Index(self.term(key.clone())?);
                    let key = self.term(key)?;
                    let single = key.single;
                    let here = Box::new(Term::single(Kind::Identity));
                    let kind = Kind::Path(here, vec![(index, Optional::No)]);
                    (key, Term { kind, single })
                }
                (key, Some(value)) => (self.term(key)?, self.term(value)?),
            });
        }
        let single = lowered.iter().all(|(k, v)| k.single && v.single);
        let kind = Kind::Object(lowered);
        Ok(Term { kind, single })
    }

    fn operator(&mut self, left: Syntax<'s>, op: BinaryOp<&'s str>, right: Syntax<'s>) -> Lowered {
        match op {
            BinaryOp::Comma => return self.comma(left, right),
            BinaryOp::Pipe(Some(pattern)) => {
                let left = self.term(left)?;
                let (pattern, right) = self.with_pattern(pattern, |this| this.term(right))?;
                let single = left.single && right.single && pattern.is_single();
                let kind = Kind::Bind(Box::new((left, pattern, right)));
                return Ok(Term { kind, single });
            }
            _ => {}
        }
        let pair = Box::new((self.term(left)?, self.term(right)?));
        let both = pair.0.single && pair.1.single;
        let single = match op {
            // the right side's values each give one result
            BinaryOp::Update => true,
            BinaryOp::Assign | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => pair.1.single,
            _ => both,
        };
        let kind = match op {
            BinaryOp::Pipe(_) => Kind::Pipe(pair),
            BinaryOp::Alt => Kind::Alternative(pair),
            BinaryOp::Or => Kind::Or(pair),
            BinaryOp::And => Kind::And(pair),
            BinaryOp::Math(op) => Kind::Math(op, pair),
            BinaryOp::Cmp(op) => Kind::Compare(op, pair),
            BinaryOp::Assign => Kind::Assign(pair),
            BinaryOp::Update => Kind::Update(pair),
            BinaryOp::UpdateMath(op) => Kind::UpdateMath(op, pair),
            BinaryOp::UpdateAlt => Kind::UpdateAlternative(pair),
            BinaryOp::Comma => unreachable!("returned above"),
        };
        Ok(Term { kind, single })
    }

    /// Flattens `a, b, c`, whose tree leans left, without recursion.
    fn comma(&mut self, mut left: Syntax<'s>, right: Syntax<'s>) -> Lowered {
        let mut reversed = vec![right];
        while let parse::Term::BinOp(l, BinaryOp::Comma, r) = left {
            reversed.push(*r);
            left = *l;
        }
        let mut terms = vec![self.term(left)?];
        for term in reversed.into_iter().rev() {
            terms.push(self.term(term)?);
        }
        Ok(Term::many(Kind::Comma(terms)))
    }

    fn conditional(
        &mut self,
        cases: Vec<(Syntax<'s>, Syntax<'s>)>,
        otherwise: Option<Box<Syntax<'s>>>,
    ) -> Lowered {
        let mut result = match otherwise {
            Some(term) => self.term(*term)?,
            None => Term::single(Kind::Identity),
        };
        for (condition, then) in cases.into_iter().rev() {
            let parts = (self.term(condition)?, self.term(then)?, result);
            let single = parts.0.single && parts.1.single && parts.2.single;
            let kind = Kind::If(Box::new(parts));
            result = Term { kind, single };
        }
        Ok(result)
    }

    fn fold(
        &mut self,
        name: &'s str,
        source: Syntax<'s>,
        pattern: parse::Pattern<&'s str>,
        args: Vec<Syntax<'s>>,
    ) -> Lowered {
        let count = args.len();
        let expected = if name == "reduce" { 2..=2 } else { 2..=3 };
        let mut args = args.into_iter();
        let (true, Some(init), Some(update)) = (expected.contains(&count), args.next(), args.next()) else {
            let message = format!("`{name}` takes (init; update), not {count} arguments");
            return Err(CompileError::new(message, self.at(name)));
        };
        let source = self.term(source)?;
        let init = self.term(init)?;
        let project = args.next();
        let (pattern, (update, project)) = self.with_pattern(pattern, |this| {
            let update = this.term(update)?;
            Ok((update, project.map(|term| this.term(term)).transpose()?))
        })?;
        let single = init.single && update.single;
        let fold = Box::new(Fold { source, pattern, init, update, project });
        Ok(match name {
            "reduce" => Term { kind: Kind::Reduce(fold), single },
            _ => Term::many(Kind::Foreach(fold)),
        })
    }

    /// Lowers `pattern` here, then `body` with the pattern's variables bound.
    fn with_pattern<T>(
        &mut self,
        pattern: parse::Pattern<&'s str>,
        body: impl FnOnce(&mut Self) -> Lowered<T>,
    ) -> Lowered<(Pattern, T)> {
        let mut names = Vec::new();
        let pattern = self.pattern(pattern, &mut names)?;
        let bindings = self.bindings.len();
        self.bindings.extend(names.into_iter().map(Binding::Variable));
        let body = body(self);
        self.bindings.truncate(bindings);
        Ok((pattern, body?))
    }

    fn pattern(&mut self, pattern: parse::Pattern<&'s str>, names: &mut Vec<&'s str>) -> Lowered<Pattern> {
        Ok(match pattern {
            parse::Pattern::Var(name) => {
                names.push(name);
                Pattern::Variable
            }
            parse::Pattern::Arr(items) => {
                let mut members = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    members.push((Term::literal(index), self.pattern(item, names)?));
                }
                Pattern::Members(members)
            }
            parse::Pattern::Obj(items) => {
                let mut members = Vec::with_capacity(items.len());
                for (key, item) in items {
                    members.push((self.term(key)?, self.pattern(item, names)?));
                }
                Pattern::Members(members)
            }
        })
    }

    fn define(&mut self, def: Def<&'s str>) -> Lowered<()> {
        let definition = self.definitions.len();
        self.definitions.push(Definition { params: Vec::new(), body: Term::single(Kind::Identity) });
        let param = |name: &&str| if name.starts_with('$') { Param::Variable } else { Param::Closure };
        let params: Vec<_> = def.args.iter().map(param).collect();
        let level = self.bindings.len();
        let known = self.known.len();
        self.known.push(Known { name: def.name, params: params.clone(), definition, level, single: false });
        for (name, param) in def.args.iter().zip(&params) {
            self.bindings.push(match param {
                Param::Variable => Binding::Variable(name),
                Param::Closure => Binding::Closure(name),
            });
        }
        let body = self.term(def.body);
        self.bindings.truncate(level);
        self.known.truncate(known + 1);
        let body = body?;
        self.known[known].single = body.single;
        self.definitions[definition] = Definition { params, body };
        Ok(())
    }

    fn path(&mut self, head: Syntax<'s>, path: path::Path<Syntax<'s>>) -> Lowered {
        let global = match head {
            parse::Term::Var(name) if self.up(&Binding::Variable(name)).is_none() => Some(name),
            _ => None,
        };
        if let Some(name) = global {
            self.check_global(name)?;
        }
        let mut head = match global {
            Some(_) => Term::single(Kind::Identity),
            None => self.term(head)?,
        };
        let mut single = head.single;
        let mut parts = Vec::with_capacity(path.0.len());
        for (part, optional) in path.0 {
            let part = match part {
                path::Part::Index(index) => Part::Index(self.term(index)?),
                path::Part::Range(None, None) => Part::Each,
                path::Part::Range(from, to) => {
                    let from = from.map(|term| self.term(term)).transpose()?;
                    Part::Slice(from, to.map(|term| self.term(term)).transpose()?)
                }
            };
            let optional = match optional {
                path::Opt::Optional => Optional::Yes,
                path::Opt::Essential => Optional::No,
            };
            single = single && optional == Optional::No && part.is_single();
            parts.push((part, optional));
        }
        if let Some(name) = global {
            let member = parts.first().and_then(|(part, _)| part.literal_key());
            head = Term::single(Kind::Global(self.global(name, member)));
            if member.is_some() {
                parts.remove(0);
            }
        }
        if parts.is_empty() {
            return Ok(head);
        }
        let kind = Kind::Path(Box::new(head), parts);
        Ok(Term { kind, single })
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Numbers that JSON cannot hold (`1e999`) become `null` when they are returned, as jq's infinities do.
pub(crate) fn number(text: &str) -> serde_json::Value {
    if let Ok(int) = text.parse::<i64>() {
        return int.into();
    }
    match text.parse::<u64>() {
        Ok(big) => big.into(),
        Err(_) => text.parse::<f64>().unwrap_or(f64::MAX).clamp(f64::MIN, f64::MAX).into(),
    }
}
