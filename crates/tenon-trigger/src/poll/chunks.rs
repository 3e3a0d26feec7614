//! An answer, cut into what goes into one transaction each. Pure.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::page::Item;

/// Events that are captured in one transaction.
const CHUNK_EVENTS: usize = 500;
/// Bytes of them: what the store's writer takes into one batch.
const CHUNK_BYTES: usize = 4 << 20;

/// Items that are still to be captured.
pub(super) struct Chunks(Peekable<IntoIter<Item>>);

// === impl Chunks ===

impl Chunks {
    pub(super) fn of(items: Vec<Item>) -> Self {
        Self(items.into_iter().peekable())
    }

    /// As many as go into one transaction: at least one, if there is one.
    pub(super) fn next_chunk(&mut self) -> Vec<Item> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(item) = self.0.next_if(|item| {
            chunk.is_empty() || (chunk.len() < CHUNK_EVENTS && bytes + item.size <= CHUNK_BYTES)
        }) {
            bytes += item.size;
            chunk.push(item);
        }
        chunk
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.0.peek().is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenon_capture::trigger::Trigger;

    use super::super::page::{Asked, Page};
    use super::*;

    /// How many events go into each transaction.
    #[track_caller]
    fn check(emits: &str, items: usize, expected: &[usize]) {
        let source = format!(
            "kind: poll\nevery: PT1M\ncall: http\nwith: {{ method: get, endpoint: http://localhost/ }}\n{emits}"
        );
        let Ok(Trigger::Poll(poll)) = Trigger::parse(&source) else { panic!("{source} is refused") };
        let asked = Asked { poll: &poll, name: "t", cursor: &json!(null), polls: 0, now: 0.0 };
        let answer = (0..items).map(|number| json!({ "n": number })).collect();
        let mut chunks = Chunks::of(Page::read(&asked, &answer).expect("it is read").items);
        let mut sizes = Vec::new();
        while !chunks.is_empty() {
            sizes.push(chunks.next_chunk().len());
        }
        assert_eq!(sizes, expected, "{emits}");
    }

    #[test]
    fn a_transaction_is_bounded_in_events_and_bytes() {
        check("", 0, &[]);
        check("", 1_001, &[500, 500, 1]);
        check("emits: { data: '${ \"x\" * 1000000 }' }", 9, &[4, 4, 1]);
        check("emits: { data: '${ \"x\" * 5000000 }' }", 2, &[1, 1]);
        // Not only data have bytes.
        let long = "'${ \"x\" * 4096 }'";
        check(
            &format!("emits: {{ type: {long}, source: {long}, subject: {long}, data: 1 }}"),
            500,
            &[340, 160],
        );
    }
}
