//! HTTP/1.1 as bytes: where a message ends, and nothing more.
//!
//! The load generator shares two cores with what it measures, so the parser looks at a head once and copies
//! nothing. It understands what Tenon and the programs of this crate send: a head, then a body of a stated
//! length or in chunks. A body that ends with the connection is refused.

use std::fmt;

/// A head must end within this many bytes.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Why bytes are not a message that we read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// The head of a message and how its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes of start line, headers and the empty line.
    pub(crate) head: usize,
    pub(crate) body: Body,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Bytes(usize),
    Chunked,
}

impl Frame {
    /// Bytes of the whole message, if they are all in `buffer`.
    pub(crate) fn whole(&self, buffer: &[u8]) -> Result<Option<usize>, Malformed> {
        match self.body {
            Body::Bytes(length) => Ok(Some(self.head + length).filter(|&end| end <= buffer.len())),
            Body::Chunked => {
                let body = buffer.get(self.head..).unwrap_or_default();
                Ok(chunks(body, |_| {})?.map(|length| self.head + length))
            }
        }
    }

    /// The body's content. `buffer` holds the whole message.
    pub(crate) fn content(&self, buffer: &[u8]) -> Result<Vec<u8>, Malformed> {
        match self.body {
            Body::Bytes(length) => Ok(buffer[self.head..self.head + length].to_vec()),
            Body::Chunked => {
                let mut content = Vec::new();
                chunks(&buffer[self.head..], |chunk| content.extend_from_slice(chunk))?;
                Ok(content)
            }
        }
    }
}

/// Finds the head at the start of `buffer`; `None` while it is not complete.
pub(crate) fn frame(buffer: &[u8]) -> Result<Option<Frame>, Malformed> {
    let Some(head) = find(buffer, b"\r\n\r\n").map(|at| at + 4) else {
        let limit =
            if buffer.len() > MAX_HEAD_BYTES { Err(Malformed("a head without end")) } else { Ok(None) };
        return limit;
    };
    let mut body = Body::Bytes(0);
    for (name, value) in headers(&buffer[..head]) {
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
            body = Body::Bytes(length.ok_or(Malformed("a content-length that is not a number"))?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            body = Body::Chunked;
            break;
        }
    }
    Ok(Some(Frame { head, body }))
}

/// The header lines of a head: name and value, without the line's end and spaces around the value.
pub(crate) fn headers(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|&byte| byte == b'\n').skip(1).filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// The status of a response's head.
pub(crate) fn status(head: &[u8]) -> Result<u16, Malformed> {
    let digits = head.get(9..12).filter(|_| head.starts_with(b"HTTP/1."));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or(Malformed("not an HTTP/1.1 status line"))
}

/// Method and target of a request's head.
pub(crate) fn request_line(head: &[u8]) -> Result<(&str, &str), Malformed> {
    const WRONG: Malformed = Malformed("not an HTTP/1.1 request line");
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = std::str::from_utf8(line).map_err(|_| WRONG)?.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some(_)) => Ok((method, target)),
        _ => Err(WRONG),
    }
}

/// Walks a chunked body and gives its length with the last chunk; `None` while it is not complete.
fn chunks(body: &[u8], mut each: impl FnMut(&[u8])) -> Result<Option<usize>, Malformed> {
    const WRONG: Malformed = Malformed("a chunk without a size");
    let mut at = 0;
    loop {
        let Some(line) = find(&body[at..], b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&body[at..at + line]).map_err(|_| WRONG)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| WRONG)?;
        let start = at + line + 2;
        let Some(chunk) = body.get(start..start + size + 2) else { return Ok(None) };
        at = start + size + 2;
        if size == 0 {
            return Ok(Some(at));
        }
        each(&chunk[..size]);
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let bytes = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1";
        let frame = frame(bytes).unwrap().unwrap();
        assert_eq!(frame.body, Body::Bytes(5));
        assert_eq!(frame.whole(bytes), Ok(Some(bytes.len() - 8)));
        assert_eq!(frame.content(bytes).unwrap(), b"hello");
        assert_eq!(status(bytes), Ok(202));
        assert_eq!(frame.whole(&bytes[..46]), Ok(None));
    }

    #[test]
    fn chunks_are_put_together() {
        let bytes =
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n";
        let frame = frame(bytes).unwrap().unwrap();
        assert_eq!(frame.whole(bytes), Ok(Some(bytes.len())));
        assert_eq!(frame.content(bytes).unwrap(), b"abcde");
        for end in frame.head..bytes.len() {
            assert_eq!(frame.whole(&bytes[..end]), Ok(None), "cut at {end}");
        }
    }

    #[test]
    fn a_request_line_and_its_headers_are_read() {
        let head = b"POST /orders HTTP/1.1\r\nHost: a:1\r\nIdempotency-Key:  k1 \r\n\r\n";
        assert_eq!(request_line(head), Ok(("POST", "/orders")));
        let pairs: Vec<_> = headers(head).collect();
        assert_eq!(pairs, [(b"Host".as_slice(), b"a:1".as_slice()), (b"Idempotency-Key", b"k1")]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(frame(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").is_err());
        assert_eq!(frame(b"HTTP/1.1 200 OK\r\n"), Ok(None));
        assert!(frame(&vec![b'a'; MAX_HEAD_BYTES + 1]).is_err());
        assert!(status(b"hello, this is not HTTP").is_err());
        assert!(request_line(b"GET\r\n\r\n").is_err());
    }
}
