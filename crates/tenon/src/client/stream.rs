//! Server-sent events (the part of the HTML standard that the server uses): `event:`, `data:`, an empty line.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::Error;

/// An event without an end, or one larger than this, ends the stream.
const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Events as they arrive.
pub(crate) struct Stream {
    body: Incoming,
    parser: Parser,
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamEvent {
    /// `job` or `step`.
    pub(crate) name: String,
    pub(crate) data: Value,
}

#[derive(Debug, Default)]
struct Parser {
    buffer: Vec<u8>,
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, parser: Parser::default() }
    }

    /// The next event; `None` when the server ended the stream. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, Error> {
        loop {
            if let Some(event) = self.parser.event() {
                return Ok(Some(event));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| Error::Broken { reason: error.to_string() })?;
            self.parser.push(&frame.into_data().unwrap_or_else(|_| Bytes::new()));
            if self.parser.buffer.len() > MAX_EVENT_BYTES {
                return Err(Error::Broken { reason: "an event of the stream has no end".to_owned() });
            }
        }
    }
}

// === impl Parser ===

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        // Line ends may be CR LF; no JSON text has a bare CR in it.
        self.buffer.extend(bytes.iter().filter(|byte| **byte != b'\r'));
    }

    /// The next whole event; comments and keep-alives are passed over.
    fn event(&mut self) -> Option<StreamEvent> {
        loop {
            let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            if let Some(event) = parse(&String::from_utf8_lossy(&block)) {
                return Some(event);
            }
        }
    }
}

fn parse(block: &str) -> Option<StreamEvent> {
    let mut name = "message";
    let mut data = Vec::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value,
            "data" => data.push(value),
            _ => {}
        }
    }
    let data = serde_json::from_str(&data.join("\n")).ok()?;
    Some(StreamEvent { name: name.to_owned(), data })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_survive_any_cut() {
        let text = b": hello\n\nevent: job\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: 2\n\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for chunk in text.chunks(size) {
                parser.push(chunk);
                events.extend(std::iter::from_fn(|| parser.event()));
            }
            let expected = [("job", json!({ "a": 1 })), ("message", json!(2))];
            let expected = expected.map(|(name, data)| StreamEvent { name: name.to_owned(), data });
            assert_eq!(events, expected, "cut every {size} bytes");
        }
    }
}
