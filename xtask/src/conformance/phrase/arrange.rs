//! What there is before anything happens: workflows, input, variables, and what callees answer.

use super::{Phrase, Said};
use crate::conformance::callee::Answer;
use crate::conformance::world::World;
use anyhow::{Result, ensure};

pub(super) const PHRASES: &[Phrase] = &[
    Phrase {
        pattern: "(?:given )?a workflow with definition:",
        example: "Given a workflow with definition:",
        act: |world, said| {
            world.define(said.text()?, false);
            Ok(())
        },
    },
    Phrase {
        pattern: "(?:given )?another workflow with definition:",
        example: "And given another workflow with definition:",
        act: |world, said| {
            world.define(said.text()?, true);
            Ok(())
        },
    },
    Phrase {
        pattern: "(?:given )?the workflow input is:",
        example: "And given the workflow input is:",
        act: |world, said| {
            world.input = Some(said.yaml()?);
            Ok(())
        },
    },
    Phrase {
        pattern: "(?:given )?the (variable|secret) '([^']+)' is:",
        example: "And given the secret 'crmToken' is:",
        act: |world, said| {
            let kind = if said.needed(1) == "secret" { "secret" } else { "config" };
            world.set_variable(said.needed(2), kind, &said.yaml()?)
        },
    },
    Phrase {
        pattern: "(?:given )?calls to '([^']+)' are answered with:",
        example: "And given calls to 'POST https://crm.example/orders' are answered with:",
        act: answered_with,
    },
    Phrase {
        pattern: "(?:given )?the resource '([^']+)' is:",
        example: "And given the resource 'https://crm.example/openapi.yaml' is:",
        act: resource,
    },
];

fn answered_with(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let listed = said.yaml()?;
    let answers = Answer::list(&listed)?;
    for answer in listed.as_array().into_iter().flatten() {
        // Tokens are got with secrets, so they are secret, too.
        world.stage.secrets.learn(&answer["body"]["access_token"]);
    }
    world.stage.stand_in.callees.answer_with(world.owner, said.needed(1), answers)
}

fn resource(world: &mut World<'_>, said: &Said<'_>) -> Result<()> {
    let kind = said.step.document.as_ref().map_or("", |document| document.kind.as_str());
    let content_type = match kind {
        "json" => "application/json",
        "yaml" => "application/yaml",
        _ => "text/plain",
    };
    let text = said.text()?;
    ensure!(!text.is_empty(), "the resource is empty");
    let answers = vec![Answer::file(content_type, text)];
    world.stage.stand_in.callees.answer_with(world.owner, &format!("GET {}", said.needed(1)), answers)
}
