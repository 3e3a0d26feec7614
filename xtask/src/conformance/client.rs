//! Tenon's HTTP interface as scenarios need it: whatever the status, it is an answer to look at.

use crate::http::{Connection, Request};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A keep-alive connection with the owner's key.
pub(super) struct Client {
    connection: Connection,
    authorization: String,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: &str) -> Self {
        Self { connection: Connection::new(address, TIMEOUT), authorization: format!("Bearer {key}") }
    }

    /// The JSON behind a path; anything but success is an error.
    pub(super) fn get(&mut self, path: &str) -> Result<Value> {
        let nothing = ("application/json", &b""[..]);
        // The server may have closed a kept connection meanwhile; looking can be repeated.
        let answered = self.ask("GET", path, nothing).or_else(|_| self.ask("GET", path, nothing))?;
        answered.ok().with_context(|| format!("GET {path}"))
    }

    /// Sends a body of a type and gives the answer as it is.
    pub(super) fn ask(&mut self, method: &str, path: &str, content: (&str, &[u8])) -> Result<Answered> {
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("Content-Type", content.0),
            ("Accept", "application/json"),
        ];
        let request = Request { method, target: path, headers: &headers, body: content.1 };
        let received = self.connection.send(&request).with_context(|| format!("{method} {path}"))?;
        let status = received.status()?;
        let body = serde_json::from_slice(&received.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&received.body).into_owned()));
        Ok(Answered { status, body })
    }

    /// Forgets the connection, for instance because the server was started again.
    pub(super) fn reconnect(&mut self, address: SocketAddr) {
        self.connection = Connection::new(address, TIMEOUT);
    }
}

// === impl Answered ===

impl Answered {
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a success.
    pub(super) fn ok(self) -> Result<Value> {
        ensure!(self.is_ok(), "answered {}: {}", self.status, self.body);
        Ok(self.body)
    }
}
