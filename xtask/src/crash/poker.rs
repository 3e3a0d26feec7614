//! Somebody who cannot wait: has pollers ask at once, again and again, also while they hold back after a failure.

use super::random::Random;
use super::source::POLLERS;
use crate::http::{Connection, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Milliseconds between two.
const PAUSE_MS: (u64, u64) = (20, 400);

/// Asks until it is told to stop.
pub(crate) struct Poker {
    pub(crate) address: SocketAddr,
    pub(crate) authorization: String,
    pub(crate) random: Random,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Poker {
    pub(crate) fn start(mut self) -> JoinHandle<()> {
        thread::spawn(move || {
            let mut connection = Connection::new(self.address, PATIENCE);
            let headers = [("Authorization", self.authorization.as_str())];
            while !self.stop.load(Ordering::Relaxed) {
                let target = if self.random.percent(30) {
                    "/hooks/default/crash/wake".to_owned()
                } else {
                    format!("/api/v1/triggers/crash-{}/fire", self.random.pick(POLLERS).name)
                };
                let request = Request { method: "POST", target: &target, headers: &headers, body: b"" };
                // Whatever comes of it: what must not go wrong is seen elsewhere.
                let _ = connection.send(&request);
                let pause = self.random.between(PAUSE_MS.0, PAUSE_MS.1);
                thread::sleep(Duration::from_millis(pause));
            }
        })
    }
}
