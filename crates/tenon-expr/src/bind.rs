//! Calling definitions and taking values apart: what binds names.

#![expect(
    clippy::too_many_arguments,
    reason = "an evaluator's state is its arguments: term, environment, place, callback"
)]

use crate::cursor::Cursor;
use crate::eval::{Env, Machine, Out, Run};
use crate::ops;
use crate::term::{Call, Param, Pattern, Term};
use crate::value::Val;

impl<'v> Machine<'v> {
    pub(crate) fn call_many<C: Cursor<'v>>(
        &self,
        call: &'v Call,
        env: &Env<'_, 'v>,
        at: C,
        out: Out<'_, 'v, C>,
    ) -> Run<'v> {
        let body = &self.definition(call.definition).body;
        self.with_args(call, env, at.value(), &mut |env| self.many(body, env, at.clone(), out))
    }

    /// Calls back with the parameters of a definition bound, once for each combination of `$arguments`.
    pub(crate) fn with_args(
        &self,
        call: &'v Call,
        env: &Env<'_, 'v>,
        at: &Val<'v>,
        with: &mut dyn FnMut(&Env<'_, 'v>) -> Run<'v>,
    ) -> Run<'v> {
        let home = match call.up {
            Some(up) => env.up(up),
            None => &Env::Root,
        };
        let params = &self.definition(call.definition).params;
        self.bind_args(params, &call.args, (env, at), home, with)
    }

    pub(crate) fn bind_args(
        &self,
        params: &'v [Param],
        args: &'v [Term],
        caller: (&Env<'_, 'v>, &Val<'v>),
        home: &Env<'_, 'v>,
        with: &mut dyn FnMut(&Env<'_, 'v>) -> Run<'v>,
    ) -> Run<'v> {
        let (Some((param, params)), Some((arg, args))) = (params.split_first(), args.split_first()) else {
            return with(home);
        };
        let (env, at) = caller;
        match param {
            Param::Closure => {
                let bound = Env::Closure { body: arg, env, up: home };
                self.bind_args(params, args, caller, &bound, with)
            }
            Param::Variable => self.many(arg, env, at.clone(), &mut |value| {
                self.bind_args(params, args, caller, &Env::Variable(value, home), with)
            }),
        }
    }

    /// Calls back with the variables of `pattern` bound to parts of `value`.
    /// Keys in the pattern are evaluated in `keys`: the environment and input of the whole term.
    pub(crate) fn bind(
        &self,
        pattern: &'v Pattern,
        env: &Env<'_, 'v>,
        keys: (&Env<'_, 'v>, &Val<'v>),
        value: Val<'v>,
        with: &mut dyn FnMut(&Env<'_, 'v>) -> Run<'v>,
    ) -> Run<'v> {
        match pattern {
            Pattern::Variable => with(&Env::Variable(value, env)),
            Pattern::Members(members) => self.bind_members(members, env, keys, &value, with),
        }
    }

    pub(crate) fn bind_members(
        &self,
        members: &'v [(Term, Pattern)],
        env: &Env<'_, 'v>,
        keys: (&Env<'_, 'v>, &Val<'v>),
        value: &Val<'v>,
        with: &mut dyn FnMut(&Env<'_, 'v>) -> Run<'v>,
    ) -> Run<'v> {
        let Some(((key, pattern), rest)) = members.split_first() else {
            return with(env);
        };
        self.many(key, keys.0, keys.1.clone(), &mut |key| {
            let member = ops::index(value, &key, self.budget())?;
            self.bind(pattern, env, keys, member, &mut |env| self.bind_members(rest, env, keys, value, with))
        })
    }
}
