//! What must have come of single tasks, read from the instance's trace.

use super::{Phrase, Said};
use crate::conformance::compare::{contains, same, satisfies, shown};
use crate::conformance::world::World;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub(super) const PHRASES: &[Phrase] = &[
    Phrase {
        pattern: r"(\S+) should run first",
        example: "And setRed should run first",
        act: |world, said| {
            let ran = ran(world)?;
            is_task(ran.first(), said.needed(1))
        },
    },
    Phrase {
        pattern: r"(\S+) should run last",
        example: "And setBlue should run last",
        act: |world, said| {
            let ran = ran(world)?;
            is_task(ran.last(), said.needed(1))
        },
    },
    Phrase {
        pattern: r"(\S+) should run before (\S+)",
        example: "And setRed should run before setBlue",
        act: |world, said| in_order(world, said.needed(1), said.needed(2)),
    },
    Phrase {
        pattern: r"(\S+) should run after (\S+)",
        example: "And setBlue should run after setRed",
        act: |world, said| in_order(world, said.needed(2), said.needed(1)),
    },
    Phrase {
        pattern: r"([^\s']+) should cancel",
        example: "And askDoctor should cancel",
        act: |world, said| in_state(world, said, "cancelled").map(|_| ()),
    },
    Phrase {
        pattern: r"([^\s']+) should complete",
        example: "And askNurse should complete",
        act: |world, said| in_state(world, said, "completed").map(|_| ()),
    },
    Phrase {
        pattern: r"([^\s']+) should complete with output:",
        example: "And askNurse should complete with output:",
        act: |world, said| same(&said.yaml()?, &in_state(world, said, "completed")?["output"]),
    },
    Phrase {
        pattern: r"([^\s']+) should fault",
        example: "And bookHotel should fault",
        act: |world, said| in_state(world, said, "faulted").map(|_| ()),
    },
    Phrase {
        pattern: r"([^\s']+) should fault with error:",
        example: "And bookHotel should fault with error:",
        act: |world, said| contains(&said.yaml()?, &in_state(world, said, "faulted")?["error"]),
    },
    Phrase {
        pattern: r"([^\s']+) should be skipped",
        example: "And bookHotel should be skipped",
        act: |world, said| in_state(world, said, "skipped").map(|_| ()),
    },
    Phrase {
        pattern: r"([^\s']+) should not run",
        example: "And bookHotel should not run",
        act: |world, said| ran_times(world, said.needed(1), 0),
    },
    Phrase {
        pattern: r"([^\s']+) should run (\d+) times?",
        example: "And bookHotel should run 3 times",
        act: |world, said| ran_times(world, said.needed(1), said.number(2)?),
    },
    Phrase {
        pattern: r"([^\s']+) should have the input:",
        example: "And bookHotel should have the input:",
        act: |world, said| same(&said.yaml()?, &last_of(world, said.needed(1))?["input"]),
    },
    Phrase {
        pattern: r"([^\s']+) should satisfy:",
        example: "And bookHotel should satisfy:",
        act: |world, said| satisfies(said.text()?, &last_of(world, said.needed(1))?),
    },
];

/// The steps that ran, once the instance has ended.
fn ran(world: &mut World<'_>) -> Result<Vec<Value>> {
    world.ended(None)?;
    let mut steps = world.steps()?;
    steps.retain(|step| step["state"] != "skipped");
    Ok(steps)
}

fn is_task(step: Option<&Value>, task: &str) -> Result<()> {
    let ran = step.map_or("nothing", |step| step["task"].as_str().unwrap_or_default());
    ensure!(ran == task, "it is {ran}");
    Ok(())
}

fn in_order(world: &mut World<'_>, earlier: &str, later: &str) -> Result<()> {
    let ran = ran(world)?;
    let place = |task: &str| {
        let place = ran.iter().position(|step| step["task"] == task);
        place.with_context(|| format!("{task} did not run"))
    };
    ensure!(place(earlier)? < place(later)?, "{later} ran before {earlier}");
    Ok(())
}

fn ran_times(world: &mut World<'_>, task: &str, times: usize) -> Result<()> {
    let count = ran(world)?.iter().filter(|step| step["task"] == task).count();
    ensure!(count == times, "it ran {count} times");
    Ok(())
}

/// The last step of a task.
fn last_of(world: &mut World<'_>, task: &str) -> Result<Value> {
    world.ended(None)?;
    let steps = world.steps()?;
    let step = steps.into_iter().rfind(|step| step["task"] == task);
    step.with_context(|| format!("{task} is not in the trace"))
}

fn in_state(world: &mut World<'_>, said: &Said<'_>, state: &str) -> Result<Value> {
    let step = last_of(world, said.needed(1))?;
    ensure!(step["state"] == state, "it is {}: {}", step["state"], shown(&step["error"]));
    Ok(step)
}
