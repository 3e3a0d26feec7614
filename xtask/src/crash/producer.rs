//! Producers: send, remember what was promised, send again what was not, repeat what was.
//!
//! A key whose acknowledgement was not seen is sent again under the same key until it is acknowledged, or, at
//! times, given up: then none or one job is right. Ordered keys are never given up, and the next of a lane is
//! sent only after the one before was acknowledged: so the order of capture is known, whatever the time that an
//! event bears. Some keys are sent by two connections at once, and many again much later.

use super::flows::{FLOWS, Flow, NAMESPACE, Way};
use super::log::Pen;
use super::random::Random;
use super::record::{Acknowledgement, Moment, Produced, RunClock, Sending};
use super::trap::Trap;
use crate::http::{Connection, Received, Request};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long an acknowledgement is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries while Tenon is down.
const RETRY_AFTER: Duration = Duration::from_millis(5);
/// Lanes of an ordered producer.
const LANES: usize = 4;
/// In so many of a hundred times the next ordered event follows at once, into the same lane: then some wait in it.
const BURST: u64 = 60;
/// Ordered jobs take long, so their producers pause for longer.
const ORDERED_PAUSE: u64 = 24;
/// In so many of a hundred times a key is sent by two connections at once.
const TWICE: u64 = 8;
/// Of how many earlier sendings one is chosen to be repeated.
const MEMORY: usize = 200;

/// What producers need to know.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) address: SocketAddr,
    /// The owner's key.
    pub(crate) authorization: String,
    pub(crate) pen: Pen<Produced>,
    pub(crate) clock: RunClock,
    pub(crate) trap: Arc<Trap>,
    /// Producers end when it is set.
    pub(crate) stop: Arc<AtomicBool>,
    /// Milliseconds between two sendings of a producer, at most.
    pub(crate) pause_ms: u64,
}

/// Something to send, as often as it takes.
#[derive(Clone)]
struct Sendable {
    key: String,
    flow: &'static Flow,
    way: Way,
    lane: Option<(String, u64)>,
}

/// One producer in a thread of its own.
pub(crate) struct Producer {
    name: String,
    setting: Setting,
    random: Random,
    connections: [Connection; 2],
    sent: u64,
    /// What it may send.
    flows: Vec<&'static Flow>,
    lanes: Vec<(String, u64)>,
    /// The lane of the newest ordered event.
    lane: usize,
    earlier: VecDeque<Sendable>,
}

impl Producer {
    /// Sends all kinds of events.
    pub(crate) fn mixed(name: &str, setting: Setting, random: Random) -> Self {
        let connections = [(); 2].map(|()| Connection::new(setting.address, PATIENCE));
        Self {
            name: name.to_owned(),
            setting,
            random,
            connections,
            sent: 0,
            flows: FLOWS.iter().filter(|flow| !flow.started_by.is_empty() && !flow.is_ordered).collect(),
            lanes: Vec::new(),
            lane: 0,
            earlier: VecDeque::new(),
        }
    }

    /// Sends events of an ordered workflow into lanes of its own.
    pub(crate) fn ordered(name: &str, flow: &'static Flow, setting: Setting, random: Random) -> Self {
        let setting = Setting { pause_ms: setting.pause_ms * ORDERED_PAUSE, ..setting };
        let lanes = (0..LANES).map(|lane| (format!("{name}-lane-{lane}"), 0)).collect();
        Self { lanes, flows: vec![flow], ..Self::mixed(name, setting, random) }
    }

    pub(crate) fn start(mut self) -> JoinHandle<()> {
        thread::spawn(move || {
            while !self.stopped() {
                self.turn();
                if self.lanes.is_empty() || !self.random.percent(BURST) {
                    self.lane = self.random.between(0, LANES as u64) as usize;
                    thread::sleep(Duration::from_millis(self.random.between(0, self.setting.pause_ms)));
                }
            }
        })
    }

    fn turn(&mut self) {
        if self.random.percent(15) && !self.earlier.is_empty() {
            let index = self.random.between(0, self.earlier.len() as u64) as usize;
            let again = self.earlier[index].clone();
            // A repeat that gets lost needs no second try: the first was acknowledged.
            self.send(&again, 1);
            return;
        }
        let sendable = self.next();
        let copies = if self.random.percent(TWICE) { 2 } else { 1 };
        while !self.send(&sendable, copies) {
            let may_give_up = sendable.lane.is_none();
            if self.stopped() || (may_give_up && self.random.percent(3)) {
                return;
            }
            thread::sleep(RETRY_AFTER);
        }
        self.earlier.push_back(sendable);
        if self.earlier.len() > MEMORY {
            self.earlier.pop_front();
        }
    }

    fn next(&mut self) -> Sendable {
        let key = format!("{}-{}", self.name, self.sent);
        self.sent += 1;
        let flow = *self.random.pick(&self.flows);
        let way = *self.random.pick(flow.started_by);
        let lane = flow.is_ordered.then(|| {
            let lane = &mut self.lanes[self.lane];
            lane.1 += 1;
            lane.clone()
        });
        Sendable { key, flow, way, lane }
    }

    /// Sends once, by so many connections at the same time. Whether it was acknowledged to one of them.
    fn send(&mut self, sendable: &Sendable, copies: usize) -> bool {
        let setting = &self.setting;
        thread::scope(|scope| {
            let sending: Vec<_> = self.connections[..copies]
                .iter_mut()
                .map(|connection| scope.spawn(|| setting.send(connection, sendable)))
                .collect();
            // Those that are not waited for here are when the scope ends.
            sending.into_iter().any(|thread| thread.join().expect("no sending panics"))
        })
    }

