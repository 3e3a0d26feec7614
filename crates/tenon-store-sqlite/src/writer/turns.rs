//! What waits to be written, by workspace: one command of each in turn, so that a workspace which floods the
//! writer delays another by one command at a time and not by all that it has sent. Within a workspace, first
//! come, first written.

use std::collections::{HashMap, VecDeque};

use tenon_store::WorkspaceId;

use crate::command::AnyPending;

/// Turns in one transaction that somebody quiet has at most.
const FEW: usize = 4;

/// Whose commands they are; `None`: the node's own.
pub(crate) type Whose = Option<WorkspaceId>;

/// Queued commands.
pub(crate) struct Turns<T = Box<dyn AnyPending>> {
    waiting: HashMap<Whose, Line<T>>,
    /// Those with something in `waiting`, in the order of their turns.
    next: VecDeque<Whose>,
    /// Workspaces with exactly one command.
    singles: usize,
    transaction: u64,
}

/// What one workspace has.
struct Line<T> {
    commands: VecDeque<T>,
    /// Turns it has had in a transaction since it came, and in which one.
    turns: usize,
    transaction: u64,
}

// === impl Turns ===

impl<T> Turns<T> {
    /// Nothing waits.
    pub(crate) fn new() -> Self {
        Self { waiting: HashMap::new(), next: VecDeque::new(), singles: 0, transaction: 0 }
    }

    /// The last of its workspace.
    pub(crate) fn push(&mut self, whose: Whose, command: T) {
        let line = self.waiting.entry(whose).or_insert_with(|| {
            self.next.push_back(whose);
            Line { commands: VecDeque::new(), turns: 0, transaction: self.transaction }
        });
        line.commands.push_back(command);
        let count = line.commands.len();
        self.resized(whose, count - 1, count);
    }

    /// What is taken from here on is of another transaction.
    pub(crate) fn begin(&mut self) {
        self.transaction += 1;
    }

    /// The first command of the workspace whose turn it is; and which one that is, if it is quiet: it had few and has no
    /// more. The node is no workspace: nobody waits for what it does by itself.
    pub(crate) fn pop(&mut self) -> Option<(T, Whose)> {
        let whose = self.next.pop_front()?;
        let line = self.waiting.get_mut(&whose)?;
        let command = line.commands.pop_front()?;
        if line.transaction != self.transaction {
            (line.turns, line.transaction) = (0, self.transaction);
        }
        line.turns += 1;
        let (left, is_quiet) = (line.commands.len(), line.turns <= FEW);
        self.resized(whose, left + 1, left);
        if left == 0 {
            self.waiting.remove(&whose);
            return Some((command, whose.filter(|_| is_quiet)));
        }
        self.next.push_back(whose);
        Some((command, None))
    }

    /// The workspace that is next, if only such wait now that have several commands, and it has had a turn in this
    /// transaction.
    pub(crate) fn crowd(&self) -> Option<WorkspaceId> {
        let whose = *self.next.front()?;
        let line = self.waiting.get(&whose)?;
        let had_turn = line.turns > 0 && line.transaction == self.transaction;
        let is_crowd = self.singles == 0 && line.commands.len() > 1 && had_turn;
        whose.filter(|_| is_crowd)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }

    /// Somebody had so many commands, and has so many now.
    fn resized(&mut self, whose: Whose, before: usize, now: usize) {
        if whose.is_some() {
            self.singles += usize::from(now == 1);
            self.singles -= usize::from(before == 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: Whose = Some(WorkspaceId(1));
    const QUIET: Whose = Some(WorkspaceId(2));

    #[test]
    fn workspaces_take_turns_and_each_keeps_its_order() {
        let mut turns = Turns::new();
        for number in 0..4 {
            turns.push(LOUD, ("loud", number));
        }
        assert_eq!(turns.pop(), Some((("loud", 0), None)));
        turns.push(QUIET, ("quiet", 0));
        turns.push(QUIET, ("quiet", 1));
        turns.push(None, ("node", 0));
        let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
        let expected = [
            (("loud", 1), None),
            (("quiet", 0), None),
            (("node", 0), None),
            (("loud", 2), None),
            (("quiet", 1), QUIET),
            (("loud", 3), LOUD),
        ];
        assert_eq!(order, expected);
        assert!(turns.is_empty() && turns.waiting.is_empty() && turns.singles == 0);
    }

    #[test]
    fn who_had_many_turns_is_not_quiet() {
        let drained = |count: usize| {
            let mut turns = Turns::new();
            turns.begin();
            (0..count).for_each(|number| turns.push(LOUD, number));
            std::iter::from_fn(|| turns.pop()).last().unwrap().1
        };
        assert_eq!((drained(FEW), drained(FEW + 1)), (LOUD, None));
    }

    #[test]
    fn a_crowd_has_several_has_had_its_turn_and_nobody_else_has_one() {
        let mut turns = Turns::new();
        turns.begin();
        for _ in 0..6 {
            turns.push(LOUD, "loud");
        }
        assert_eq!(turns.crowd(), None, "it has had no turn");
        turns.pop();
        assert_eq!(turns.crowd(), LOUD);
        turns.push(QUIET, "quiet");
        assert_eq!(turns.crowd(), None, "somebody quiet waits behind it");
        turns.pop();
        assert_eq!(turns.pop(), Some(("quiet", QUIET)));
        assert_eq!(turns.crowd(), LOUD);
        turns.begin();
        assert_eq!(turns.crowd(), None, "that was in another transaction");
        turns.pop();
        turns.pop();
        turns.push(None, "node");
        assert_eq!(turns.crowd(), LOUD, "the node is nobody");
        turns.pop();
        assert_eq!(turns.crowd(), None, "the node is no crowd");
        turns.pop();
        assert_eq!(turns.crowd(), None, "it has one");
    }
}
