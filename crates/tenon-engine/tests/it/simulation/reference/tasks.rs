//! What each kind of task does.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{ChildEnd, Error, Outcome};
use tenon_expr::Template;
use tenon_workflow::{Action, Case, ErrorType, For, FunctionCall, Raise, RunWorkflow, Then, Wait};

use super::sight::{Env, Sight};
use super::{At, Eval, Halt, Place, Reference, Strand, evaluate, expression_error, micros, truth};

/// A raw output, and a `then` that goes before the task's own.
pub(super) type Acted = (Arc<Value>, Option<Then>);

// === impl Reference ===

impl Reference<'_> {
    pub(super) fn act(&mut self, at: At<'_>, strand: &mut Strand) -> Eval<Acted> {
        let output = match &at.task.action {
            Action::CallHttp(call) => self.call(at, call.body.as_ref(), strand)?,
            Action::CallFunction(call) => self.function(at, call, strand)?,
            Action::Do(block) => {
                let place =
                    Place { block: *block, prefix: at.address, pointer_length: at.task.pointer.len() };
                let (output, outputs) = self.block(&place, Arc::clone(at.input), Some(at.env), strand)?;
                at.env.inherit(&outputs);
                output
            }
            Action::Emit(emit) => {
                let event = self.given(at, &emit.event, strand)?;
                let attempt = self.perform(at.address, strand);
                strand.now += self.outside.latency(at.address, attempt);
                Arc::new(event)
            }
            Action::For(definition) => self.each(at, definition, strand)?,
            Action::Fork(fork) => self.fork(at, fork, strand)?,
            Action::Listen(listen) => self.listen(at, listen, strand)?,
            Action::Raise(raise) => return Err(self.raise(at, raise, strand)),
            Action::RunWorkflow(run) => self.run(at, run, strand)?,
            Action::Set(value) => Arc::new(self.given(at, value, strand)?),
            Action::Switch(cases) => {
                let then = self.switch(at, cases, strand)?;
                return Ok((Arc::clone(at.input), then));
            }
            Action::Try(definition) => return self.try_catch(at, definition, strand),
            Action::Wait(wait) => {
                let Wait::For(span) = wait else { unreachable!("not generated") };
                strand.now += micros(span, at.input, &self.sight(Some(at), strand), &at.task.pointer)?;
                Arc::clone(at.input)
            }
            Action::CallGrpc(_) | Action::CallOpenApi(_) => {
                unreachable!("not generated: as a call over HTTP")
            }
        };
        Ok((output, None))
    }

    pub(super) fn given(&self, at: At<'_>, template: &Template, strand: &Strand) -> Eval<Value> {
        evaluate(template, at.input, &self.sight(Some(at), strand), &at.task.pointer)
    }

    fn call(&mut self, at: At<'_>, body: Option<&Template>, strand: &mut Strand) -> Eval<Arc<Value>> {
        if let Some(body) = body {
            self.given(at, body, strand)?;
        }
        let attempt = self.perform(at.address, strand);
        strand.now += self.outside.latency(at.address, attempt);
        match self.outside.answer(at.address, attempt) {
            Outcome::Answered(answer) => Ok(Arc::new(answer.content)),
            Outcome::Failed(failure) => {
                let error = Error::standard(failure.error.error_type(), &at.task.pointer, failure.detail);
                Err(Halt::Fault(error.with_status(failure.status)))
            }
            other => unreachable!("a call brings no {other:?}"),
        }
    }

    /// The function sees its arguments and nothing of the caller's steps.
    fn function(&mut self, at: At<'_>, call: &FunctionCall, strand: &mut Strand) -> Eval<Arc<Value>> {
        let input = match &call.with {
            Some(with) => self.given(at, with, strand)?,
            None => json!({}),
        };
        let place = Place { block: call.body, prefix: at.address, pointer_length: 0 };
        self.block(&place, Arc::new(input), None, strand).map(|(output, _)| output)
    }

    /// Rule 12.
    fn each(&mut self, at: At<'_>, definition: &For, strand: &mut Strand) -> Eval<Arc<Value>> {
        let Value::Array(items) = self.given(at, &definition.r#in, strand)? else {
            return Err(expression_error(&at.task.pointer, "not an array"));
        };
        let mut value = Arc::clone(at.input);
        let mut last = None;
        for (index, item) in items.into_iter().enumerate() {
            let variables = vec![
                (definition.each.clone(), Arc::new(item)),
                (definition.at.clone(), Arc::new(Value::from(index))),
            ];
            let env = Env::variables(at.env, variables);
            if let Some(goes_on) = &definition.r#while {
                let sight = Sight { env: Some(&env), ..self.sight(Some(at), strand) };
                if !truth(goes_on, &value, &sight, &at.task.pointer)? {
                    break;
                }
            }
            let prefix = format!("{}[{index}]", at.address);
            let pointer_length = at.task.pointer.len();
            let place = Place { block: definition.body, prefix: &prefix, pointer_length };
            let (output, outputs) = self.block(&place, value, Some(&env), strand)?;
            value = output;
            last = Some(outputs);
        }
        if let Some(outputs) = last {
            at.env.inherit(&outputs);
        }
        Ok(value)
    }

    fn raise(&self, at: At<'_>, raise: &Raise, strand: &Strand) -> Halt {
        let text = |template: &Template| match self.given(at, template, strand) {
            Ok(Value::String(text)) => Ok(text),
            Ok(_) => Err(expression_error(&at.task.pointer, "not a string")),
            Err(halt) => Err(halt),
        };
        let made = || {
            let status = self.given(at, &raise.status, strand)?;
            let status = status.as_u64().and_then(|status| u16::try_from(status).ok());
            Ok(Error {
                r#type: text(&raise.r#type)?,
                status: status.ok_or_else(|| expression_error(&at.task.pointer, "not a status"))?,
                title: raise.title.as_ref().map(text).transpose()?.unwrap_or_default(),
                detail: raise.detail.as_ref().map(text).transpose()?,
                instance: at.task.pointer.clone(),
            })
        };
        match made() {
            Ok(error) => Halt::Fault(error),
            Err(halt) => halt,
        }
    }

    /// Rule 21.
    fn run(&mut self, at: At<'_>, run: &RunWorkflow, strand: &mut Strand) -> Eval<Arc<Value>> {
        if let Some(input) = &run.input {
            self.given(at, input, strand)?;
        }
        let attempt = self.perform(at.address, strand);
        strand.now += self.outside.latency(at.address, attempt);
        if !run.is_awaited {
            return Ok(Arc::clone(at.input));
        }
        let (takes, end) = self.outside.child(at.address);
        strand.now += takes;
        let pointer = at.task.pointer.clone();
        match end {
            ChildEnd::Completed { output } => Ok(Arc::new(output)),
            ChildEnd::Faulted { error } => Err(Halt::Fault(Error { instance: pointer, ..error })),
            ChildEnd::Cancelled => {
                Err(Halt::Fault(Error::standard(ErrorType::Runtime, &pointer, "the child was cancelled")))
            }
        }
    }

    /// Rule 11.
    fn switch(&self, at: At<'_>, cases: &[Case], strand: &Strand) -> Eval<Option<Then>> {
        for case in cases {
            if let Some(when) = &case.when
                && truth(when, at.input, &self.sight(Some(at), strand), &at.task.pointer)?
            {
                return Ok(Some(case.then));
            }
        }
        Ok(cases.iter().find(|case| case.when.is_none()).map(|case| case.then))
    }

    /// The scope around a task, with variables of its own.
    pub(super) fn with_variables(at: At<'_>, variables: Vec<(String, Arc<Value>)>) -> Rc<Env> {
        Env::variables(at.env, variables)
    }
}
