//! `listen`: one event after the other, each an effect of its own (rules 19 and 20).
//!
//! What filters and correlations compute, they compute as of the moment at which the `listen` began: its
//! input, the context and the time of then. So an event that was refused stays refused, whatever the
//! iterations do meanwhile. No event is consumed twice by the same task of the document, whether it is entered
//! again by a loop, a jump or a retry. Which event passes is decided in [`crate::execution::listening`].

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::{ErrorType, Foreach, Listen, Strategy, Task, Until};

use crate::effect::EffectAction;
use crate::execution::effects::Purpose;
use crate::execution::expression::condition;
use crate::execution::flow::transform_output;
use crate::execution::frame::{Outputs, TaskState};
use crate::execution::listening::Served;
use crate::execution::machine::{Machine, Next, Opening, Signal};
use crate::execution::scope::Item;
use crate::{Error, Timestamp};

/// A `listen`.
#[derive(Debug)]
pub(in crate::execution) struct ListenState {
    /// `$context` when it began.
    pub(in crate::execution) context: Arc<Value>,
    pub(in crate::execution) began_at: Timestamp,
    /// How many events it has consumed.
    consumed: usize,
    /// The value that each correlation has by now.
    pub(in crate::execution) correlations: Vec<(String, Value)>,
    pub(in crate::execution) to: Progress,
    /// Of the events that end it; nothing to be met where a condition ends it, or where nothing is said.
    pub(in crate::execution) until: Progress,
    /// What each event has become so far.
    produced: Vec<Value>,
    /// The event of the iteration that runs.
    item: Option<Value>,
    /// What `$steps` shows of the newest iteration once the `listen` is over.
    pub(in crate::execution) outputs: Outputs,
}

/// How much of a strategy is met: for `all` by filter, else one for the whole.
#[derive(Debug, Default)]
pub(in crate::execution) struct Progress(Vec<bool>);

// === impl Progress ===

impl Progress {
    fn of(strategy: &Strategy) -> Self {
        match strategy {
            Strategy::All(filters) => Self(vec![false; filters.len()]),
            Strategy::Any(_) | Strategy::One(_) => Self(vec![false]),
        }
    }

    fn is_met(&self) -> bool {
        self.0.iter().all(|met| *met)
    }

    pub(in crate::execution) fn has(&self, part: usize) -> bool {
        self.0[part]
    }
}

// === impl ListenState ===

impl ListenState {
    fn new(definition: &Listen, context: Arc<Value>, began_at: Timestamp) -> Self {
        let until = match &definition.until {
            Some(Until::Consumed(strategy)) => Progress::of(strategy),
            Some(Until::Condition(_)) | None => Progress::default(),
        };
        Self {
            context,
            began_at,
            consumed: 0,
            correlations: Vec::new(),
            to: Progress::of(&definition.to),
            until,
            produced: Vec::new(),
            item: None,
            outputs: Outputs::new(),
        }
    }

    /// The variables of the iteration that runs.
    pub(in crate::execution) fn item<'a>(&'a self, definition: &'a Listen) -> Option<Item<'a>> {
        let foreach = definition.foreach.as_ref()?;
        let item = self.item.as_ref()?;
        Some(Item { each: (&foreach.item, item), at: (&foreach.at, self.produced.len()) })
    }

    /// Whether it needs no more events, conditions aside.
    fn is_over(&self, definition: &Listen) -> bool {
        match &definition.until {
            None => self.to.is_met(),
            Some(Until::Consumed(_)) => self.until.is_met(),
            Some(Until::Condition(_)) => false,
        }
    }

    fn consume(&mut self, served: Served) {
        self.consumed += 1;
        let progress = if served.until { &mut self.until } else { &mut self.to };
        progress.0[served.part] = true;
        for (name, value) in served.correlations {
            if !self.correlations.iter().any(|(known, _)| *known == name) {
                self.correlations.push((name, value));
            }
        }
    }
}

// === impl Machine ===

