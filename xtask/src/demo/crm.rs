//! The CRM of the demo: books orders, honours idempotency keys, and answers one request in ten with 500.
//!
//! Which ones fail depends on the order's number and the attempt alone, so every run of the demo has the
//! same failures. It keeps its own books, against which Tenon's word is checked.

use crate::http::{self, Received};
use crate::wire;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long it thinks: long enough that a kill finds requests in flight.
const THINKS: Duration = Duration::from_millis(5);

#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    listen: SocketAddr,
}

/// What the CRM has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// Idempotency key → the record made for it.
    records: HashMap<String, String>,
    /// What was booked (`/orders A-0001`) → the idempotency keys it was booked under.
    booked: HashMap<String, HashSet<String>>,
    /// Orders for which a second attempt came.
    retried: HashSet<String>,
    /// Requests whose key had a record already: answered with it, nothing new was made.
    pub(crate) repeats: u64,
    /// Requests answered with 500.
    pub(crate) refused: u64,
}

/// A running CRM.
pub(crate) struct Crm {
    address: SocketAddr,
    books: Arc<Mutex<Books>>,
    closed: Arc<AtomicBool>,
}

/// Runs the CRM alone, until it is killed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)?;
    serve(&listener, &Arc::default(), &AtomicBool::new(false));
    Ok(())
}

impl Crm {
    /// Listens on `address`, or on a free port where that is taken.
    pub(crate) fn start(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .or_else(|_| TcpListener::bind("127.0.0.1:0"))
            .context("no free port for the CRM")?;
        let address = listener.local_addr()?;
        let books = Arc::<Mutex<Books>>::default();
        let closed = Arc::<AtomicBool>::default();
        let (its_books, is_closed) = (Arc::clone(&books), Arc::clone(&closed));
        std::thread::spawn(move || serve(&listener, &its_books, &is_closed));
        Ok(Self { address, books, closed })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The books as they are now.
    pub(crate) fn books(&self) -> Books {
        self.books.lock().expect("no thread panics while it holds the books").clone()
    }

    /// Stops listening, so that another process can.
    pub(crate) fn close(self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the accept that is waiting; it sees the mark and drops the listener.
        let _ = TcpStream::connect(self.address);
        while TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }
}

impl Books {
    /// The orders that are booked.
    pub(crate) fn has(&self, order: &str) -> bool {
        self.booked.contains_key(&format!("/orders {order}"))
    }

    /// Things that were booked more than once: under more than one idempotency key.
    pub(crate) fn doubled(&self) -> usize {
        self.booked.values().filter(|keys| keys.len() > 1).count()
    }

    pub(crate) fn retried(&self) -> &HashSet<String> {
        &self.retried
    }

    /// Decides about one request: status and body.
    pub(super) fn answer(&mut self, target: &str, order: &str, key: &str, attempt: u32) -> (u16, Value) {
        if attempt > 1 {
            self.retried.insert(order.to_owned());
        }
        if let Some(record) = self.records.get(key) {
            self.repeats += 1;
            return (200, json!({ "id": record }));
        }
        if fails(order, attempt) {
            self.refused += 1;
            return (500, json!({ "error": "the CRM has a bad moment" }));
        }
        let record = format!("crm-{}", self.records.len() + 1);
        self.records.insert(key.to_owned(), record.clone());
        self.booked.entry(format!("{target} {order}")).or_default().insert(key.to_owned());
        (201, json!({ "id": record }))
    }
}

/// One order in ten fails at first, one in a hundred twice.
fn fails(order: &str, attempt: u32) -> bool {
    let number: u32 = order.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().unwrap_or(0);
    match attempt {
        1 => number % 10 == 3,
        2 => number % 100 == 3,
        _ => false,
    }
}

fn serve(listener: &TcpListener, books: &Arc<Mutex<Books>>, closed: &AtomicBool) {
    while let Ok((stream, _)) = listener.accept() {
        if closed.load(Ordering::Relaxed) {
            return;
        }
        let books = Arc::clone(books);
        std::thread::spawn(move || converse(stream, &books));
    }
}

/// Answers one connection's requests until it ends.
fn converse(mut stream: TcpStream, books: &Mutex<Books>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = http::receive(&mut stream, &mut buffer)? {
        std::thread::sleep(THINKS);
        let (status, body) = respond(&request, books);
        let body = body.to_string();
        let head = "Content-Type: application/json\r\nContent-Length:";
        write!(stream, "HTTP/1.1 {status} Demo\r\n{head} {}\r\n\r\n{body}", body.len())?;
    }
    Ok(())
}

fn respond(request: &Received, books: &Mutex<Books>) -> (u16, Value) {
    let Ok((method, target)) = wire::request_line(&request.head) else {
        return (400, json!({ "error": "not a request" }));
    };
    if method != "POST" || !["/orders", "/followups"].contains(&target) {
        return (404, json!({ "error": "POST /orders or /followups" }));
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let (Some(order), Some(key)) = (body["id"].as_str(), request.header("idempotency-key")) else {
        return (400, json!({ "error": "an id and an Idempotency-Key are needed" }));
    };
    let attempt = request.header("tenon-attempt").and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut books = books.lock().expect("no thread panics while it holds the books");
    books.answer(target, order, &key, attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Connection, Request};

    #[test]
    fn one_order_in_ten_fails_at_first_and_none_for_ever() {
        let orders: Vec<String> = (0..1000).map(|number| format!("A-{number:04}")).collect();
        let failing = |attempt| orders.iter().filter(|order| fails(order, attempt)).count();
        assert_eq!((failing(1), failing(2), failing(3)), (100, 10, 0));
    }

    #[test]
    fn a_repeated_key_makes_no_second_record_and_a_second_key_is_noticed() {
        let mut books = Books::default();
        assert_eq!(books.answer("/orders", "A-1", "k1", 1).0, 201);
        assert_eq!(books.answer("/orders", "A-1", "k1", 1), (200, json!({"id": "crm-1"})));
        assert_eq!((books.repeats, books.doubled()), (1, 0));
        assert_eq!(books.answer("/orders", "A-1", "k2", 1).0, 201);
        assert_eq!(books.doubled(), 1);
    }

    #[test]
    fn it_speaks_http_and_gives_its_port_back() {
        let crm = Crm::start("127.0.0.1:0").unwrap();
        let address = crm.address();
        let mut connection = Connection::new(address, Duration::from_secs(10));
        let mut post = |attempt: &str, body: &[u8]| {
            let headers = [("Idempotency-Key", "k"), ("Tenon-Attempt", attempt)];
            let request = Request { method: "POST", target: "/orders", headers: &headers, body };
            connection.send(&request).unwrap().status().unwrap()
        };
        assert_eq!(post("1", br#"{"id":"A-0013"}"#), 500);
        assert_eq!(post("2", br#"{"id":"A-0013"}"#), 201);
        assert_eq!(post("1", b"nonsense"), 400);
        let books = crm.books();
        assert!(books.has("A-0013") && books.retried().contains("A-0013") && books.refused == 1);
        crm.close();
        TcpListener::bind(address).unwrap();
    }
}
