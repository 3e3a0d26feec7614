//! What one scenario has set up so far: its workflows, its input, its running instance.
//!
//! Names of workflows may be used again by the next scenario of a feature: jobs that were there before do not
//! count, and everything is removed at the end.

use super::client::{Answered, Client};
use super::stage::Stage;
use crate::clock::Deadline;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

/// How long a scenario waits for something that is to happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one look is apart from the next: at first, and at most.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(40));
/// States in which a job stays.
const FINAL: [&str; 3] = ["completed", "faulted", "cancelled"];

/// A scenario while it runs.
pub(super) struct World<'a> {
    pub(super) stage: &'a Stage,
    pub(super) client: Client,
    /// The feature it belongs to.
    pub(super) owner: &'a str,
    pub(super) input: Option<Value>,
    /// What the server said to a document that it did not take.
    pub(super) refusal: Option<Answered>,
    workflows: Vec<Workflow>,
    /// Names of the variables that it has set.
    variables: Vec<String>,
    /// The instance that the last execution started.
    job: Option<String>,
}

/// A document of the scenario.
struct Workflow {
    /// `namespace/name`.
    name: String,
    document: String,
    /// `another workflow`: must be there before the one that is tested.
    is_other: bool,
    is_deployed: bool,
    /// Jobs that were there before.
    earlier: BTreeSet<String>,
}

/// Looks again and again until there is something to see.
pub(super) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Deadline::after(PATIENCE);
    let mut pause = LOOK_AGAIN.0;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        ensure!(!deadline.passed(), "{what} did not happen within {PATIENCE:?}");
        sleep(pause);
        pause = (pause * 2).min(LOOK_AGAIN.1);
    }
}

impl<'a> World<'a> {
    pub(super) fn new(stage: &'a Stage, owner: &'a str) -> Self {
        Self {
            stage,
            client: stage.client(),
            owner,
            input: None,
            refusal: None,
            workflows: Vec::new(),
            variables: Vec::new(),
            job: None,
        }
    }

    /// One more document; it is deployed when something happens.
    pub(super) fn define(&mut self, document: &str, is_other: bool) {
        let name = name_of(document).unwrap_or_else(|| "unreadable/document".to_owned());
        let (is_deployed, earlier) = (false, BTreeSet::new());
        let document = document.to_owned();
        self.workflows.push(Workflow { name, document, is_other, is_deployed, earlier });
    }

    /// Sets a variable of a kind: `config` or `secret`.
    pub(super) fn set_variable(&mut self, name: &str, kind: &str, value: &Value) -> Result<()> {
        if kind == "secret" {
            self.stage.secrets.learn(value);
        }
        let body = json!({ "kind": kind, "value": value }).to_string();
        let path = format!("/api/v1/variables/{name}");
        let answered = self.client.ask("PUT", &path, ("application/json", body.as_bytes()))?;
        answered.ok().with_context(|| format!("PUT {path}"))?;
        if !self.variables.iter().any(|known| known == name) {
            self.variables.push(name.to_owned());
        }
        Ok(())
    }

    /// Deploys what is not yet: other workflows first, since the tested one may run them.
    pub(super) fn deploy(&mut self) -> Result<()> {
        let mut order: Vec<usize> = (0..self.workflows.len()).collect();
        order.sort_by_key(|index| !self.workflows[*index].is_other);
        for index in order {
            if self.workflows[index].is_deployed {
                continue;
            }
            let name = self.workflows[index].name.clone();
            self.workflows[index].earlier = self.jobs(&name)?.iter().filter_map(id).collect();
            let answered = self.put(index)?;
            if !answered.is_ok() {
                ensure!(answered.status == 422, "deploying {name}: {}: {}", answered.status, answered.body);
                self.refusal = Some(answered);
                return Ok(());
            }
            self.workflows[index].is_deployed = true;
        }
        Ok(())
    }

    /// Deploys the same documents once more.
    pub(super) fn deploy_again(&mut self) -> Result<()> {
        for index in 0..self.workflows.len() {
            self.put(index)?.ok().context("deploying again")?;
        }
        Ok(())
    }

