//! A source of items that pollers ask: it grows while the run goes, and answers as such things do. At times it
//! fails, hangs, or answers with what is no list; a page is in no order, and may hold what was there before.
//!
//! What it offers and what it answers is logged by itself. It knows of Tenon only what a request says.

mod page;
mod pollers;

pub(crate) use pollers::{POLLERS, Poller, WAKE, poller};

use super::log::Pen;
use super::random::Random;
use super::record::{Moment, Page, Polled, RunClock};
use super::sink::has_closed;
use super::trap::Trap;
use crate::clock::Deadline;
use crate::http::{self, Received};
use anyhow::{Context, Result};
use page::Items;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long it hangs: past [`super::campaign::CALL_TIMEOUT`].
const HANG: Duration = Duration::from_millis(4_500);
/// How long after an answer its moment comes, at most, in microseconds: what the answer brings is being written then.
const MOMENT_US: u64 = 6_000;
/// How often that is halved, at most: a fast disk has it written within a fraction of a millisecond.
const HALVES: u64 = 5;
/// In so many of a hundred times many items come at once.
const BURST: u64 = 4;
/// How many those are.
const BURST_ITEMS: (u64, u64) = (10, 40);
/// An answer without a list.
const NO_LIST: &str = "{\"items\": \"none\", \"hasMore\": true}";
/// How often one looks whether pollers have seen all.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Answers that bring a poller nothing new, after which it has seen all: with an inclusive cursor the first of them
/// may still have brought an item.
const QUIET_ANSWERS: u32 = 2;

/// A running source; stops listening when dropped.
pub(crate) struct Source {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    pen: Pen<Polled>,
    clock: RunClock,
    trap: Arc<Trap>,
    random: Random,
    connections: AtomicU64,
    items: Mutex<Items>,
    /// It answers well from now on; for each poller, how many answers in a row brought nothing new.
    settling: Mutex<Option<Vec<u32>>>,
    stopped: AtomicBool,
}

/// A request that it understands.
struct Asked {
    poller: &'static Poller,
    since: u64,
    is_orphan: bool,
}

// === impl Source ===

impl Source {
    pub(crate) fn start(pen: Pen<Polled>, clock: RunClock, trap: Arc<Trap>, random: Random) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port for the source")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            pen,
            clock,
            trap,
            random,
            connections: AtomicU64::new(0),
            items: Mutex::default(),
            settling: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&serving);
                // The error that ends a connection is of no interest.
                thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Ok(Self { address, shared })
    }

    /// Offers more and more, until it is told to stop.
    pub(crate) fn grow(&self, pause_ms: u64, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let shared = Arc::clone(&self.shared);
        let mut random = shared.random.fork(u64::MAX);
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let (least, most) = if random.percent(BURST) { BURST_ITEMS } else { (1, 4) };
                for _ in 0..random.between(least, most) {
                    shared.offer(&mut random);
                }
                thread::sleep(Duration::from_millis(random.between(0, 4 * pause_ms)));
            }
        })
    }

    /// Answers well from now on, and waits until every poller has seen all, for so long. Whether all have.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        lock(&self.shared.settling).get_or_insert_with(|| vec![0; POLLERS.len()]);
        let deadline = Deadline::after(limit);
        loop {
            let quiet = lock(&self.shared.settling).iter().flatten().copied().min();
            if quiet >= Some(QUIET_ANSWERS) {
                return true;
            }
            if deadline.passed() {
                return false;
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees that it shall stop.
        let _ = TcpStream::connect(self.address);
    }
}

// === impl Shared ===

impl Shared {
    fn offer(&self, random: &mut Random) {
        let mut items = lock(&self.items);
        let (number, stamp) = items.add(random);
        self.pen.write(Polled::Offered { at: self.clock.now(), number, stamp });
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut random = self.random.fork(self.connections.fetch_add(1, Ordering::Relaxed));
        let mut buffer = Vec::new();
        while let Some(received) = http::receive(&mut stream, &mut buffer)? {
            let is_orphan = has_closed(&stream)?;
            let Some(asked) = understand(&received, is_orphan) else {
                let head = String::from_utf8_lossy(&received.head).into_owned();
                self.pen.write(Polled::Strange { at: self.clock.now(), head });
                stream.write_all(&answer("400 Bad Request", "{}"))?;
                continue;
            };
            self.answer(&mut stream, &asked, &mut random)?;
        }
        Ok(())
    }

