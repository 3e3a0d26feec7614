//! The machine: its stack, its effects that are out, and the loop that moves it.

use std::sync::Arc;

use serde_json::Map;
use tenon_expr::Value;
use tenon_workflow::{BlockId, ErrorType, Task, TaskId, Then};

use super::expression::{check_schema, condition, span, transform};
use super::frame::{BlockFrame, Frame, Outputs, TaskFrame, TaskState, TryPhase};
use super::scope::{TaskView, View};
use super::{
    Accepted, Diverged, Finished, Job, MAX_JOURNAL_BYTES, MAX_JOURNAL_ENTRIES, Progress, Recorded, Sleep,
};
use crate::digest::hash64;
use crate::trace::Recorder;
use crate::{Effect, EffectAction, Error, Outcome, Timestamp};

/// Tasks that run before the caller gets a chance to do something else.
const SLICE: u32 = 2_000;
/// Tasks that a job may run between two outcomes: what stops `then: <itself>`.
const MAX_PURE_TASKS: u32 = 1_000_000;
/// The effect id under which a cancellation is journaled.
const CANCEL: &str = "cancel";

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) job: Job,
    pub(super) context: Arc<Value>,
    pub(super) now: Timestamp,
    pub(super) frames: Vec<Frame>,
    pub(super) recorder: Option<Recorder>,
    pending: Vec<Pending>,
    issued: Vec<Effect>,
    withdrawn: Vec<Arc<str>>,
    next: Option<Signal>,
    finished: Option<Finished>,
    entries: u32,
    journal_bytes: usize,
    pure_tasks: u32,
}

/// An effect whose outcome is awaited.
#[derive(Debug)]
struct Pending {
    id: Arc<str>,
    attempt: u32,
    arguments: u64,
    /// Height of the stack at its task's frame; `None` belongs to the workflow.
    owner: Option<usize>,
    purpose: Purpose,
    due: Option<Timestamp>,
}

/// What an awaited effect means to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is what the task does.
    Work,
    /// It bounds the task (or the workflow).
    Timeout,
    /// It bounds one attempt of a `try`'s body.
    AttemptTimeout,
    /// It delays the next attempt of a `try`'s body.
    Retry,
}

/// What the machine does next. Handlers take the stack as it is and give the next signal.
#[derive(Debug)]
pub(super) enum Signal {
    /// The workflow begins.
    Start,
    /// Push a block and enter its first task.
    Open { block: BlockId, prefix: Arc<str>, input: Arc<Value> },
    /// The top is a block: enter its task at this position.
    Enter { position: usize, input: Arc<Value> },
    /// The top is a task: its action is done. A `then` of its own overrides the task's.
    Produced { output: Arc<Value>, then: Option<Then> },
    /// The top is a block: its current task is done, with its transformed output.
    Left { output: Arc<Value>, then: Then },
    /// A block has ended; the top is the task that owns it, or nothing.
    Closed { output: Arc<Value>, outputs: Outputs },
    /// Unwind to whoever catches it.
    Fault(Error),
    /// Unwind all: the workflow ends with this output.
    End(Arc<Value>),
    /// Nothing to do until an outcome comes.
    Await,
}

pub(super) type Next = Result<Signal, Error>;

// === impl Machine: what the outside calls ===

impl Machine {
    pub(super) fn new(job: Job, recorder: Option<Recorder>) -> Self {
        Self {
            now: job.captured_at,
            job,
            context: Arc::new(Value::Object(Map::new())),
            frames: Vec::new(),
            recorder,
            pending: Vec::new(),
            issued: Vec::new(),
            withdrawn: Vec::new(),
            next: Some(Signal::Start),
            finished: None,
            entries: 0,
            journal_bytes: 0,
            pure_tasks: 0,
        }
    }

