//! Gives variables new values all the time: a secret that calls authenticate with, a setting that they send.

use super::flows::{SECRET, SETTING};
use super::log::Pen;
use super::random::Random;
use super::record::{Rotated, RunClock};
use crate::http::{Connection, Request};
use anyhow::{Result, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What every value of the secret begins with, and nothing else does.
pub(crate) const SESAME: &str = "sesame-of-the-crash-run";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries while Tenon is down.
const RETRY_AFTER: Duration = Duration::from_millis(10);
/// Milliseconds for which a value is good, at least and at most: a few kills, or a part of one life.
const GOOD_FOR_MS: (u64, u64) = (100, 2_500);

/// Sets values until it is told to stop.
pub(crate) struct Rotator {
    pub(crate) address: SocketAddr,
    pub(crate) authorization: String,
    pub(crate) pen: Pen<Rotated>,
    pub(crate) clock: RunClock,
    pub(crate) random: Random,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Rotator {
    /// The first values, before anything needs them; then new ones in a thread.
    pub(crate) fn start(mut self) -> Result<JoinHandle<()>> {
        let mut connection = Connection::new(self.address, PATIENCE);
        for variable in [SECRET, SETTING] {
            ensure!(self.rotate(&mut connection, variable, 0), "{variable} could not be set");
        }
        Ok(thread::spawn(move || {
            for number in 1.. {
                let pause = self.random.between(GOOD_FOR_MS.0, GOOD_FOR_MS.1);
                thread::sleep(Duration::from_millis(pause));
                let variable = *self.random.pick(&[SECRET, SETTING]);
                if self.stopped() || !self.rotate(&mut connection, variable, number) {
                    return;
                }
            }
        }))
    }

    /// Sets a new value, as often as it takes. Whether it was acknowledged.
    fn rotate(&mut self, connection: &mut Connection, variable: &str, number: u64) -> bool {
        let (kind, value) = match variable {
            SECRET => ("secret", format!("{SESAME}-{number}-{:x}", self.random.next())),
            _ => ("config", format!("setting-{number}")),
        };
        let body = json!({ "kind": kind, "value": value }).to_string();
        let headers = [("Authorization", self.authorization.as_str()), ("Content-Type", "application/json")];
        let target = format!("/api/v1/variables/{variable}");
        let request = Request { method: "PUT", target: &target, headers: &headers, body: body.as_bytes() };
        let sent = self.clock.now();
        let set = loop {
            let answer = connection.send(&request).and_then(|received| received.status());
            if matches!(answer, Ok(200..300)) {
                break Some(self.clock.now());
            }
            if self.stopped() {
                break None;
            }
            thread::sleep(RETRY_AFTER);
        };
        self.pen.write(Rotated { variable: variable.to_owned(), value, sent, set });
        set.is_some()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
