//! What a name means: a closure, a definition, a function, or a variable; or what it may have been meant to be.

use super::{Binding, Lowered, Lowering, Syntax};
use crate::CompileError;
use crate::native::{self, Native};
use crate::standard::Standard;
use crate::suggest::nearest;
use crate::term::{Call, DefinitionRef, Global, Kind, Param, Term};

impl<'s> Lowering<'s> {
    pub(super) fn call(&mut self, name: &'s str, args: Vec<Syntax<'s>>) -> Lowered {
        let arity = args.len();
        let closure = match arity {
            0 => self.up(&Binding::Closure(name)),
            _ => None,
        };
        let found = self.known.iter().rposition(|k| k.name == name && k.params.len() == arity);
        // a closure hides definitions made before it was bound, and is hidden by later ones
        if let Some(up) = closure {
            let bound_at = self.bindings.len() - 1 - up;
            if found.is_none_or(|found| self.known[found].level <= bound_at) {
                return Ok(Term::many(Kind::Closure(up)));
            }
        }
        if let Some(found) = found {
            let args = self.arguments(args)?;
            let known = &self.known[found];
            let up = self.bindings.len() - known.level;
            let call = Call {
                definition: match self.standard {
                    Some(_) => DefinitionRef::Own(known.definition),
                    None => DefinitionRef::Standard(known.definition),
                },
                up: Some(up),
                args,
            };
            return Ok(call.into_term(known.single, &known.params));
        }
        if let Some(entry) = self.standard.and_then(|standard| standard.find(name, arity)) {
            let call = Call {
                definition: DefinitionRef::Standard(entry.definition),
                up: None,
                args: self.arguments(args)?,
            };
            return Ok(call.into_term(entry.single, &entry.params));
        }
        if let Some(native) = native::find(name, arity) {
            return self.native(native, args);
        }
        Err(self.unknown(name, arity))
    }

    fn arguments(&mut self, args: Vec<Syntax<'s>>) -> Lowered<Vec<Term>> {
        args.into_iter().map(|arg| self.term(arg)).collect()
    }

    fn native(&mut self, native: &'static Native, args: Vec<Syntax<'s>>) -> Lowered {
        let args = self.arguments(args)?;
        let single = native.is_single(&args);
        let kind = Kind::Native(native, args);
        Ok(Term { kind, single })
    }

    fn unknown(&self, name: &str, arity: usize) -> CompileError {
        let error = CompileError::new(format!("undefined function `{name}/{arity}`"), self.at(name));
        if let Some(reason) = native::refusal(name) {
            return error.hint(Some(reason.into()));
        }
        let mut names: Vec<(&str, usize)> = Vec::new();
        names.extend(self.known.iter().map(|known| (known.name, known.params.len())));
        for (name, arity) in self.standard.into_iter().flat_map(Standard::names).chain(native::names()) {
            names.push((name, arity));
        }
        let mut arities: Vec<_> = names.iter().filter(|(n, _)| *n == name).map(|(_, a)| *a).collect();
        arities.sort_unstable();
        arities.dedup();
        if !arities.is_empty() {
            let arities: Vec<_> = arities.iter().map(usize::to_string).collect();
            let count = arities.join(" or ");
            return error.hint(Some(format!("`{name}` takes {count} arguments, not {arity}")));
        }
        let nearest = nearest(name, names.into_iter().map(|(name, _)| name));
        error.hint(nearest.map(|name| format!("did you mean `{name}`?")))
    }

    pub(super) fn variable(&mut self, name: &'s str) -> Lowered {
        if let Some(up) = self.up(&Binding::Variable(name)) {
            return Ok(Term::single(Kind::Local(up)));
        }
        self.check_global(name)?;
        Ok(Term::single(Kind::Global(self.global(name, None))))
    }

    /// The position of `$name` or `$name.member` among what is fetched from the scope.
    pub(super) fn global(&mut self, name: &str, member: Option<&str>) -> usize {
        let global =
            Global { name: name.trim_start_matches('$').to_owned(), member: member.map(str::to_owned) };
        let known = self.globals.iter().position(|known| *known == global);
        known.unwrap_or_else(|| {
            self.globals.push(global);
            self.globals.len() - 1
        })
    }

    /// `name` starts with `$`.
    pub(super) fn check_global(&self, name: &str) -> Lowered<()> {
        let plain = name.strip_prefix('$').unwrap_or(name);
        if self.allowed.contains(&plain) {
            return Ok(());
        }
        let error = CompileError::new(format!("undefined variable `{name}`"), self.at(name));
        if plain == "ENV" {
            return Err(error.hint(Some("expressions cannot read the environment".into())));
        }
        let locals = self.bindings.iter().filter_map(|binding| match binding {
            Binding::Variable(name) => name.strip_prefix('$'),
            _ => None,
        });
        let nearest = nearest(plain, self.allowed.iter().copied().chain(locals));
        Err(error.hint(nearest.map(|name| format!("did you mean `${name}`?"))))
    }
}

impl Call {
    fn into_term(self, single: bool, params: &[Param]) -> Term {
        let mut args = self.args.iter().zip(params);
        let single = single && args.all(|(arg, p)| *p == Param::Closure || arg.single);
        let kind = Kind::Call(Box::new(self));
        Term { kind, single }
    }
}