    fn put(&mut self, index: usize) -> Result<Answered> {
        let workflow = &self.workflows[index];
        let path = format!("/api/v1/workflows/{}", workflow.name);
        self.client.ask("PUT", &path, ("application/yaml", workflow.document.as_bytes()))
    }

    /// Deploys, and is an error where the server refuses.
    pub(super) fn deploy_well(&mut self) -> Result<()> {
        self.deploy()?;
        if let Some(refused) = &self.refusal {
            bail!("the server refuses the document: {}", findings(&refused.body));
        }
        Ok(())
    }

    /// Starts an instance of the tested workflow, or of another.
    pub(super) fn execute(&mut self, workflow: Option<&str>) -> Result<()> {
        self.deploy_well()?;
        let path = format!("/run/default/{}", self.named(workflow)?);
        let body = self.input.as_ref().map(ToString::to_string).unwrap_or_default();
        let answered = self.client.ask("POST", &path, ("application/json", body.as_bytes()))?.ok()?;
        let job = answered["job"].as_str().with_context(|| format!("POST {path} answered {answered}"))?;
        if workflow.is_none() {
            self.job = Some(job.to_owned());
        }
        Ok(())
    }

    /// The name of the tested workflow, or that of another.
    pub(super) fn named(&self, workflow: Option<&str>) -> Result<String> {
        workflow.map_or_else(|| Ok(self.last()?.name.clone()), |name| Ok(name.to_owned()))
    }

    /// The tested workflow's document.
    pub(super) fn tested(&self) -> Result<&str> {
        Ok(&self.last()?.document)
    }

    /// The last workflow that is not `another`.
    fn last(&self) -> Result<&Workflow> {
        let tested = self.workflows.iter().rev().find(|workflow| !workflow.is_other);
        tested.context("the scenario has no workflow")
    }

    /// The id of an instance: of the tested workflow, or the newest of another.
    pub(super) fn instance(&mut self, workflow: Option<&str>) -> Result<String> {
        if let (None, Some(job)) = (workflow, &self.job) {
            return Ok(job.clone());
        }
        let name = self.named(workflow)?;
        eventually(&format!("an instance of {name}"), || {
            let mut jobs = self.instances(&name)?;
            jobs.sort_by_key(|job| job["createdAt"].as_str().map(str::to_owned));
            Ok(jobs.last().and_then(id))
        })
    }

    /// Every instance of a workflow that this scenario has started, newest first.
    pub(super) fn instances(&mut self, workflow: &str) -> Result<Vec<Value>> {
        let mut jobs = self.jobs(workflow)?;
        let known = self.workflows.iter().find(|known| known.name == workflow);
        let known = known.with_context(|| format!("the scenario has no workflow {workflow}"))?;
        jobs.retain(|job| id(job).is_some_and(|id| !known.earlier.contains(&id)));
        Ok(jobs)
    }

    /// An instance as it is now.
    pub(super) fn job(&mut self, workflow: Option<&str>) -> Result<Value> {
        let job = self.instance(workflow)?;
        self.client.get(&format!("/api/v1/jobs/{job}"))
    }

    /// An instance after its end.
    pub(super) fn ended(&mut self, workflow: Option<&str>) -> Result<Value> {
        let path = format!("/api/v1/jobs/{}", self.instance(workflow)?);
        let ended = eventually("the end of the workflow", || {
            let job = self.client.get(&path)?;
            ensure!(job["state"] != "suspended", "the workflow is suspended: {}", job["error"]);
            Ok(is_final(&job).then_some(job))
        });
        ended.map_err(|error| match self.client.get(&path) {
            Ok(job) => error.context(format!("the workflow is {}", job["state"])),
            Err(_) => error,
        })
    }

    /// An error unless an instance ends in this state.
    pub(super) fn expect_end(&mut self, workflow: Option<&str>, state: &str) -> Result<Value> {
        let job = self.ended(workflow)?;
        if job["state"] == state {
            return Ok(job);
        }
        bail!("the workflow is {}: error {}, output {}", job["state"], job["error"], job["output"])
    }

