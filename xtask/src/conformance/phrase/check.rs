//! What must have come of it: ends, outputs, errors, refusals, calls and events.

use super::act::name;
use super::{Phrase, Said};
use crate::conformance::callee;
use crate::conformance::compare::{contains, property, same, satisfies, shown};
use crate::conformance::world::{World, eventually, findings};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

pub(super) const PHRASES: &[Phrase] = &[
    Phrase {
        pattern: "the workflow( '[^']+')? should cancel",
        example: "Then the workflow should cancel",
        act: |world, said| world.expect_end(name(said), "cancelled").map(|_| ()),
    },
    Phrase {
        pattern: "the workflow( '[^']+')? should complete",
        example: "Then the workflow should complete",
        act: |world, said| world.expect_end(name(said), "completed").map(|_| ()),
    },
    Phrase {
        pattern: "the workflow( '[^']+')? should complete with output:",
        example: "Then the workflow should complete with output:",
        act: |world, said| same(&said.yaml()?, &world.expect_end(name(said), "completed")?["output"]),
    },
    Phrase {
        pattern: "the workflow( '[^']+')? should fault",
        example: "Then the workflow should fault",
        act: |world, said| world.expect_end(name(said), "faulted").map(|_| ()),
    },
    Phrase {
        pattern: "the workflow( '[^']+')? should fault with error:",
        example: "Then the workflow should fault with error:",
        act: |world, said| contains(&said.yaml()?, &world.expect_end(name(said), "faulted")?["error"]),
    },
    Phrase {
        pattern: "the workflow output should have properties ('[^']+'(?:, '[^']+')*)",
        example: "And the workflow output should have properties 'id', 'pet.name'",
        act: properties,
    },
    Phrase {
        pattern: "the workflow output should have a '([^']+)' property with value:",
        example: "And the workflow output should have a 'pet.name' property with value:",
        act: |world, said| same(&said.yaml()?, &output_property(world, said.needed(1))?),
    },
    Phrase {
        pattern: r"the workflow output should have a '([^']+)' property containing (\d+) items",
        example: "And the workflow output should have a 'pets' property containing 3 items",
        act: |world, said| {
            let value = output_property(world, said.needed(1))?;
            let items = value.as_array().with_context(|| format!("it is {}", shown(&value)))?.len();
            ensure!(items == said.number(2)?, "it has {items} items: {}", shown(&value));
            Ok(())
        },
    },
    Phrase {
        pattern: "the workflow( '[^']+')? (output|error|instance) should satisfy:",
        example: "And the workflow output should satisfy:",
        act: |world, said| match said.needed(2) {
            "output" => satisfies(said.text()?, &world.expect_end(name(said), "completed")?["output"]),
            "error" => satisfies(said.text()?, &world.expect_end(name(said), "faulted")?["error"]),
            _ => satisfies(said.text()?, &world.job(name(said))?),
        },
    },
    Phrase {
        pattern: "the workflow( '[^']+')? instances should satisfy:",
        example: "And the workflow instances should satisfy:",
        act: instances,
    },
    Phrase {
        pattern: "the workflow should take (at least|less than) '(P[^']+)'",
        example: "And the workflow should take at least 'PT2S'",
        act: takes,
    },
    Phrase {
        pattern: r"the workflow( '[^']+')? should be started (\d+) times?",
        example: "Then the workflow should be started 2 times",
        act: started,
    },
    Phrase {
        pattern: "the workflow should be accepted",
        example: "Then the workflow should be accepted",
        act: |world, _| world.deploy_well(),
    },
    Phrase {
        pattern: "the workflow should be refused with code '(TN[0-9]+)' at '([^']*)'",
        example: "Then the workflow should be refused with code 'TN1102' at '/do/0/first/then'",
        act: refused,
    },
    Phrase {
        pattern: "the workflow should be warned about with code '(TN[0-9]+)' at '([^']*)'",
        example: "And the workflow should be warned about with code 'TN1505' at '/do/0/first'",
        act: warned,
    },
    Phrase {
        pattern: "the refusal should say '([^']+)'",
        example: "And the refusal should say 'did you mean'",
        act: |world, said| {
            let refusal = &world.refusal.as_ref().context("the workflow was not refused")?.body;
            ensure!(refusal.to_string().contains(said.needed(1)), "it says: {refusal}");
            Ok(())
        },
    },
    Phrase {
        pattern: r"'([A-Z]+ [^']+)' should be called (\d+) times?",
        example: "And 'POST https://crm.example/orders' should be called 2 times",
        act: |world, said| {
            let calls = world.stage.stand_in.callees.calls(said.needed(1))?;
            ensure!(calls.len() == said.number(2)?, "it was called {} times", calls.len());
            Ok(())
        },
    },
    Phrase {
        pattern: "the calls to '([A-Z]+ [^']+)' should satisfy:",
        example: "And the calls to 'POST https://crm.example/orders' should satisfy:",
        act: |world, said| {
            let calls = world.stage.stand_in.callees.calls(said.needed(1))?;
            satisfies(said.text()?, &Value::Array(calls))
        },
    },
    Phrase {
        pattern: "the events of type '([^']+)' should satisfy:",
        example: "And the events of type 'com.acme.order.shipped' should satisfy:",
        act: events,
    },
];

