//! One run: sink, Tenon and producers up, kills, faults stop, the backlog drains, everything is read, checked.

use super::checker::{self, Evidence, Violation};
use super::flows::FLOWS;
use super::history;
use super::log::{Log, Pen, read};
use super::nemesis::{Nemesis, Plan};
use super::producer::{Producer, Setting};
use super::pulse::Pulse;
use super::random::Random;
use super::record::{Fault, Produced, RunClock, Sunk};
use super::sink::Sink;
use super::trap::Trap;
use crate::progress::Progress;
use crate::server::{Place, Server};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// How long Tenon lets a call take; the sink hangs for longer.
pub(crate) const CALL_TIMEOUT: &str = "1s";
/// Producers of all kinds of events, and of ordered ones.
const MIXED: u64 = 6;
const ORDERED: u64 = 2;
/// Load goes on for a moment after the last kill.
const LAST_LOAD: Duration = Duration::from_millis(500);
/// How often the open jobs are counted.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const OPEN_JOBS: &str = "/api/v1/jobs?state=pending,running,waiting,suspended&limit=500";

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Campaign {
    pub(crate) binary: PathBuf,
    /// Everything of the run is below it, and what was there before is removed.
    pub(crate) directory: PathBuf,
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    /// Milliseconds between two sendings of a producer, at most.
    pub(crate) pause_ms: u64,
    /// How long the backlog may take to drain.
    pub(crate) drain: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) evidence: Evidence,
    pub(crate) violations: Vec<Violation>,
    pub(crate) took: Duration,
}

/// The logs that are written while it runs.
struct Logs {
    produced: Log<Produced>,
    sunk: Log<Sunk>,
    faults: Log<Fault>,
}

impl Campaign {
    pub(crate) fn run(&self) -> Result<Outcome> {
        let clock = RunClock::start();
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory)?;
        }
        fs::create_dir_all(&self.directory)?;
        let logs = Logs::create(&self.directory)?;
        let random = Random::new(self.seed);
        let trap = Arc::new(Trap::new(clock));
        let sink = Sink::start(logs.sunk.pen(), clock, Arc::clone(&trap), random.fork(1))?;
        let _pulse = Pulse::start(&self.directory, logs.faults.pen(), clock)?;
        let server = self.first_start(&logs.faults.pen(), clock)?;
        deploy(&server, &sink)?;

        let stop = Arc::new(AtomicBool::new(false));
        let setting = Setting {
            address: server.address(),
            authorization: format!("Bearer {}", server.key()),
            pen: logs.produced.pen(),
            clock,
            trap: Arc::clone(&trap),
            stop: Arc::clone(&stop),
            pause_ms: self.pause_ms,
        };
        let producers = produce(&setting, &random);
        let progress = Progress::new("kill -9", self.plan.kills.into());
        let pen = logs.faults.pen();
        let mut nemesis = Nemesis { plan: self.plan.clone(), trap, clock, pen, random: random.fork(2) };
        let survivor = nemesis.run(server, &progress);
        progress.finish();
        sleep(LAST_LOAD);
        stop.store(true, Ordering::Relaxed);
        for producer in producers {
            producer.join().expect("a producer does not panic");
        }
        let server = survivor?;

        self.drain(&server, &logs.faults.pen(), clock)?;
        let history = history::fetch(&server, self.directory.join("history.jsonl"))?;
        let evidence = Evidence { history, ..logs.evidence()? };
        server.stop()?;
        let violations = checker::check(&evidence);
        Ok(Outcome { evidence, violations, took: clock.elapsed() })
    }

    fn first_start(&self, faults: &Pen<Fault>, clock: RunClock) -> Result<Server> {
        let place = Place::new(self.binary.clone(), self.directory.join("tenon"))?;
        let settings = format!("[outbound]\ntimeout = \"{CALL_TIMEOUT}\"\n");
        fs::write(self.directory.join("tenon/config/tenon/config.toml"), settings)?;
        faults.write(Fault::Launched { at: clock.now() });
        let server = place.start()?;
        faults.write(Fault::Ready { at: clock.now() });
        Ok(server)
    }

    /// Waits until no job is open, or for as long as it may take.
    fn drain(&self, server: &Server, faults: &Pen<Fault>, clock: RunClock) -> Result<()> {
        let mut api = server.api();
        let begun = clock.now();
        loop {
            let answer = api.get(OPEN_JOBS)?;
            let open = answer["items"].as_array().context("the list of jobs has no items")?.len() as u64;
            let took_us = clock.now() - begun;
            if open == 0 || Duration::from_micros(took_us.cast_unsigned()) > self.drain {
                faults.write(Fault::Drained { at: clock.now(), took_us, open });
                return Ok(());
            }
            sleep(LOOK_EVERY);
        }
    }
}

impl Logs {
    fn create(directory: &Path) -> Result<Self> {
        Ok(Self {
            produced: Log::create(directory.join("producers.jsonl"))?,
            sunk: Log::create(directory.join("sink.jsonl"))?,
            faults: Log::create(directory.join("nemesis.jsonl"))?,
        })
    }

    /// What was written, read back from the files.
    fn evidence(self) -> Result<Evidence> {
        Ok(Evidence {
            produced: read(&self.produced.finish()?)?,
            sunk: read(&self.sunk.finish()?)?,
            faults: read(&self.faults.finish()?)?,
            ..Evidence::default()
        })
    }
}

fn deploy(server: &Server, sink: &Sink) -> Result<()> {
    let mut api = server.api();
    let steady = format!("http://{}/", sink.steady);
    let flaky = format!("http://{}/", sink.flaky);
    for flow in FLOWS {
        let path = format!("/api/v1/workflows/{}/{}", super::flows::NAMESPACE, flow.name);
        api.put(&path, &flow.document(&steady, &flaky))?;
        if !flow.started_by.is_empty() {
            api.put(&format!("/api/v1/triggers/crash-{}", flow.name), &flow.trigger())?;
        }
    }
    Ok(())
}

fn produce(setting: &Setting, random: &Random) -> Vec<std::thread::JoinHandle<()>> {
    let mixed = (0..MIXED).map(|number| {
        Producer::mixed(&format!("mixed{number}"), setting.clone(), random.fork(100 + number)).start()
    });
    let ordered = (0..ORDERED).map(|number| {
        Producer::ordered(&format!("ordered{number}"), setting.clone(), random.fork(200 + number)).start()
    });
    mixed.chain(ordered).collect()
}