    fn answer(&self, stream: &mut TcpStream, asked: &Asked, random: &mut Random) -> io::Result<()> {
        let is_settling = lock(&self.settling).is_some();
        let how = if is_settling { Page::Good } else { choose(asked.poller, random) };
        let page = lock(&self.items).page(asked.poller, asked.since, how, random);
        self.pen.write(Polled::Asked {
            at: self.clock.now(),
            poller: asked.poller.name.to_owned(),
            since: asked.since,
            is_orphan: asked.is_orphan,
            how,
            numbers: page.numbers.clone(),
        });
        match how {
            Page::Good | Page::Stale => {
                if is_settling {
                    self.quiet(asked, page.is_at_the_end);
                }
                stream.write_all(&answer("200 OK", &page.text(asked.poller)))?;
                if !page.numbers.is_empty() {
                    let most = MOMENT_US >> random.between(0, HALVES + 1);
                    thread::sleep(Duration::from_micros(random.between(0, most)));
                    self.trap.reached(Moment::Page);
                }
            }
            Page::Fails => stream.write_all(&answer("500 Internal Server Error", "broken"))?,
            Page::Broken => stream.write_all(&answer("200 OK", "{\"items\": [{\"token\": \"cut o"))?,
            Page::NoList => stream.write_all(&answer("200 OK", NO_LIST))?,
            Page::Hangs => {
                thread::sleep(HANG);
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// A poller was answered, and stands at the end or does not.
    fn quiet(&self, asked: &Asked, is_at_the_end: bool) {
        let mut settling = lock(&self.settling);
        let place = POLLERS.iter().position(|poller| poller.name == asked.poller.name);
        if let Some(count) = settling.as_mut().zip(place).and_then(|(counts, place)| counts.get_mut(place)) {
            *count = if is_at_the_end { *count + 1 } else { 0 };
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `GET /<poller>?since=<number>`.
fn understand(received: &Received, is_orphan: bool) -> Option<Asked> {
    let head = std::str::from_utf8(&received.head).ok()?;
    let target = head.strip_prefix("GET /")?.split(' ').next()?;
    let (name, query) = target.split_once('?')?;
    let since = query.strip_prefix("since=")?.parse().ok()?;
    Some(Asked { poller: poller(name)?, since, is_orphan })
}

fn choose(poller: &Poller, random: &mut Random) -> Page {
    match random.between(0, 100) {
        0..4 => Page::Fails,
        4..5 => Page::Hangs,
        5..9 => Page::Broken,
        9..12 => Page::NoList,
        // What was there before is known again by its key only.
        12..20 if poller.is_keyed => Page::Stale,
        _ => Page::Good,
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length");
    format!("{head}: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::log::{Log, read};
    use super::*;
    use crate::http::{Connection, Request};

    #[test]
    fn pages_lead_to_the_end_and_all_is_logged() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::create(directory.path().join("source.jsonl")).unwrap();
        let clock = RunClock::start();
        let source = Source::start(log.pen(), clock, Arc::new(Trap::new(clock)), Random::new(1)).unwrap();
        for _ in 0..30 {
            source.shared.offer(&mut Random::new(2));
        }
        assert!(!source.settle(Duration::ZERO));
        let mut connection = Connection::new(source.address, Duration::from_secs(10));
        let mut ask = |target: &str| {
            let request = Request { method: "GET", target, headers: &[], body: b"" };
            connection.send(&request).unwrap()
        };
        assert_eq!(ask("/paged?until=3").status().unwrap(), 400);
        let page: serde_json::Value = serde_json::from_slice(&ask("/paged?since=0").body).unwrap();
        assert_eq!((page["items"].as_array().unwrap().len(), &page["hasMore"]), (10, &true.into()));
        let stamp = lock(&source.shared.items).newest();
        for _ in 0..QUIET_ANSWERS {
            ask("/paged?since=30");
            ask(&format!("/keyed?since={stamp}"));
        }
        assert!(source.settle(Duration::ZERO));
        drop(source);
        let records: Vec<Polled> = read(&log.finish().unwrap()).unwrap();
        let offered = records.iter().filter(|record| matches!(record, Polled::Offered { .. })).count();
        assert_eq!((offered, records.len()), (30, 30 + 2 + 2 * QUIET_ANSWERS as usize));
    }

    #[test]
    fn only_who_knows_items_by_their_keys_is_given_old_ones() {
        let mut random = Random::new(3);
        for poller in POLLERS {
            let pages: Vec<Page> = (0..1_000).map(|_| choose(poller, &mut random)).collect();
            assert_eq!(pages.contains(&Page::Stale), poller.is_keyed, "{}", poller.name);
            for how in [Page::Good, Page::Fails, Page::Hangs, Page::Broken, Page::NoList] {
                assert!(pages.contains(&how), "{how:?}");
            }
        }
    }
}