    fn stopped(&self) -> bool {
        self.setting.stop.load(Ordering::Relaxed)
    }
}

// === impl Setting ===

impl Setting {
    /// Sends once. Whether it was acknowledged.
    fn send(&self, connection: &mut Connection, sendable: &Sendable) -> bool {
        self.log(sendable, Sending::Sent);
        let (target, headers, body) = sendable.request(&self.authorization);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = Request { method: "POST", target: &target, headers: &headers, body: body.as_bytes() };
        let answer = connection.send(&request);
        if answer.as_ref().is_ok_and(|received| matches!(received.status(), Ok(200..300))) {
            // Before anything else: if it was said too early, microseconds decide whether that shows.
            self.trap.reached(Moment::Acknowledged);
        }
        let step = match answer {
            Ok(received) => read_answer(&received),
            Err(error) => Sending::Lost(error.to_string()),
        };
        let acknowledged = matches!(step, Sending::Acknowledged(_));
        self.log(sendable, step);
        acknowledged
    }

    fn log(&self, sendable: &Sendable, step: Sending) {
        self.pen.write(Produced {
            at: self.clock.now(),
            key: sendable.key.clone(),
            flow: sendable.flow.name.to_owned(),
            way: sendable.way,
            lane: sendable.lane.clone(),
            step,
        });
    }
}

// === impl Sendable ===

impl Sendable {
    /// Target, headers and body.
    fn request(&self, authorization: &str) -> (String, Vec<(&'static str, String)>, String) {
        let (name, key) = (self.flow.name, &self.key);
        let mut data = json!({ "token": key });
        if let Some((lane, number)) = &self.lane {
            data["lane"] = lane.as_str().into();
            data["number"] = (*number).into();
        }
        let json = ("Content-Type", "application/json".to_owned());
        match self.way {
            Way::Webhook => {
                let headers = vec![json, ("X-Delivery", key.clone())];
                (format!("/hooks/default/crash/{name}"), headers, data.to_string())
            }
            Way::Call => {
                let headers =
                    vec![json, ("Authorization", authorization.to_owned()), ("Idempotency-Key", key.clone())];
                (format!("/run/default/{NAMESPACE}/{name}"), headers, data.to_string())
            }
            Way::Event => {
                let mut event = json!({
                    "specversion": "1.0",
                    "id": key,
                    "source": "https://crash.test/producer",
                    "type": format!("crash.{name}"),
                    "subject": key,
                    "datacontenttype": "application/json",
                    "data": data,
                });
                if let Some((_, number)) = &self.lane {
                    // The later it is sent, the older it calls itself.
                    event["time"] = format!("2001-01-01T00:00:{:02}Z", 59 - number % 60).into();
                }
                let headers = vec![
                    ("Content-Type", "application/cloudevents+json".to_owned()),
                    ("Authorization", authorization.to_owned()),
                ];
                ("/events/default".to_owned(), headers, event.to_string())
            }
        }
    }
}

/// What an answer promises.
pub(crate) fn read_answer(received: &Received) -> Sending {
    let body = String::from_utf8_lossy(&received.body).into_owned();
    let status = match received.status() {
        Ok(status) => status,
        Err(error) => return Sending::Lost(error.to_string()),
    };
    match status {
        429 => return Sending::Busy,
        503 => return Sending::Unready,
        507 => return Sending::Full,
        _ => {}
    }
    let value: Value = serde_json::from_str(&body).unwrap_or_default();
    if !(200..300).contains(&status) || !(value["jobs"].is_array() || value["job"].is_string()) {
        return Sending::Refused(status, body);
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let jobs = match value["jobs"].as_array() {
        Some(jobs) => jobs.iter().filter_map(text).collect(),
        None => text(&value["job"]).into_iter().collect(),
    };
    let duplicate = value["duplicate"].as_bool().unwrap_or(false);
    Sending::Acknowledged(Acknowledgement { event: text(&value["event"]), jobs, duplicate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Sending {
        let head = format!("HTTP/1.1 {status} X\r\n\r\n").into_bytes();
        read_answer(&Received { head, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn only_a_promise_is_an_acknowledgement() {
        let Sending::Acknowledged(hook) =
            answer(202, r#"{"event":"ev_1","jobs":["job_1"],"duplicate":true}"#)
        else {
            panic!("a 202 with ids is an acknowledgement");
        };
        let expected =
            Acknowledgement { event: Some("ev_1".into()), jobs: vec!["job_1".into()], duplicate: true };
        assert_eq!(hook, expected);
        assert!(matches!(answer(202, r#"{"job":"job_1"}"#), Sending::Acknowledged(_)));
        assert!(matches!(answer(202, "hello"), Sending::Refused(202, _)));
        assert!(matches!(answer(500, "{}"), Sending::Refused(500, _)));
        assert!(matches!(answer(429, "{}"), Sending::Busy));
        assert!(matches!(answer(503, "{}"), Sending::Unready));
        assert!(matches!(answer(507, "{}"), Sending::Full));
    }

    #[test]
    fn the_key_travels_in_every_way() {
        for way in [Way::Webhook, Way::Event, Way::Call] {
            let sendable = Sendable { key: "k-1".into(), flow: &FLOWS[0], way, lane: Some(("l".into(), 7)) };
            let (_, headers, body) = sendable.request("Bearer x");
            let in_headers = headers.iter().filter(|(_, value)| value == "k-1").count();
            assert_eq!(in_headers, usize::from(way != Way::Event), "{way:?}");
            let body: Value = serde_json::from_str(&body).unwrap();
            let data = if way == Way::Event { &body["data"] } else { &body };
            assert_eq!(data, &json!({ "token": "k-1", "lane": "l", "number": 7 }), "{way:?}");
        }
    }
}