    /// Runs until effects are awaited, the slice is used up, or the end.
    pub(super) fn run(&mut self) -> Progress {
        let mut entered = 0;
        while let Some(signal) = self.next.take() {
            if matches!(signal, Signal::Enter { .. }) {
                entered += 1;
                self.pure_tasks += 1;
            }
            let next = if self.pure_tasks > MAX_PURE_TASKS {
                self.pure_tasks = 0;
                Signal::Fault(self.exhausted(&format!("ran {MAX_PURE_TASKS} tasks without any effect")))
            } else {
                self.step(signal)
            };
            if self.finished.is_some() {
                return Progress::Finished;
            }
            if !matches!(next, Signal::Await) {
                self.next = Some(next);
            }
            if entered >= SLICE && self.next.is_some() {
                return Progress::Yielded;
            }
        }
        if self.finished.is_some() { Progress::Finished } else { Progress::Blocked }
    }

    pub(super) fn accept(&mut self, accepted: Accepted) -> Option<Recorded> {
        let place = self
            .pending
            .iter()
            .position(|pending| pending.id == accepted.effect && pending.attempt == accepted.attempt)?;
        let pending = self.pending.swap_remove(place);
        let outcome = accepted.outcome.encode();
        let at = accepted.at.max(self.now);
        let recorded = Recorded {
            sequence: self.entries,
            effect: Arc::clone(&pending.id),
            attempt: pending.attempt,
            arguments: pending.arguments,
            started_at: accepted.started_at.min(at),
            at,
            outcome,
        };
        self.take_in(pending, accepted.outcome, &recorded);
        Some(recorded)
    }

    pub(super) fn replay(&mut self, recorded: &Recorded) -> Result<(), Diverged> {
        while self.run() == Progress::Yielded {}
        let diverged = |reason: String| Diverged {
            sequence: recorded.sequence,
            effect: recorded.effect.to_string(),
            reason,
        };
        if recorded.sequence != self.entries {
            return Err(diverged(format!("entry {} was expected", self.entries)));
        }
        let outcome = Outcome::decode(&recorded.outcome).map_err(diverged)?;
        if outcome == Outcome::Cancelled {
            self.cancel(recorded.at);
            return Ok(());
        }
        let place = self
            .pending
            .iter()
            .position(|pending| pending.id == recorded.effect && pending.attempt == recorded.attempt)
            .ok_or_else(|| {
                let awaited: Vec<_> =
                    self.pending.iter().map(|p| format!("{} (attempt {})", p.id, p.attempt)).collect();
                diverged(format!("attempt {} is not awaited, but {awaited:?}", recorded.attempt))
            })?;
        if self.pending[place].arguments != recorded.arguments {
            return Err(diverged("the effect's arguments differ".to_owned()));
        }
        let pending = self.pending.swap_remove(place);
        self.take_in(pending, outcome, recorded);
        Ok(())
    }

