//! Random workflows in random worlds, with crashes: the engine against a naive reference interpreter; and, resumed after
//! a fault, against itself without crashes.
//!
//! `TENON_SIMULATIONS` says how many (default 3,000), `TENON_SEED` where to begin. A divergence prints its seed and
//! its document; `TENON_SEED=<seed> TENON_SIMULATIONS=1` shows it again.

mod engine;
mod generator;
mod outside;
mod random;
mod reference;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tenon_engine::Finished;
use tenon_workflow::{Document, Program};

use engine::Ran;
use outside::Outside;
use random::mix;
use reference::Observed;

const DEFAULT_SIMULATIONS: u64 = 3_000;

/// What was simulated.
#[derive(Debug, Default)]
struct Mix {
    counts: BTreeMap<&'static str, u64>,
}

// === impl Mix ===

impl Mix {
    fn count(&mut self, what: &'static str, by: u64) {
        *self.counts.entry(what).or_default() += by;
    }

    fn count_tasks(&mut self, program: &Program) {
        use tenon_workflow::Action;
        for task in &program.tasks {
            let kind = match &task.action {
                Action::CallFunction(_) => "task call function",
                Action::CallGrpc(_) | Action::CallOpenApi(_) | Action::CallHttp(_) => "task call http",
                Action::Do(_) => "task do",
                Action::Emit(_) => "task emit",
                Action::For(_) => "task for",
                Action::Fork(fork) if fork.compete => "task fork, competing",
                Action::Fork(_) => "task fork",
                Action::Listen(listen) if listen.foreach.is_some() => "task listen foreach",
                Action::Listen(_) => "task listen",
                Action::Raise(_) => "task raise",
                Action::RunWorkflow(_) => "task run",
                Action::Set(_) => "task set",
                Action::Switch(_) => "task switch",
                Action::Try(_) => "task try",
                Action::Wait(_) => "task wait",
            };
            self.count(kind, 1);
            self.count("timeout", u64::from(task.timeout.is_some()));
        }
    }

    fn count_run(&mut self, ran: &Ran) {
        self.count("crashes", u64::from(ran.crashes));
        self.count("outcomes", ran.outcomes as u64);
        self.count("effects performed", ran.observed.performed.len() as u64);
        let end = match &ran.observed.ended {
            None => "ended: waits for ever",
            Some((_, Finished::Completed(_))) => "ended: completed",
            Some((_, Finished::Faulted(_))) => "ended: faulted",
            Some((_, Finished::Cancelled)) => "ended: cancelled",
        };
        self.count(end, 1);
    }
}

#[test]
fn the_engine_does_what_the_reference_does() {
    let simulations = setting("TENON_SIMULATIONS", DEFAULT_SIMULATIONS);
    let first = setting("TENON_SEED", 1);
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let mixes = std::thread::scope(|scope| {
        let worker = |number| {
            let seeds = (first + number..first + simulations).step_by(workers as usize);
            scope.spawn(move || seeds.fold(Mix::default(), named))
        };
        let running: Vec<_> = (0..workers).map(worker).collect();
        running
            .into_iter()
            .map(|worker| worker.join().expect("no divergence (see above)"))
            .collect::<Vec<_>>()
    });
    let mut mix = Mix::default();
    mixes.iter().flat_map(|mix| &mix.counts).for_each(|(what, count)| mix.count(what, *count));
    let (first, last) = (first, first + simulations - 1);
    let report: Vec<String> = mix.counts.iter().map(|(what, count)| format!("{count:>12}  {what}")).collect();
    println!("{simulations} workflows, seeds {first} to {last}:\n{}", report.join("\n"));
    let ties = mix.counts.get("left out: a tie").copied().unwrap_or(0);
    assert!(ties * 5 <= simulations, "too many ties to say anything: {ties} of {simulations}");
}

/// A panic in the engine has no seed of its own.
fn named(mix: Mix, seed: u64) -> Mix {
    let simulated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(seed, mix)));
    simulated.unwrap_or_else(|_| panic!("seed {seed} (see above)"))
}

fn simulate(seed: u64, mut mix_of_all: Mix) -> Mix {
    let source = generator::document(mix(&[seed, 1]));
    let document =
        Document::parse(&source.to_string()).unwrap_or_else(|errors| panic!("seed {seed}: {errors:#?}"));
    let program = tenon_workflow::compile(&document);
    let program = Arc::new(program.unwrap_or_else(|errors| panic!("seed {seed}: {errors:#?}\n{source:#}")));
    let outside = Outside::new(mix(&[seed, 2]));
    let input = Arc::new(json!({ "n": seed % 5, "list": ([1, 2, 3][..(seed % 4) as usize]) }));
    let expected = reference::interpret(&program, &input, &outside);
    let plain = engine::run(&program, &input, &outside, (seed, 0));
    mix_of_all.count_tasks(&program);
    if plain.is_tie {
        mix_of_all.count("left out: a tie", 1);
        return mix_of_all;
    }
    compare(&plain.observed, &expected, (seed, "the engine", &source));
    mix_of_all.count_run(&plain);
    mix_of_all.count("beginnings", engine::check_beginnings(&program, &input, &plain) as u64);
    for (round, percent) in [(1, 25), (2, 70)] {
        let crashed = engine::run(&program, &input, &outside, (mix(&[seed, 3, round]), percent));
        compare(&crashed.observed, &plain.observed, (seed, "with crashes", &source));
        mix_of_all.count_run(&crashed);
    }
    if matches!(plain.observed.ended, Some((_, Finished::Faulted(_)))) {
        let resumed = engine::run_and_resume(&program, &input, &outside, (seed, 0));
        let crashed = engine::run_and_resume(&program, &input, &outside, (mix(&[seed, 4]), 40));
        mix_of_all.count("beginnings", engine::check_beginnings(&program, &input, &resumed) as u64);
        if resumed.is_tie || crashed.is_tie {
            mix_of_all.count("resumed: left out, a tie", 1);
        } else {
            compare(&crashed.observed, &resumed.observed, (seed, "resumed, with crashes", &source));
            let is_mended = matches!(resumed.observed.ended, Some((_, Finished::Completed(_))));
            mix_of_all.count(if is_mended { "resumed: completed" } else { "resumed: no more" }, 1);
        }
    }
    mix_of_all
}

#[track_caller]
fn compare(found: &Observed, expected: &Observed, (seed, who, source): (u64, &str, &Value)) {
    let same_end = shown(found) == shown(expected);
    assert!(
        same_end && found.performed == expected.performed,
        "seed {seed}, {who}:\n{source:#}\n--- found\n{}\n{:#?}\n--- expected\n{}\n{:#?}",
        shown(found),
        found.performed,
        shown(expected),
        expected.performed,
    );
}

/// When and how it ended; of errors that the engine words itself, everything but the words.
fn shown(observed: &Observed) -> String {
    match &observed.ended {
        None => "it waits for ever".to_owned(),
        Some((at, Finished::Completed(output))) => format!("at {at}: {output}"),
        Some((at, Finished::Faulted(error))) => {
            let detail =
                if error.title == "raised" { error.detail.as_deref().unwrap_or_default() } else { "" };
            format!("at {at}: {} {} {} {detail}", error.r#type, error.status, error.instance)
        }
        Some((at, Finished::Cancelled)) => format!("at {at}: cancelled"),
    }
}

#[expect(clippy::disallowed_methods, reason = "how many simulations is asked of the caller of the tests")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
