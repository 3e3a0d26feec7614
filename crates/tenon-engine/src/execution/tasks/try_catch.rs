//! `try`: its body, which errors it catches, its retries, its handler (rules 14 and 15).

use std::sync::Arc;
use std::time::Duration;

use tenon_expr::Value;
use tenon_workflow::{Action, Backoff, Retry, Task, Try, same_error_type};

use crate::effect::EffectAction;
use crate::execution::effects::Purpose;
use crate::execution::expression::{condition, span};
use crate::execution::frame::{TaskState, TryPhase, TryState};
use crate::execution::machine::{Machine, Next, Opening, Signal};
use crate::execution::scope::View;
use crate::{Error, digest};

/// Retries where the policy has no limit of any kind.
const DEFAULT_RETRIES: u32 = 10;
/// No delay is longer.
const MAX_DELAY: Duration = Duration::from_hours(1);

impl Machine {
    pub(super) fn begin_try(&mut self, task: &Task, definition: &Try) -> Next {
        let frame = self.top_task_mut().expect("the try is on top");
        frame.state = TaskState::Try(Box::default());
        self.attempt_body(task, definition)
    }

    /// The retry timer of the `try` on top has fired.
    pub(in crate::execution) fn try_again(&mut self) -> Signal {
        let program = Arc::clone(&self.job.program);
        let frame = self.top_task().expect("the try is on top while it waits");
        let task = program.task(frame.task);
        let Action::Try(definition) = &task.action else { unreachable!("only a try retries") };
        self.attempt_body(task, definition).unwrap_or_else(Signal::Fault)
    }

    /// What the `try` on top, which is in its body, makes of an error. `None`: it goes on up.
    pub(in crate::execution) fn catch(&mut self, error: &Error) -> Result<Option<Signal>, Error> {
        let program = Arc::clone(&self.job.program);
        let frame = self.top_task().expect("the caller looked");
        let task = program.task(frame.task);
        let Action::Try(definition) = &task.action else { return Ok(None) };
        let value = Arc::new(error.to_value());
        if !self.catches(task, definition, &value)? {
            return Ok(None);
        }
        self.effects.withdraw_attempt_timeout(self.thread.owner(self.thread.frames.len() - 1));
        if let Some(policy) = &definition.retry
            && let Some(delay) = self.next_delay(task, definition, (policy, &value))?
        {
            return self.delay_retry(task, definition, delay).map(Some);
        }
        let state = self.try_state();
        state.phase = TryPhase::Handler;
        state.error = Some((error.clone(), value));
        let frame = self.top_task().expect("the try is on top");
        let input = Arc::clone(&frame.input);
        let (prefix, pointer_length) = (Arc::clone(&frame.address), task.pointer.len());
        Ok(Some(match definition.handler {
            Some(block) => Signal::Open(Opening { block, prefix, pointer_length, input }),
            None => Signal::Produced { output: input, then: definition.then },
        }))
    }

    fn attempt_body(&mut self, task: &Task, definition: &Try) -> Next {
        let state = self.try_state();
        state.phase = TryPhase::Body;
        if state.retries > 0 {
            self.saw_retried();
        }
        let limit = definition.retry.as_ref().and_then(|policy| policy.attempt_duration.as_ref());
        if let Some(limit) = limit {
            let (input, view) = self.here();
            let due = self.now.after(span(limit, input, &view, &task.pointer)?);
            let frame = self.top_task().expect("the try is on top");
            let id = format!("{}/attempt", frame.address).into();
            self.issue(id, EffectAction::Timer { due }, Purpose::AttemptTimeout);
        }
        Ok(self.open_body(definition.body))
    }

