//! A naive interpreter of the language: direct recursion, no journal, no stack machine, virtual time.
//!
//! Written from the numbered rules of the profile, not from the engine, so that the two can be held against each
//! other. A task is a function from a moment and an input to a later moment and an output. What runs at the same
//! time is evaluated one after the other, each as if it were alone, and what a timeout, a fault or a winner cuts off
//! is taken back afterwards: naive, slow, and easy to believe.

mod extensions;
mod fork;
mod listen;
mod sight;
mod tasks;
mod try_catch;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::{Error, Finished};
use tenon_expr::{Expr, Limits, Template};
use tenon_workflow::{BlockId, ErrorType, Program, Schema, Span, Task, Then, parse_duration};

use super::outside::{Outside, START};
use sight::{Env, Outputs, Sight};

/// What a job did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observed {
    /// How and when it ended; `None`: it waits for ever.
    pub(crate) ended: Option<(i64, Finished)>,
    /// Address and attempt of all calls, emits and children that were started.
    pub(crate) performed: BTreeSet<(String, u32)>,
}

/// Runs a job to its end.
pub(crate) fn interpret(program: &Program, input: &Arc<Value>, outside: &Outside) -> Observed {
    let mut reference = Reference {
        program,
        job_input: Arc::clone(input),
        event: Outside::own_event(),
        outside,
        performed: Vec::new(),
        attempts: HashMap::new(),
        exited: false,
    };
    let ended = reference.workflow();
    // What begins without a slash is an event that was consumed.
    let performed = reference.performed.into_iter().filter(|(_, address, _)| address.starts_with('/'));
    let performed = performed.map(|(_, address, attempt)| (address, attempt));
    Observed { ended, performed: performed.collect() }
}

struct Reference<'a> {
    program: &'a Program,
    job_input: Arc<Value>,
    event: Arc<Value>,
    outside: &'a Outside,
    /// When, where, which attempt.
    performed: Vec<(i64, String, u32)>,
    attempts: HashMap<String, u32>,
    /// Whether the newest block that ended was left by `then: exit`.
    exited: bool,
}

/// One line of control with its clock and its `$context`.
#[derive(Debug, Clone)]
struct Strand {
    now: i64,
    /// When `$context` changed, and to what.
    contexts: Vec<(i64, Arc<Value>)>,
}

/// Why control does not come back with an output.
enum Halt {
    Fault(Error),
    /// `then: end`.
    Stop(Arc<Value>),
    /// It waits for something that never comes.
    Never,
}

type Eval<T> = Result<T, Halt>;

/// A task at work.
#[derive(Clone, Copy)]
struct At<'t> {
    task: &'t Task,
    address: &'t str,
    input: &'t Arc<Value>,
    env: &'t Rc<Env>,
}

/// A block to run: where its addresses begin, and how much of a task's pointer that stands for.
struct Place<'t> {
    block: BlockId,
    prefix: &'t str,
    pointer_length: usize,
}

// === impl Strand ===

impl Strand {
    fn context(&self) -> &Arc<Value> {
        &self.contexts.last().expect("there is always a first context").1
    }

    fn export(&mut self, context: Arc<Value>) {
        self.contexts.push((self.now, context));
    }

    /// Forgets what happened after a moment.
    fn rewind(&mut self, at: i64) {
        while self.contexts.len() > 1 && self.contexts.last().is_some_and(|(moment, _)| *moment > at) {
            self.contexts.pop();
        }
        self.now = at;
    }
}

// === impl Reference ===

