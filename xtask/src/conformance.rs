//! `cargo xtask conformance`: the specification's conformance kit, our own scenarios, and the guide's examples,
//! against a real Tenon.
//!
//! The kit's feature files are run as they are. Ours, one per rule of the language, are a superset of its steps
//! and say nothing about Tenon that another runtime could not do, too; `tests/conformance/README.md` lists the
//! steps. Hosts that documents name lead to a server within this process.

mod authority;
mod callee;
mod client;
mod compare;
mod feature;
mod greeter;
mod guide;
mod hosts;
mod petstore;
mod phrase;
pub(crate) mod rules;
mod runner;
mod secrets;
mod stage;
mod stand_in;
mod world;

use crate::repository;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use feature::Feature;
use runner::{Suite, Tally};
use stage::Stage;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Scenarios of the specification's kit, as pinned.
const KIT_SCENARIOS: usize = 21;
/// Our features that run side by side: most of the time a scenario waits.
const AT_ONCE: usize = 8;
const OWN: &str = "tests/conformance";
const GUIDE: &str = "docs/workflow-language.md";

#[derive(Args, Default)]
pub(crate) struct Arguments {
    /// Folder of the specification, with the kit below it [default: ../shared/ows beside the repository]
    directory: Option<PathBuf>,
    /// Use this tenon instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
    /// Only these; may be given several times
    #[arg(long, value_enum)]
    suite: Vec<Which>,
    /// Only scenarios whose file or name contains this
    #[arg(long)]
    only: Option<String>,
}

/// What can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The specification's kit, unchanged
    Kit,
    /// tests/conformance
    Ours,
    /// The examples of docs/workflow-language.md
    Guide,
}

/// Runs all three suites; an error when anything failed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let wants = |which| arguments.suite.is_empty() || arguments.suite.contains(&which);
    let mut suites = Vec::new();
    if wants(Which::Kit) {
        suites.push(Suite { name: "kit", features: kit(arguments)?, at_once: 1 });
    }
    if wants(Which::Ours) {
        suites.push(Suite { name: "ours", features: ours()?, at_once: AT_ONCE });
    }
    if wants(Which::Guide) {
        suites.push(Suite { name: "guide", features: vec![guide()?], at_once: 1 });
    }
    for feature in suites.iter().flat_map(|suite| &suite.features) {
        understood(feature)?;
    }
    let binary = binary(arguments)?;
    let stage = Stage::open(binary, suites.iter().flat_map(|suite| &suite.features).flat_map(documents))?;
    if let Some(only) = &arguments.only {
        for suite in &mut suites {
            choose(&mut suite.features, only);
        }
    }
    suites.retain(|suite| !suite.features.is_empty());
    let tallies: Vec<(&str, Tally)> = suites.iter().map(|suite| (suite.name, suite.run(&stage))).collect();
    let kept = stage.keeps_secrets();
    verdict(&tallies)?;
    kept
}

fn verdict(tallies: &[(&str, Tally)]) -> Result<()> {
    ensure!(!tallies.is_empty(), "no scenario fits `--only`");
    let counts: Vec<String> =
        tallies.iter().map(|(name, tally)| format!("{name} {}/{}", tally.passed, tally.total)).collect();
    println!("conformance: {}", counts.join(", "));
    let failed: usize = tallies.iter().map(|(_, tally)| tally.total - tally.passed).sum();
    if failed > 0 {
        bail!("{failed} scenarios failed");
    }
    Ok(())
}

/// The kit's features, wherever the specification is.
fn kit(arguments: &Arguments) -> Result<Vec<Feature>> {
    let specification =
        arguments.directory.clone().unwrap_or_else(|| repository::root().join("../shared/ows"));
    let folder = specification.join("ctk/features");
    let folder = fs::canonicalize(&folder).with_context(|| {
        format!("no kit in {}; hint: name the folder of the specification", folder.display())
    })?;
    let features = feature::read_folder(&folder)?;
    let count: usize = features.iter().map(|feature| feature.scenarios.len()).sum();
    if count != KIT_SCENARIOS {
        eprintln!("note: this kit has {count} scenarios; the one that is pinned has {KIT_SCENARIOS}");
    }
    Ok(features)
}

fn ours() -> Result<Vec<Feature>> {
    let features = feature::read_folder(&repository::root().join(OWN))?;
    own_names(&features)?;
    Ok(features)
}

fn binary(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(binary) = &arguments.binary {
        return Ok(std::path::absolute(binary)?);
    }
    repository::run(repository::cargo().args(["build", "--quiet", "--locked", "--package", "tenon"]))?;
    Ok(repository::target().join("debug").join(format!("tenon{}", std::env::consts::EXE_SUFFIX)))
}

fn guide() -> Result<Feature> {
    let text = fs::read_to_string(repository::root().join(GUIDE))?;
    let file = Path::new(GUIDE).file_name().unwrap_or_default().to_string_lossy();
    guide::examples(&file, &text)
}

/// An error for the first step that is not known, before anything runs.
fn understood(feature: &Feature) -> Result<()> {
    for scenario in &feature.scenarios {
        for step in &scenario.steps {
            phrase::check(step).with_context(|| format!("{}, line {}", feature.file, step.line))?;
        }
    }
    Ok(())
}

/// Features run side by side, so no two may have a workflow of the same name.
fn own_names(features: &[Feature]) -> Result<()> {
    let mut owners = HashMap::new();
    for feature in features {
        for name in documents(feature).filter_map(world::name_of) {
            let owner = owners.entry(name.clone()).or_insert(&feature.file);
            ensure!(
                *owner == &feature.file,
                "{} and {owner} both have a workflow {name}; give one another namespace",
                feature.file
            );
        }
    }
    Ok(())
}

/// Every text below a step.
fn documents(feature: &Feature) -> impl Iterator<Item = &str> {
    let steps = feature.scenarios.iter().flat_map(|scenario| &scenario.steps);
    steps.flat_map(|step| [step.text.as_str(), step.document.as_ref().map_or("", |document| &document.text)])
}

/// Keeps only the scenarios that were asked for.
fn choose(features: &mut Vec<Feature>, only: &str) {
    for feature in features.iter_mut() {
        if !feature.file.contains(only) {
            feature.scenarios.retain(|scenario| scenario.name.contains(only));
        }
    }
    features.retain(|feature| !feature.scenarios.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_scenarios_and_the_guide_say_only_what_is_understood() {
        for feature in ours().unwrap().iter().chain([&guide().unwrap()]) {
            understood(feature).unwrap();
        }
    }

    #[test]
    fn a_failure_is_an_error_and_so_is_nothing_at_all() {
        let tally = |passed, total| Tally { passed, total };
        assert!(verdict(&[("kit", tally(21, 21))]).is_ok());
        let error = verdict(&[("kit", tally(21, 21)), ("ours", tally(3, 5))]).unwrap_err();
        assert_eq!(error.to_string(), "2 scenarios failed");
        assert!(verdict(&[]).is_err());
    }
}
