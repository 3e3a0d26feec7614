//! Who answers a job that has asked: with events that it listens for, sent while it does not listen yet, just when
//! it begins to, or when it waits already. Each is sent until it is acknowledged, the next one after that: so their
//! order is known. Some are sent once more, which must change nothing.

use super::flows::Hears;
use super::log::Pen;
use super::producer::read_answer;
use super::random::Random;
use super::record::{Moment, Replied, RunClock, Sending};
use super::trap::Trap;
use crate::http::{Connection, Request};
use serde_json::json;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long an acknowledgement is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries while Tenon is down.
const RETRY_AFTER: Duration = Duration::from_millis(5);
/// How long a call may be held up, so that its job finds the first event when it begins to listen.
const HOLD_UP: Duration = Duration::from_millis(300);

/// All conversations.
pub(crate) struct Replier {
    setting: Setting,
    /// Tokens that were answered, or are being answered.
    known: Mutex<HashSet<String>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stopped: Arc<AtomicBool>,
}

/// What repliers need to know.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) address: SocketAddr,
    /// The owner's key.
    pub(crate) authorization: String,
    pub(crate) pen: Pen<Replied>,
    pub(crate) clock: RunClock,
    pub(crate) trap: Arc<Trap>,
    pub(crate) random: Random,
}

/// When the first event is sent.
#[derive(Clone, Copy)]
enum When {
    /// Acknowledged before the call is answered.
    Before,
    /// While the call is answered.
    Meanwhile,
    /// So many milliseconds later.
    Later(u64),
}

/// The events of one job.
struct Conversation {
    setting: Setting,
    random: Random,
    token: String,
    hears: &'static Hears,
    when: When,
    stopped: Arc<AtomicBool>,
}

// === impl Replier ===

impl Replier {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            known: Mutex::default(),
            threads: Mutex::default(),
            stopped: Arc::new(AtomicBool::new(false)),
        }
    }

    /// A job has called, and is answered when this returns.
    pub(crate) fn asked(&self, hears: &'static Hears, token: &str, random: &mut Random) {
        if !lock(&self.known).insert(token.to_owned()) {
            return;
        }
        let when = match random.between(0, 3) {
            0 => When::Before,
            1 => When::Meanwhile,
            _ => When::Later(random.between(1, 400)),
        };
        let conversation = Conversation {
            setting: self.setting.clone(),
            random: self.setting.random.fork(random.next()),
            token: token.to_owned(),
            hears,
            when,
            stopped: Arc::clone(&self.stopped),
        };
        let (acknowledged, first) = channel();
        lock(&self.threads).push(thread::spawn(move || conversation.hold(&acknowledged)));
        if matches!(when, When::Before) {
            // The job waits for both; a Tenon that was killed meanwhile asks again.
            let _ = first.recv_timeout(HOLD_UP);
        }
    }

    /// Waits until all is said. What is not acknowledged within a last try is given up.
    pub(crate) fn finish(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            thread.join().expect("a conversation does not panic");
        }
    }
}

// === impl Conversation ===

impl Conversation {
    fn hold(mut self, acknowledged: &Sender<()>) {
        let mut connection = Connection::new(self.setting.address, PATIENCE);
        if let When::Later(pause_ms) = self.when {
            thread::sleep(Duration::from_millis(pause_ms));
        }
        for number in 1..=self.hears.says.len() {
            while !self.send(&mut connection, number) {
                if self.stopped.load(Ordering::Relaxed) {
                    return;
                }
                thread::sleep(RETRY_AFTER);
            }
            // Nobody listens where the call was not held up.
            let _ = acknowledged.send(());
            if self.random.percent(15) {
                self.send(&mut connection, number);
            }
            if self.random.percent(50) {
                thread::sleep(Duration::from_millis(self.random.between(1, 120)));
            }
        }
    }

    /// Sends once. Whether it was acknowledged.
    fn send(&self, connection: &mut Connection, number: usize) -> bool {
        self.log(number, Sending::Sent);
        let headers = [
            ("Authorization", self.setting.authorization.as_str()),
            ("Content-Type", "application/cloudevents+json"),
        ];
        let body = event(self.hears, &self.token, number);
        let request =
            Request { method: "POST", target: "/events/default", headers: &headers, body: body.as_bytes() };
        let step = match connection.send(&request) {
            Ok(received) => read_answer(&received),
            Err(error) => Sending::Lost(error.to_string()),
        };
        let is_acknowledged = matches!(step, Sending::Acknowledged(_));
        if is_acknowledged {
            self.setting.trap.reached(Moment::Acknowledged);
        }
        self.log(number, step);
        is_acknowledged
    }

    fn log(&self, number: usize, step: Sending) {
        self.setting.pen.write(Replied {
            at: self.setting.clock.now(),
            token: self.token.clone(),
            kind: self.hears.kind.to_owned(),
            number,
            step,
        });
    }
}

/// The same for every try.
fn event(hears: &Hears, token: &str, number: usize) -> String {
    let event = json!({
        "specversion": "1.0",
        "id": token,
        "source": format!("https://crash.test/{}/{number}", hears.kind),
        "type": hears.kind,
        "subject": token,
        "datacontenttype": "application/json",
        "data": { "token": token, "part": hears.says[number - 1] },
    });
    event.to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::flows::asking;

    #[test]
    fn events_of_a_series_differ_by_their_source_only_and_by_what_they_say() {
        let hears = asking("series-ask").unwrap();
        let read = |number| serde_json::from_str::<serde_json::Value>(&event(hears, "t", number)).unwrap();
        let (first, third) = (read(1), read(3));
        assert_eq!((&first["id"], &first["subject"]), (&third["id"], &third["subject"]));
        assert_eq!(third["source"], "https://crash.test/crash.item/3");
        assert_eq!(third["data"], json!({ "token": "t", "part": "item-3" }));
    }
}
