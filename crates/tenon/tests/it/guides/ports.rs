//! The ports of a guide (7070 for Tenon, 7401 to 7499 for what stands in for other systems) and the free ones that
//! are used in their place, so that guides can be followed side by side.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system hands out by itself: nobody takes one between the look and the use.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// Which port is used for which.
#[derive(Debug, Default)]
pub(super) struct Ports(BTreeMap<String, u16>);

// === impl Ports ===

impl Ports {
    /// Where Tenon listens.
    pub(super) fn tenon(&mut self) -> u16 {
        self.of("7070")
    }

    /// The text with all ports replaced.
    pub(super) fn put_into(&mut self, text: &str) -> String {
        let mut put = String::new();
        for word in words(text) {
            if is_port(word) {
                put.push_str(&self.of(word).to_string());
            } else {
                put.push_str(word);
            }
        }
        put
    }

    /// The ports that a text names, as they are here, without Tenon's.
    pub(super) fn of_others(&mut self, text: &str) -> Vec<u16> {
        words(text)
            .into_iter()
            .filter(|word| is_port(word) && *word != "7070")
            .map(|word| self.of(word))
            .collect()
    }

    fn of(&mut self, word: &str) -> u16 {
        *self.0.entry(word.to_owned()).or_insert_with(free)
    }
}

/// Whether somebody listens there.
pub(super) fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn free() -> u16 {
    let of_process = u16::try_from(std::process::id() % u32::from(COUNT)).expect("below 10,000");
    let candidates = std::iter::repeat_with(|| {
        FIRST + (of_process.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % COUNT
    });
    let mut free = candidates.filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    free.next().expect("some port is free")
}

fn is_port(word: &str) -> bool {
    word == "7070" || (word.len() == 4 && word.starts_with("74") && word != "7400")
}

/// Numbers and what is between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_same = |other: char| other.is_ascii_digit() == first.is_ascii_digit();
        let end = rest.find(|other| !is_same(other)).unwrap_or(rest.len());
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

#[test]
fn ports_are_replaced_everywhere() {
    let mut ports = Ports::default();
    let (tenon, crm) = (ports.tenon(), ports.of_others("7401")[0]);
    let put = ports.put_into("python3 crm.py 7401 & # http://127.0.0.1:7070/a, 17401, 7400");
    assert_eq!(put, format!("python3 crm.py {crm} & # http://127.0.0.1:{tenon}/a, 17401, 7400"));
}
