//! The loop of the load generator: one thread over all connections.

use super::summary::{Latencies, Summary};
use crate::clock::{self, Deadline};
use crate::poller::Poller;
use crate::{process, wire};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long outstanding answers are waited for after the measured time.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Longest wait for sockets, so that the end of the run is noticed.
const MAX_WAIT: Duration = Duration::from_millis(20);
const NS_PER_SECOND: u64 = 1_000_000_000;

/// What to send.
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// The whole request as bytes.
    pub(crate) request: Vec<u8>,
    pub(crate) clients: usize,
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// When to send.
pub(crate) enum Pace {
    /// Each client as soon as it has its answer.
    Closed,
    /// As closed, until this many succeeded; all are measured.
    Count(u64),
    /// When due, whatever the server does.
    Constant { per_second: f64 },
}

/// One connection. Times are nanoseconds since the start of the run.
struct Client {
    stream: TcpStream,
    /// The part of an answer that has come so far.
    received: Vec<u8>,
    /// When the request in flight was due; `None`: idle.
    due: Option<u64>,
}

/// The measured part of the run; nanoseconds since its start.
struct Window {
    from: u64,
    until: u64,
}

/// A plan and its open connections.
pub(crate) struct Generator {
    plan: Plan,
    poller: Poller,
    clients: Vec<Client>,
    begun: Instant,
    window: Window,
    idle: Vec<usize>,
    /// Due but not yet sent, because no client was idle.
    overdue: VecDeque<u64>,
    /// How many were made due (open loop) or sent (count).
    issued: u64,
    in_flight: usize,
    tally: Tally,
    scratch: Vec<u8>,
}

/// What was seen.
struct Tally {
    latencies: Latencies,
    series: Vec<u64>,
    requests: u64,
    failed: u64,
    statuses: BTreeMap<u16, u64>,
    broken: u64,
}

impl Generator {
    /// Opens all connections.
    pub(crate) fn connect(plan: Plan) -> Result<Self> {
        let mut poller = Poller::new()?;
        let mut clients = Vec::with_capacity(plan.clients);
        for token in 0..plan.clients {
            let client = Client::connect(plan.address)?;
            poller.add(&client.stream, token as u64)?;
            clients.push(client);
        }
        let nanoseconds = |duration: Duration| duration.as_nanos() as u64;
        let (from, until) = (nanoseconds(plan.warm_up), nanoseconds(plan.warm_up + plan.measured));
        let window = match plan.pace {
            Pace::Count(_) => Window { from: 0, until: u64::MAX },
            Pace::Closed | Pace::Constant { .. } => Window { from, until },
        };
        let idle = (0..plan.clients).rev().collect();
        Ok(Self {
            plan,
            poller,
            clients,
            begun: clock::now(),
            window,
            idle,
            overdue: VecDeque::new(),
            issued: 0,
            in_flight: 0,
            tally: Tally::new(),
            scratch: vec![0; 64 << 10],
        })
    }

    /// Runs the plan to its end.
    pub(crate) fn run(mut self) -> Result<Summary> {
        self.begun = clock::now();
        let mut ready = Vec::new();
        let mut drain = None;
        loop {
            let wait = self.issue()?;
            if wait.is_none() {
                // Everything was sent; what is in flight has a while to come back.
                let deadline = *drain.get_or_insert_with(|| Deadline::after(DRAIN_LIMIT));
                let idle = self.in_flight == 0 && self.overdue.is_empty();
                if idle || deadline.passed() {
                    return self.summary();
                }
            }
            let wait = wait.unwrap_or(MAX_WAIT).min(MAX_WAIT);
            self.poller.wait(Some(wait), &mut ready)?;
            for &token in &ready {
                self.receive(token as usize)?;
            }
        }
    }

    /// Sends what may be sent now. How long until something more is due; `None`: there is no more.
    fn issue(&mut self) -> Result<Option<Duration>> {
        let now = self.elapsed();
        match self.plan.pace {
            Pace::Closed => {
                if now >= self.window.until {
                    return Ok(None);
                }
                while let Some(client) = self.idle.pop() {
                    self.send(client, now)?;
                }
                Ok(Some(Duration::from_nanos(self.window.until - now)))
            }
            Pace::Count(count) => {
                while self.issued < count
                    && let Some(client) = self.idle.pop()
                {
                    self.issued += 1;
                    self.send(client, now)?;
                }
                // Not "no more" before the last answer: a failure is sent again.
                Ok((self.tally.requests < count).then_some(MAX_WAIT))
            }
            Pace::Constant { per_second } => self.issue_due(now, per_second),
        }
    }

    fn issue_due(&mut self, now: u64, per_second: f64) -> Result<Option<Duration>> {
        let due = |number: u64| (number as f64 * NS_PER_SECOND as f64 / per_second) as u64;
        while due(self.issued) <= now && due(self.issued) < self.window.until {
            self.overdue.push_back(due(self.issued));
            self.issued += 1;
        }
        while let Some(&due) = self.overdue.front()
            && let Some(client) = self.idle.pop()
        {
            self.overdue.pop_front();
            self.send(client, due)?;
        }
        let next = due(self.issued);
        Ok((next < self.window.until).then(|| Duration::from_nanos(next.saturating_sub(now))))
    }

