//! The outside world of the crash run: a small HTTP server that every effect goes to.
//!
//! Three listeners. `steady` always answers 200, at times slowly; `slow` always slowly. `flaky` fails, hangs, resets
//! the connection or answers twice, but only the first attempts of an effect, so that a workflow that tries again
//! gets through. Every request is logged when it was read and before it is answered. Who calls to be told something
//! is told by the replier.

use super::flows::{self, Callees};
use super::log::Pen;
use super::random::Random;
use super::record::{Answer, Arrival, Carried, Moment, RunClock, Sunk};
use super::replier::Replier;
use super::trap::Trap;
use crate::http::{self, Received};
use anyhow::{Context, Result};
use rustix::net::sockopt;
use serde_json::Value;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long the callee hangs: past [`super::campaign::CALL_TIMEOUT`].
const HANG: Duration = Duration::from_millis(4_500);
/// How long `slow` takes, at least and at most.
const SLOW_MS: (u64, u64) = (20, 250);
/// Attempts beyond this one are answered as they should be.
const LAST_BAD_ATTEMPT: u32 = 3;

/// A running sink; stops listening when dropped.
pub(crate) struct Sink {
    pub(crate) callees: Callees,
    stopped: Arc<AtomicBool>,
}

/// What all connections share.
struct Shared {
    pen: Pen<Sunk>,
    clock: RunClock,
    trap: Arc<Trap>,
    replier: Arc<Replier>,
    requests: AtomicU64,
    connections: AtomicU64,
    stopped: Arc<AtomicBool>,
    random: Random,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Temper {
    Steady,
    Flaky,
    Slow,
}

impl Sink {
    pub(crate) fn start(
        pen: Pen<Sunk>,
        clock: RunClock,
        trap: Arc<Trap>,
        replier: Arc<Replier>,
        random: Random,
    ) -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            pen,
            clock,
            trap,
            replier,
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            stopped: Arc::clone(&stopped),
            random,
        });
        let steady = listen(Arc::clone(&shared), Temper::Steady)?;
        let slow = listen(Arc::clone(&shared), Temper::Slow)?;
        let flaky = listen(shared, Temper::Flaky)?;
        Ok(Self { callees: Callees { steady, flaky, slow }, stopped })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        for address in [self.callees.steady, self.callees.flaky, self.callees.slow] {
            // Wakes the listener, so that it sees that it shall stop.
            let _ = TcpStream::connect(address);
        }
    }
}

fn listen(shared: Arc<Shared>, temper: Temper) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port for the sink")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.stopped.load(Ordering::Relaxed) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&shared);
            thread::spawn(move || drop(shared.serve(stream, temper)));
        }
    });
    Ok(address)
}

impl Shared {
    /// Serves one connection; the error that ends it is of no interest.
    fn serve(&self, mut stream: TcpStream, temper: Temper) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut random = self.random.fork(self.connections.fetch_add(1, Ordering::Relaxed));
        let mut buffer = Vec::new();
        while let Some(received) = http::receive(&mut stream, &mut buffer)? {
            let request = self.requests.fetch_add(1, Ordering::Relaxed);
            // In this order: who has not closed it yet was alive after this moment.
            let at = self.clock.now();
            let is_orphan = has_closed(&stream)?;
            let Some(arrival) = arrival(request, &received, (at, is_orphan)) else {
                let head = String::from_utf8_lossy(&received.head).into_owned();
                self.pen.write(Sunk::Strange { at: self.clock.now(), head });
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
                continue;
            };
            self.pen.write(Sunk::Arrived(arrival.clone()));
            if flows::follows_another(&arrival.part) {
                self.trap.reached(Moment::Arrival);
            }
            if let Some(hears) = flows::asking(&arrival.part) {
                self.replier.asked(hears, &arrival.token, &mut random);
            }
            let how = choose(temper, arrival.attempt, &mut random);
            if temper == Temper::Slow {
                thread::sleep(Duration::from_millis(random.between(SLOW_MS.0, SLOW_MS.1)));
            }
            self.answer(&mut stream, &arrival, how, &mut random)?;
        }
        Ok(())
    }

    fn answer(
        &self,
        stream: &mut TcpStream,
        arrival: &Arrival,
        how: Answer,
        random: &mut Random,
    ) -> io::Result<()> {
        match how {
            Answer::Slow => thread::sleep(Duration::from_millis(random.between(5, 80))),
            Answer::Hangs => thread::sleep(HANG),
            Answer::Ok | Answer::Twice | Answer::Fails | Answer::Resets => {}
        }
        // Before the bytes leave: what follows from the answer must come later in the log.
        self.pen.write(Sunk::Answered { at: self.clock.now(), request: arrival.request, how });
        let good = ok(arrival);
        match how {
            Answer::Ok | Answer::Slow => stream.write_all(&good)?,
            Answer::Twice => stream.write_all(&good.repeat(2))?,
            Answer::Fails => {
                stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nbroken")?;
            }
            Answer::Hangs => return Err(io::ErrorKind::TimedOut.into()),
            Answer::Resets => {
                // Lingering for no time makes closing a reset instead of an orderly end.
                sockopt::set_socket_linger(&*stream, Some(Duration::ZERO))?;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
        }
        self.trap.reached(Moment::Answer);
        Ok(())
    }
}