    pub(super) fn cancel(&mut self, at: Timestamp) -> Option<Recorded> {
        if self.finished.is_some() {
            return None;
        }
        self.now = self.now.max(at);
        self.unwind(0);
        self.finish(Finished::Cancelled);
        let recorded = Recorded {
            sequence: self.entries,
            effect: CANCEL.into(),
            attempt: 1,
            arguments: 0,
            started_at: self.now,
            at: self.now,
            outcome: Outcome::Cancelled.encode(),
        };
        self.entries += 1;
        Some(recorded)
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.issued);
        effects.retain(|effect| {
            self.pending.iter().any(|pending| pending.id == effect.id && pending.attempt == effect.attempt)
        });
        effects
    }

    pub(super) fn take_withdrawn(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.withdrawn)
    }

    pub(super) fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    pub(super) fn sleep(&self) -> Option<Sleep> {
        if self.next.is_some() || self.pending.iter().any(|pending| pending.due.is_none()) {
            return None;
        }
        let first = self.pending.iter().min_by_key(|pending| pending.due)?;
        Some(Sleep { until: first.due?, is_retry: first.purpose == Purpose::Retry })
    }

    pub(super) fn journal_length(&self) -> u32 {
        self.entries
    }

    pub(super) fn into_recorder(self) -> Option<Recorder> {
        self.recorder
    }

    fn take_in(&mut self, pending: Pending, outcome: Outcome, recorded: &Recorded) {
        self.entries += 1;
        self.journal_bytes += recorded.outcome.len();
        self.now = self.now.max(recorded.at);
        self.pure_tasks = 0;
        if let Some(recorder) = &mut self.recorder {
            recorder.outcome(recorded, &outcome);
        }
        self.issued.retain(|effect| effect.id != pending.id);
        let too_long = self.entries >= MAX_JOURNAL_ENTRIES || self.journal_bytes > MAX_JOURNAL_BYTES;
        let next = if too_long {
            self.unwind(0);
            let reason = format!("journaled {} outcomes, {} bytes", self.entries, self.journal_bytes);
            Signal::Fault(self.exhausted(&reason))
        } else {
            self.deliver(&pending, outcome)
        };
        self.next = Some(next);
    }

    /// Gives an outcome to the frame that awaits it.
    fn deliver(&mut self, pending: &Pending, outcome: Outcome) -> Signal {
        match (pending.purpose, pending.owner) {
            (Purpose::Work, Some(owner)) => {
                debug_assert_eq!(owner + 1, self.frames.len(), "a task that works is the top");
                self.worked(outcome).unwrap_or_else(Signal::Fault)
            }
            (Purpose::Timeout, Some(owner)) => {
                let error = self.timed_out(owner, "the task");
                self.leave_faulted(owner, &error);
                Signal::Fault(error)
            }
            (Purpose::AttemptTimeout, Some(owner)) => {
                let error = self.timed_out(owner, "the attempt");
                self.unwind(owner + 1);
                Signal::Fault(error)
            }
            (Purpose::Retry, Some(_)) => self.try_again(),
            (_, None) => {
                self.unwind(0);
                Signal::Fault(Error::standard(ErrorType::Timeout, "/timeout", "the workflow took too long"))
            }
        }
    }

    fn timed_out(&self, owner: usize, who: &str) -> Error {
        let Frame::Task(frame) = &self.frames[owner] else { unreachable!("effects belong to tasks") };
        let pointer = &self.job.program.task(frame.task).pointer;
        Error::standard(ErrorType::Timeout, pointer, format!("{who} took longer than its timeout"))
    }

    fn exhausted(&self, what: &str) -> Error {
        let instance = self.top_task().map_or("", |frame| self.job.program.task(frame.task).pointer.as_str());
        Error::standard(ErrorType::Runtime, instance, format!("the job {what}, which is more than a job may"))
    }
}

// === impl Machine: the loop ===

impl Machine {
    fn step(&mut self, signal: Signal) -> Signal {
        let next = match signal {
            Signal::Start => self.start(),
            Signal::Open { block, prefix, input } => Ok(self.open(block, prefix, input)),
            Signal::Enter { position, input } => self.enter(position, input),
            Signal::Produced { output, then } => self.produced(output, then),
            Signal::Left { output, then } => Ok(self.left(output, then)),
            Signal::Closed { output, outputs } => self.closed(output, outputs),
            Signal::Fault(error) => Ok(self.fault(error)),
            Signal::End(output) => {
                self.complete_all(&output);
                self.end(&output)
            }
            Signal::Await => Ok(Signal::Await),
        };
        next.unwrap_or_else(Signal::Fault)
    }

    fn start(&mut self) -> Next {
        let program = Arc::clone(&self.job.program);
        let raw = Arc::clone(&self.job.input);
        check_schema(program.input.schema.as_ref(), &raw, ("/input", "the workflow's input"))?;
        let view = View::new(self);
        let input = transform(program.input.from.as_ref(), &raw, &view, "/input/from")?;
        if let Some(timeout) = &program.timeout {
            let after = span(timeout, &input, &view, "/timeout")?;
            let due = self.now.after(after);
            self.issue("/timeout".into(), EffectAction::Timer { due }, Purpose::Timeout);
        }
        Ok(Signal::Open { block: program.body, prefix: "".into(), input })
    }

    fn open(&mut self, block: BlockId, prefix: Arc<str>, input: Arc<Value>) -> Signal {
        let length = self.job.program.block(block).tasks.len();
        if length == 0 {
            return Signal::Closed { output: input, outputs: Vec::new() };
        }
        let pointer_length = self.top_task().map_or(0, |frame| self.task(frame.task).pointer.len());
        self.frames.push(Frame::Block(BlockFrame::new(block, prefix, pointer_length, length)));
        Signal::Enter { position: 0, input }
    }

