//! The callee of B5: it answers each call so long after it came, but nothing before the gate opens, and remembers
//! which calls came in which order. A thread of the bench itself, which only waits meanwhile.

use crate::clock;
use crate::poller::Poller;
use crate::wire;
use anyhow::{Context, Result};
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
/// The listener's token; connections count from 1.
const LISTENER: u64 = 0;
/// How long a wait for sockets lasts at most: how soon an opened gate is seen.
const TICK: Duration = Duration::from_millis(1);

/// A running gate; its thread ends with the process.
pub(super) struct Gate {
    pub(super) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

/// What both sides know.
#[derive(Default)]
struct Shared {
    opened: Option<Instant>,
    /// The path of each call, in order of arrival.
    came: Vec<Seen>,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    /// Calls of the same lane that had no answer yet when it came.
    pub(super) beside: usize,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

struct Server {
    poller: Poller,
    connections: HashMap<u64, Connection>,
    /// When each call came, its connection and lane, in order of arrival.
    waiting: VecDeque<(Instant, u64, String)>,
    /// Calls of each lane without an answer.
    open: HashMap<String, usize>,
    delay: Duration,
    shared: Arc<Mutex<Shared>>,
}

// === impl Gate ===

impl Gate {
    /// Serves on a free port, closed. A call's lane is its path up to the last `/`.
    pub(super) fn start(delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let mut poller = Poller::new()?;
        poller.add(&listener, LISTENER)?;
        let shared = Arc::<Mutex<Shared>>::default();
        let mut server = Server {
            poller,
            connections: HashMap::new(),
            waiting: VecDeque::new(),
            open: HashMap::new(),
            delay,
            shared: Arc::clone(&shared),
        };
        std::thread::spawn(move || {
            if let Err(error) = server.serve(&listener) {
                eprintln!("the gate failed: {error:#}");
            }
        });
        Ok(Self { address, shared })
    }

    /// From now on calls are answered.
    pub(super) fn open(&self) -> Instant {
        let now = clock::now();
        self.lock().opened = Some(now);
        now
    }

    /// All calls so far.
    pub(super) fn came(&self) -> Vec<Seen> {
        self.lock().came.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Server ===

impl Server {
    fn serve(&mut self, listener: &TcpListener) -> Result<()> {
        let mut next = LISTENER + 1;
        let mut ready = Vec::new();
        let mut scratch = vec![0; 64 << 10];
        loop {
            let opened = self.shared.lock().unwrap_or_else(PoisonError::into_inner).opened;
            let timeout = self.answer(opened)?;
            self.poller.wait(Some(timeout), &mut ready)?;
            for token in std::mem::take(&mut ready) {
                if token == LISTENER {
                    while let Ok((stream, _)) = listener.accept() {
                        stream.set_nodelay(true)?;
                        stream.set_nonblocking(true)?;
                        self.poller.add(&stream, next)?;
                        self.connections.insert(next, Connection { stream, received: Vec::new() });
                        next += 1;
                    }
                } else if self.read(token, &mut scratch).is_err()
                    && let Some(connection) = self.connections.remove(&token)
                {
                    self.poller.remove(&connection.stream)?;
                }
            }
        }
    }

    /// Answers what is due; how long until the next one is.
    fn answer(&mut self, opened: Option<Instant>) -> Result<Duration> {
        let Some(opened) = opened else { return Ok(TICK) };
        while let Some((came, token, lane)) = self.waiting.front() {
            let left = (opened.max(*came) + self.delay).saturating_duration_since(clock::now());
            if !left.is_zero() {
                return Ok(left.min(TICK));
            }
            if let Some(count) = self.open.get_mut(lane) {
                *count -= 1;
            }
            if let Some(connection) = self.connections.get_mut(token) {
                connection.stream.write_all(ANSWER).context("the callee's answer")?;
            }
            self.waiting.pop_front();
        }
        Ok(TICK)
    }

    fn read(&mut self, token: u64, scratch: &mut [u8]) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&token) else { return Ok(()) };
        let count = match connection.stream.read(scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let now = clock::now();
        connection.received.extend_from_slice(&scratch[..count]);
        while let Some(frame) = wire::frame(&connection.received).map_err(io::Error::other)?
            && let Some(length) = frame.whole(&connection.received).map_err(io::Error::other)?
        {
            let head = &connection.received[..frame.head];
            let (_, path) = wire::request_line(head).map_err(io::Error::other)?;
            let path = path.to_owned();
            connection.received.drain(..length);
            let lane = path.rsplit_once('/').map_or("", |(lane, _)| lane).to_owned();
            let open = self.open.entry(lane.clone()).or_default();
            let seen = Seen { path, beside: *open };
            *open += 1;
            self.waiting.push_back((now, token, lane));
            self.shared.lock().unwrap_or_else(PoisonError::into_inner).came.push(seen);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Connection as Client, Request};

    #[test]
    fn nothing_is_answered_before_it_opens_and_each_call_takes_its_time() {
        let gate = Gate::start(Duration::from_millis(20)).unwrap();
        let address = gate.address;
        let call = move |path: &'static str| {
            std::thread::spawn(move || {
                let mut client = Client::new(address, Duration::from_secs(20));
                let request = Request { method: "POST", target: path, headers: &[], body: b"{}" };
                let status = client.send(&request).unwrap().status().unwrap();
                (status, clock::now())
            })
        };
        let calls = [call("/a/0"), call("/a/1"), call("/b/0")];
        // polls: the calls are sent by other threads
        while gate.came().len() < 3 {
            std::thread::yield_now();
        }
        let opened = gate.open();
        for call in calls {
            let (status, at) = call.join().unwrap();
            assert_eq!(status, 200);
            assert!(at >= opened + Duration::from_millis(20));
        }
        let mut beside: Vec<usize> = gate.came().iter().map(|seen| seen.beside).collect();
        beside.sort_unstable();
        assert_eq!(beside, [0, 0, 1]);
    }
}
