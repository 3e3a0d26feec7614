//! The triggers that poll the source.

use std::net::SocketAddr;

/// A trigger, and the workflow of the same name that it starts.
pub(crate) struct Poller {
    pub(crate) name: &'static str,
    /// Its cursor is the newest stamp, is asked for again, and items are known by their keys. Else the cursor is the
    /// newest number, and nothing but that keeps an item from being seen twice.
    pub(crate) is_keyed: bool,
    document: &'static str,
}

/// A webhook that wakes one of them, and does nothing else.
pub(crate) const WAKE: &str = "kind: webhook\npath: crash/wake\nmethods: [POST]\nauth: { kind: none }\n";

/// All of them.
pub(crate) const POLLERS: &[Poller] = &[
    Poller {
        name: "paged",
        is_keyed: false,
        document: r"
kind: poll
every: PT1S
call: http
with:
  method: get
  endpoint: '{{source}}paged'
  query: { since: '${ $cursor // 0 | tostring }' }
items: ${ .items }
cursor: ${ [.items[].number] | max }
more: ${ .hasMore }
emits:
  type: crash.paged
  subject: ${ .token }
  data: { token: '${ .token }' }
",
    },
    Poller {
        name: "keyed",
        is_keyed: true,
        document: r"
kind: poll
every: PT1S
call: http
with:
  method: get
  endpoint: '{{source}}keyed'
  query: { since: '${ $cursor // 0 | tostring }' }
items: ${ .items }
cursor: ${ [.items[].stamp] | max }
more: ${ .hasMore }
dedupKey: ${ .token }
wokenBy: [ crash/wake ]
emits:
  type: crash.keyed
  subject: ${ .token }
  data: { token: '${ .token }' }
",
    },
];

/// One of them by name.
pub(crate) fn poller(name: &str) -> Option<&'static Poller> {
    POLLERS.iter().find(|poller| poller.name == name)
}

// === impl Poller ===

impl Poller {
    /// What the event of an item carries, and its job.
    pub(crate) fn token(&self, number: u64) -> String {
        format!("{}-item-{number}", self.name)
    }

    /// The trigger, asking this address.
    pub(crate) fn document(&self, address: SocketAddr) -> String {
        self.document.replace("{{source}}", &format!("http://{address}/"))
    }
}