impl Reference<'_> {
    fn workflow(&mut self) -> Option<(i64, Finished)> {
        let mut strand = Strand { now: START.0, contexts: vec![(START.0, Arc::new(json!({})))] };
        let program = self.program;
        let outcome = self.workflow_body(&mut strand);
        let outcome = match outcome {
            Ok(output) | Err(Halt::Stop(output)) => {
                let sight = self.sight(None, &strand);
                transform(program.output.r#as.as_ref(), &output, &sight, "/output/as")
                    .and_then(|output| checked(program.output.schema.as_ref(), output, "/output"))
            }
            Err(halt) => Err(halt),
        };
        match outcome {
            Ok(output) => Some((strand.now, Finished::Completed(output))),
            Err(Halt::Fault(error)) => Some((strand.now, Finished::Faulted(error))),
            Err(Halt::Never) => None,
            Err(Halt::Stop(_)) => unreachable!("a stop has become an output"),
        }
    }

    fn workflow_body(&mut self, strand: &mut Strand) -> Eval<Arc<Value>> {
        let program = self.program;
        let raw = checked(program.input.schema.as_ref(), Arc::clone(&self.job_input), "/input")?;
        let input = transform(program.input.from.as_ref(), &raw, &self.sight(None, strand), "/input/from")?;
        let deadline = match &program.timeout {
            None => None,
            Some(timeout) => {
                Some(strand.now + micros(timeout, &input, &self.sight(None, strand), "/timeout")?)
            }
        };
        let mark = self.performed.len();
        let place = Place { block: program.body, prefix: "", pointer_length: 0 };
        let ended = self.block(&place, input, None, strand).map(|(output, _)| output);
        let late = || Error::standard(ErrorType::Timeout, "/timeout", "the workflow took too long");
        self.within(deadline, mark, strand, (ended, &late))
    }

    /// A list of tasks, one after the other (rule 10). Also gives what `$steps` goes on to see.
    fn block(
        &mut self,
        place: &Place<'_>,
        input: Arc<Value>,
        parent: Option<&Rc<Env>>,
        strand: &mut Strand,
    ) -> Eval<(Arc<Value>, Outputs)> {
        let program = self.program;
        let tasks = &program.block(place.block).tasks;
        let env = Env::block(parent);
        let mut visits = vec![0; tasks.len()];
        let (mut position, mut value) = (0, input);
        let mut exited = false;
        while position < tasks.len() {
            let task = program.task(tasks[position]);
            visits[position] += 1;
            let local = &task.pointer[place.pointer_length..];
            let address = match visits[position] {
                1 => format!("{}{local}", place.prefix),
                visit => format!("{}{local}#{visit}", place.prefix),
            };
            let (output, then) = self.task(task, &address, (value, &env), strand)?;
            value = output;
            position = match then {
                Then::Continue => position + 1,
                Then::Jump(position) => position,
                Then::Exit => {
                    exited = true;
                    tasks.len()
                }
                Then::End => return Err(Halt::Stop(value)),
            };
        }
        self.exited = exited;
        Ok((value, env.left_behind(program)))
    }

    /// Rule 1.
    fn task(
        &mut self,
        task: &Task,
        address: &str,
        (raw, env): (Arc<Value>, &Rc<Env>),
        strand: &mut Strand,
    ) -> Eval<(Arc<Value>, Then)> {
        let pointer = task.pointer.as_str();
        let before = Sight { env: Some(env), task: Some(task), ..self.sight(None, strand) };
        if let Some(condition) = &task.condition
            && !truth(condition, &raw, &before, pointer)?
        {
            return Ok((raw, Then::Continue));
        }
        let mut active = Vec::new();
        let injected = self.before(At { task, address, input: &raw, env }, &mut active, strand)?;
        if injected.is_some() {
            active.clear();
        }
        let (input, raw_output, then) = match injected {
            Some(raw_output) => (raw, raw_output, None),
            None => self.itself(task, address, (raw, env), strand)?,
        };
        let at = At { task, address, input: &input, env };
        let sight = self.sight(Some(at), strand);
        let output = transform(task.output.r#as.as_ref(), &raw_output, &sight, pointer)?;
        let output = checked(task.output.schema.as_ref(), output, pointer)?;
        if let Some(export) = &task.export {
            let sight = Sight { output: Some(&output), ..self.sight(Some(at), strand) };
            let context = match &export.r#as {
                Some(_) => transform(export.r#as.as_ref(), &output, &sight, pointer)?,
                None => Arc::clone(strand.context()),
            };
            let context = checked(export.schema.as_ref(), context, pointer)?;
            strand.export(context);
        }
        self.after(At { input: &output, ..at }, &active, strand)?;
        env.finished(task.id, &output);
        Ok((output, then.unwrap_or(task.then)))
    }

    /// The task without what is around it: its input, its raw output, and where it wants to go.
    fn itself(
        &mut self,
        task: &Task,
        address: &str,
        (raw, env): (Arc<Value>, &Rc<Env>),
        strand: &mut Strand,
    ) -> Eval<(Arc<Value>, Arc<Value>, Option<Then>)> {
        let pointer = task.pointer.as_str();
        let raw = checked(task.input.schema.as_ref(), raw, pointer)?;
        let before = Sight { env: Some(env), task: Some(task), ..self.sight(None, strand) };
        let input = transform(task.input.from.as_ref(), &raw, &before, pointer)?;
        let at = At { task, address, input: &input, env };
        let deadline = match &task.timeout {
            None => None,
            Some(timeout) => {
                Some(strand.now + micros(timeout, &input, &self.sight(Some(at), strand), pointer)?)
            }
        };
        let mark = self.performed.len();
        let acted = self.act(at, strand);
        let late = || Error::standard(ErrorType::Timeout, pointer, "the task took longer than its timeout");
        let (raw_output, then) = self.within(deadline, mark, strand, (acted, &late))?;
        Ok((input, raw_output, then))
    }

    /// What ended after the deadline did not happen; what ended before it did.
    fn within<T>(
        &mut self,
        deadline: Option<i64>,
        mark: usize,
        strand: &mut Strand,
        (ended, late): (Eval<T>, &dyn Fn() -> Error),
    ) -> Eval<T> {
        let Some(deadline) = deadline else { return ended };
        if !matches!(ended, Err(Halt::Never)) && strand.now <= deadline {
            return ended;
        }
        self.cut(mark, deadline);
        strand.rewind(deadline);
        Err(Halt::Fault(late()))
    }

    /// Effects behind a mark that begin at a moment or later never begin.
    fn cut(&mut self, mark: usize, at: i64) {
        let mut place = mark;
        while place < self.performed.len() {
            if self.performed[place].0 < at {
                place += 1;
                continue;
            }
            let (_, address, _) = self.performed.remove(place);
            *self.attempts.get_mut(&address).expect("what was performed was counted") -= 1;
        }
    }

    /// Begins an effect; gives its attempt.
    fn perform(&mut self, address: &str, strand: &Strand) -> u32 {
        let count = self.attempts.entry(address.to_owned()).or_insert(0);
        *count += 1;
        self.performed.push((strand.now, address.to_owned(), *count));
        *count
    }

    fn sight<'s>(&'s self, at: Option<At<'s>>, strand: &'s Strand) -> Sight<'s> {
        Sight {
            program: self.program,
            job_input: &self.job_input,
            event: &self.event,
            context: strand.context(),
            env: at.map(|at| at.env),
            task: at.map(|at| at.task),
            input: at.map(|at| at.input.as_ref()),
            output: None,
            now: strand.now,
        }
    }
}

