//! A blocking HTTP/1.1 connection: what the shop, the CRM and the API client of xtask speak with.

use crate::wire;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request as it is sent.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// A whole message as it was received.
#[derive(Debug)]
pub(crate) struct Received {
    /// Start line and headers.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// One server; connects when needed and keeps the connection for the next request.
pub(crate) struct Connection {
    address: SocketAddr,
    timeout: Duration,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Received {
    pub(crate) fn status(&self) -> io::Result<u16> {
        wire::status(&self.head).map_err(io::Error::other)
    }

    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        wire::headers(&self.head)
            .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

impl Connection {
    /// `timeout` bounds each wait for the other side, not the whole exchange.
    pub(crate) fn new(address: SocketAddr, timeout: Duration) -> Self {
        Self { address, timeout, stream: None, buffer: Vec::new() }
    }

    /// Sends one request and reads its answer. After an error the connection is gone and the next request
    /// makes a new one; whether the server saw this one is not known.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> io::Result<Received> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.write_all(&encode(self.address, request))?;
        let received = receive(&mut stream, &mut self.buffer)?
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "closed before an answer"))?;
        let closing = received.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !closing {
            self.stream = Some(stream);
        }
        Ok(received)
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        self.buffer.clear();
        let stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        Ok(stream)
    }
}

/// Reads one message; `buffer` keeps what came after it. `None`: the other side closed between messages.
pub(crate) fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Received>> {
    let mut piece = [0; 16 << 10];
    loop {
        if let Some(frame) = wire::frame(buffer).map_err(io::Error::other)?
            && let Some(end) = frame.whole(buffer).map_err(io::Error::other)?
        {
            let body = frame.content(buffer).map_err(io::Error::other)?;
            let head = buffer[..frame.head].to_vec();
            buffer.drain(..end);
            return Ok(Some(Received { head, body }));
        }
        let count = stream.read(&mut piece)?;
        if count == 0 {
            let clean = buffer.is_empty();
            return if clean { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        buffer.extend_from_slice(&piece[..count]);
    }
}

/// The bytes of a request.
pub(crate) fn encode(address: SocketAddr, request: &Request<'_>) -> Vec<u8> {
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n",
        request.method,
        request.target,
        request.body.len()
    );
    for (name, value) in request.headers {
        bytes.extend([name, ": ", value, "\r\n"]);
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(request.body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_connection_is_used_again_and_made_anew_when_it_broke() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut accepted = 0;
            // The first connection answers twice, the second once.
            for answers in [2, 1] {
                let (mut stream, _) = listener.accept().unwrap();
                accepted += 1;
                let mut buffer = Vec::new();
                for _ in 0..answers {
                    let request = receive(&mut stream, &mut buffer).unwrap().unwrap();
                    let length = request.body.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nx-seen: {length}\r\ncontent-length: 2\r\n\r\nok");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
            accepted
        });
        let mut connection = Connection::new(address, Duration::from_secs(10));
        let request = Request { method: "POST", target: "/", headers: &[("a", "b")], body: b"12345" };
        for _ in 0..2 {
            let answer = connection.send(&request).unwrap();
            assert_eq!((answer.status().unwrap(), answer.header("X-Seen").as_deref()), (200, Some("5")));
            assert_eq!(answer.body, b"ok");
        }
        assert!(connection.send(&request).is_err());
        assert!(connection.send(&request).is_ok());
        assert_eq!(server.join().unwrap(), 2);
    }
}
