//! A fresh server with what one workload deploys on it, and rounds of load against it.

use super::callee::Callee;
use super::documents::{self, BODY, NAMESPACE};
use super::{Arguments, Bench};
use crate::api::{Api, metric};
use crate::server::{Place, Server};
use crate::{clock, load, process};
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How often the server's counters are read while a load runs.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// A running server of the bench. Its directory is removed with it.
pub(super) struct Stage {
    pub(super) server: Server,
    directory: Directory,
}

/// Removed when dropped: 100,000 jobs are not left lying about.
struct Directory(PathBuf);

/// One measured round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Round {
    pub(super) load: load::Summary,
    /// Processor cores the server used on average, warm-up included.
    pub(super) server_cores: f64,
    /// What the server's own counters said meanwhile, one sample every half second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) samples: Vec<Sample>,
}

/// The server's counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Sample {
    /// Seconds since the load began.
    pub(super) at: f64,
    pub(super) captured: f64,
    pub(super) finished: f64,
}

impl Stage {
    pub(super) fn open(
        tenon: PathBuf,
        directory: PathBuf,
        settings: &[(&'static str, &str)],
    ) -> Result<Self> {
        let guard = Directory(directory.clone());
        let place = Place::new(tenon, directory)?;
        let place = settings.iter().fold(place, |place, (name, value)| place.with_setting(name, value));
        Ok(Self { server: place.start()?, directory: guard })
    }

    /// Stops and starts the server on the same data: for its start-up time and memory.
    pub(super) fn restart(self) -> Result<Self> {
        Ok(Self { server: self.server.stop()?.start()?, directory: self.directory })
    }

    /// `kill -9` and start on the same data.
    pub(super) fn kill_and_start(self) -> Result<Self> {
        Ok(Self { server: self.server.kill()?.start()?, directory: self.directory })
    }

    /// Deploys a workflow and the webhook trigger that starts it.
    pub(super) fn deploy(&self, name: &str, workflow: Option<&str>, respond: &str) -> Result<()> {
        let mut api = self.server.api();
        if let Some(document) = workflow {
            api.put(&format!("/api/v1/workflows/{NAMESPACE}/{name}"), document)?;
        }
        api.put(&format!("/api/v1/triggers/{name}"), &documents::trigger(name, respond))
    }

    /// The same in a workspace of its own, made if it is not there.
    pub(super) fn deploy_in(&self, workspace: &str, name: &str, workflow: &str, respond: &str) -> Result<()> {
        let mut api = self.server.api().in_workspace(workspace);
        self.server.api().put(&format!("/api/v1/workspaces/{workspace}"), "")?;
        api.put(&format!("/api/v1/workflows/{NAMESPACE}/{name}"), workflow)?;
        api.put(&format!("/api/v1/triggers/{name}"), &documents::trigger(name, respond))
    }

    /// A closed loop against the webhook of a trigger.
    pub(super) fn closed_loop(&self, options: &Arguments, name: &str, clients: usize) -> load::Arguments {
        load::Arguments {
            address: self.server.address(),
            target: format!("/hooks/default/bench/{name}"),
            method: "POST".into(),
            body: BODY.into(),
            header: vec!["Content-Type: application/json".into()],
            clients,
            seconds: options.seconds,
            warm_up: options.warm_up,
            rate: None,
            count: None,
        }
    }

    /// One round. More than 1 % of failures are an error: a fast refusal is not throughput.
    pub(super) fn round(&self, bench: &Bench, load: &load::Arguments) -> Result<Round> {
        let begun = clock::now();
        let before = process::processor_time(self.server.process())?;
        let summary = bench.load(load)?;
        let used = process::processor_time(self.server.process())?.saturating_sub(before);
        let server_cores = used.as_secs_f64() / begun.elapsed().as_secs_f64();
        check(&summary)?;
        Ok(Round { load: summary, server_cores, samples: Vec::new() })
    }

    /// One round during which the server's counters are read as well.
    pub(super) fn sampled_round(&self, bench: &Bench, load: &load::Arguments) -> Result<Round> {
        let mut api = self.server.api();
        let begun = clock::now();
        let before = process::processor_time(self.server.process())?;
        let mut child = bench.spawn_load(load)?;
        let mut samples = Vec::new();
        while child.try_wait()?.is_none() {
            samples.push(sample(&mut api, begun.elapsed().as_secs_f64())?);
            std::thread::sleep(SAMPLE_EVERY);
        }
        let used = process::processor_time(self.server.process())?.saturating_sub(before);
        let server_cores = used.as_secs_f64() / begun.elapsed().as_secs_f64();
        let output = child.wait_with_output()?;
        anyhow::ensure!(output.status.success(), "the load generator failed ({})", output.status);
        let summary: load::Summary =
            serde_json::from_slice(&output.stdout).context("the load generator's answer")?;
        check(&summary)?;
        Ok(Round { load: summary, server_cores, samples })
    }

    /// All rounds of one load.
    pub(super) fn rounds(&self, bench: &Bench, load: &load::Arguments) -> Result<Vec<Round>> {
        let label = load.rate.map_or_else(
            || format!("{} clients", load.clients),
            |rate| format!("{rate:.0}/s over {} connections", load.clients),
        );
        let mut rounds = Vec::new();
        for _ in 0..bench.options.rounds {
            let round = self.round(bench, load)?;
            let (rate, latency) = (round.load.per_second, round.load.latency_us);
            let (p50, p99) = (latency.p50 / 1_000.0, latency.p99 / 1_000.0);
            let cores = round.server_cores;
            eprintln!("{label}: {rate:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms, server on {cores:.2} cores");
            rounds.push(round);
        }
        Ok(rounds)
    }

    /// Waits until every job that was started has ended or waits.
    pub(super) fn settle(&self, limit: Duration) -> Result<()> {
        let mut api = self.server.api();
        let deadline = clock::Deadline::after(limit);
        loop {
            let open = api.get("/api/v1/jobs?state=pending,running&limit=1")?;
            if open["items"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
            anyhow::ensure!(!deadline.passed(), "jobs are still running {limit:?} after the load");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the echo for a workload.
pub(super) fn callee(bench: &Bench) -> Result<Callee> {
    Callee::start(&bench.xtask)
}

fn sample(api: &mut Api, at: f64) -> Result<Sample> {
    let text = api.text("/metrics")?;
    let read = |name: &str| metric(&text, name).unwrap_or(0.0);
    Ok(Sample {
        at,
        captured: read("tenon_events_captured_total"),
        finished: read("tenon_jobs_finished_total"),
    })
}

fn check(summary: &load::Summary) -> Result<()> {
    let failures = summary.failures();
    let answers = summary.requests.max(1);
    anyhow::ensure!(
        failures * 100 <= answers,
        "{failures} failures beside {answers} successes: {:?}, {} broken connections, {} unfinished",
        summary.statuses,
        summary.broken,
        summary.unfinished
    );
    Ok(())
}
