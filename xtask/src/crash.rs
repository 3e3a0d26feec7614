//! `cargo xtask crash`: kills Tenon over and over, and checks that nothing is lost or done twice.
//!
//! Real processes and real files. Producers, a sink for effects and Tenon itself each leave a log; a checker
//! that knows nothing of Tenon's inside reads them when all is over (measure.md). `--mutants` shows that the
//! checker can fail. Seeds make the choices repeatable; the interleaving of processes is the machine's.

mod campaign;
mod checker;
mod flows;
mod history;
mod log;
mod mutants;
mod nemesis;
mod person;
mod poker;
mod producer;
mod pulse;
mod random;
mod record;
mod replier;
mod report;
mod rotator;
mod shim;
mod sink;
mod small_disk;
mod source;
mod timetable;
mod trap;

use crate::{clock, repository};
use anyhow::{Result, bail};
use campaign::{Campaign, Outcome};
use nemesis::Plan;
use record::Moment;
use shim::Shim;
use small_disk::SmallDisk;
use std::path::PathBuf;
use std::time::Duration;

/// Half of all kills wait for a moment that is likely to show something.
const MOMENTS: &[Moment] = &[
    Moment::Time,
    Moment::Time,
    Moment::Time,
    Moment::Time,
    Moment::Acknowledged,
    Moment::Arrival,
    Moment::Answer,
    Moment::Page,
];
/// In so many of a hundred longer lives the process is stopped for a while.
const STOPS: u64 = 35;
/// In so many of a hundred lives the disk is slow.
const SLOW_DISKS: u64 = 20;
/// At so many of a hundred restarts of the run with clocks that jump they do.
const JUMPS: u64 = 60;
/// Kills, at most, of the run on a full disk: it keeps its data in memory.
const FULL_DISK_KILLS: u32 = 20;
/// Kills, at most, of the run with clocks that jump. Those of a run of some minutes are never an hour apart.
const JUMPING_KILLS: u32 = 60;
/// `--short`: kills, and seconds for them.
const SHORT: (u32, u64) = (12, 20);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often Tenon is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// No more kills after so many seconds
    #[arg(long, default_value_t = 1_200)]
    seconds_max: u64,
    /// Where choices start from; by default another one each time
    #[arg(long)]
    seed: Option<u64>,
    /// Build variants of Tenon that are wrong in one line, or only this one, and demand that each is caught
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = mutants::ALL)]
    mutants: Option<String>,
    /// Do only one of the runs, as when one is repeated with its seed
    #[arg(long, value_enum)]
    only: Option<Run>,
    /// A run of less than a minute, for CI
    #[arg(long)]
    short: bool,
    /// Fail where slow disks and clocks that jump cannot be had, instead of leaving them out
    #[arg(long)]
    demand_shim: bool,
    /// Run this program instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// What is done, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Run {
    /// With kills, stops and slow disks
    Kills,
    /// On a disk that is full at times
    FullDisk,
    /// With a clock that is set an hour forth or back
    Clocks,
}

// === impl Arguments ===

impl Arguments {
    /// Whether there is nothing to run, or nothing proved, without slow disks and clocks that jump.
    fn demands_shim(&self) -> bool {
        self.demand_shim || self.only == Some(Run::Clocks)
    }
}

/// Where runs leave their logs.
fn directory() -> PathBuf {
    repository::target().join("crash")
}

