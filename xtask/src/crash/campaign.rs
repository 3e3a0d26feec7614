//! One run: Tenon, sink and producers up, kills, faults stop, the backlog drains, everything is read, checked.

use super::checker::{self, Evidence, Violation};
use super::flows::{FLOWS, NAMESPACE};
use super::history;
use super::log::{Log, Pen, read};
use super::nemesis::{Nemesis, Plan};
use super::person::Person;
use super::poker::Poker;
use super::producer::{Producer, Setting};
use super::pulse::Pulse;
use super::random::Random;
use super::record::{Fault, Mended, Pace, Polled, Produced, Replied, Rotated, RunClock, Sunk, Surroundings};
use super::replier::{self, Replier};
use super::rotator::{Rotator, SESAME};
use super::shim::Shim;
use super::sink::Sink;
use super::small_disk::SmallDisk;
use super::source::{POLLERS, Source, WAKE};
use super::timetable::{OWN, Starts, TIMETABLE, at_pace, is_timed};
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

/// How long Tenon lets a call take; the sink hangs for longer, the nemesis stops Tenon for less.
pub(crate) const CALL_TIMEOUT: &str = "4s";
/// Room for a short run beside what Tenon keeps free.
const SMALL_DISK_MB: u32 = 320;
/// Producers of all kinds of events, and of each ordered workflow.
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
    /// Whether Tenon's data are on a disk that is full at times.
    pub(crate) has_small_disk: bool,
    /// What makes disks slow and clocks wrong, if that can be had.
    pub(crate) shim: Option<Shim>,
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
    replied: Log<Replied>,
    rotated: Log<Rotated>,
    polled: Log<Polled>,
    mended: Log<Mended>,
    faults: Log<Fault>,
}

impl Campaign {
    pub(crate) fn run(&self) -> Result<Outcome> {
        let clock = RunClock::start();
        let small_disk = self.clean()?;
        let logs = Logs::create(&self.directory)?;
        let random = Random::new(self.seed);
        let trap = Arc::new(Trap::new(clock));
        let server = self.first_start(&logs.faults.pen(), clock)?;
        let replier = Arc::new(Replier::new(replier_setting(&server, &logs, clock, &trap, &random)));
        let (pen, own) = (logs.sunk.pen(), random.fork(1));
        let sink = Sink::start(pen, clock, Arc::clone(&trap), Arc::clone(&replier), own)?;
        let source = Source::start(logs.polled.pen(), clock, Arc::clone(&trap), random.fork(5))?;
        let _pulse = Pulse::start(&self.directory, logs.faults.pen(), clock)?;

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
        let mut load = vec![rotator(&setting, logs.rotated.pen(), random.fork(3)).start()?];
        deploy(&server, &sink, &source)?;
        let pace = if self.plan.jumps > 0 { Pace::Slow } else { Pace::Brisk };
        logs.faults.pen().write(Fault::Opened { at: clock.now(), pace });
        deploy_timed(&server, &sink, pace)?;
        let settled = Arc::new(AtomicBool::new(false));
        let poker = poker(&setting, Arc::clone(&settled), random.fork(6)).start();
        let drained = Arc::new(AtomicBool::new(false));
        let person = Person {
            api: server.api(),
            pen: logs.mended.pen(),
            clock,
            random: random.fork(7),
            stop: Arc::clone(&drained),
        };
        let person = person.start();
        load.push(source.grow(self.pause_ms, Arc::clone(&stop)));
        load.extend(produce(&setting, &random));
        let progress = Progress::new("kill -9", self.plan.kills.into());
        let pen = logs.faults.pen();
        let (plan, shim, random, small_disk) =
            (self.plan.clone(), self.shim.clone(), random.fork(2), small_disk.clone());
        let mut nemesis = Nemesis { plan, small_disk, shim, trap, clock, pen, random };
        let survivor = nemesis.run(server, &progress);
        progress.finish();
        sleep(LAST_LOAD);
        stop.store(true, Ordering::Relaxed);
        for thread in load {
            thread.join().expect("no load panics");
        }
        let server = survivor?;

        let is_settled = source.settle(self.drain);
        settled.store(true, Ordering::Relaxed);
        poker.join().expect("the poker does not panic");
        logs.faults.pen().write(Fault::Settled { at: clock.now(), is_settled });
        self.empty_queues(&server, clock)?;
        logs.faults.pen().write(Fault::Closed { at: clock.now() });
        disable_timed(&server)?;
        self.drain(&server, &logs.faults.pen(), clock)?;
        drained.store(true, Ordering::Relaxed);
        person.join().expect("the person does not panic");
        replier.finish();
        let history = history::fetch(&server, self.directory.join("history.jsonl"))?;
        server.stop()?;
        let spilled = files_with(SESAME, &self.directory.join("tenon"))?;
        let evidence = Evidence { history, spilled, ..logs.evidence()? };
        let violations = checker::check(&evidence);
        Ok(Outcome { evidence, violations, took: clock.elapsed() })
    }

    /// An empty directory. In it the small disk, if there is to be one: unmounted when it is dropped.
    fn clean(&self) -> Result<Option<Arc<SmallDisk>>> {
        let data = self.directory.join("tenon/data");
        if self.directory.exists() {
            if self.has_small_disk {
                SmallDisk::clear(&data);
            }
            fs::remove_dir_all(&self.directory)?;
        }
        fs::create_dir_all(&self.directory)?;
        let small_disk = self.has_small_disk.then(|| SmallDisk::mount(&data, SMALL_DISK_MB));
        Ok(small_disk.transpose()?.map(Arc::new))
    }