    /// Every step of the tested instance in the order in which they began, steps inside after their parent.
    pub(super) fn steps(&mut self) -> Result<Vec<Value>> {
        let job = self.instance(None)?;
        let trace = self.client.get(&format!("/api/v1/jobs/{job}/trace"))?;
        ensure!(trace["diverged"].is_null(), "the trace diverges: {}", trace["diverged"]);
        let mut steps = Vec::new();
        flatten(&trace["steps"], &mut steps);
        // Stable: what began at the same moment stays in the order of the trace.
        steps.sort_by_key(|step| step["startedAt"].as_str().map(str::to_owned));
        Ok(steps)
    }

    /// Removes everything again. A finished instance must replay to the same result.
    pub(super) fn finish(&mut self) -> Result<()> {
        let mut problem = None;
        let names: Vec<String> = self
            .workflows
            .iter()
            .filter(|workflow| workflow.is_deployed)
            .map(|workflow| workflow.name.clone())
            .collect();
        for name in names {
            problem = self.remove(&name).err().or(problem);
        }
        for variable in std::mem::take(&mut self.variables) {
            self.client.ask("DELETE", &format!("/api/v1/variables/{variable}"), ("application/json", b""))?;
        }
        self.stage.stand_in.callees.forget(self.owner);
        problem.map_or(Ok(()), Err)
    }

    fn remove(&mut self, name: &str) -> Result<()> {
        let nothing = ("application/json", &b""[..]);
        self.client.ask("DELETE", &format!("/api/v1/workflows/{name}"), nothing)?;
        for job in self.instances(name)? {
            let path = format!("/api/v1/jobs/{}", id(&job).unwrap_or_default());
            for shown in [path.clone(), format!("{path}/trace"), format!("{path}/journal")] {
                let answered = self.client.ask("GET", &shown, nothing)?;
                self.stage.secrets.absent(&shown, answered.body.to_string().as_bytes())?;
            }
            if !is_final(&job) {
                self.client.ask("POST", &format!("{path}/cancel"), nothing)?;
                continue;
            }
            let verdict = self.client.ask("POST", &format!("{path}/verify"), nothing)?.ok()?;
            ensure!(verdict["matches"] == true, "its replay gives another result: {verdict}");
        }
        Ok(())
    }

    fn jobs(&mut self, workflow: &str) -> Result<Vec<Value>> {
        let page = self.client.get(&format!("/api/v1/jobs?workflow={workflow}&limit=500"))?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }
}

/// Whether a job has ended.
pub(super) fn is_final(job: &Value) -> bool {
    job["state"].as_str().is_some_and(|state| FINAL.contains(&state))
}

/// What a refusal finds, in one line each.
pub(super) fn findings(refusal: &Value) -> String {
    let Some(found) = refusal["diagnostics"].as_array() else { return refusal.to_string() };
    let lines = found.iter().map(|finding| {
        let word = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        format!("{} at {}: {}", word("code"), word("pointer"), word("message"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn id(job: &Value) -> Option<String> {
    job["id"].as_str().map(str::to_owned)
}

/// `namespace/name` of a document, if it can be read that far.
pub(super) fn name_of(document: &str) -> Option<String> {
    let document: Value = serde_saphyr::from_str(document).ok()?;
    let word = |name: &str| document["document"][name].as_str().map(str::to_owned);
    Some(format!("{}/{}", word("namespace")?, word("name")?))
}

fn flatten(steps: &Value, all: &mut Vec<Value>) {
    for step in steps.as_array().into_iter().flatten() {
        let mut own = step.clone();
        let children = own.as_object_mut().and_then(|members| members.remove("children"));
        all.push(own);
        flatten(&children.unwrap_or_default(), all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_its_name() {
        let text = "document: { dsl: 1.0.3, namespace: a, name: b, version: '1.0.0' }\ndo: []";
        assert_eq!(name_of(text).as_deref(), Some("a/b"));
        assert_eq!(name_of("document: [").as_deref(), None);
    }

    #[test]
    fn steps_are_flat_with_parents_first() {
        let mut steps = Vec::new();
        flatten(
            &json!([{ "task": "a", "children": [{ "task": "b", "children": [] }] }, { "task": "c" }]),
            &mut steps,
        );
        assert_eq!(steps, [json!({ "task": "a" }), json!({ "task": "b" }), json!({ "task": "c" })]);
    }
}
