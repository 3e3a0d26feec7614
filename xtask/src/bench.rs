//! `cargo xtask bench`: the workloads of measure.md on this machine, as a table and as raw numbers.
//!
//! Server, load generator and callee are processes of their own, all release builds; the server has the
//! settings that users get. Nothing is hidden: what falls short is in the table as it is.

mod against;
mod callee;
mod documents;
pub(crate) mod expressions;
mod flow;
mod footprint;
mod gate;
mod idle;
mod ingest;
mod machine;
mod ordered;
mod pruning;
mod report;
mod stage;
mod statistics;
mod tenants;
mod waiting;

use crate::{clock, load, repository};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use report::Report;
use stage::Stage;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(Args, Clone)]
pub(crate) struct Arguments {
    /// Only these workloads
    #[arg(long, value_delimiter = ',')]
    only: Vec<Workload>,
    /// Rounds of each measurement; the table shows medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Measured seconds of each round
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Seconds before each round that are dropped
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Seconds over which B1 (b) must keep its backlog flat
    #[arg(long, default_value_t = 60.0)]
    flat_seconds: f64,
    /// Seconds over which an idle server's processor time is measured (B6)
    #[arg(long, default_value_t = 60.0)]
    idle_seconds: f64,
    /// Deployed workflows of B6
    #[arg(long, default_value_t = 100_000)]
    workflows: u32,
    /// Waiting jobs of B7
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// Events of B5, over 100 keys
    #[arg(long, default_value_t = 10_000)]
    events: u64,
    /// Events of B9's flood
    #[arg(long, default_value_t = 1_000_000)]
    flood: u64,
    /// Finished jobs that are pruned in B1c
    #[arg(long, default_value_t = 1_000_000)]
    finished: u64,
    /// Where the raw numbers go [default: target/bench/results.json]
    #[arg(long)]
    json: Option<PathBuf>,
    /// Compare with this revision instead: interleaved rounds of both binaries
    #[arg(long, value_name = "REV")]
    against: Option<String>,
    /// Measure this tenon, and build nothing
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Write docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

/// A workload by its name in measure.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Workload {
    #[value(name = "B1")]
    Ingest,
    #[value(name = "B1c")]
    Pruning,
    #[value(name = "B2")]
    Flow,
    #[value(name = "B3")]
    LongFlow,
    #[value(name = "B4")]
    Latency,
    #[value(name = "B5")]
    Ordered,
    #[value(name = "B6")]
    IdleWorkflows,
    #[value(name = "B7")]
    WaitingJobs,
    #[value(name = "B9")]
    Tenants,
    #[value(name = "B12")]
    Expressions,
    #[value(name = "footprint")]
    Footprint,
}

/// What every workload is given.
struct Bench {
    options: Arguments,
    /// The binary that is measured.
    tenon: PathBuf,
    /// This program, built for release: load generator and callee.
    xtask: PathBuf,
    /// Where data directories go: on the disk of the repository, since a temporary directory may be memory.
    directory: PathBuf,
}

/// Measures and prints the table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let bench = Bench::new(arguments)?;
    if let Some(revision) = &arguments.against {
        return against::run(&bench, revision);
    }
    let mut report = Report::new(machine::describe(&bench.directory)?);
    for workload in Workload::value_variants() {
        if bench.wants(*workload) {
            bench.measure(*workload, &mut report);
        }
    }
    let json = arguments.json.clone().unwrap_or_else(|| bench.directory.join("results.json"));
    report.write_json(&json)?;
    println!("\n{}\nraw numbers: {}", report.text(), json.display());
    if arguments.write {
        let page = repository::root().join("docs/benchmarks.md");
        fs::write(&page, report.markdown()).with_context(|| format!("could not write {}", page.display()))?;
        println!("written: {}", page.display());
    }
    report.verdict()
}

impl Bench {
    /// Builds what is measured and what measures, unless a binary was given: then nothing is built, and this very
    /// program measures.
    fn new(arguments: &Arguments) -> Result<Self> {
        let (tenon, xtask) = if let Some(binary) = &arguments.binary {
            eprintln!("warning: load generator, callee and B12 are of the profile that xtask was built with");
            (std::path::absolute(binary)?, std::env::current_exe()?)
        } else {
            eprintln!("building tenon and xtask (release); the first time takes some minutes …");
            repository::build_release(&["tenon", "xtask"])?;
            (repository::release_binary("tenon"), repository::release_binary("xtask"))
        };
        let directory = repository::target().join("bench");
        fs::create_dir_all(&directory)?;
        Ok(Self { options: arguments.clone(), tenon, xtask, directory })
    }

    fn wants(&self, workload: Workload) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&workload)
    }

    /// Measures one workload. One that cannot be measured is a line of the report, not the end of it.
    fn measure(&self, workload: Workload, report: &mut Report) {
        let name = workload.to_possible_value().expect("every workload has a name").get_name().to_owned();
        eprintln!("\n── {name}");
        let begun = clock::now();
        let result = match workload {
            Workload::Ingest => ingest::run(self, report),
            Workload::Pruning => pruning::run(self, report),
            Workload::Ordered => ordered::run(self, report),
            Workload::Tenants => tenants::run(self, report),
            Workload::Flow => flow::run(self, report, &flow::SHORT),
            Workload::LongFlow => flow::run(self, report, &flow::LONG),
            Workload::Latency => flow::latency(self, report),
            Workload::IdleWorkflows => idle::run(self, report),
            Workload::WaitingJobs => waiting::run(self, report),
            Workload::Expressions => expressions::measure(self, report),
            Workload::Footprint => footprint::run(self, report),
        };
        if let Err(error) = result {
            eprintln!("failed: {error:#}");
            report.failed(&name, &error);
        }
        eprintln!("{name} took {:.0} s", begun.elapsed().as_secs_f64());
    }

    /// A fresh server for one workload.
    fn stage(&self, name: &str) -> Result<Stage> {
        self.stage_of(&self.tenon, name)
    }

    fn stage_of(&self, tenon: &Path, name: &str) -> Result<Stage> {
        Stage::open(tenon.to_owned(), self.fresh(name)?, &[])
    }

    /// A fresh server with settings of its own.
    fn stage_with(&self, name: &str, settings: &[(&'static str, &str)]) -> Result<Stage> {
        Stage::open(self.tenon.clone(), self.fresh(name)?, settings)
    }

    fn fresh(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        Ok(directory)
    }

    /// Runs the load generator in a process of its own.
    fn load(&self, arguments: &load::Arguments) -> Result<load::Summary> {
        serde_json::from_str(&self.own(&arguments.words())?).context("the load generator's answer")
    }

    /// The load generator, started and not waited for.
    fn spawn_load(&self, arguments: &load::Arguments) -> Result<std::process::Child> {
        let mut command = Command::new(&self.xtask);
        command.args(arguments.words()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().with_context(|| format!("could not start {}", self.xtask.display()))
    }

    /// The output of a release build of this program.
    fn own(&self, words: &[String]) -> Result<String> {
        let output = Command::new(&self.xtask).args(words).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("`xtask {}` failed ({})", words.first().map_or("", String::as_str), output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
