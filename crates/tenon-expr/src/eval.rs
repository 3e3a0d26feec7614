//! Running terms.
//!
//! A term that is known to give one value returns it ([`Machine::one`]); any other calls back for each value
//! ([`Machine::many`]). So all state of a running expression is on the native stack, whose depth is counted,
//! and nothing has to be dropped recursively. Early exits (`first`, `limit`, `label`) are [`Stop::Break`].
//!
//! `many` is generic over the [`Cursor`]: plain values for `f`, values that know where they are for `path(f)`.

use crate::budget::Budget;
use crate::native::Tools;
use crate::ops::Fault;
use crate::standard::{self, Standard};
use crate::term::{Definition, DefinitionRef, Program, Term};
use crate::value::{Text, Val};
use crate::{EvalError, Scope, Value};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

/// Why evaluation does not go on.
#[derive(Debug)]
pub(crate) enum Stop<'v> {
    /// An error that `try` can catch.
    Raised(Val<'v>),
    /// Leaves the `label` with this number.
    Break(usize),
    /// A callback failed; whoever passed it knows why. Not to be caught on the way.
    Downstream,
    /// Out of a limit.
    Fatal(EvalError),
}

pub(crate) type Run<'v, T = ()> = Result<T, Stop<'v>>;
pub(crate) type Out<'o, 'v, C> = &'o mut dyn FnMut(C) -> Run<'v>;

impl<'v> From<Fault<'v>> for Stop<'v> {
    fn from(fault: Fault<'v>) -> Self {
        match fault {
            Fault::Raised(value) => Self::Raised(value),
            Fault::Fatal(error) => Self::Fatal(error),
        }
    }
}

impl From<EvalError> for Stop<'_> {
    fn from(error: EvalError) -> Self {
        Self::Fatal(error)
    }
}

/// What a place in an expression has bound, innermost first. Lives on the stack.
pub(crate) enum Env<'e, 'v> {
    Root,
    Variable(Val<'v>, &'e Env<'e, 'v>),
    Closure { body: &'v Term, env: &'e Env<'e, 'v>, up: &'e Env<'e, 'v> },
    Label(usize, &'e Env<'e, 'v>),
}

impl<'e> Env<'e, '_> {
    /// The place `count` bindings further out.
    pub(crate) fn up(&'e self, count: usize) -> &'e Self {
        let mut env = self;
        for _ in 0..count {
            env = match env {
                Self::Root => return env,
                Self::Variable(_, up) | Self::Closure { up, .. } | Self::Label(_, up) => up,
            };
        }
        env
    }
}

/// The workflow's variables, fetched when first needed.
pub(crate) struct Globals<'v> {
    scope: &'v dyn Scope,
    cells: Vec<OnceCell<Option<Cow<'v, Value>>>>,
}

impl<'v> Globals<'v> {
    pub(crate) fn new(program: &Program, scope: &'v dyn Scope) -> Self {
        let cells = program.globals.iter().map(|_| OnceCell::new()).collect();
        Self { scope, cells }
    }
}

pub(crate) struct Machine<'v> {
    program: &'v Program,
    standard: &'static Standard,
    globals: &'v Globals<'v>,
    labels: Cell<usize>,
    pub(crate) tools: Tools<'v>,
}

impl<'v> Machine<'v> {
    pub(crate) fn new(program: &'v Program, globals: &'v Globals<'v>, budget: &'v Budget) -> Self {
        Self {
            program,
            standard: standard::standard(),
            globals,
            labels: Cell::new(0),
            tools: Tools::new(budget, globals.scope.now()),
        }
    }

    /// The one value that the program gives for `input`.
    pub(crate) fn run(&self, input: Val<'v>) -> Result<Val<'v>, EvalError> {
        let mut result = None;
        let mut several = false;
        let ended = self.many(&self.program.root, &Env::Root, input, &mut |value| {
            several = result.is_some();
            result = Some(value);
            if several { Err(Stop::Downstream) } else { Ok(()) }
        });
        match ended {
            _ if several => Err(EvalError::Several),
            Ok(()) => result.ok_or(EvalError::None),
            Err(Stop::Fatal(error)) => Err(error),
            Err(Stop::Raised(value)) => Err(EvalError::Raised(self.message(&value))),
            Err(Stop::Break(_) | Stop::Downstream) => unreachable!("labels and callbacks are ours"),
        }
    }

    fn message(&self, value: &Val<'v>) -> String {
        let text = match value {
            Val::Str(text) => text.as_str().to_owned(),
            other => crate::json::write(other, self.budget())
                .unwrap_or_else(|_| other.kind().described().to_owned()),
        };
        match text.char_indices().nth(500) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    pub(crate) fn budget(&self) -> &'v Budget {
        self.tools.budget
    }

    pub(crate) fn new_label(&self) -> usize {
        self.labels.set(self.labels.get() + 1);
        self.labels.get()
    }

    pub(crate) fn definition(&self, definition: DefinitionRef) -> &'v Definition {
        match definition {
            DefinitionRef::Own(index) => &self.program.definitions[index],
            DefinitionRef::Standard(index) => &self.standard.definitions[index],
        }
    }

    pub(crate) fn global(&self, index: usize) -> Run<'v, Val<'v>> {
        let global = &self.program.globals[index];
        let scope = self.globals.scope;
        let value = self.globals.cells[index].get_or_init(|| match &global.member {
            Some(member) => scope.member(&global.name, member),
            None => scope.variable(&global.name),
        });
        match value {
            Some(value) => Ok(Val::from(&**value)),
            None => Err(EvalError::Undefined { name: global.name.clone() }.into()),
        }
    }
}

pub(crate) fn local<'v>(env: &Env<'_, 'v>, up: usize) -> Val<'v> {
    match env.up(up) {
        Env::Variable(value, _) => value.clone(),
        _ => unreachable!("the compiler counted bindings"),
    }
}

pub(crate) fn object_key(key: Val<'_>) -> Run<'_, Text<'_>> {
    match key {
        Val::Str(text) => Ok(text),
        other => {
            let message = format!("object keys must be strings, not {}", other.kind().described());
            Err(Stop::Raised(Val::string(message)))
        }
    }
}
