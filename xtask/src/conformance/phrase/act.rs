//! What happens: workflows are deployed, executed and cancelled, events are published, time passes.

use super::{Phrase, Said};
use crate::conformance::world::{World, eventually, is_final};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

pub(super) const PHRASES: &[Phrase] = &[
    Phrase {
        pattern: "the workflow( '[^']+')? is executed",
        example: "When the workflow is executed",
        act: |world, said| world.execute(name(said)),
    },
    Phrase {
        pattern: "the workflow is deployed",
        example: "When the workflow is deployed",
        act: |world, _| world.deploy(),
    },
    Phrase {
        pattern: "the workflow is deployed again",
        example: "When the workflow is deployed again",
        act: |world, _| world.deploy_again(),
    },
    Phrase {
        pattern: "(?:given )?(?:this event is|these events are) published:",
        example: "When these events are published:",
        act: publish,
    },
    Phrase {
        pattern: "the workflow( '[^']+')? is waiting",
        example: "And the workflow is waiting",
        act: |world, said| {
            let name = name(said);
            eventually("that the workflow waits", || {
                let job = world.job(name)?;
                ensure!(!is_final(&job), "the workflow is {} already: {}", job["state"], job["error"]);
                Ok((job["state"] == "waiting").then_some(()))
            })
        },
    },
    Phrase {
        pattern: r"(\S+) has started",
        example: "And askCustomer has started",
        act: |world, said| {
            let task = said.needed(1);
            eventually(&format!("that {task} starts"), || {
                Ok(world.steps()?.iter().any(|step| step["task"] == task).then_some(()))
            })
        },
    },
    Phrase {
        pattern: r"'([A-Z]+ [^']+)' has been called(?: (\d+) times?)?",
        example: "And 'POST https://crm.example/orders' has been called",
        act: called,
    },
    Phrase {
        pattern: "the workflow( '[^']+')? is cancelled",
        example: "When the workflow is cancelled",
        act: |world, said| {
            let path = format!("/api/v1/jobs/{}/cancel", world.instance(name(said))?);
            world.client.ask("POST", &path, ("application/json", b""))?.ok().map(|_| ())
        },
    },
    Phrase {
        pattern: "the runtime is killed and started again",
        example: "And the runtime is killed and started again",
        act: |world, _| world.stage.restart(&mut world.client),
    },
];

/// The workflow's name after `the workflow`, without its quotes.
pub(super) fn name<'a>(said: &'a Said<'_>) -> Option<&'a str> {
    said.word(1).map(|quoted| quoted.trim().trim_matches('\''))
}

/// Publishes one event or a list of them, one after another; what CloudEvents ask for is added.
fn publish(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    world.deploy_well()?;
    let events = match said.yaml()? {
        Value::Array(events) => events,
        one => vec![one],
    };
    for mut event in events {
        let attributes = event.as_object_mut().context("an event is an object")?;
        attributes.entry("specversion").or_insert_with(|| "1.0".into());
        attributes.entry("source").or_insert_with(|| "https://conformance.example".into());
        let kind = attributes.get("type").and_then(Value::as_str).context("an event has a type")?;
        world.stage.publishes(world.owner, kind)?;
        let body = json!(event).to_string();
        let content = ("application/cloudevents+json", body.as_bytes());
        world.client.ask("POST", "/events/default", content)?.ok().context("publishing an event")?;
    }
    Ok(())
}

fn called(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let wanted = if said.word(2).is_some() { said.number(2)? } else { 1 };
    let target = said.needed(1);
    eventually(&format!("{wanted} calls of {target}"), || {
        let calls = world.stage.stand_in.callees.calls(target)?;
        Ok((calls.len() >= wanted).then_some(()))
    })
}