impl Machine {
    pub(super) fn listen(&mut self, definition: &Listen) -> Next {
        let state = ListenState::new(definition, Arc::clone(&self.thread.context), self.now);
        let frame = self.top_task_mut().expect("the listen is on top");
        frame.state = TaskState::Listen(Box::new(state));
        Ok(self.listen_on(definition))
    }

    /// An event has come that the `listen` on top wants.
    pub(super) fn received(&mut self, task: &Task, definition: &Listen, event: (String, Value)) -> Next {
        let (event, envelope) = event;
        let Some(served) = self.heard().and_then(|hearing| hearing.serves(&envelope)) else {
            let detail = format!("the event {event} was given to a listen that does not want it");
            return Err(Error::standard(ErrorType::Runtime, &task.pointer, detail));
        };
        let counts_for_until = served.until;
        self.listen_state().consume(served);
        self.consumed.entry(task.id).or_default().insert(event);
        if counts_for_until {
            return Ok(self.listen_on(definition));
        }
        let item = definition.read.read(envelope);
        let Some(foreach) = &definition.foreach else { return self.item_produced(task, definition, item) };
        let state = self.listen_state();
        let index = state.produced.len();
        let input = Arc::new(item.clone());
        state.item = Some(item);
        let Some(block) = foreach.body else { return self.item_done(task, definition, input) };
        let frame = self.top_task().expect("the listen is on top");
        let prefix = format!("{}[{index}]", frame.address).into();
        Ok(Signal::Open(Opening { block, prefix, pointer_length: task.pointer.len(), input }))
    }

    /// The iteration of the `listen` on top has come to its end.
    pub(super) fn item_done(&mut self, task: &Task, definition: &Listen, raw_output: Arc<Value>) -> Next {
        let foreach = definition.foreach.as_ref().expect("only a foreach iterates");
        let (output, context) = self.transform_item(task, definition, (foreach, &raw_output))?;
        if let Some(context) = context {
            self.thread.context = context;
        }
        self.listen_state().item = None;
        self.item_produced(task, definition, Arc::unwrap_or_clone(output))
    }

    fn transform_item(
        &self,
        task: &Task,
        definition: &Listen,
        (foreach, raw_output): (&Foreach, &Arc<Value>),
    ) -> Result<(Arc<Value>, Option<Arc<Value>>), Error> {
        let frame = self.top_task().expect("the listen is on top");
        let TaskState::Listen(state) = &frame.state else { unreachable!("a listen has its state") };
        let view = self.after(raw_output);
        let view = match state.item(definition) {
            Some(item) => view.with_item(item),
            None => view,
        };
        transform_output((&foreach.output, foreach.export.as_ref()), raw_output, &view, task)
    }

    fn item_produced(&mut self, task: &Task, definition: &Listen, item: Value) -> Next {
        self.listen_state().produced.push(item);
        if let Some(Until::Condition(until)) = &definition.until {
            let produced = Value::Array(std::mem::take(&mut self.listen_state().produced));
            let is_enough = condition(until, &produced, &self.here().1, &task.pointer)?;
            if is_enough {
                return Ok(Signal::Produced { output: Arc::new(produced), then: None });
            }
            let Value::Array(produced) = produced else { unreachable!("it was made above") };
            self.listen_state().produced = produced;
        }
        Ok(self.listen_on(definition))
    }

    /// Waits for the next event, or ends.
    fn listen_on(&mut self, definition: &Listen) -> Signal {
        let state = self.listen_state();
        if state.is_over(definition) {
            let produced = std::mem::take(&mut state.produced);
            return Signal::Produced { output: Arc::new(Value::Array(produced)), then: None };
        }
        let number = state.consumed;
        let types = self.heard().expect("the listen is on top").types();
        let frame = self.top_task().expect("the listen is on top");
        let id = format!("{}/event/{number}", frame.address).into();
        self.issue(id, EffectAction::Listen(types), Purpose::Work);
        Signal::Await
    }

    fn listen_state(&mut self) -> &mut ListenState {
        match self.top_task_mut().map(|frame| &mut frame.state) {
            Some(TaskState::Listen(state)) => state,
            _ => unreachable!("a listen has its state until it ends"),
        }
    }
}
