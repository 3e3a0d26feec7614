//! The checker must be able to fail: variants of Tenon with one line changed, each of which must be caught, and
//! the same build without a change, which must not.
//!
//! A mutant is a cargo feature of the real crates. `no-fsync` cannot be seen by killing a process (the kernel
//! keeps what was written); it is for the crash points of the store's own tests to catch.

use super::campaign::Campaign;
use super::nemesis::Plan;
use super::record::Moment;
use super::report;
use crate::repository;
use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// Release without what makes builds slow (see the root manifest).
const PROFILE: &str = "mutant";
/// A mutant that is not caught at once gets as many more chances, each with another seed.
const ROUNDS: u64 = 5;
const KILLS: u32 = 30;
/// What the store's crash-point tests say when something durable is gone.
const LOSS: &str = "lost at crash point";

/// A one-line change.
struct Mutant {
    feature: &'static str,
    what: &'static str,
    moments: &'static [Moment],
    /// The checks whose business it is; one of them must find it.
    checks: &'static [&'static str],
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        feature: "mutant-ack-before-commit",
        what: "captures are answered before the commit",
        moments: &[Moment::Acknowledged],
        checks: &["C1", "C6"],
    },
    Mutant {
        feature: "mutant-no-dedup",
        what: "dedup marks are not looked up",
        moments: &[Moment::Time, Moment::Acknowledged],
        checks: &["C3"],
    },
    Mutant {
        feature: "mutant-effect-before-durable",
        what: "an effect starts before the outcome before it is durable",
        moments: &[Moment::Arrival],
        checks: &["C5"],
    },
    Mutant {
        feature: "mutant-replay-drops-outcome",
        what: "a resumed job forgets the last entry of its journal",
        moments: &[Moment::Arrival, Moment::Answer, Moment::Time],
        checks: &["C5", "C10"],
    },
    Mutant {
        feature: "mutant-child-without-mark",
        what: "a child that is started again is another one",
        moments: &[Moment::Arrival],
        checks: &["C11"],
    },
    Mutant {
        feature: "mutant-park-without-look",
        what: "a job is parked without a look at what came meanwhile",
        moments: &[Moment::Time],
        checks: &["C9"],
    },
    Mutant {
        feature: "mutant-cursor-apart",
        what: "a cursor is durable before the events that it stands for",
        moments: &[Moment::Page],
        checks: &["C14"],
    },
    Mutant {
        feature: "mutant-marks-apart",
        what: "a dedup mark is durable before its event",
        moments: &[Moment::Time, Moment::Acknowledged],
        checks: &["C1", "C6"],
    },
    Mutant {
        feature: "mutant-lane-order",
        what: "who comes into a lane goes before the last one in it",
        moments: &[Moment::Time],
        checks: &["C6"],
    },
    Mutant {
        feature: "mutant-schedule-again",
        what: "the newest occurrence of a schedule is started again after a restart",
        moments: &[Moment::Time],
        checks: &["C15"],
    },
];

/// Every one of them.
pub(super) const ALL: &str = "all";
/// Caught by nothing.
const UNCHANGED: &str = "unchanged";
/// Caught by the store's own tests.
const NO_FSYNC: &str = "mutant-no-fsync";

/// Builds and runs [`ALL`], or only one; an error when one was not caught, or when the unchanged build was.
pub(crate) fn run(seed: u64, only: &str) -> Result<()> {
    let names =
        || [UNCHANGED].into_iter().chain(MUTANTS.iter().map(|mutant| mutant.feature)).chain([NO_FSYNC]);
    if only != ALL && names().all(|name| name != only) {
        bail!("no mutant is called {only}; there are: {}", names().collect::<Vec<_>>().join(", "));
    }
    let is_asked = |name: &str| only == ALL || only == name;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["build", "what is changed", "caught by"]);
    let mut wrong = Vec::new();
    // One that cannot be run does not keep the others from being tried.
    let mut row = |name: &'static str, what: &str, caught: Result<Caught>, must_be_caught: bool| {
        let right = caught.as_ref().is_ok_and(|caught| caught.is_some() == must_be_caught);
        let verdict = match caught {
            Ok(Some(by)) => by,
            Ok(None) if must_be_caught => "NOTHING".to_owned(),
            Ok(None) => "nothing, as it must be".to_owned(),
            Err(error) => format!("COULD NOT BE RUN: {error:#}"),
        };
        table.add_row([name, what, &verdict]);
        wrong.extend((!right).then_some(name));
    };
    if is_asked(UNCHANGED) {
        row(UNCHANGED, "nothing", control(seed), false);
    }
    for mutant in MUTANTS.iter().filter(|mutant| is_asked(mutant.feature)) {
        row(mutant.feature, mutant.what, hunt(mutant, seed), true);
    }
    if is_asked(NO_FSYNC) {
        row(NO_FSYNC, "the database does not wait for the disk", crash_points(NO_FSYNC), true);
    }
    println!("\n{table}");
    anyhow::ensure!(wrong.is_empty(), "the checker was wrong about: {} (seed {seed})", wrong.join(", "));
    Ok(())
}