fn expression_error(pointer: &str, detail: &str) -> Halt {
    Halt::Fault(Error::standard(ErrorType::Expression, pointer, detail))
}

fn evaluate(template: &Template, input: &Value, sight: &Sight<'_>, pointer: &str) -> Eval<Value> {
    template
        .evaluate(input, sight, &Limits::default())
        .map_err(|error| expression_error(pointer, &error.to_string()))
}

fn transform(
    template: Option<&Template>,
    value: &Arc<Value>,
    sight: &Sight<'_>,
    pointer: &str,
) -> Eval<Arc<Value>> {
    match template {
        None => Ok(Arc::clone(value)),
        Some(template) => evaluate(template, value, sight, pointer).map(Arc::new),
    }
}

fn truth(expr: &Expr, input: &Value, sight: &Sight<'_>, pointer: &str) -> Eval<bool> {
    let value = expr
        .evaluate(input, sight, &Limits::default())
        .map_err(|error| expression_error(pointer, &error.to_string()))?;
    Ok(!matches!(value, Value::Null | Value::Bool(false)))
}

fn micros(span: &Span, input: &Value, sight: &Sight<'_>, pointer: &str) -> Eval<i64> {
    let duration = match span {
        Span::Fixed(duration) => *duration,
        Span::Computed(template) => parse_duration(&evaluate(template, input, sight, pointer)?)
            .map_err(|error| expression_error(pointer, &error.to_string()))?,
    };
    Ok(duration.as_micros() as i64)
}

fn checked(schema: Option<&Schema>, value: Arc<Value>, pointer: &str) -> Eval<Arc<Value>> {
    match schema.map(|schema| schema.check(&value)) {
        Some(Err(_)) => Err(Halt::Fault(Error::standard(ErrorType::Validation, pointer, "schema"))),
        _ => Ok(value),
    }
}
