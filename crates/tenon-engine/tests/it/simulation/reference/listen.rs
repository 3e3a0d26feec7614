//! `listen` (rules 19 and 20): goes through the events in the order in which they come.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tenon_expr::{Limits, Scope as _};
use tenon_workflow::{Foreach, Listen, ListenFilter, ReadAs, Strategy, Until};

use super::sight::Sight;
use super::{At, Eval, Halt, Place, Reference, Strand, checked, transform, truth};

/// What was consumed so far.
#[derive(Default)]
struct Heard {
    outputs: Vec<Value>,
    /// Filters of `all` that are served.
    served: Vec<usize>,
    until_served: Vec<usize>,
    /// Values of correlation keys.
    keys: HashMap<String, Value>,
}

// === impl Reference ===

impl Reference<'_> {
    pub(super) fn listen(&mut self, at: At<'_>, listen: &Listen, strand: &mut Strand) -> Eval<Arc<Value>> {
        let outside = self.outside;
        let mut heard = Heard::default();
        let mut last = None;
        // Filters see the context and the time of the beginning.
        let begun = strand.clone();
        for event in &outside.events {
            let envelope = &event.envelope;
            let number = heard.outputs.len() + heard.until_served.len();
            let looks = self.outside.look(&format!("{}/event/{number}", at.address));
            let moment = event.at.max(strand.now + looks);
            let consumption = format!("{}{}", at.task.id.0, event.id);
            if self.performed.iter().any(|(_, consumed, _)| *consumed == consumption) {
                continue;
            }
            if let Some(Until::Consumed(strategy)) = &listen.until
                && let Some(place) =
                    self.passes(at, strategy, (envelope, &heard.until_served), (&heard.keys, &begun))
            {
                strand.now = moment;
                self.perform(&consumption, strand);
                heard.until_served.push(place);
                if is_served(strategy, &heard.until_served) {
                    break;
                }
                continue;
            }
            let Some(place) = self.passes(at, &listen.to, (envelope, &heard.served), (&heard.keys, &begun))
            else {
                continue;
            };
            strand.now = moment;
            self.perform(&consumption, strand);
            self.remember(at, (&listen.to, place), envelope, (&mut heard.keys, &begun));
            heard.served.push(place);
            let read = match listen.read {
                ReadAs::Envelope => envelope.clone(),
                ReadAs::Data | ReadAs::Raw => envelope.get("data").cloned().unwrap_or(Value::Null),
            };
            let output = match &listen.foreach {
                None => read,
                Some(foreach) => {
                    let (output, outputs) = self.iterate(at, foreach, (read, heard.outputs.len()), strand)?;
                    last = outputs.or(last);
                    output
                }
            };
            heard.outputs.push(output);
            let is_over = match (&listen.to, &listen.until) {
                (Strategy::Any(_), Some(Until::Condition(condition))) => {
                    let so_far = Value::Array(heard.outputs.clone());
                    truth(condition, &so_far, &self.sight(Some(at), strand), &at.task.pointer)?
                }
                (Strategy::Any(_), Some(Until::Consumed(_))) => false,
                (strategy, _) => is_served(strategy, &heard.served),
            };
            if is_over {
                return Ok(Self::heard(at, heard, last.as_ref()));
            }
        }
        match &listen.until {
            Some(Until::Consumed(strategy)) if is_served(strategy, &heard.until_served) => {
                Ok(Self::heard(at, heard, last.as_ref()))
            }
            _ => Err(Halt::Never),
        }
    }

    fn heard(at: At<'_>, heard: Heard, last: Option<&super::Outputs>) -> Arc<Value> {
        if let Some(outputs) = last {
            at.env.inherit(outputs);
        }
        Arc::new(Value::Array(heard.outputs))
    }

    /// Which filter of a strategy the event serves.
    fn passes(
        &self,
        at: At<'_>,
        strategy: &Strategy,
        (envelope, served): (&Value, &[usize]),
        (keys, strand): (&HashMap<String, Value>, &Strand),
    ) -> Option<usize> {
        let sight = self.sight(Some(at), strand);
        let fits = |filter: &ListenFilter| {
            let matches =
                filter.filter.matches(envelope, at.input, &sight, &Limits::default()).unwrap_or(false);
            matches && filter.correlate.iter().all(|key| Self::correlates(at, key, (envelope, keys), &sight))
        };
        match strategy {
            Strategy::One(filter) => fits(filter).then_some(0),
            Strategy::Any(filters) if filters.is_empty() => Some(0),
            Strategy::Any(filters) => filters.iter().position(fits),
            Strategy::All(filters) => {
                (0..filters.len()).find(|place| !served.contains(place) && fits(&filters[*place]))
            }
        }
    }

    fn correlates(
        at: At<'_>,
        key: &tenon_workflow::Correlation,
        (envelope, keys): (&Value, &HashMap<String, Value>),
        sight: &Sight<'_>,
    ) -> bool {
        let limits = Limits::default();
        let Ok(found) = key.from.evaluate(envelope, sight, &limits) else { return false };
        if found.is_null() {
            return false;
        }
        if let Some(expect) = &key.expect {
            return expect.evaluate(at.input, sight, &limits).is_ok_and(|wanted| wanted == found);
        }
        keys.get(&key.name).is_none_or(|wanted| *wanted == found)
    }

    /// The first event with a key fixes its value.
    fn remember(
        &self,
        at: At<'_>,
        (strategy, place): (&Strategy, usize),
        envelope: &Value,
        (keys, strand): (&mut HashMap<String, Value>, &Strand),
    ) {
        let filter = match strategy {
            Strategy::One(filter) => Some(filter),
            Strategy::Any(filters) | Strategy::All(filters) => filters.get(place),
        };
        let sight = self.sight(Some(at), strand);
        debug_assert!(sight.now() > 0.0, "time goes on");
        for key in filter.into_iter().flat_map(|filter| &filter.correlate) {
            if let Ok(found) = key.from.evaluate(envelope, &sight, &Limits::default()) {
                keys.entry(key.name.clone()).or_insert(found);
            }
        }
    }

    fn iterate(
        &mut self,
        at: At<'_>,
        foreach: &Foreach,
        (read, index): (Value, usize),
        strand: &mut Strand,
    ) -> Eval<(Value, Option<super::Outputs>)> {
        let read = Arc::new(read);
        let variables = vec![
            (foreach.item.clone(), Arc::clone(&read)),
            (foreach.at.clone(), Arc::new(Value::from(index))),
        ];
        let env = Self::with_variables(at, variables);
        let mut outputs = None;
        let mut value = read;
        if let Some(body) = foreach.body {
            let prefix = format!("{}[{index}]", at.address);
            let place = Place { block: body, prefix: &prefix, pointer_length: at.task.pointer.len() };
            let (output, left) = self.block(&place, value, Some(&env), strand)?;
            (value, outputs) = (output, Some(left));
        }
        let pointer = at.task.pointer.as_str();
        let inside = At { env: &env, ..at };
        let output =
            transform(foreach.output.r#as.as_ref(), &value, &self.sight(Some(inside), strand), pointer)?;
        let output = checked(foreach.output.schema.as_ref(), output, pointer)?;
        if let Some(export) = &foreach.export {
            let sight = Sight { output: Some(&output), ..self.sight(Some(inside), strand) };
            let context = match &export.r#as {
                Some(_) => transform(export.r#as.as_ref(), &output, &sight, pointer)?,
                None => Arc::clone(strand.context()),
            };
            strand.export(context);
        }
        Ok((output.as_ref().clone(), outputs))
    }
}

fn is_served(strategy: &Strategy, served: &[usize]) -> bool {
    match strategy {
        Strategy::All(filters) => served.len() >= filters.len(),
        Strategy::Any(_) | Strategy::One(_) => !served.is_empty(),
    }
}