    fn enter(&mut self, position: usize, raw_input: Arc<Value>) -> Next {
        let program = Arc::clone(&self.job.program);
        let height = self.frames.len();
        let Some(Frame::Block(block)) = self.frames.last_mut() else {
            unreachable!("only a block enters tasks")
        };
        let task = program.task(program.block(block.block).tasks[position]);
        let visit = block.visit(position);
        let address = address(block, task, visit);
        self.record(|recorder, now| recorder.entered(&address, task, &raw_input, now));
        let before =
            TaskView { task, raw_input: &raw_input, input: None, raw_output: None, started_at: self.now };
        let entered = self.admit(task, &raw_input, before, height);
        let input = match entered {
            Ok(Some(input)) => input,
            Ok(None) => {
                self.record(|recorder, now| recorder.skipped(&address, now));
                return Ok(Signal::Left { output: raw_input, then: Then::Continue });
            }
            Err(error) => {
                self.record(|recorder, now| recorder.faulted(&address, &error, now));
                return Err(error);
            }
        };
        self.record(|recorder, _| recorder.input(&address, &input));
        self.frames.push(Frame::Task(Box::new(TaskFrame {
            task: task.id,
            address: Arc::clone(&address),
            raw_input,
            input,
            started_at: self.now,
            state: TaskState::Plain,
        })));
        if let Some(timeout) = &task.timeout {
            let (input, view) = self.here();
            let due = self.now.after(span(timeout, input, &view, &task.pointer)?);
            self.issue(format!("{address}/timeout").into(), EffectAction::Timer { due }, Purpose::Timeout);
        }
        self.act(task)
    }

    /// `if`, `input.schema`, `input.from`; `None` when the task is skipped.
    fn admit(
        &self,
        task: &Task,
        raw_input: &Arc<Value>,
        before: TaskView<'_>,
        height: usize,
    ) -> Result<Option<Arc<Value>>, Error> {
        let view = View::of_task(self, height, before);
        if let Some(expr) = &task.condition
            && !condition(expr, raw_input, &view, &task.pointer)?
        {
            return Ok(None);
        }
        check_schema(task.input.schema.as_ref(), raw_input, (&task.pointer, "the task's input"))?;
        transform(task.input.from.as_ref(), raw_input, &view, &task.pointer).map(Some)
    }

    fn produced(&mut self, raw_output: Arc<Value>, then: Option<Then>) -> Next {
        let program = Arc::clone(&self.job.program);
        let height = self.frames.len() - 1;
        self.withdraw(height);
        let Some(Frame::Task(frame)) = self.frames.last_mut() else {
            unreachable!("only a task produces an output")
        };
        if let TaskState::Try(state) = &mut frame.state {
            state.phase = TryPhase::Handler;
        }
        let task = program.task(frame.task);
        let (output, context) = self.transform_output(task, &raw_output, height)?;
        if let Some(context) = context {
            self.context = context;
        }
        let Some(Frame::Task(frame)) = self.frames.pop() else { unreachable!("looked at above") };
        self.record(|recorder, now| recorder.completed(&frame.address, &output, now));
        let Some(Frame::Block(block)) = self.frames.last_mut() else {
            unreachable!("a task stands in a block")
        };
        if let TaskState::Loop(state) = frame.state {
            block.inherit(state.outputs);
        }
        block.finished(task.position, Arc::clone(&output));
        Ok(Signal::Left { output, then: then.unwrap_or(task.then) })
    }

