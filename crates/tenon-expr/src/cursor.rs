//! Where evaluation is: at a value, or at a value whose path is known.

use crate::budget::Budget;
use crate::eval::{Run, Stop};
use crate::value::Val;
use crate::{EvalError, MAX_VALUE_DEPTH};
use std::rc::Rc;

pub(crate) trait Cursor<'v>: Clone {
    /// Whether paths are kept, so that values that are not part of the input are errors.
    const TRACKED: bool;

    fn value(&self) -> &Val<'v>;
    fn into_value(self) -> Val<'v>;
    /// At a new value, which is not part of the input.
    fn made(value: Val<'v>) -> Run<'v, Self>;
    /// One step down.
    fn child(&self, value: Val<'v>, key: impl FnOnce() -> Val<'v>, budget: &Budget) -> Run<'v, Self>;
}

impl<'v> Cursor<'v> for Val<'v> {
    const TRACKED: bool = false;

    fn value(&self) -> &Val<'v> {
        self
    }

    fn into_value(self) -> Val<'v> {
        self
    }

    fn made(value: Val<'v>) -> Run<'v, Self> {
        Ok(value)
    }

    fn child(&self, value: Val<'v>, _: impl FnOnce() -> Val<'v>, _: &Budget) -> Run<'v, Self> {
        Ok(value)
    }
}

/// A value with the keys that lead to it.
#[derive(Clone)]
pub(crate) struct Tracked<'v> {
    value: Val<'v>,
    trail: Option<Rc<Link<'v>>>,
}

/// Keys from the end. Of bounded length, so that dropping it is safe.
struct Link<'v> {
    key: Val<'v>,
    length: usize,
    before: Option<Rc<Link<'v>>>,
}

impl<'v> Tracked<'v> {
    pub(crate) fn root(value: Val<'v>) -> Self {
        Self { value, trail: None }
    }

    /// The keys from the root.
    pub(crate) fn keys(&self, budget: &Budget) -> Run<'v, Vec<Val<'v>>> {
        let length = self.trail.as_ref().map_or(0, |link| link.length);
        budget.allocate_list(length)?;
        let mut keys = Vec::with_capacity(length);
        let mut link = self.trail.as_ref();
        while let Some(at) = link {
            keys.push(at.key.clone());
            link = at.before.as_ref();
        }
        keys.reverse();
        Ok(keys)
    }
}

impl<'v> Cursor<'v> for Tracked<'v> {
    const TRACKED: bool = true;

    fn value(&self) -> &Val<'v> {
        &self.value
    }

    fn into_value(self) -> Val<'v> {
        self.value
    }

    fn made(value: Val<'v>) -> Run<'v, Self> {
        let found = value.kind().described();
        Err(Stop::Raised(Val::string(format!(
            "a path cannot go through {found} that is not part of the input"
        ))))
    }

    fn child(&self, value: Val<'v>, key: impl FnOnce() -> Val<'v>, budget: &Budget) -> Run<'v, Self> {
        let length = 1 + self.trail.as_ref().map_or(0, |link| link.length);
        if length > MAX_VALUE_DEPTH {
            let limit = MAX_VALUE_DEPTH;
            return Err(EvalError::ValueDepth { limit }.into());
        }
        budget.allocate(64)?;
        let trail = Some(Rc::new(Link { key: key(), length, before: self.trail.clone() }));
        Ok(Self { value, trail })
    }
}
