//! Programs of calls that run in memory, for pollers: no journal, no job, nothing to resume.
//!
//! The same interpreter and the same effects as in jobs, so that secrets, authentication, address rules and timeouts
//! are those of jobs. What would need a job (children, events, emits) is refused. Dropping the future ends it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_capture::{CallError, Calls, Deployed};
use tenon_engine::{
    Accepted, Effect, EffectAction, Error, Execution, Failure, FailureKind, Finished, Job, Outcome, Progress,
    SEMANTICS, Timestamp,
};
use tenon_store::{ResourceId, RevisionId, WorkspaceId};
use tenon_workflow::{ErrorType, Program};
use tokio::sync::mpsc;

use crate::openings::Openings;
use crate::perform::{Identity, perform};
use crate::run::attempts::Attempts;
use crate::{Context, Parts, load};

/// What one call may take altogether, retries and waits included.
const LONGEST: Duration = Duration::from_mins(5);

/// Runs programs in memory. Cheap to clone.
#[derive(Clone)]
pub struct Transient(Context);

/// One program at work.
struct Running<'a> {
    context: &'a Context,
    execution: Execution,
    attempts: Attempts,
    job: String,
    deployed: Arc<Deployed>,
}

// === impl Transient ===

impl Transient {
    /// Calls go out as those of jobs do.
    pub fn new(parts: Parts) -> Self {
        let Parts { capture, http, variables } = parts;
        let store = Arc::clone(&capture.ports().store);
        // Nobody listens: there is no job of which a dispatcher could be told.
        let (notices, _) = mpsc::channel(1);
        let keep_jobs = Duration::ZERO;
        let openings = Openings::new(0);
        Self(Context { store, capture, http, variables, notices, openings, keep_jobs, keep_payloads: None })
    }
}

#[async_trait]
impl Calls for Transient {
    async fn call(
        &self,
        workspace: WorkspaceId,
        program: Arc<Program>,
        input: Value,
    ) -> Result<Value, CallError> {
        let mut running = Box::new(Running::new(&self.0, workspace, program, input));
        let finished = tokio::time::timeout(LONGEST, running.run()).await.map_err(|_| {
            let detail = format!("the call took longer than {} s", LONGEST.as_secs());
            CallError(Error::standard(ErrorType::Timeout, "/", detail).to_value())
        })?;
        match finished {
            Finished::Completed(output) => Ok(Arc::unwrap_or_clone(output)),
            Finished::Faulted(error) => Err(CallError(error.to_value())),
            Finished::Cancelled => {
                Err(CallError(Error::standard(ErrorType::Runtime, "/", "the call was ended").to_value()))
            }
        }
    }
}

// === impl Running ===

impl<'a> Running<'a> {
    fn new(context: &'a Context, workspace: WorkspaceId, program: Arc<Program>, input: Value) -> Self {
        let ports = context.capture.ports();
        let job = ports.ids.job().to_string();
        let name = &program.name;
        let deployed = Deployed {
            workspace,
            resource: ResourceId(0),
            revision: RevisionId(0),
            revision_number: 0,
            name: format!("{}/{}", name.namespace, name.name).into(),
            program: Arc::clone(&program),
        };
        let execution = Execution::new(Job {
            id: job.clone(),
            program,
            event: None,
            input: Arc::new(input),
            captured_at: load::time(ports.clock.now()),
            runtime: Arc::new(json!({ "name": "tenon", "version": SEMANTICS.to_string(), "metadata": {} })),
            hops: 0,
        });
        Self { context, execution, attempts: Attempts::default(), job, deployed: Arc::new(deployed) }
    }

    async fn run(&mut self) -> Finished {
        let mut progress = self.execution.resume();
        loop {
            while progress == Progress::Yielded {
                tokio::task::yield_now().await;
                progress = self.execution.resume();
            }
            for withdrawn in self.execution.take_withdrawn() {
                self.attempts.abort(&withdrawn);
            }
            // There are no children that could be.
            self.execution.take_abandoned();
            for effect in self.execution.take_effects() {
                self.start(effect);
            }
            if let Some(finished) = self.execution.finished() {
                return finished.clone();
            }
            let (effect, attempt, started_at, outcome) = self.attempts.next().await;
            self.attempts.is_over(&effect);
            let at = self.now();
            let accepted = Accepted { effect, attempt, started_at, at, outcome };
            progress = match self.execution.accept(accepted) {
                Some((_, progress)) => progress,
                None => self.execution.resume(),
            };
        }
    }

    fn start(&mut self, effect: Effect) {
        let started_at = self.now();
        let identity = Identity {
            workspace: self.deployed.workspace,
            idempotency_key: effect.idempotency_key(&self.job),
            attempt: effect.attempt,
            hops: 0,
            is_lifecycle: false,
            masked_by: None,
            deployed: Arc::clone(&self.deployed),
        };
        let context = self.context.clone();
        self.attempts.start(Arc::clone(&effect.id), async move {
            let outcome = match &effect.action {
                EffectAction::Http(_) | EffectAction::Grpc(_) => {
                    perform(&context, &effect.action, identity).await
                }
                EffectAction::Timer { due } => wait(&context, *due).await,
                EffectAction::Emit(_)
                | EffectAction::Listen(_)
                | EffectAction::StartChild(_)
                | EffectAction::AwaitChild { .. } => refused(),
            };
            (effect.id, effect.attempt, started_at, outcome)
        });
    }

    fn now(&self) -> Timestamp {
        load::time(self.context.capture.ports().clock.now())
    }
}

async fn wait(context: &Context, due: Timestamp) -> Outcome {
    let now = context.capture.ports().clock.now();
    tokio::time::sleep(load::stored(due).since(now)).await;
    Outcome::Fired
}

fn refused() -> Outcome {
    Outcome::Failed(Failure {
        error: FailureKind::Configuration,
        status: 400,
        detail: "only calls can be made outside of jobs".to_owned(),
        used: Vec::new(),
    })
}