    /// `output.as`, `output.schema`, `export.as`, `export.schema`.
    fn transform_output(
        &self,
        task: &Task,
        raw_output: &Arc<Value>,
        height: usize,
    ) -> Result<(Arc<Value>, Option<Arc<Value>>), Error> {
        let Frame::Task(frame) = &self.frames[height] else { unreachable!("the caller looked") };
        let seen = TaskView {
            task,
            raw_input: &frame.raw_input,
            input: Some(&frame.input),
            raw_output: Some(raw_output),
            started_at: frame.started_at,
        };
        let view = View::of_task(self, height, seen);
        let output = transform(task.output.r#as.as_ref(), raw_output, &view, &task.pointer)?;
        check_schema(task.output.schema.as_ref(), &output, (&task.pointer, "the task's output"))?;
        let Some(export) = &task.export else { return Ok((output, None)) };
        let view = View::of_task(self, height, seen).with_output(&output);
        let context = match &export.r#as {
            Some(_) => transform(export.r#as.as_ref(), &output, &view, &task.pointer)?,
            None => Arc::clone(&self.context),
        };
        check_schema(export.schema.as_ref(), &context, (&task.pointer, "the exported context"))?;
        Ok((output, Some(context)))
    }

    fn left(&mut self, output: Arc<Value>, then: Then) -> Signal {
        let Some(Frame::Block(block)) = self.frames.last() else { unreachable!("a task stands in a block") };
        let next = match then {
            Then::Continue => block.position + 1,
            Then::Jump(position) => position,
            Then::Exit => usize::MAX,
            Then::End => return Signal::End(output),
        };
        if next < self.job.program.block(block.block).tasks.len() {
            return Signal::Enter { position: next, input: output };
        }
        let Some(Frame::Block(block)) = self.frames.pop() else { unreachable!("looked at above") };
        Signal::Closed { output, outputs: block.into_outputs(&self.job.program) }
    }

    fn closed(&mut self, output: Arc<Value>, outputs: Outputs) -> Next {
        let Some(Frame::Task(frame)) = self.frames.last_mut() else {
            return self.end(&output);
        };
        if let TaskState::Loop(state) = &mut frame.state {
            state.outputs = outputs;
        } else {
            let below = self.frames.len() - 2;
            if let Frame::Block(block) = &mut self.frames[below] {
                block.inherit(outputs);
            }
        }
        self.block_ended(output)
    }

    fn end(&mut self, raw_output: &Arc<Value>) -> Next {
        self.unwind(0);
        let program = Arc::clone(&self.job.program);
        let view = View::new(self);
        let output = transform(program.output.r#as.as_ref(), raw_output, &view, "/output/as")?;
        check_schema(program.output.schema.as_ref(), &output, ("/output", "the workflow's output"))?;
        self.finish(Finished::Completed(output));
        Ok(Signal::Await)
    }

    fn fault(&mut self, error: Error) -> Signal {
        while let Some(frame) = self.frames.last() {
            let Frame::Task(frame) = frame else {
                self.frames.pop();
                continue;
            };
            let height = self.frames.len() - 1;
            let caught = match &frame.state {
                TaskState::Try(state) if state.phase == TryPhase::Body => self.catch(&error),
                _ => Ok(None),
            };
            match caught {
                Ok(Some(signal)) => return signal,
                Ok(None) => self.leave_faulted(height, &error),
                Err(other) => {
                    self.leave_faulted(height, &other);
                    return Signal::Fault(other);
                }
            }
        }
        self.unwind(0);
        self.finish(Finished::Faulted(error));
        Signal::Await
    }

    fn finish(&mut self, finished: Finished) {
        self.next = None;
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(self.now);
        }
        self.finished = Some(finished);
    }
}

// === impl Machine: what tasks use ===

impl Machine {
    /// Makes an effect for the task on top (or, with an empty stack, for the workflow).
    pub(super) fn issue(&mut self, id: Arc<str>, action: EffectAction, purpose: Purpose) {
        let attempt = self.attempt(&id);
        let (arguments, due) = match &action {
            EffectAction::Http(request) => (hash_json(&serde_json::to_vec(request)), None),
            EffectAction::Emit(event) => (hash_json(&serde_json::to_vec(event)), None),
            EffectAction::Timer { due } => (hash64(&due.0.to_be_bytes()), Some(*due)),
        };
        self.record(|recorder, now| recorder.issued(&id, attempt, &action, now));
        let owner = self.frames.len().checked_sub(1);
        self.pending.push(Pending { id: Arc::clone(&id), attempt, arguments, owner, purpose, due });
        self.issued.push(Effect { id, attempt, arguments, action });
    }

