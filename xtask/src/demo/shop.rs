//! The shop of the demo: sends each order as a webhook and, as shops do, sends again what was not answered.

use crate::http::{Connection, Request};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How many webhooks are under way at once.
const SENDERS: usize = 8;
/// One order in this many is delivered twice.
const REPEAT_EVERY: u32 = 20;
/// How many deliveries later its repeat comes.
const REPEAT_AFTER: u32 = 10;
/// How many customers the shop has.
const CUSTOMERS: u32 = 100;
/// How long an answer may take before the shop sends again.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the shop waits before it sends again.
const PAUSE: Duration = Duration::from_millis(50);
/// After so many tries in a row the shop gives up: something else is wrong.
const MAX_TRIES: u32 = 1_000;

/// One webhook of the shop and how it was answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// `A-0001`
    pub(crate) order: String,
    /// The event Tenon stored for it.
    pub(crate) event: String,
    /// Tenon had it already.
    pub(crate) duplicate: bool,
    /// How often it was sent until it was answered.
    pub(crate) tries: u32,
}

/// A shop that is sending.
pub(crate) struct Shop {
    shared: Arc<Shared>,
    senders: Vec<JoinHandle<Result<()>>>,
}

struct Shared {
    address: SocketAddr,
    plan: Vec<u32>,
    next: AtomicUsize,
    answered: Mutex<Vec<Delivery>>,
}

/// The numbers of the orders in the sequence they are sent, repeats included.
pub(crate) fn plan(orders: u32) -> Vec<u32> {
    let mut plan = Vec::new();
    for number in 0..orders {
        plan.push(number);
        if number >= REPEAT_AFTER && (number - REPEAT_AFTER).is_multiple_of(REPEAT_EVERY) {
            plan.push(number - REPEAT_AFTER);
        }
    }
    plan
}

/// An order as the shop writes it.
fn order(number: u32) -> Value {
    // Not `number % CUSTOMERS`: the orders that fail would all be those of ten customers.
    let customer = (number + number / 10) % CUSTOMERS;
    let quantity = number % 7 + 1;
    let price = 40 + number % 211;
    json!({
        "id": id(number),
        "customer": { "id": format!("C-{customer:03}"), "email": format!("customer{customer}@example.com") },
        "lines": [{ "sku": format!("S-{:03}", number % 300), "quantity": quantity, "price": price }],
        "total": quantity * price,
        "currency": "EUR",
    })
}

fn id(number: u32) -> String {
    format!("A-{number:04}")
}

impl Shop {
    /// Starts to send.
    pub(crate) fn open(address: SocketAddr, plan: Vec<u32>) -> Self {
        let shared = Shared { address, plan, next: AtomicUsize::new(0), answered: Mutex::default() };
        let shared = Arc::new(shared);
        let senders = (0..SENDERS)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.send_all())
            })
            .collect();
        Self { shared, senders }
    }

    /// How many deliveries there are.
    pub(crate) fn len(&self) -> usize {
        self.shared.plan.len()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.answered.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.senders.iter().all(JoinHandle::is_finished)
    }

    /// Every delivery with its answer, once all are answered.
    pub(crate) fn close(self) -> Result<Vec<Delivery>> {
        for sender in self.senders {
            sender.join().map_err(|_| anyhow::anyhow!("a sender of the shop panicked"))??;
        }
        let mut answered = self.shared.answered.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut answered))
    }
}

impl Shared {
    fn send_all(&self) -> Result<()> {
        let mut connection = Connection::new(self.address, TIMEOUT);
        while let Some(&number) = self.plan.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let delivery = deliver(&mut connection, number)?;
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
        }
        Ok(())
    }
}

/// Sends one order until it is answered. Nothing but 202 counts as an answer; refusals that sending again
/// cannot mend are errors.
fn deliver(connection: &mut Connection, number: u32) -> Result<Delivery> {
    let body = order(number).to_string();
    let delivery = format!("delivery-{number}");
    let headers = [("Content-Type", "application/json"), ("X-Delivery", delivery.as_str())];
    let request = Request {
        method: "POST",
        target: "/hooks/default/shop/orders",
        headers: &headers,
        body: body.as_bytes(),
    };
    for tries in 1..=MAX_TRIES {
        let Ok(answer) = connection.send(&request) else {
            std::thread::sleep(PAUSE);
            continue;
        };
        match answer.status()? {
            202 => return acknowledged(number, tries, &answer.body),
            429 | 503 | 507 => std::thread::sleep(PAUSE),
            status => bail!("the webhook answered {status}: {}", String::from_utf8_lossy(&answer.body)),
        }
    }
    bail!("{} was not answered in {MAX_TRIES} tries", id(number))
}

fn acknowledged(number: u32, tries: u32, body: &[u8]) -> Result<Delivery> {
    let answer: Value = serde_json::from_slice(body).context("the webhook's answer is not JSON")?;
    let event = answer["event"].as_str().context("the webhook's answer has no event")?.to_owned();
    let duplicate = answer["duplicate"].as_bool().unwrap_or(false);
    Ok(Delivery { order: id(number), event, duplicate, tries })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_thousand_orders_have_fifty_repeats_after_their_originals() {
        let plan = plan(1000);
        assert_eq!(plan.len(), 1050);
        let mut seen = HashMap::new();
        for number in &plan {
            *seen.entry(number).or_insert(0) += 1;
        }
        assert_eq!((seen.len(), seen.values().filter(|&&count| count == 2).count()), (1000, 50));
    }

    #[test]
    fn some_orders_are_big_and_most_are_not() {
        let big = (0..1000).filter(|&number| order(number)["total"].as_u64().unwrap() > 1000).count();
        assert!((50..400).contains(&big), "{big}");
    }
}
