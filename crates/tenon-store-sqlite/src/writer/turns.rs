//! What waits to be written, by workspace: one command of each in turn, so that a workspace which floods the
//! writer delays another by one command at a time and not by all that it has sent. Within a workspace, first
//! come, first written.

use std::collections::{HashMap, VecDeque};

use tenon_store::WorkspaceId;

use crate::command::AnyPending;

/// Whose commands they are; `None`: the node's own.
pub(crate) type Whose = Option<WorkspaceId>;

/// Queued commands.
pub(crate) struct Turns<T = Box<dyn AnyPending>> {
    waiting: HashMap<Whose, VecDeque<T>>,
    /// Those with something in `waiting`, in the order of their turns.
    next: VecDeque<Whose>,
}

// === impl Turns ===

impl<T> Turns<T> {
    /// Nothing waits.
    pub(crate) fn new() -> Self {
        Self { waiting: HashMap::new(), next: VecDeque::new() }
    }

    /// The last of its workspace.
    pub(crate) fn push(&mut self, whose: Whose, command: T) {
        let waiting = self.waiting.entry(whose).or_default();
        if waiting.is_empty() {
            self.next.push_back(whose);
        }
        waiting.push_back(command);
    }

    /// The first command of the workspace whose turn it is, and whether it was that workspace's last. The node is no
    /// workspace: nobody waits for what it does by itself.
    pub(crate) fn pop(&mut self) -> Option<(T, bool)> {
        let whose = self.next.pop_front()?;
        let waiting = self.waiting.get_mut(&whose)?;
        let command = waiting.pop_front()?;
        let is_last = waiting.is_empty();
        if is_last {
            self.waiting.remove(&whose);
        } else {
            self.next.push_back(whose);
        }
        Some((command, is_last && whose.is_some()))
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_take_turns_and_each_keeps_its_order() {
        let mut turns = Turns::new();
        let (loud, quiet) = (Some(WorkspaceId(1)), Some(WorkspaceId(2)));
        for number in 0..4 {
            turns.push(loud, ("loud", number));
        }
        assert_eq!(turns.pop(), Some((("loud", 0), false)));
        turns.push(quiet, ("quiet", 0));
        turns.push(quiet, ("quiet", 1));
        turns.push(None, ("node", 0));
        let mut order = Vec::new();
        let mut lasts = Vec::new();
        while let Some((command, is_last)) = turns.pop() {
            order.push(command);
            lasts.extend(is_last.then_some(command));
        }
        assert_eq!(lasts, [("quiet", 1), ("loud", 3)]);
        assert_eq!(order, [("loud", 1), ("quiet", 0), ("node", 0), ("loud", 2), ("quiet", 1), ("loud", 3)]);
        assert!(turns.is_empty() && turns.waiting.is_empty());
    }
}