    /// The number of the attempt that begins now: the outermost `try` that is in its body counts, since only
    /// its retries can bring the same effect again.
    fn attempt(&mut self, id: &Arc<str>) -> u32 {
        let counter = self.frames.iter_mut().find_map(|frame| match frame {
            Frame::Task(frame) => match &mut frame.state {
                TaskState::Try(state) if state.phase != TryPhase::Handler => Some(&mut state.attempts),
                _ => None,
            },
            Frame::Block(_) => None,
        });
        let Some(counter) = counter else { return 1 };
        let count = counter.entry(Arc::clone(id)).or_insert(0);
        *count += 1;
        *count
    }

    /// The transformed input of the task on top, and what its definition's expressions see.
    pub(super) fn here(&self) -> (&Arc<Value>, View<'_>) {
        let frame = self.top_task().expect("a task that acts is on top");
        let seen = TaskView {
            task: self.job.program.task(frame.task),
            raw_input: &frame.raw_input,
            input: Some(&frame.input),
            raw_output: None,
            started_at: frame.started_at,
        };
        (&frame.input, View::of_task(self, self.frames.len(), seen))
    }

    pub(super) fn top_task(&self) -> Option<&TaskFrame> {
        match self.frames.last() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    pub(super) fn top_task_mut(&mut self) -> Option<&mut TaskFrame> {
        match self.frames.last_mut() {
            Some(Frame::Task(frame)) => Some(frame),
            _ => None,
        }
    }

    /// Cuts the stack down to a height; effects of what goes are withdrawn.
    pub(super) fn unwind(&mut self, height: usize) {
        while self.frames.len() > height {
            if let Some(Frame::Task(frame)) = self.frames.pop() {
                self.record(|recorder, now| recorder.cancelled(&frame.address, now));
            }
        }
        self.withdraw(height);
    }

    /// `then: end`: every task that is open ends with the workflow.
    fn complete_all(&mut self, output: &Value) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Task(frame) = frame {
                self.record(|recorder, now| recorder.completed(&frame.address, output, now));
            }
        }
    }

    /// Withdraws effects of frames at this height and above; at height 0 the workflow's own too.
    pub(super) fn withdraw(&mut self, height: usize) {
        let withdrawn = &mut self.withdrawn;
        let issued = &self.issued;
        self.pending.retain(|pending| {
            let stays = pending.owner.map_or(height > 0, |owner| owner < height);
            if !stays && !issued.iter().any(|effect| effect.id == pending.id) {
                withdrawn.push(Arc::clone(&pending.id));
            }
            stays
        });
    }

    /// Removes a task, and all above it, that ends with an error.
    fn leave_faulted(&mut self, height: usize, error: &Error) {
        self.unwind(height + 1);
        self.withdraw(height);
        if let Some(Frame::Task(frame)) = self.frames.pop() {
            self.record(|recorder, now| recorder.faulted(&frame.address, error, now));
        }
    }

    /// Withdraws the bound of an attempt that is over; the `try` is the frame below this height.
    pub(super) fn withdraw_attempt_timeout(&mut self, height: usize) {
        let owner = height.checked_sub(1);
        let bound = self
            .pending
            .iter()
            .position(|pending| pending.owner == owner && pending.purpose == Purpose::AttemptTimeout);
        if let Some(place) = bound {
            let pending = self.pending.swap_remove(place);
            if !self.issued.iter().any(|effect| effect.id == pending.id) {
                self.withdrawn.push(pending.id);
            }
        }
    }

    fn record(&mut self, write: impl FnOnce(&mut Recorder, Timestamp)) {
        if let Some(recorder) = &mut self.recorder {
            write(recorder, self.now);
        }
    }

    fn task(&self, id: TaskId) -> &Task {
        self.job.program.task(id)
    }
}

fn hash_json(bytes: &serde_json::Result<Vec<u8>>) -> u64 {
    hash64(bytes.as_ref().expect("effect arguments are JSON values"))
}

/// `/do/0/getPet`, below its prefix; with the visit from the second on.
fn address(block: &BlockFrame, task: &Task, visit: u32) -> Arc<str> {
    let local = &task.pointer[block.pointer_length..];
    match visit {
        0 | 1 => format!("{}{local}", block.prefix).into(),
        more => format!("{}{local}#{more}", block.prefix).into(),
    }
}
