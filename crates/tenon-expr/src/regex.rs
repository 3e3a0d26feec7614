//! Regular expressions whose every step is counted.
//!
//! The automaton is `regex-automata`'s; the simulation (Pike's) is here, because searching for all matches
//! can take quadratic time in any engine and only ours can be stopped in the middle without a clock.

use crate::EvalError;
use crate::budget::{Budget, HEADER, LIST_ITEM, OBJECT_MEMBER};
use crate::leaf_text::text;
use crate::native::Tools;
use crate::ops::{Outcome, raise};
use crate::value::{Text, Val};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::{PatternID, StateID};
use regex_automata::util::syntax;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// What a match costs beside the search for it.
const MATCH_STEPS: usize = 8;

/// Largest automaton of one pattern, in bytes. Room for a few `\w`, not for `\w{1000}`.
const MAX_AUTOMATON: usize = 256 << 10;
/// Steps for compiling a pattern, beside those for its length and size.
const COMPILE_STEPS: usize = 2_000;
/// Bytes of automaton made for one step.
const BYTES_PER_STEP: usize = 4;
/// Simulated states for one step.
const STATES_PER_STEP: usize = 2;
/// Patterns kept compiled during one evaluation.
const CACHED: usize = 32;

/// What is wanted of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The matches.
    Matches,
    /// What is between them.
    Rest,
    /// Both, in order.
    Both,
}

/// Patterns compiled so far.
#[derive(Default)]
pub(crate) struct Patterns(RefCell<HashMap<(String, String), Rc<Pattern>>>);

struct Pattern {
    nfa: NFA,
    names: Vec<Option<String>>,
    global: bool,
    ignore_empty: bool,
}

/// Start and end of each group, in bytes; even for starts, odd for ends.
type Slots = Vec<Option<usize>>;

pub(crate) fn test<'v>(
    tools: &Tools<'v>,
    value: &Val<'v>,
    pattern: &Val<'v>,
    flags: &Val<'v>,
) -> Outcome<'v> {
    let pattern = compile(tools, pattern, flags)?;
    // where the match is matters only if it could be an empty one that does not count
    let slots = if pattern.ignore_empty { 2 } else { 0 };
    let mut search = Search::new(&pattern.nfa, slots, text(value)?, tools.budget)?;
    let mut at = 0;
    loop {
        let Some(slots) = search.find(at)? else {
            return Ok(Val::Bool(false));
        };
        if !pattern.ignore_empty {
            return Ok(Val::Bool(true));
        }
        let (start, end) = whole(&slots);
        if start < end {
            return Ok(Val::Bool(true));
        }
        at = after(text(value)?, start, end);
    }
}

/// A list of matches (each a list of groups), of strings between them, or of both.
pub(crate) fn apply<'v>(tools: &Tools<'v>, value: &Val<'v>, args: &[Val<'v>], wanted: Wanted) -> Outcome<'v> {
    let pattern = compile(tools, &args[0], &args[1])?;
    let subject = text(value)?;
    let budget = tools.budget;
    let slots = pattern.nfa.group_info().slot_len();
    let mut search = Search::new(&pattern.nfa, slots, subject, budget)?;
    let mut describer = Describer::new(subject, budget)?;
    let mut found = Vec::new();
    let (mut at, mut rest) = (0, 0);
    while at <= subject.len() {
        let Some(slots) = search.find(at)? else { break };
        let (start, end) = whole(&slots);
        at = after(subject, start, end);
        if pattern.ignore_empty && start == end {
            continue;
        }
        // A search that finds is dearer than the bytes it makes: its slots, and a list that grows.
        budget.allocate(4 * LIST_ITEM)?;
        budget.steps(MATCH_STEPS)?;
        if wanted != Wanted::Matches {
            found.push(Val::text(&subject[rest..start], budget)?);
            rest = end;
        }
        if wanted != Wanted::Rest {
            found.push(groups(&pattern, &slots, &mut describer, budget)?);
        }
        if !pattern.global {
            break;
        }
    }
    if wanted != Wanted::Matches {
        budget.allocate(LIST_ITEM)?;
        found.push(Val::text(&subject[rest..], budget)?);
    }
    Ok(Val::list(found)?)
}

fn whole(slots: &Slots) -> (usize, usize) {
    let slot = |i: usize| slots.get(i).copied().flatten();
    let start = slot(0).expect("a match has a start");
    (start, slot(1).expect("a match has an end"))
}

/// Where to search on: behind the match, or a character further if it was empty.
fn after(subject: &str, start: usize, end: usize) -> usize {
    if end > start {
        return end;
    }
    let next = subject[end..].chars().next();
    end + next.map_or(1, char::len_utf8)
}

fn groups<'v>(
    pattern: &Pattern,
    slots: &Slots,
    describer: &mut Describer<'_, 'v>,
    budget: &Budget,
) -> Outcome<'v> {
    let mut groups = Vec::new();
    for (pair, name) in slots.chunks(2).zip(&pattern.names) {
        if let &[Some(start), Some(end)] = pair {
            groups.push(describer.group(start..end, name.as_deref(), budget)?);
        }
    }
    Ok(Val::list(groups)?)
}

