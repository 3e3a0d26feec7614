//! `xtask load`: the load generator, a process of its own beside the server that is measured.
//!
//! One thread, one prepared request, one look at each answer's head. Closed loop (each client sends when it
//! has its answer) or open loop (requests are due at a constant rate, and latency counts from when each was
//! due, so that a stalled server cannot hide its stall by keeping the generator waiting).

mod generator;
mod summary;

pub(crate) use summary::Summary;

use crate::http::{self, Request};
use anyhow::{Context, Result};
use clap::Args;
use generator::{Generator, Pace, Plan};
use std::net::SocketAddr;
use std::time::Duration;

/// What is sent, how often, and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Where to send
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// Path and query
    #[arg(long)]
    pub(crate) target: String,
    #[arg(long, default_value = "POST")]
    pub(crate) method: String,
    /// The body, sent as it is
    #[arg(long, default_value = "{}")]
    pub(crate) body: String,
    /// `name: value`; may be repeated
    #[arg(long)]
    pub(crate) header: Vec<String>,
    /// Connections
    #[arg(long, default_value_t = 1)]
    pub(crate) clients: usize,
    /// Measured time
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Time before it, which is dropped
    #[arg(long, default_value_t = 0.0)]
    pub(crate) warm_up: f64,
    /// Open loop: requests due a second
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Instead of a time: end after this many successes
    #[arg(long, conflicts_with = "rate")]
    pub(crate) count: Option<u64>,
}

/// Runs the load and prints its [`Summary`] as JSON.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let summary = Generator::connect(plan(arguments)?)?.run()?;
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

impl Arguments {
    /// The same as words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec!["load".to_owned()];
        let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        add("address", self.address.to_string());
        add("target", self.target.clone());
        add("method", self.method.clone());
        add("body", self.body.clone());
        for header in &self.header {
            add("header", header.clone());
        }
        add("clients", self.clients.to_string());
        add("seconds", self.seconds.to_string());
        add("warm-up", self.warm_up.to_string());
        if let Some(rate) = self.rate {
            add("rate", rate.to_string());
        }
        if let Some(count) = self.count {
            add("count", count.to_string());
        }
        words
    }
}

fn plan(arguments: &Arguments) -> Result<Plan> {
    anyhow::ensure!(arguments.clients > 0, "at least one client is needed");
    let mut headers = Vec::new();
    for header in &arguments.header {
        let (name, value) = header.split_once(':').with_context(|| format!("not `name: value`: {header}"))?;
        headers.push((name.trim(), value.trim()));
    }
    let request = Request {
        method: &arguments.method,
        target: &arguments.target,
        headers: &headers,
        body: arguments.body.as_bytes(),
    };
    let pace = match (arguments.count, arguments.rate) {
        (Some(count), _) => Pace::Count(count),
        (None, Some(per_second)) => Pace::Constant { per_second },
        (None, None) => Pace::Closed,
    };
    Ok(Plan {
        address: arguments.address,
        request: http::encode(arguments.address, &request),
        clients: arguments.clients,
        pace,
        warm_up: Duration::from_secs_f64(arguments.warm_up),
        measured: Duration::from_secs_f64(arguments.seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(address: SocketAddr, more: &[&str]) -> Arguments {
        let address = address.to_string();
        let words =
            ["load", "--address", &address, "--target", "/x", "--header", "content-type: application/json"];
        Line::parse_from(words.iter().chain(more)).arguments
    }

    fn measure(more: &[&str]) -> (Summary, u64) {
        let echo = crate::echo::in_thread();
        let arguments = arguments(echo.address, more);
        let summary = Generator::connect(plan(&arguments).unwrap()).unwrap().run().unwrap();
        (summary, echo.answered())
    }

    #[test]
    fn the_words_of_a_command_line_mean_the_same_again() {
        let address = "127.0.0.1:80".parse().unwrap();
        let first = arguments(address, &["--rate", "7.5", "--clients", "3", "--header", "a: b"]);
        let again = Line::parse_from(first.words()).arguments;
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
    }

    #[test]
    fn a_count_sends_exactly_that_many() {
        let (summary, answered) = measure(&["--count", "500", "--clients", "7"]);
        assert_eq!((summary.requests, answered), (500, 500));
        assert_eq!(summary.statuses.get("200"), Some(&500));
        assert!(summary.latency_us.p50 > 0.0 && summary.latency_us.p50 <= summary.latency_us.max);
    }

    #[test]
    fn a_closed_loop_drops_its_warm_up() {
        let (summary, answered) = measure(&["--clients", "4", "--seconds", "0.2", "--warm-up", "0.1"]);
        assert!(summary.requests > 0 && summary.requests < answered, "{} of {answered}", summary.requests);
        assert_eq!(summary.broken, 0);
    }

    #[test]
    fn an_open_loop_keeps_its_rate() {
        let (summary, answered) = measure(&["--clients", "4", "--seconds", "0.5", "--rate", "1000"]);
        assert_eq!(answered, 500);
        assert_eq!(summary.counted, 500);
        assert_eq!(summary.unfinished, 0);
    }
}
