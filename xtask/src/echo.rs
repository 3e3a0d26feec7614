//! `xtask echo`: the callee of the flow workloads; answers everything with one small JSON.
//!
//! One thread and no parsing beyond where a request ends, because it shares the machine with the server
//! that is measured. Ends when its standard input does, so that it never outlives the bench.

use crate::poller::Poller;
use crate::wire;
use anyhow::Result;
use clap::Args;
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";
/// The listener's token; connections count from 1.
const LISTENER: u64 = 0;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 is any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

/// Prints the address as its first line and, when standard input ends, how many requests it answered.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let listener = TcpListener::bind(arguments.listen)?;
    println!("{}", listener.local_addr()?);
    let answered = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&answered);
    std::thread::spawn(move || serve(&listener, &counter));
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    println!("{}", answered.load(Ordering::Relaxed));
    Ok(())
}

/// Serves for ever; ends only with an error of the listener or poller.
fn serve(listener: &TcpListener, answered: &AtomicU64) -> Result<()> {
    listener.set_nonblocking(true)?;
    let mut poller = Poller::new()?;
    poller.add(listener, LISTENER)?;
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut next = LISTENER + 1;
    let mut ready = Vec::new();
    let mut scratch = vec![0; 64 << 10];
    loop {
        poller.wait(None, &mut ready)?;
        for &token in &ready {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    poller.add(&stream, next)?;
                    connections.insert(next, Connection { stream, received: Vec::new() });
                    next += 1;
                }
                continue;
            }
            let Some(connection) = connections.get_mut(&token) else { continue };
            if connection.turn(&mut scratch, answered).is_err() {
                poller.remove(&connection.stream)?;
                connections.remove(&token);
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// Reads what has come and answers each whole request in it. An error ends the connection.
    fn turn(&mut self, scratch: &mut [u8], answered: &AtomicU64) -> io::Result<()> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        self.received.extend_from_slice(&scratch[..count]);
        let mut at = 0;
        while let Some(frame) = wire::frame(&self.received[at..]).map_err(io::Error::other)?
            && let Some(length) = frame.whole(&self.received[at..]).map_err(io::Error::other)?
        {
            // Counted first, so that whoever has the answer finds it counted.
            answered.fetch_add(1, Ordering::Relaxed);
            self.stream.write_all(ANSWER)?;
            at += length;
        }
        self.received.drain(..at);
        Ok(())
    }
}

/// An echo within a test's own process.
#[cfg(test)]
pub(crate) struct InThread {
    pub(crate) address: SocketAddr,
    answered: Arc<AtomicU64>,
}

#[cfg(test)]
impl InThread {
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(crate) fn in_thread() -> InThread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answered = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&answered);
    std::thread::spawn(move || serve(&listener, &counter));
    InThread { address, answered }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_in_pieces_and_several_at_once_are_answered() {
        let echo = in_thread();
        let mut stream = TcpStream::connect(echo.address).unwrap();
        let request = b"POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        stream.write_all(&request[..10]).unwrap();
        stream.write_all(&request[10..]).unwrap();
        stream.write_all(&request.repeat(2)).unwrap();
        let mut answers = vec![0; ANSWER.len() * 3];
        stream.read_exact(&mut answers).unwrap();
        assert_eq!(answers, ANSWER.repeat(3));
    }
}