/// Makes the objects for what was matched.
struct Describer<'s, 'v> {
    subject: &'s str,
    /// The last byte position that was asked for, and how many characters are before it.
    byte: usize,
    count: usize,
    /// `offset`, `length`, `string` and `name`, shared by all objects.
    keys: [Text<'v>; 4],
}

impl<'s, 'v> Describer<'s, 'v> {
    fn new(subject: &'s str, budget: &Budget) -> Result<Self, EvalError> {
        budget.allocate(4 * HEADER)?;
        let key = |name: &str| Text::Own(Rc::new(name.to_owned()));
        Ok(Self { subject, byte: 0, count: 0, keys: ["offset", "length", "string", "name"].map(key) })
    }

    fn group(&mut self, range: Range<usize>, name: Option<&str>, budget: &Budget) -> Outcome<'v> {
        budget.allocate(LIST_ITEM + 5 * OBJECT_MEMBER)?;
        let offset = self.count_to(range.start, budget)?;
        let matched = &self.subject[range];
        budget.scan(matched.len().saturating_mul(4))?;
        let mut values =
            vec![Val::index(offset), Val::index(matched.chars().count()), Val::text(matched, budget)?];
        if let Some(name) = name {
            values.push(Val::text(name, budget)?);
        }
        let members = self.keys.iter().cloned().zip(values);
        Ok(Val::object(members.collect())?)
    }

    /// Characters before a byte position, counted from the last position.
    fn count_to(&mut self, byte: usize, budget: &Budget) -> Result<usize, EvalError> {
        let forward = byte >= self.byte;
        let between = if forward { self.byte..byte } else { byte..self.byte };
        budget.scan(between.len().saturating_mul(4))?;
        let chars = self.subject[between].chars().count();
        self.count = if forward { self.count + chars } else { self.count - chars };
        self.byte = byte;
        Ok(self.count)
    }
}

// === compiling ===

fn compile<'v>(tools: &Tools<'v>, pattern: &Val<'v>, flags: &Val<'v>) -> Outcome<'v, Rc<Pattern>> {
    let pattern = text(pattern)?;
    let flags = match flags {
        Val::Null => "",
        other => text(other)?,
    };
    tools.budget.scan(pattern.len())?;
    let key = (pattern.to_owned(), flags.to_owned());
    if let Some(known) = tools.patterns.0.borrow().get(&key) {
        return Ok(Rc::clone(known));
    }
    tools.budget.steps(COMPILE_STEPS.saturating_add(pattern.len().saturating_mul(64)))?;
    tools.budget.allocate(2 * MAX_AUTOMATON)?;
    let compiled = match build(pattern, flags) {
        Ok(compiled) => compiled,
        Err(fault) => {
            // it may have failed late
            tools.budget.steps(MAX_AUTOMATON / BYTES_PER_STEP)?;
            return Err(fault);
        }
    };
    tools.budget.steps(compiled.nfa.memory_usage() / BYTES_PER_STEP)?;
    let compiled = Rc::new(compiled);
    let mut patterns = tools.patterns.0.borrow_mut();
    if patterns.len() >= CACHED {
        patterns.clear();
    }
    patterns.insert(key, Rc::clone(&compiled));
    Ok(compiled)
}

fn build<'v>(pattern: &str, flags: &str) -> Outcome<'v, Pattern> {
    let (mut global, mut ignore_empty) = (false, false);
    let mut config = syntax::Config::new().utf8(true).nest_limit(48);
    for flag in flags.chars() {
        config = match flag {
            'g' => {
                global = true;
                config
            }
            'n' => {
                ignore_empty = true;
                config
            }
            'i' => config.case_insensitive(true),
            'm' => config.multi_line(true),
            's' => config.dot_matches_new_line(true),
            'p' => config.multi_line(true).dot_matches_new_line(true),
            'l' => config.swap_greed(true),
            'x' => config.ignore_whitespace(true),
            other => {
                return raise(format!(
                    "`{other}` is not a flag of regular expressions (g, i, x, n, p, s, m, l)"
                ));
            }
        };
    }
    let automaton = NFA::config().nfa_size_limit(Some(MAX_AUTOMATON)).utf8(true);
    let hir = match syntax::parse_with(pattern, &config) {
        Ok(hir) => hir,
        Err(error) => {
            // the last line says what is wrong; those before it show where
            let error = error.to_string();
            let error = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            return raise(format!("the regular expression is invalid: {error}"));
        }
    };
    match NFA::compiler().configure(automaton).build_from_hir(&hir) {
        Ok(nfa) => {
            let names = nfa.group_info().pattern_names(PatternID::ZERO);
            let names = names.map(|name| name.map(str::to_owned)).collect();
            Ok(Pattern { nfa, names, global, ignore_empty })
        }
        Err(error) if error.size_limit().is_some() => {
            raise("the regular expression is too large: repeat less, or use `[0-9A-Za-z_]` for `\\w`")
        }
        Err(error) => raise(format!("the regular expression is invalid: {error}")),
    }
}