fn properties(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let job = world.expect_end(None, "completed")?;
    let output = &job["output"];
    for path in said.needed(1).split(", ").map(|path| path.trim_matches('\'')) {
        ensure!(property(output, path).is_some(), "`{path}` is missing in {}", shown(output));
    }
    Ok(())
}

fn output_property(world: &mut World<'_>, path: &str) -> Result<Value> {
    let job = world.expect_end(None, "completed")?;
    let found = property(&job["output"], path).cloned();
    found.with_context(|| format!("`{path}` is missing in {}", shown(&job["output"])))
}

fn takes(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let limit = callee::duration(said.needed(2))?;
    let job = world.ended(None)?;
    let moment = |name: &str| -> Result<Timestamp> {
        Ok(job[name].as_str().with_context(|| format!("the instance has no {name}"))?.parse()?)
    };
    let took: Duration = moment("endedAt")?.duration_since(moment("createdAt")?).try_into()?;
    let holds = if said.needed(1) == "at least" { took >= limit } else { took < limit };
    ensure!(holds, "it took {took:?}");
    Ok(())
}

/// Waits for as many; more, or one where there must be none, is an error at once.
fn started(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    world.deploy_well()?;
    let workflow = world.named(name(said))?;
    let wanted = said.number(2)?;
    eventually(&format!("{wanted} starts of {workflow}"), || {
        let started = world.instances(&workflow)?.len();
        ensure!(started <= wanted, "it was started {started} times");
        Ok((started == wanted).then_some(()))
    })
}

fn refused(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let refusal = world.refusal.as_ref().context("the server takes the document")?;
    has_finding(&refusal.body, said)
}

fn warned(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let content = ("application/yaml", world.tested()?.as_bytes());
    let found = world.stage.client().ask("POST", "/api/v1/lint", content)?.ok()?;
    has_finding(&found, said)
}

fn has_finding(answer: &Value, said: &Said<'_>) -> Result<()> {
    let found = answer["diagnostics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (code, pointer) = (said.needed(1), said.needed(2));
    let has = found.iter().any(|finding| finding["code"] == code && finding["pointer"] == pointer);
    ensure!(has, "what is found: {}", findings(answer));
    Ok(())
}

/// Looks until it holds.
fn instances(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let workflow = world.named(name(said))?;
    until_satisfied(said.text()?, || Ok(Value::Array(world.instances(&workflow)?)))
}

/// Looks until it holds: what an instance emits last may be on its way.
fn events(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let list = format!("/api/v1/events?type={}&limit=500", said.needed(1));
    until_satisfied(said.text()?, || {
        let page = world.client.get(&list)?;
        let ids = page["items"].as_array().into_iter().flatten().filter_map(|event| event["id"].as_str());
        let events: Result<Vec<Value>> =
            ids.map(|id| world.client.get(&format!("/api/v1/events/{id}"))).collect();
        let mut events = events?;
        // The list has the newest first; scenarios read better in the order of time.
        events.reverse();
        Ok(Value::Array(events))
    })
}

/// Looks until what is seen satisfies the expression; then the last look is the failure.
fn until_satisfied(expression: &str, mut look: impl FnMut() -> Result<Value>) -> Result<()> {
    let mut last = None;
    let held = eventually("that it is as expected", || {
        let verdict = satisfies(expression, &look()?);
        let holds = verdict.is_ok();
        last = verdict.err();
        Ok(holds.then_some(()))
    });
    held.map_err(|error| last.unwrap_or(error))
}
