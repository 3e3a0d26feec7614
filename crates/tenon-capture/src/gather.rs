//! What an event is to a workflow that several events start: which part of a set, and of the set of which values.
//! Pure; which sets there are is the store's to know.

use serde_json::{Value, json};
use tenon_expr::Limits;
use tenon_store::{Role, Serves};
use tenon_workflow::{Correlation, ListenFilter, ReadAs, Strategy, Subscription, Until};

use crate::Deployed;
use crate::key::bounded_key;
use crate::plan::{CaptureScope, Envelope, LIMITS, Planner};

/// What the condition of an `until` may use: more than filters may, because it looks at many events.
const CONDITION_LIMITS: Limits = Limits { steps: 1_000_000, bytes: 64 << 20, depth: 256 };

/// Whether a condition says when enough events were gathered.
pub(crate) fn has_condition(subscription: &Subscription) -> bool {
    matches!(subscription.until, Some(Until::Condition(_)))
}

// === impl Planner ===

impl Planner<'_> {
    /// What the event is to the sets of a workflow; nothing if it passes none of the filters. What ends a set is
    /// never part of one.
    pub(crate) fn role(&self, deployed: &Deployed) -> Option<Role> {
        let subscription = deployed.program.subscription.as_ref()?;
        if let Some(Until::Consumed(strategy)) = &subscription.until {
            let serves = self.serves(deployed, strategy);
            if !serves.is_empty() {
                return Some(Role::End { serves, of: parts(strategy) });
            }
        }
        let mut serves = self.serves(deployed, &subscription.to).into_iter().peekable();
        serves.peek()?;
        Some(match &subscription.to {
            all @ Strategy::All(_) => Role::Part { serves: serves.collect(), of: parts(all) },
            Strategy::Any(_) | Strategy::One(_) => {
                Role::Item { key: serves.next().map(|serves| serves.key)?, decision: None }
            }
        })
    }

    /// The parts of a strategy that the event can be, in declaration order.
    fn serves(&self, deployed: &Deployed, strategy: &Strategy) -> Vec<Serves> {
        let filters = strategy.filters().iter().zip(0..);
        let serves = filters.filter_map(|(filter, number)| {
            let values = self.passes(deployed, filter)?;
            let part = if matches!(strategy, Strategy::All(_)) { number } else { 0 };
            Some(Serves { part, key: set_key(values) })
        });
        serves.collect()
    }

    /// The values of a filter's correlations if the event passes it. A filter that fails lets nothing pass.
    pub(crate) fn passes<'f>(
        &self,
        deployed: &Deployed,
        filter: &'f ListenFilter,
    ) -> Option<Vec<(&'f str, Value)>> {
        let scope = CaptureScope(self.now);
        let passes = filter.filter.matches(self.envelope.tree(), &Value::Null, &scope, &LIMITS);
        let passes = passes.unwrap_or_else(|error| {
            let error = deployed.logged(&error);
            tracing::debug!(workflow = %deployed.name, error, "an event filter failed");
            false
        });
        if !passes {
            return None;
        }
        filter.correlate.iter().map(|correlation| self.value(deployed, correlation)).collect()
    }

    fn value<'f>(&self, deployed: &Deployed, correlation: &'f Correlation) -> Option<(&'f str, Value)> {
        let (envelope, scope) = (self.envelope.tree(), CaptureScope(self.now));
        let report = |error: &dyn std::fmt::Display| {
            let error = deployed.logged(error);
            tracing::debug!(workflow = %deployed.name, error, "a correlation failed");
        };
        let value = correlation.from.evaluate(envelope, &scope, &LIMITS).inspect_err(|error| report(error));
        let value = value.ok().filter(|value| !value.is_null())?;
        if let Some(expect) = &correlation.expect {
            let expected = expect.evaluate(envelope, &scope, &LIMITS).inspect_err(|error| report(error));
            if expected.ok()? != value {
                return None;
            }
        }
        Some((&correlation.name, value))
    }

    /// Whether a set is complete with these events. A condition that fails does not hold.
    pub(crate) fn is_enough(&self, deployed: &Deployed, events: &Value) -> bool {
        let subscription = deployed.program.subscription.as_ref();
        let Some(Until::Condition(until)) = subscription.and_then(|subscription| subscription.until.as_ref())
        else {
            return false;
        };
        match until.evaluate(events, &CaptureScope(self.now), &CONDITION_LIMITS) {
            Ok(value) => !matches!(value, Value::Null | Value::Bool(false)),
            Err(error) => {
                let error = deployed.logged(&error);
                tracing::warn!(workflow = %deployed.name, error, "the condition of `until` failed: its events wait");
                false
            }
        }
    }
}

// === impl Envelope ===

impl Envelope {
    /// The event as `schedule.read` says.
    pub(crate) fn read(&self, read: ReadAs) -> Value {
        read.copy(self.tree())
    }
}

/// How many events a strategy asks for.
fn parts(strategy: &Strategy) -> u32 {
    match strategy {
        Strategy::All(filters) => u32::try_from(filters.len()).unwrap_or(u32::MAX),
        Strategy::Any(_) | Strategy::One(_) => 1,
    }
}

/// The text that stands for the values of correlations, whatever their order.
fn set_key(mut values: Vec<(&str, Value)>) -> String {
    if values.is_empty() {
        return String::new();
    }
    values.sort_unstable_by_key(|(name, _)| *name);
    let mut values = json!(values);
    values.sort_all_objects();
    bounded_key(values.to_string().into()).into_owned()
}
