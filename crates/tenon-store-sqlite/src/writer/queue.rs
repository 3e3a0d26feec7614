//! The way to the writer: bounded in bytes; whoever finds it full waits. A workspace may hold only a part of it, so
//! that one which floods the writer waits for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tenon_store::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::turns::Whose;
use crate::command::{AnyPending, Command, Pending};

/// KiB that waiting and running commands may hold; a command holds at least one.
const KIBIBYTES: u32 = 128 << 10;
/// KiB of them that a workspace may hold.
const KIBIBYTES_OF_ONE: u32 = KIBIBYTES / 4;

/// What travels to the writer.
pub(crate) enum Message {
    /// Something to write.
    Command(Whose, Box<dyn AnyPending>),
    /// The end: answer what was accepted, then stop.
    Close,
}

/// The callers' end.
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Message>,
    room: Arc<Semaphore>,
    rooms: Mutex<HashMap<Whose, Arc<Semaphore>>>,
}

/// What a command takes of the queue until it is answered.
pub(crate) struct Share {
    _of_one: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// The queue and the writer's end of it.
pub(crate) fn channel() -> (Queue, mpsc::UnboundedReceiver<Message>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Queue { sender, room: Arc::new(Semaphore::new(KIBIBYTES as usize)), rooms: Mutex::default() }, receiver)
}

// === impl Queue ===

impl Queue {
    /// Queues a command and waits until it is durable or refused.
    pub(crate) async fn submit<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        let whose = command.workspace();
        let share = self.share(whose, command.size()).await?;
        let (reply, answer) = oneshot::channel();
        let pending = Box::new(Pending::new(command, reply, share));
        self.sender.send(Message::Command(whose, pending)).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Asks the writer to end.
    pub(crate) fn close(&self) {
        // Already ended: fine.
        let _ = self.sender.send(Message::Close);
    }

    /// First of the workspace's part, so that what waits there stands in nobody else's way.
    async fn share(&self, whose: Whose, bytes: usize) -> Result<Share, Error> {
        let kibibytes = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, KIBIBYTES_OF_ONE);
        let of_one = self.room_of(whose).acquire_many_owned(kibibytes).await;
        let of_all = Arc::clone(&self.room).acquire_many_owned(kibibytes).await;
        Ok(Share { _of_one: of_one.map_err(|_| Error::Closed)?, _of_all: of_all.map_err(|_| Error::Closed)? })
    }

    fn room_of(&self, whose: Whose) -> Arc<Semaphore> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.entry(whose).or_insert_with(|| Arc::new(Semaphore::new(KIBIBYTES_OF_ONE as usize)));
        Arc::clone(room)
    }
}
