//! `cargo xtask demo`: a shop sends orders, Tenon books them in a CRM and is killed half-way; then it is
//! counted, from outside, whether anything was lost or done twice.
//!
//! This file is the story; the systems in it are in `shop` and `crm`, the arithmetic in `report`.

pub(crate) mod crm;
mod example;
mod report;
mod shop;

use crate::clock::{self, Deadline};
use crate::progress::Progress;
use crate::repository;
use crate::server::{Place, Server};
use anyhow::{Context, Result, bail};
use clap::Args;
use crm::Crm;
use report::{Facts, Job};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The workflow of `examples/orders`.
const WORKFLOW: &str = "acme/order-to-crm";
/// How long jobs may take to end once everything was sent.
const DRAIN_LIMIT: Duration = Duration::from_mins(3);
/// How often the open jobs are counted.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave Tenon and the CRM running at the end
    #[arg(long)]
    keep: bool,
    /// How many orders the shop has; one in twenty is sent twice
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    orders: u32,
    /// Use this tenon instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Plays the demo; an error when an order was lost or booked twice.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let binary = binary(arguments)?;
    let directory = tempfile::Builder::new().prefix("tenon-demo-").tempdir()?;
    let server = Place::new(binary, directory.path().to_owned())?.start()?;
    let (address, took) = (server.address(), server.started_in.as_millis());
    eprintln!("tenon is up on http://{address} after {took} ms, data in {}", server.place().data().display());

    let crm = Crm::start(example::CRM_ADDRESS)?;
    let project = example::prepare(crm.address(), directory.path())?;
    apply(&server, &project)?;

    let (server, deliveries, sending) = send(server, arguments.orders)?;
    let draining = clock::now();
    drain(&server)?;
    let facts = Facts {
        orders: arguments.orders,
        deliveries,
        jobs: jobs(&server)?,
        crm: crm.books(),
        sending,
        finishing: sending + draining.elapsed(),
    };
    let report = facts.report();
    println!("\n{}", report.table());
    if let Some(job) = &report.example {
        show_trace(&server, job)?;
    }
    if arguments.keep {
        keep(server, crm, directory.keep())?;
    }
    report.verdict()
}

fn binary(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(binary) = &arguments.binary {
        return Ok(std::path::absolute(binary)?);
    }
    eprintln!("building tenon (release); the first time takes some minutes …");
    repository::build_release(&["tenon"])?;
    Ok(repository::release_binary("tenon"))
}

/// `tenon apply`, as a person would.
fn apply(server: &Server, project: &Path) -> Result<()> {
    eprintln!("tenon apply {}", project.display());
    repository::run(server.command_line().arg("apply").arg(project).stdin(Stdio::null()))
}

/// The shop sends everything while Tenon is killed and started again half-way.
fn send(server: Server, orders: u32) -> Result<(Server, Vec<shop::Delivery>, Duration)> {
    let plan = shop::plan(orders);
    let progress = Progress::new("orders sent", plan.len() as u64);
    let begun = clock::now();
    let running = shop::Shop::open(server.address(), plan);
    let half = running.len() / 2;
    while running.acknowledged() < half && !running.is_done() {
        progress.set(running.acknowledged() as u64);
        std::thread::sleep(Duration::from_millis(1));
    }
    let place = server.kill()?;
    progress.say(&format!("kill -9 after {} answers; starting again …", running.acknowledged()));
    let server = place.start().context("tenon did not come back after kill -9")?;
    progress.say(&format!("tenon serves again after {} ms", server.started_in.as_millis()));
    while !running.is_done() {
        progress.set(running.acknowledged() as u64);
        std::thread::sleep(Duration::from_millis(20));
    }
    let deliveries = running.close()?;
    progress.set(deliveries.len() as u64);
    progress.finish();
    Ok((server, deliveries, begun.elapsed()))
}

/// Waits until no job is open.
fn drain(server: &Server) -> Result<()> {
    let mut api = server.api();
    let open = format!("/api/v1/jobs?workflow={WORKFLOW}&state=pending,running,waiting");
    let deadline = Deadline::after(DRAIN_LIMIT);
    let mut left = api.list(&open)?.len();
    let all = left;
    let progress = Progress::new("jobs finishing", all as u64);
    while left > 0 {
        if deadline.passed() {
            bail!(
                "{left} jobs are still open after {DRAIN_LIMIT:?}; log: {}",
                server.place().log().display()
            );
        }
        progress.set(all.saturating_sub(left) as u64);
        std::thread::sleep(LOOK_EVERY);
        left = api.list(&open)?.len();
    }
    progress.set(all as u64);
    progress.finish();
    Ok(())
}

fn jobs(server: &Server) -> Result<Vec<Job>> {
    let items = server.api().list(&format!("/api/v1/jobs?workflow={WORKFLOW}"))?;
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    items
        .iter()
        .map(|item| {
            Ok(Job {
                id: text(item, "id").context("a job without id")?,
                event: text(item, "event").context("a job without event")?,
                state: text(item, "state").context("a job without state")?,
            })
        })
        .collect()
}

fn show_trace(server: &Server, job: &str) -> Result<()> {
    println!("\nOne order that the CRM refused at first. Every step of it, after the fact:\n");
    println!("  {}\n", shown_command(server, &format!("job trace {job}")));
    let trace = repository::output(server.command_line().args(["job", "trace", job]))?;
    println!("{trace}");
    Ok(())
}

/// A `tenon` command for this server, to be typed.
fn shown_command(server: &Server, words: &str) -> String {
    let binary = server.place().binary();
    let binary = binary.strip_prefix(repository::root()).unwrap_or(binary);
    format!("{} --data-dir {} {words}", binary.display(), server.place().data().display())
}

/// Hands the CRM over to a process of its own and leaves both running.
fn keep(server: Server, crm: Crm, directory: PathBuf) -> Result<()> {
    let address = crm.address();
    crm.close();
    let crm = Command::new(std::env::current_exe()?)
        .args(["crm", "--listen", &address.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("could not start the CRM in a process of its own")?;
    println!("Tenon is still running on http://{}, the CRM on http://{address}. Try:\n", server.address());
    println!("  {}", shown_command(&server, "job list"));
    println!("  {}\n", shown_command(&server, "job watch"));
    println!("Stop both, and remove what the demo wrote:\n");
    println!("  kill {} {} && rm -r {}\n", server.process(), crm.id(), directory.display());
    server.leave_running();
    Ok(())
}
