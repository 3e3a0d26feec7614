//! What has come and is not written yet: the channel, and behind it whose turn is when.

use tenon_store::WorkspaceId;
use tokio::sync::mpsc;

use super::queue::Message;
use super::turns::{Turns, Whose};
use crate::command::AnyPending;

/// The writer's end of the queue.
pub(super) struct Intake {
    receiver: mpsc::UnboundedReceiver<Message>,
    turns: Turns,
}

// === impl Intake ===

impl Intake {
    pub(super) fn new(receiver: mpsc::UnboundedReceiver<Message>) -> Self {
        Self { receiver, turns: Turns::new() }
    }

    /// Waits for something to do; `false` at the end, when everything accepted was taken.
    pub(super) fn wait(&mut self) -> bool {
        if self.turns.is_empty() {
            match self.receiver.blocking_recv() {
                Some(message) => self.sort(message),
                None => return false,
            }
        }
        true
    }

    /// What has come by now takes its place.
    pub(super) fn receive(&mut self) {
        while let Ok(message) = self.receiver.try_recv() {
            self.sort(message);
        }
    }

    /// See [`Turns::begin`].
    pub(super) fn begin(&mut self) {
        self.turns.begin();
    }

    /// See [`Turns::pop`].
    pub(super) fn pop(&mut self) -> Option<(Box<dyn AnyPending>, Whose)> {
        self.turns.pop()
    }

    /// See [`Turns::crowd`].
    pub(super) fn crowd(&self) -> Option<WorkspaceId> {
        self.turns.crowd()
    }

    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.receiver.is_empty()
    }

    /// No more is let in; what was accepted is still to be taken.
    pub(super) fn close(&mut self) {
        self.receiver.close();
    }

    fn sort(&mut self, message: Message) {
        match message {
            Message::Close => self.close(),
            Message::Command(whose, command) => self.turns.push(whose, command),
        }
    }
}
