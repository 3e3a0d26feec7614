//! The way to the writer: bounded in commands and in bytes; whoever finds it full waits.

use std::sync::Arc;

use tenon_store::Error;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::command::{AnyPending, Command, Pending};

/// Commands that may wait.
const COMMANDS: usize = 4096;
/// KiB that waiting and running commands may hold.
const KIBIBYTES: u32 = 128 << 10;

/// What travels to the writer.
pub(crate) enum Message {
    /// Something to write.
    Command(Box<dyn AnyPending>),
    /// The end: answer what was accepted, then stop.
    Close,
}

/// The callers' end.
pub(crate) struct Queue {
    sender: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
}

/// The queue and the writer's end of it.
pub(crate) fn channel() -> (Queue, mpsc::Receiver<Message>) {
    let (sender, receiver) = mpsc::channel(COMMANDS);
    (Queue { sender, room: Arc::new(Semaphore::new(KIBIBYTES as usize)) }, receiver)
}

// === impl Queue ===

impl Queue {
    /// Queues a command and waits until it is durable or refused.
    pub(crate) async fn submit<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        let kibibytes = u32::try_from(command.size() >> 10).unwrap_or(KIBIBYTES).clamp(1, KIBIBYTES);
        let room = Arc::clone(&self.room);
        let share = room.acquire_many_owned(kibibytes).await.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let pending = Box::new(Pending::new(command, reply, share));
        self.sender.send(Message::Command(pending)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Asks the writer to end.
    pub(crate) async fn close(&self) {
        // Already ended: fine.
        let _ = self.sender.send(Message::Close).await;
    }
}