    fn first_start(&self, faults: &Pen<Fault>, clock: RunClock) -> Result<Server> {
        let place = Place::new(self.binary.clone(), self.directory.join("tenon"))?;
        let settings = format!("[outbound]\ntimeout = \"{CALL_TIMEOUT}\"\n");
        fs::write(self.directory.join("tenon/config/tenon/config.toml"), settings)?;
        faults.write(Fault::Launched { at: clock.now(), surroundings: Surroundings::default() });
        let server = place.start()?;
        faults.write(Fault::Ready { at: clock.now() });
        Ok(server)
    }

    /// What waits when a schedule is disabled would wait for ever. If it still does when the time is over, the checker
    /// finds what is lost.
    fn empty_queues(&self, server: &Server, clock: RunClock) -> Result<()> {
        let mut api = server.api();
        let begun = clock.now();
        for timed in TIMETABLE.iter().filter(|timed| timed.starts == Starts::Queued) {
            loop {
                let shown = api.get(&timed.path())?;
                let waiting = shown["state"]["waiting"].as_array().map_or(0, Vec::len);
                if waiting == 0 || Duration::from_micros((clock.now() - begun).cast_unsigned()) > self.drain {
                    break;
                }
                sleep(LOOK_EVERY);
            }
        }
        Ok(())
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
            replied: Log::create(directory.join("replies.jsonl"))?,
            rotated: Log::create(directory.join("variables.jsonl"))?,
            mended: Log::create(directory.join("person.jsonl"))?,
            polled: Log::create(directory.join("source.jsonl"))?,
            faults: Log::create(directory.join("nemesis.jsonl"))?,
        })
    }

    /// What was written, read back from the files.
    fn evidence(self) -> Result<Evidence> {
        Ok(Evidence {
            produced: read(&self.produced.finish()?)?,
            sunk: read(&self.sunk.finish()?)?,
            replied: read(&self.replied.finish()?)?,
            rotated: read(&self.rotated.finish()?)?,
            mended: read(&self.mended.finish()?)?,
            polled: read(&self.polled.finish()?)?,
            faults: read(&self.faults.finish()?)?,
            ..Evidence::default()
        })
    }
}

fn deploy(server: &Server, sink: &Sink, source: &Source) -> Result<()> {
    let mut api = server.api();
    for flow in FLOWS.iter().filter(|flow| !is_timed(flow.name)) {
        api.put(&workflow(flow.name), &flow.document(&sink.callees))?;
        if !flow.started_by.is_empty() {
            api.put(&format!("/api/v1/triggers/crash-{}", flow.name), &flow.trigger())?;
        }
    }
    api.put("/api/v1/triggers/crash-wake", WAKE)?;
    for poller in POLLERS {
        api.put(&format!("/api/v1/triggers/crash-{}", poller.name), &poller.document(source.address))?;
    }
    Ok(())
}

/// What starts by itself as soon as it is there.
fn deploy_timed(server: &Server, sink: &Sink, pace: Pace) -> Result<()> {
    let mut api = server.api();
    for flow in FLOWS.iter().filter(|flow| is_timed(flow.name)) {
        let document = flow.document(&sink.callees);
        let document = if flow.name == OWN.name { at_pace(pace, document) } else { document };
        api.put(&workflow(flow.name), &document)?;
    }
    for timed in TIMETABLE {
        api.put(&timed.path(), &timed.document(pace))?;
    }
    Ok(())
}

fn disable_timed(server: &Server) -> Result<()> {
    let mut api = server.api();
    for timed in TIMETABLE {
        api.post(&format!("{}/disable", timed.path()))?;
    }
    api.post(&format!("{}/disable", workflow(OWN.name))).map(drop)
}

fn workflow(name: &str) -> String {
    format!("/api/v1/workflows/{NAMESPACE}/{name}")
}

fn replier_setting(
    server: &Server,
    logs: &Logs,
    clock: RunClock,
    trap: &Arc<Trap>,
    random: &Random,
) -> replier::Setting {
    replier::Setting {
        address: server.address(),
        authorization: format!("Bearer {}", server.key()),
        pen: logs.replied.pen(),
        clock,
        trap: Arc::clone(trap),
        random: random.fork(4),
    }
}

fn rotator(setting: &Setting, pen: Pen<Rotated>, random: Random) -> Rotator {
    Rotator {
        address: setting.address,
        authorization: setting.authorization.clone(),
        pen,
        clock: setting.clock,
        random,
        stop: Arc::clone(&setting.stop),
    }
}

fn poker(setting: &Setting, stop: Arc<AtomicBool>, random: Random) -> Poker {
    Poker { address: setting.address, authorization: setting.authorization.clone(), random, stop }
}

/// The files below a directory in which a text is to be read.
fn files_with(text: &str, directory: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if holds(&fs::read(&path)?, text) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn produce(setting: &Setting, random: &Random) -> Vec<std::thread::JoinHandle<()>> {
    let mixed = (0..MIXED).map(|number| {
        Producer::mixed(&format!("mixed{number}"), setting.clone(), random.fork(100 + number)).start()
    });
    let ordered = FLOWS.iter().filter(|flow| flow.is_ordered).zip(1..).flat_map(|(flow, place)| {
        (0..ORDERED).map(move |number| {
            let name = format!("{}{number}", flow.name);
            Producer::ordered(&name, flow, setting.clone(), random.fork(100 * place + 100 + number)).start()
        })
    });
    mixed.chain(ordered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_show_a_text_are_found() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("data")).unwrap();
        fs::write(directory.path().join("tenon.log"), b"open sesame, please").unwrap();
        fs::write(directory.path().join("data/a"), [0, 1, 2]).unwrap();
        let found = files_with("sesame", directory.path()).unwrap();
        assert_eq!(found, [directory.path().join("tenon.log").display().to_string()]);
        assert!(files_with("rosebud", directory.path()).unwrap().is_empty());
    }
}