    fn catches(&self, task: &Task, definition: &Try, error: &Value) -> Result<bool, Error> {
        let matches = definition.errors.iter().all(|(member, wanted)| {
            let found = error.get(member).unwrap_or(&Value::Null);
            match (member.as_str(), wanted.as_str(), found.as_str()) {
                ("type", Some(wanted), Some(found)) => same_error_type(wanted, found),
                _ => wanted == found,
            }
        });
        if !matches {
            return Ok(false);
        }
        let (input, view) = self.here();
        let view = view.with_error(&definition.r#as, error);
        holds(definition.when.as_ref(), definition.except_when.as_ref(), input, (&view, &task.pointer))
    }

    /// How long until the next retry; `None` when there is none (any more).
    fn next_delay(
        &mut self,
        task: &Task,
        definition: &Try,
        (policy, error): (&Retry, &Value),
    ) -> Result<Option<Duration>, Error> {
        let now = self.now;
        let (input, view) = self.here();
        let view = view.with_error(&definition.r#as, error);
        let at = task.pointer.as_str();
        if !holds(policy.when.as_ref(), policy.except_when.as_ref(), input, (&view, at))? {
            return Ok(None);
        }
        let frame = self.top_task().expect("the try is on top");
        let TaskState::Try(state) = &frame.state else { unreachable!("a try has its state") };
        let unlimited =
            policy.count.is_none() && policy.duration.is_none() && policy.attempt_duration.is_none();
        let count = policy.count.or(unlimited.then_some(DEFAULT_RETRIES));
        if count.is_some_and(|count| state.retries >= count) {
            return Ok(None);
        }
        let base = match &policy.delay {
            Some(delay) => span(delay, input, &view, at)?,
            None => Duration::ZERO,
        };
        let jitter = match &policy.jitter {
            Some((from, to)) => {
                let (from, to) = (span(from, input, &view, at)?, span(to, input, &view, at)?);
                let chance = digest::uniform(&self.job.id, &frame.address, state.retries);
                from + to.saturating_sub(from).mul_f64(chance)
            }
            None => Duration::ZERO,
        };
        let delay = grown(base, policy.backoff, state.retries + 1).saturating_add(jitter).min(MAX_DELAY);
        let first = state.first_failure_at.unwrap_or(now);
        if let Some(limit) = &policy.duration
            && now.after(delay) > first.after(span(limit, input, &view, at)?)
        {
            return Ok(None);
        }
        let state = self.try_state();
        state.first_failure_at = Some(first);
        state.retries += 1;
        Ok(Some(delay))
    }

    fn delay_retry(&mut self, task: &Task, definition: &Try, delay: Duration) -> Next {
        let frame = self.top_task().expect("the try is on top");
        let address = Arc::clone(&frame.address);
        let state = self.try_state();
        let retry = state.retries;
        if delay.is_zero() {
            return self.attempt_body(task, definition);
        }
        state.phase = TryPhase::Delay;
        let due = self.now.after(delay);
        self.issue(format!("{address}/retry/{retry}").into(), EffectAction::Timer { due }, Purpose::Retry);
        Ok(Signal::Await)
    }

    fn try_state(&mut self) -> &mut TryState {
        match self.top_task_mut().map(|frame| &mut frame.state) {
            Some(TaskState::Try(state)) => state,
            _ => unreachable!("the caller has a try on top"),
        }
    }
}

/// `when` holds and `exceptWhen` does not.
fn holds(
    when: Option<&tenon_expr::Expr>,
    except_when: Option<&tenon_expr::Expr>,
    input: &Value,
    (view, at): (&View<'_>, &str),
) -> Result<bool, Error> {
    if let Some(when) = when
        && !condition(when, input, view, at)?
    {
        return Ok(false);
    }
    match except_when {
        Some(except_when) => Ok(!condition(except_when, input, view, at)?),
        None => Ok(true),
    }
}

/// The delay before the n-th retry, without jitter.
fn grown(delay: Duration, backoff: Backoff, n: u32) -> Duration {
    let factor = match backoff {
        Backoff::Constant => 1,
        Backoff::Linear => n,
        Backoff::Exponential => 2u32.saturating_pow(n - 1),
    };
    delay.saturating_mul(factor)
}