// === searching ===

/// Pike's simulation: all ways through the automaton at once, best first.
struct Search<'s> {
    nfa: &'s NFA,
    /// How many of the positions of groups are wanted.
    slots: usize,
    subject: &'s str,
    budget: &'s Budget,
    now: Threads,
    next: Threads,
    stack: Vec<Todo>,
    /// States visited that have not been paid for.
    unpaid: usize,
}

/// Ways through the automaton at one position, in order of preference.
struct Threads {
    list: Vec<(StateID, Slots)>,
    seen: Vec<bool>,
    marked: Vec<StateID>,
}

enum Todo {
    Visit(StateID),
    Restore(usize, Option<usize>),
}

impl Threads {
    fn new(states: usize) -> Self {
        Self { list: Vec::new(), seen: vec![false; states], marked: Vec::new() }
    }

    fn clear(&mut self) {
        self.list.clear();
        for state in self.marked.drain(..) {
            self.seen[state.as_usize()] = false;
        }
    }
}

impl<'s> Search<'s> {
    fn new(nfa: &'s NFA, slots: usize, subject: &'s str, budget: &'s Budget) -> Result<Self, EvalError> {
        let states = nfa.states().len();
        budget.steps(states / 8)?;
        budget.allocate(states.saturating_mul(64 + 2 * slots * 16).min(4 << 20))?;
        Ok(Self {
            nfa,
            slots,
            subject,
            budget,
            now: Threads::new(states),
            next: Threads::new(states),
            stack: Vec::new(),
            unpaid: 0,
        })
    }

    /// The first match that starts at `from` or later, leftmost first.
    fn find(&mut self, from: usize) -> Result<Option<Slots>, EvalError> {
        let slots = self.slots;
        let mut best: Option<Slots> = None;
        self.now.clear();
        for at in from..=self.subject.len() {
            if best.is_none() && self.subject.is_char_boundary(at) {
                let mut empty = vec![None; slots];
                self.follow(Side::Now, self.nfa.start_anchored(), at, &mut empty)?;
            } else if best.is_some() && self.now.list.is_empty() {
                break;
            }
            let threads = std::mem::take(&mut self.now.list);
            for (state, mut slots) in threads {
                match self.nfa.state(state) {
                    State::Match { .. } => {
                        best = Some(slots);
                        // what comes after is less preferred
                        break;
                    }
                    other => {
                        if let Some(to) = self.consume(other, at) {
                            self.follow(Side::Next, to, at + 1, &mut slots)?;
                        }
                    }
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
            self.next.clear();
        }
        Ok(best)
    }

    /// Where a state goes with the byte at `at`.
    fn consume(&self, state: &State, at: usize) -> Option<StateID> {
        let bytes = self.subject.as_bytes();
        match state {
            State::ByteRange { trans } => trans.matches(bytes, at).then_some(trans.next),
            State::Sparse(sparse) => sparse.matches(bytes, at),
            State::Dense(dense) => dense.matches(bytes, at),
            _ => None,
        }
    }

    /// Adds `state`, and all that it leads to without input, to a side.
    fn follow(&mut self, side: Side, state: StateID, at: usize, slots: &mut Slots) -> Result<(), EvalError> {
        self.stack.push(Todo::Visit(state));
        while let Some(todo) = self.stack.pop() {
            let state = match todo {
                Todo::Restore(slot, value) => {
                    slots[slot] = value;
                    continue;
                }
                Todo::Visit(state) => state,
            };
            self.unpaid += 1 + slots.len() / 2;
            if self.unpaid >= STATES_PER_STEP {
                self.budget.steps(self.unpaid / STATES_PER_STEP)?;
                self.unpaid %= STATES_PER_STEP;
            }
            let threads = match side {
                Side::Now => &mut self.now,
                Side::Next => &mut self.next,
            };
            if std::mem::replace(&mut threads.seen[state.as_usize()], true) {
                continue;
            }
            threads.marked.push(state);
            match self.nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    threads.list.push((state, slots.clone()));
                }
                State::Fail => {}
                State::Look { look, next } => {
                    let bytes = self.subject.as_bytes();
                    if self.nfa.look_matcher().matches(*look, bytes, at) {
                        self.stack.push(Todo::Visit(*next));
                    }
                }
                State::Union { alternates } => {
                    self.stack.extend(alternates.iter().rev().map(|to| Todo::Visit(*to)));
                }
                State::BinaryUnion { alt1, alt2 } => {
                    self.stack.push(Todo::Visit(*alt2));
                    self.stack.push(Todo::Visit(*alt1));
                }
                State::Capture { next, slot, .. } => {
                    let slot = slot.as_usize();
                    if slot < slots.len() {
                        self.stack.push(Todo::Restore(slot, slots[slot]));
                        slots[slot] = Some(at);
                    }
                    self.stack.push(Todo::Visit(*next));
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Side {
    Now,
    Next,
}
