//! Runs scenarios and says how each went.
//!
//! The kit's features use the same names over and over, so they run one after another. Ours have names of
//! their own: features run side by side, the scenarios of one in order. Those tagged `@restart` need the
//! server for themselves and come last.

use super::feature::{Feature, Scenario};
use super::phrase;
use super::stage::Stage;
use super::world::World;
use crate::clock;
use crate::progress::Progress;
use anyhow::{Context, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The tag of scenarios that start the server again.
const RESTART: &str = "restart";

/// How one scenario went.
#[derive(Clone, Debug)]
struct Outcome {
    took: Duration,
    failure: Option<String>,
}

/// How a suite went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) total: usize,
}

/// Features that are run together.
pub(super) struct Suite<'a> {
    pub(super) name: &'a str,
    pub(super) features: Vec<Feature>,
    /// How many features run side by side.
    pub(super) at_once: usize,
}

impl Suite<'_> {
    /// Runs everything, prints it feature by feature and counts.
    pub(super) fn run(&self, stage: &Stage) -> Tally {
        let begun = clock::now();
        let count: usize = self.features.iter().map(|feature| feature.scenarios.len()).sum();
        let progress = Progress::new(self.name, count as u64);
        let rows = self.features.iter().map(|feature| vec![None; feature.scenarios.len()]).collect();
        let outcomes: Mutex<Vec<Vec<Option<Outcome>>>> = Mutex::new(rows);
        let record = |feature: usize, scenario: usize, outcome: Outcome| {
            let mut outcomes = outcomes.lock().expect("no thread panics while it records an outcome");
            outcomes[feature][scenario] = Some(outcome);
            progress.advance();
        };
        self.each(self.at_once, |index, feature| {
            for (place, scenario) in feature.scenarios.iter().enumerate() {
                if !scenario.restarts() {
                    record(index, place, attempt(stage, feature, scenario));
                }
            }
        });
        self.each(1, |index, feature| {
            for (place, scenario) in feature.scenarios.iter().enumerate() {
                if scenario.restarts() {
                    record(index, place, attempt(stage, feature, scenario));
                }
            }
        });
        progress.finish();
        let outcomes = outcomes.into_inner().expect("no thread panicked while it recorded an outcome");
        let tally = self.print(&outcomes);
        let took = begun.elapsed().as_secs_f64();
        println!("{}: {}/{} in {took:.1} s\n", self.name, tally.passed, tally.total);
        tally
    }

    /// Hands every feature to one of so many threads.
    fn each(&self, threads: usize, work: impl Fn(usize, &Feature) + Sync) {
        let next = AtomicUsize::new(0);
        let take = || {
            while let Some((index, feature)) = self.nth(next.fetch_add(1, Ordering::Relaxed)) {
                work(index, feature);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.min(self.features.len()) {
                scope.spawn(take);
            }
        });
    }

    fn nth(&self, index: usize) -> Option<(usize, &Feature)> {
        Some((index, self.features.get(index)?))
    }

    fn print(&self, outcomes: &[Vec<Option<Outcome>>]) -> Tally {
        let mut tally = Tally::default();
        for (feature, outcomes) in self.features.iter().zip(outcomes) {
            println!("{} ({})", feature.name, feature.file);
            for (scenario, outcome) in feature.scenarios.iter().zip(outcomes) {
                let Some(outcome) = outcome else { continue };
                tally.total += 1;
                let milliseconds = outcome.took.as_millis();
                match &outcome.failure {
                    None => {
                        tally.passed += 1;
                        println!("  ok      {} ({milliseconds} ms)", scenario.name);
                    }
                    Some(failure) => {
                        println!("  FAILED  {} ({milliseconds} ms)", scenario.name);
                        println!("          {}", failure.replace('\n', "\n          "));
                    }
                }
            }
        }
        tally
    }
}

/// Runs one scenario; a bug in a step is its failure, not the run's end.
fn attempt(stage: &Stage, feature: &Feature, scenario: &Scenario) -> Outcome {
    let begun = clock::now();
    let ran = catch_unwind(AssertUnwindSafe(|| play(stage, feature, scenario)));
    let failure = match ran {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some("the step hit a bug in xtask (see above)".to_owned()),
    };
    Outcome { took: begun.elapsed(), failure }
}

fn play(stage: &Stage, feature: &Feature, scenario: &Scenario) -> Result<()> {
    let mut world = World::new(stage, &feature.file);
    let played = scenario.steps.iter().try_for_each(|step| {
        let place = || format!("line {}: {}", step.line, step.shown);
        phrase::take(&mut world, step).with_context(place)
    });
    let cleaned = world.finish().context("after the last step");
    played.and(cleaned)
}

// === impl Scenario ===

impl Scenario {
    fn restarts(&self) -> bool {
        self.tags.iter().any(|tag| tag == RESTART)
    }
}
