//! `try` (rules 14 and 15).

use std::sync::Arc;

use serde_json::Value;
use tenon_engine::Error;
use tenon_workflow::{Backoff, ErrorType, Retry, Try, same_error_type};

use super::sight::{Env, Sight};
use super::tasks::Acted;
use super::{At, Eval, Halt, Place, Reference, Strand, micros, truth};

const HOUR: i64 = 3_600_000_000;
const DEFAULT_RETRIES: u32 = 10;

/// What is remembered between the attempts.
#[derive(Default)]
struct Tries {
    retries: u32,
    first_failure: Option<i64>,
}

// === impl Reference ===

impl Reference<'_> {
    pub(super) fn try_catch(&mut self, at: At<'_>, definition: &Try, strand: &mut Strand) -> Eval<Acted> {
        let mut tries = Tries::default();
        loop {
            let error = match self.attempt(at, definition, strand) {
                Ok(output) => return Ok((output, None)),
                Err(Halt::Fault(error)) => error,
                Err(halt) => return Err(halt),
            };
            let value = Arc::new(error.to_value());
            let env = Self::with_variables(at, vec![(definition.r#as.clone(), Arc::clone(&value))]);
            if !self.catches(at, definition, (&value, &env), strand)? {
                return Err(Halt::Fault(error));
            }
            let delay = match &definition.retry {
                Some(policy) => self.delay(At { env: &env, ..at }, policy, &mut tries, strand)?,
                None => None,
            };
            if let Some(delay) = delay {
                strand.now += delay;
                continue;
            }
            let Some(handler) = definition.handler else {
                return Ok((Arc::clone(at.input), definition.then));
            };
            let place = Place { block: handler, prefix: at.address, pointer_length: at.task.pointer.len() };
            let (output, outputs) = self.block(&place, Arc::clone(at.input), Some(&env), strand)?;
            at.env.inherit(&outputs);
            return Ok((output, definition.then));
        }
    }

    fn attempt(&mut self, at: At<'_>, definition: &Try, strand: &mut Strand) -> Eval<Arc<Value>> {
        let pointer = at.task.pointer.as_str();
        let limit = definition.retry.as_ref().and_then(|policy| policy.attempt_duration.as_ref());
        let deadline = match limit {
            None => None,
            Some(limit) => {
                Some(strand.now + micros(limit, at.input, &self.sight(Some(at), strand), pointer)?)
            }
        };
        let mark = self.performed.len();
        let place = Place { block: definition.body, prefix: at.address, pointer_length: pointer.len() };
        let ended = self.block(&place, Arc::clone(at.input), Some(at.env), strand);
        let late =
            || Error::standard(ErrorType::Timeout, pointer, "the attempt took longer than its timeout");
        let (output, outputs) = self.within(deadline, mark, strand, (ended, &late))?;
        at.env.inherit(&outputs);
        Ok(output)
    }

    fn catches(
        &self,
        at: At<'_>,
        definition: &Try,
        (error, env): (&Value, &std::rc::Rc<Env>),
        strand: &Strand,
    ) -> Eval<bool> {
        for (member, wanted) in &definition.errors {
            let found = error.get(member).unwrap_or(&Value::Null);
            let fits = match (member.as_str(), wanted.as_str(), found.as_str()) {
                ("type", Some(wanted), Some(found)) => same_error_type(wanted, found),
                _ => wanted == found,
            };
            if !fits {
                return Ok(false);
            }
        }
        let sight = Sight { env: Some(env), ..self.sight(Some(at), strand) };
        holds((definition.when.as_ref(), definition.except_when.as_ref()), at, &sight)
    }

    /// How long until the next retry; `None`: there is none.
    fn delay(&self, at: At<'_>, policy: &Retry, tries: &mut Tries, strand: &Strand) -> Eval<Option<i64>> {
        let sight = self.sight(Some(at), strand);
        if !holds((policy.when.as_ref(), policy.except_when.as_ref()), at, &sight)? {
            return Ok(None);
        }
        let span = |span| micros(span, at.input, &sight, &at.task.pointer);
        let unlimited =
            policy.count.is_none() && policy.duration.is_none() && policy.attempt_duration.is_none();
        let most = policy.count.or(unlimited.then_some(DEFAULT_RETRIES));
        if most.is_some_and(|most| tries.retries >= most) {
            return Ok(None);
        }
        let n = tries.retries + 1;
        let base = policy.delay.as_ref().map(span).transpose()?.unwrap_or(0);
        let grown = match policy.backoff {
            Backoff::Constant => base,
            Backoff::Linear => base.saturating_mul(i64::from(n)),
            Backoff::Exponential => base.saturating_mul(1i64.checked_shl(n - 1).unwrap_or(i64::MAX)),
        };
        let jitter = match &policy.jitter {
            Some((from, _)) => span(from)?,
            None => 0,
        };
        let delay = grown.saturating_add(jitter).min(HOUR);
        let first = tries.first_failure.unwrap_or(strand.now);
        if let Some(limit) = &policy.duration
            && strand.now + delay > first + span(limit)?
        {
            return Ok(None);
        }
        tries.first_failure = Some(first);
        tries.retries += 1;
        Ok(Some(delay))
    }
}

type Conditions<'t> = (Option<&'t tenon_expr::Expr>, Option<&'t tenon_expr::Expr>);

fn holds((when, except_when): Conditions<'_>, at: At<'_>, sight: &Sight<'_>) -> Eval<bool> {
    if let Some(when) = when
        && !truth(when, at.input, sight, &at.task.pointer)?
    {
        return Ok(false);
    }
    match except_when {
        Some(except_when) => Ok(!truth(except_when, at.input, sight, &at.task.pointer)?),
        None => Ok(true),
    }
}