/// By what, if by anything.
type Caught = Option<String>;

/// The build that must not be caught.
fn control(seed: u64) -> Result<Caught> {
    let binary = build(None)?;
    let moments = &[Moment::Time, Moment::Acknowledged, Moment::Arrival, Moment::Answer, Moment::Page];
    let outcome = campaign(UNCHANGED, binary, moments, seed).run()?;
    eprint!("{}", report::evidence(&outcome.violations));
    let violated = report::violated(&outcome.violations);
    Ok((!violated.is_empty()).then(|| violated.join(", ")))
}

/// Runs a mutant until it is caught; says by which checks, and when.
fn hunt(mutant: &Mutant, seed: u64) -> Result<Caught> {
    let binary = build(Some(mutant.feature))?;
    for round in 0..ROUNDS {
        let run = campaign(mutant.feature, binary.clone(), mutant.moments, seed + round);
        let outcome = run.run().with_context(|| format!("running {}", mutant.feature))?;
        let violated = report::violated(&outcome.violations).join(", ");
        let hit = outcome.violations.iter().find(|violation| mutant.checks.contains(&violation.check));
        if let Some(first) = hit {
            eprintln!("{}: caught: {}: {}", mutant.feature, first.check, first.what);
            let (count, time) = (outcome.violations.len(), outcome.took.as_secs_f64());
            return Ok(Some(format!("{violated} ({count} violations, round {}, {time:.0} s)", round + 1)));
        }
        eprintln!("{}: not caught in round {}", mutant.feature, round + 1);
    }
    Ok(None)
}

fn campaign(name: &str, binary: PathBuf, moments: &'static [Moment], seed: u64) -> Campaign {
    Campaign {
        binary,
        directory: super::directory().join(name),
        seed,
        plan: Plan {
            kills: KILLS,
            limit: Duration::from_mins(1),
            longest_life_ms: 1_000,
            moments,
            stops: 0,
            slow_disks: 0,
            jumps: 0,
        },
        has_small_disk: false,
        shim: None,
        pause_ms: 60,
        drain: Duration::from_secs(40),
    }
}

/// Builds a variant and keeps its binary; the target directory is shared, so only what changed is built again.
fn build(feature: Option<&str>) -> Result<PathBuf> {
    let name = feature.unwrap_or(UNCHANGED);
    eprintln!("building {name} …");
    let mut command = repository::cargo();
    command.args(["build", "--profile", PROFILE, "--locked", "--package", "tenon"]);
    if let Some(feature) = feature {
        command.args(["--features", feature]);
    }
    repository::run(&mut command)?;
    let built = repository::target().join(PROFILE).join("tenon");
    let kept = repository::target().join("mutants").join(name);
    std::fs::create_dir_all(&kept)?;
    let kept = kept.join("tenon");
    std::fs::copy(&built, &kept).with_context(|| format!("could not copy {}", built.display()))?;
    Ok(kept)
}

/// Runs the store's crash-point test with a mutant. It must fail, and with a loss.
fn crash_points(feature: &str) -> Result<Caught> {
    eprintln!("running the store's crash points with {feature} …");
    let test = ["test", "--locked", "--package", "tenon-store-sqlite", "--test", "it", "--features", feature];
    // What does not compile has caught nothing.
    repository::run(repository::cargo().args(test).arg("--no-run"))?;
    let output = repository::cargo().args(test).arg("crash_points::").stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(None);
    }
    let Some(line) = text.lines().find(|line| line.contains(LOSS)) else {
        bail!("the crash-point tests failed, but not with a loss:\n{text}");
    };
    eprintln!("{feature}: caught: {}", line.trim());
    Ok(Some("crash points of the VFS shim".to_owned()))
}