/// Runs it; an error when anything is violated.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let seed = arguments.seed.unwrap_or_else(|| clock::unix_micros().cast_unsigned());
    eprintln!("seed {seed}");
    if let Some(only) = arguments.mutants {
        return mutants::run(seed, &only);
    }
    let demands_shim = arguments.demands_shim();
    let binary = if let Some(binary) = arguments.binary {
        binary
    } else {
        repository::build_release(&["tenon"])?;
        repository::release_binary("tenon")
    };
    let (kills, seconds) = if arguments.short { SHORT } else { (arguments.kills, arguments.seconds_max) };
    let shim = shim(Shim::build(&directory().join("shim"), &binary), demands_shim)?;
    let campaign = Campaign {
        binary,
        directory: directory().join("run"),
        seed,
        plan: Plan {
            kills,
            limit: Duration::from_secs(seconds),
            longest_life_ms: 2_000,
            moments: MOMENTS,
            stops: STOPS,
            slow_disks: SLOW_DISKS,
            jumps: 0,
        },
        has_small_disk: false,
        shim,
        pause_ms: if arguments.short { 60 } else { 150 },
        drain: Duration::from_mins(1),
    };
    let is_wanted = |run| arguments.only.is_none_or(|only| only == run);
    if is_wanted(Run::Kills) {
        conclude(&campaign, &campaign.run()?)?;
    }
    if is_wanted(Run::FullDisk) {
        on_small_disk(&campaign)?;
    }
    if is_wanted(Run::Clocks) && campaign.shim.is_some() {
        by_wrong_clocks(&campaign)?;
    }
    Ok(())
}

/// The shim, as far as it can be had. Who demands it must not be told that all is well without it.
fn shim(built: Result<Shim>, is_demanded: bool) -> Result<Option<Shim>> {
    match built {
        Ok(shim) => Ok(Some(shim)),
        Err(error) if is_demanded => {
            Err(error.context("clocks that jump and slow disks cannot be had; gcc is needed"))
        }
        Err(error) => {
            println!("\nleft out: slow disks, and the run with clocks that jump ({error:#})");
            Ok(None)
        }
    }
}

/// Another, shorter one on a disk that is full at times, where such a disk can be had.
fn on_small_disk(whole: &Campaign) -> Result<()> {
    let directory = directory();
    if let Err(error) = SmallDisk::mount(&directory.join("probe"), 1) {
        println!("\nleft out: the run on a full disk ({error:#})");
        return Ok(());
    }
    let kills = whole.plan.kills.div_ceil(2).min(FULL_DISK_KILLS);
    let plan = Plan { kills, limit: whole.plan.limit / 2, moments: &[Moment::Time], ..whole.plan.clone() };
    let directory = directory.join("full-disk");
    let campaign = Campaign { directory, plan, has_small_disk: true, ..whole.clone() };
    conclude(&campaign, &campaign.run()?)
}

/// Another, shorter one, in which the clock is an hour ahead or behind after some restarts.
fn by_wrong_clocks(whole: &Campaign) -> Result<()> {
    let kills = whole.plan.kills.div_ceil(2).min(JUMPING_KILLS);
    let plan = Plan { kills, limit: whole.plan.limit / 2, jumps: JUMPS, ..whole.plan.clone() };
    let campaign = Campaign { directory: directory().join("clocks"), plan, ..whole.clone() };
    conclude(&campaign, &campaign.run()?)
}

fn conclude(campaign: &Campaign, outcome: &Outcome) -> Result<()> {
    println!("\n{}\n\n{}", report::statistics(outcome), report::verdicts(&outcome.violations));
    println!("\nseed {}, logs in {}", campaign.seed, campaign.directory.display());
    if !outcome.violations.is_empty() {
        println!("{}", report::evidence(&outcome.violations));
        let checks = report::violated(&outcome.violations).join(", ");
        bail!("{} violations of {checks} (seed {})", outcome.violations.len(), campaign.seed);
    }
    Ok(())
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

    /// Whether a run goes on that has no shim.
    #[track_caller]
    fn check(flags: &[&str], expected: bool) {
        let line = Line::try_parse_from([&["crash"], flags].concat()).unwrap();
        match shim(Err(anyhow::anyhow!("there is no gcc")), line.arguments.demands_shim()) {
            Ok(none) => assert!(expected && none.is_none(), "{flags:?}"),
            Err(error) => {
                let error = format!("{error:#}");
                assert!(!expected && error.contains("there is no gcc"), "{flags:?}: {error}");
            }
        }
    }

    #[test]
    fn nobody_who_demands_clocks_that_jump_is_told_that_all_is_well_without() {
        check(&[], true);
        check(&["--only", "kills"], true);
        check(&["--only", "full-disk"], true);
        check(&["--only", "clocks"], false);
        check(&["--demand-shim"], false);
    }
}