fn arrival(request: u64, received: &Received, (at, is_orphan): (i64, bool)) -> Option<Arrival> {
    let body: Value = serde_json::from_slice(&received.body).ok()?;
    Some(Arrival {
        at,
        request,
        key: received.header("idempotency-key")?,
        attempt: received.header("tenon-attempt")?.parse().ok()?,
        token: body.get("token")?.as_str()?.to_owned(),
        part: body.get("part")?.as_str()?.to_owned(),
        carried: carried(received),
        is_orphan,
    })
}

fn carried(received: &Received) -> Option<Carried> {
    let carried =
        Carried { authorization: received.header("authorization"), setting: received.header("x-setting") };
    (carried != Carried::default()).then_some(carried)
}

/// Whether the other side has closed the connection already. The kernel tells of a process's death before
/// anybody can have waited for it.
pub(super) fn has_closed(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let closed = match stream.peek(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false)?;
    Ok(closed)
}

fn choose(temper: Temper, attempt: u32, random: &mut Random) -> Answer {
    let chance = random.between(0, 100);
    match temper {
        Temper::Flaky if attempt <= LAST_BAD_ATTEMPT => match chance {
            0..25 => Answer::Fails,
            25..29 => Answer::Hangs,
            29..43 => Answer::Resets,
            43..55 => Answer::Twice,
            55..65 => Answer::Slow,
            _ => Answer::Ok,
        },
        _ if chance < 15 => Answer::Slow,
        _ => Answer::Ok,
    }
}

/// The request's own words back: outcomes flow through the workflow into its output. Also what nobody may see.
fn ok(arrival: &Arrival) -> Vec<u8> {
    let mut body = serde_json::json!({ "token": arrival.token, "part": arrival.part });
    if let Some(authorization) = arrival.carried.as_ref().and_then(|carried| carried.authorization.as_ref()) {
        body["echo"] = authorization.as_str().into();
    }
    let body = body.to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
    format!("{head}: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::log::{Log, read};
    use super::super::replier::Setting;
    use super::*;
    use crate::http::{Connection, Request};

    #[test]
    fn requests_are_logged_and_late_attempts_succeed() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::create(directory.path().join("sink.jsonl")).unwrap();
        let clock = RunClock::start();
        let trap = Arc::new(Trap::new(clock));
        let replies = Log::create(directory.path().join("replies.jsonl")).unwrap();
        let setting = Setting {
            address: "127.0.0.1:9".parse().unwrap(),
            authorization: String::new(),
            pen: replies.pen(),
            clock,
            trap: Arc::clone(&trap),
            random: Random::new(2),
        };
        let replier = Arc::new(Replier::new(setting));
        let sink = Sink::start(log.pen(), clock, trap, replier, Random::new(1)).unwrap();
        let mut connection = Connection::new(sink.callees.flaky, Duration::from_secs(10));
        let body = br#"{"token":"t","part":"flaky"}"#;
        let headers = [("Idempotency-Key", "job_1.a"), ("Tenon-Attempt", "4")];
        let request = Request { method: "POST", target: "/", headers: &headers, body };
        for _ in 0..20 {
            let answer = connection.send(&request).unwrap();
            assert_eq!((answer.status().unwrap(), answer.body.as_slice()), (200, body.as_slice()));
        }
        let bearer = [("Authorization", "Bearer x"), headers[0], headers[1]];
        let echoed = connection.send(&Request { headers: &bearer, ..request }).unwrap().body;
        assert_eq!(echoed, br#"{"token":"t","part":"flaky","echo":"Bearer x"}"#);
        let nameless = Request { headers: &[], ..request };
        assert_eq!(connection.send(&nameless).unwrap().status().unwrap(), 400);
        let records: Vec<Sunk> = read(&log.finish().unwrap()).unwrap();
        let arrived = records.iter().filter(|record| matches!(record, Sunk::Arrived(_))).count();
        let strange = records.iter().filter(|record| matches!(record, Sunk::Strange { .. })).count();
        assert_eq!((arrived, strange, records.len()), (21, 1, 43));
    }

    #[test]
    fn the_last_words_of_who_is_gone_are_known_as_such() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let (mut buffer, request) = (Vec::new(), b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        client.write_all(request).unwrap();
        http::receive(&mut stream, &mut buffer).unwrap().unwrap();
        assert!(!has_closed(&stream).unwrap());
        client.write_all(request).unwrap();
        drop(client);
        http::receive(&mut stream, &mut buffer).unwrap().unwrap();
        assert!(has_closed(&stream).unwrap());
    }

    #[test]
    fn early_attempts_meet_every_fault_and_steady_ones_none() {
        let mut random = Random::new(3);
        let flaky: Vec<Answer> = (0..1000).map(|_| choose(Temper::Flaky, 1, &mut random)).collect();
        for how in [Answer::Fails, Answer::Hangs, Answer::Resets, Answer::Twice, Answer::Slow, Answer::Ok] {
            assert!(flaky.contains(&how), "{how:?}");
        }
        let fine = |how| matches!(how, Answer::Ok | Answer::Slow);
        assert!((0..1000).all(|_| fine(choose(Temper::Steady, 1, &mut random))));
        assert!((0..1000).all(|_| fine(choose(Temper::Flaky, 4, &mut random))));
    }
}
