//! A small gRPC service for scenarios and the guide: `greeter.Greeter` at `greeter.example`.
//!
//! Two messages of one text each, so the wire format is written by hand: field 1, length-delimited.

use bytes::{BufMut, Bytes, BytesMut};

/// Where its description is.
pub(super) const PROTO: (&str, &str) = (
    "https://greeter.example/greeter.proto",
    "syntax = \"proto3\";
package greeter;

// Greets people.
service Greeter {
  rpc SayHello (HelloRequest) returns (HelloReply);
  rpc SayHelloOften (HelloRequest) returns (stream HelloReply);
}

message HelloRequest { string name = 1; }
message HelloReply { string message = 1; }
",
);

/// `NOT_FOUND` of gRPC.
const NOT_FOUND: u32 = 5;
/// `UNIMPLEMENTED` of gRPC.
const UNIMPLEMENTED: u32 = 12;

/// What a call of a method comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Framed messages.
    pub(super) messages: Bytes,
    /// `grpc-status`.
    pub(super) status: u32,
    /// `grpc-message`.
    pub(super) message: &'static str,
}

/// Answers `/greeter.Greeter/<method>`. Nobody is called `nobody`.
pub(super) fn reply(path: &str, body: &[u8]) -> Reply {
    let name = body.get(5..).and_then(text).unwrap_or_default();
    let failed = |status, message| Reply { messages: Bytes::new(), status, message };
    let greeted = |messages| Reply { messages, status: 0, message: "" };
    match path.rsplit('/').next() {
        Some("SayHello" | "SayHelloOften") if name == "nobody" => failed(NOT_FOUND, "nobody is not here"),
        Some("SayHello") => greeted(framed(&[format!("Hello {name}")])),
        Some("SayHelloOften") => greeted(framed(&[1, 2, 3].map(|number| format!("Hello {name} {number}")))),
        _ => failed(UNIMPLEMENTED, "no such method"),
    }
}

/// Field 1 of a message, if it is a text of less than 128 bytes.
fn text(message: &[u8]) -> Option<String> {
    let (&[tag, length], rest) = message.split_first_chunk::<2>()?;
    let text = rest.get(..usize::from(length)).filter(|_| tag == 0x0a && length < 0x80)?;
    String::from_utf8(text.to_vec()).ok()
}

fn framed(texts: &[String]) -> Bytes {
    let mut bytes = BytesMut::new();
    for text in texts {
        let length = u8::try_from(text.len()).expect("greetings are short");
        bytes.put_u8(0);
        bytes.put_u32(u32::from(length) + 2);
        bytes.put_slice(&[0x0a, length]);
        bytes.put_slice(text.as_bytes());
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_framed_and_nobody_is_not_found() {
        let asked = |name: &str| framed(&[name.to_owned()]);
        let reply_to = |method: &str, name: &str| reply(&format!("/greeter.Greeter/{method}"), &asked(name));
        let hello = reply_to("SayHello", "Ada");
        assert_eq!((hello.status, &hello.messages[5..]), (0, &b"\x0a\x09Hello Ada"[..]));
        assert_eq!(reply_to("SayHelloOften", "Ada").messages.len(), 3 * (5 + 2 + 11));
        assert_eq!(reply_to("SayHello", "nobody").status, NOT_FOUND);
        assert_eq!(reply_to("Shout", "Ada").status, UNIMPLEMENTED);
    }
}