    fn send(&mut self, number: usize, due: u64) -> Result<()> {
        let client = &mut self.clients[number];
        client.due = Some(due);
        self.in_flight += 1;
        if write_all(&mut client.stream, &self.plan.request).is_err() {
            self.broke(number)?;
        }
        Ok(())
    }

    /// Takes what a client can read; ends its request when the answer is whole.
    fn receive(&mut self, number: usize) -> Result<()> {
        let client = &mut self.clients[number];
        let count = match client.stream.read(&mut self.scratch) {
            Ok(0) => return self.broke(number),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.broke(number),
        };
        // Nearly every answer comes in one piece and is looked at where it is.
        let piece = &self.scratch[..count];
        let alone = client.received.is_empty();
        if !alone {
            client.received.extend_from_slice(piece);
        }
        let answer = if alone { piece } else { &client.received };
        let Some(status) = whole_answer(answer)? else {
            if alone {
                client.received.extend_from_slice(piece);
            }
            return Ok(());
        };
        client.received.clear();
        if let Some(due) = client.due.take() {
            self.answered(number, status, due);
        }
        Ok(())
    }

    fn answered(&mut self, number: usize, status: u16, due: u64) {
        self.in_flight -= 1;
        self.idle.push(number);
        *self.tally.statuses.entry(status).or_default() += 1;
        if !(200..300).contains(&status) {
            return self.failed();
        }
        let now = self.elapsed();
        if due >= self.window.from && (now < self.window.until || self.is_open_loop()) {
            self.tally.latencies.record(now - due);
        }
        if (self.window.from..self.window.until).contains(&now) {
            self.tally.succeeded(now - self.window.from);
        }
    }

    /// A connection is gone, and with it the request on it.
    fn broke(&mut self, number: usize) -> Result<()> {
        self.poller.remove(&self.clients[number].stream)?;
        let was_sending = self.clients[number].due.is_some();
        let client = Client::connect(self.plan.address)?;
        self.poller.add(&client.stream, number as u64)?;
        self.clients[number] = client;
        self.tally.broken += 1;
        if was_sending {
            self.in_flight -= 1;
            self.idle.push(number);
            self.failed();
        }
        Ok(())
    }

    fn failed(&mut self) {
        self.tally.failed += 1;
        if let Pace::Count(count) = self.plan.pace
            && self.tally.failed <= count
        {
            self.issued -= 1;
        }
    }

    fn is_open_loop(&self) -> bool {
        matches!(self.plan.pace, Pace::Constant { .. })
    }

    fn elapsed(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    fn summary(mut self) -> Result<Summary> {
        let now = self.elapsed();
        let unanswered =
            self.clients.iter().filter_map(|client| client.due).chain(self.overdue.iter().copied());
        let unanswered: Vec<u64> = unanswered.collect();
        if self.is_open_loop() {
            // Left out, the slowest would improve the picture.
            for &due in unanswered.iter().filter(|&&due| due >= self.window.from) {
                self.tally.latencies.record(now - due);
            }
        }
        let seconds = (self.window.until.min(now) - self.window.from) as f64 / NS_PER_SECOND as f64;
        let statuses = &self.tally.statuses;
        Ok(Summary {
            requests: self.tally.requests,
            seconds,
            per_second: self.tally.requests as f64 / seconds,
            series: self.tally.series,
            counted: self.tally.latencies.count(),
            latency_us: self.tally.latencies.read(),
            statuses: statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect(),
            broken: self.tally.broken,
            unfinished: unanswered.len() as u64,
            processor_seconds: process::processor_time(std::process::id())
                .map_or(0.0, |time| time.as_secs_f64()),
        })
    }
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, received: Vec::new(), due: None })
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            latencies: Latencies::new(),
            series: Vec::new(),
            requests: 0,
            failed: 0,
            statuses: BTreeMap::new(),
            broken: 0,
        }
    }

    /// One success, so many nanoseconds into the measured time.
    fn succeeded(&mut self, at: u64) {
        let second = (at / NS_PER_SECOND) as usize;
        if self.series.len() <= second {
            self.series.resize(second + 1, 0);
        }
        self.series[second] += 1;
        self.requests += 1;
    }
}

/// The status, once the answer is whole.
fn whole_answer(bytes: &[u8]) -> Result<Option<u16>> {
    let Some(frame) = wire::frame(bytes)? else { return Ok(None) };
    let Some(end) = frame.whole(bytes)? else { return Ok(None) };
    anyhow::ensure!(end == bytes.len(), "the server sent more than one answer to one request");
    Ok(Some(wire::status(bytes)?))
}

/// Writes it all to a socket that does not block. One request per connection is in flight, so its buffer is
/// empty and this takes one call unless the body is large.
fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
