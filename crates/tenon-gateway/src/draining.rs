//! Whether the server takes work: starting, serving, or draining before it stops.

use tokio::sync::watch;

use crate::Problem;
use crate::codes;

/// The states, in the order in which they are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not ready yet.
    Starting,
    /// Takes everything.
    Serving,
    /// Takes nothing new; what is on its way is finished.
    Draining,
}

/// The state, shared by all. Starts as [`State::Starting`].
#[derive(Debug)]
pub struct Readiness(watch::Sender<State>);

// === impl Readiness ===

impl Default for Readiness {
    fn default() -> Self {
        Self(watch::Sender::new(State::Starting))
    }
}

impl Readiness {
    /// Everything is up.
    pub fn serve(&self) {
        self.0.send_if_modified(|state| {
            let starts = *state == State::Starting;
            if starts {
                *state = State::Serving;
            }
            starts
        });
    }

    /// From now on nothing new is taken.
    pub fn drain(&self) {
        self.0.send_replace(State::Draining);
    }

    /// How it stands.
    pub fn state(&self) -> State {
        *self.0.borrow()
    }

    /// Ends when draining begins: whoever waits for a job should answer now.
    pub async fn draining(&self) {
        let mut state = self.0.subscribe();
        // The sender is in `self`, so waiting cannot fail.
        let _ = state.wait_for(|state| *state == State::Draining).await;
    }

    /// Refuses what would change something unless the server is serving.
    pub fn check(&self) -> Result<(), Problem> {
        match self.state() {
            State::Serving => Ok(()),
            State::Starting => Err(Problem::new(&codes::UNAVAILABLE, "the server is starting")),
            State::Draining => Err(Problem::new(&codes::UNAVAILABLE, "the server is about to stop")),
        }
    }
}
