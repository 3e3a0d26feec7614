//! Arguments that only whoever performs an effect can complete, because they read secrets or configuration.
//!
//! In the core a secret is `<secret:name>`: that is what is hashed and what traces show. The values that the
//! arguments read besides are captured here when the effect is made, so that completing it needs no machine.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_expr::{Expr, Scope, Template};
use tenon_workflow::{
    Action, Authentication, AuthenticationScheme, AuthenticationSource, CONFIGURATION, ErrorType, Program,
    Task, TaskId,
};

use super::arguments::{Arguments, Problem, is_deferred, is_deferred_name};
use super::{Failure, GrpcRequest, HttpRequest, request};

/// What it takes to complete an effect.
#[derive(Debug)]
pub struct Deferred {
    program: Arc<Program>,
    task: TaskId,
    input: Arc<Value>,
    captured: Captured,
    secrets: Vec<String>,
    variables: Vec<String>,
    /// Secrets that are read by names which only the data knows.
    reads_any_secret: bool,
}

/// Secrets and configuration, by name, as of the moment at which an effect is performed. A name that is not in
/// it has no value.
#[derive(Clone, Default)]
pub struct Resolved {
    /// Of kind `secret`.
    pub secrets: Map<String, Value>,
    /// Of kind `config`.
    pub variables: Map<String, Value>,
    /// `$authorization`: `{scheme, parameter}`, once the call is authenticated.
    pub authorization: Option<Value>,
}

/// What the arguments read besides.
#[derive(Debug, Default)]
struct Captured {
    whole: BTreeMap<String, Value>,
    members: BTreeMap<(String, String), Value>,
    now: f64,
}

// === impl Deferred ===

impl Deferred {
    /// For the effect of a task, if its arguments read what the core does not know, or it authenticates.
    pub(crate) fn of(
        program: &Arc<Program>,
        task: &Task,
        input: &Arc<Value>,
        scope: &dyn Scope,
    ) -> Option<Arc<Self>> {
        let policy = policy(&task.action);
        if policy.is_none() && program.secrets.is_empty() && program.variables.is_empty() {
            return None;
        }
        let expressions = expressions(&task.action);
        if policy.is_none() && !expressions.iter().any(|expr| is_deferred(expr)) {
            return None;
        }
        let mut captured = Captured { now: scope.now(), ..Captured::default() };
        let (mut secrets, mut variables) = (BTreeSet::new(), BTreeSet::new());
        let mut reads_any_secret = false;
        for (name, member) in expressions.iter().flat_map(|expr| expr.reads()) {
            match (name, member) {
                ("secrets", Some(member)) => drop(secrets.insert(member.to_owned())),
                ("secrets", None) => reads_any_secret = true,
                (CONFIGURATION, Some(member)) => drop(variables.insert(member.to_owned())),
                _ if is_deferred_name(name) => {}
                _ => captured.take(scope, name, member),
            }
        }
        if let Some(Authentication { source: AuthenticationSource::Secret(name), .. }) = policy {
            secrets.insert(name.clone());
        }
        if reads_any_secret {
            secrets.extend(program.secrets.iter().cloned());
        }
        Some(Arc::new(Self {
            program: Arc::clone(program),
            task: task.id,
            input: Arc::clone(input),
            captured,
            secrets: secrets.into_iter().collect(),
            variables: variables.into_iter().collect(),
            reads_any_secret,
        }))
    }

    /// What to resolve: the secrets and the configuration variables that this effect may read.
    pub fn names(&self) -> (&[String], &[String]) {
        (&self.secrets, &self.variables)
    }

    /// How the call authenticates: the policy's members, evaluated. Nothing if it does not.
    pub fn authentication(
        &self,
        resolved: &Resolved,
    ) -> Result<Option<(AuthenticationScheme, Value)>, Failure> {
        let Some(policy) = policy(self.action()) else { return Ok(None) };
        let arguments = self.arguments(resolved)?;
        let scheme = policy.scheme;
        let members = match &policy.source {
            AuthenticationSource::Secret(name) => arguments.secret(name),
            AuthenticationSource::Given(template) => arguments.value(template, "authentication")?,
        };
        match members {
            Value::Object(_) => Ok(Some((scheme, members))),
            Value::String(token) if scheme == AuthenticationScheme::Bearer => {
                Ok(Some((scheme, json!({ "token": token }))))
            }
            _ => {
                let name = scheme.name();
                let detail =
                    format!("the secret for `{name}` must be an object with the members of `{name}`");
                Err(Problem::new(ErrorType::Configuration, detail).into())
            }
        }
    }

    /// The HTTP request (of `call: http` and `call: openapi`) with every value in it.
    pub fn http(&self, resolved: &Resolved) -> Result<HttpRequest, Failure> {
        let arguments = self.arguments(resolved)?;
        Ok(match self.action() {
            Action::CallHttp(call) => request::http(call, &arguments)?,
            Action::CallOpenApi(call) => request::openapi(call, &arguments)?,
            _ => return Err(self.mistaken("an HTTP call")),
        })
    }

    /// The gRPC request with every value in it.
    pub fn grpc(&self, resolved: &Resolved) -> Result<GrpcRequest, Failure> {
        let arguments = self.arguments(resolved)?;
        match self.action() {
            Action::CallGrpc(call) => Ok(request::grpc(call, &arguments)?),
            _ => Err(self.mistaken("a gRPC call")),
        }
    }

    /// The child's input with every value in it.
    pub fn child_input(&self, resolved: &Resolved) -> Result<Value, Failure> {
        let arguments = self.arguments(resolved)?;
        match self.action() {
            Action::RunWorkflow(run) => Ok(request::child_input(run, &arguments)?),
            _ => Err(self.mistaken("a child job")),
        }
    }

    fn action(&self) -> &Action {
        &self.program.task(self.task).action
    }

    fn mistaken(&self, what: &str) -> Failure {
        let pointer = &self.program.task(self.task).pointer;
        Problem::new(ErrorType::Runtime, format!("the task {pointer} is not {what}")).into()
    }

    /// With values for everything that is read by its name.
    fn arguments<'a>(&'a self, resolved: &'a Resolved) -> Result<Arguments<'a>, Failure> {
        let unset = |names: &[String], values: &Map<String, Value>| {
            names.iter().find(|name| !values.contains_key(*name)).cloned()
        };
        let secret = if self.reads_any_secret { None } else { unset(&self.secrets, &resolved.secrets) };
        // The specification: a secret that cannot be had is an authorization error.
        if let Some(name) = secret {
            let detail = format!(
                "the secret `{name}` is not set in this workspace; set it with `tenon variable set {name} --secret`"
            );
            return Err(Problem::new(ErrorType::Authorization, detail).into());
        }
        if let Some(name) = unset(&self.variables, &resolved.variables) {
            let detail = format!(
                "the variable `{name}` is not set in this workspace; set it with `tenon variable set {name}`"
            );
            return Err(Problem::new(ErrorType::Configuration, detail).into());
        }
        Ok(Arguments {
            program: &self.program,
            input: &self.input,
            scope: &self.captured,
            authenticates: policy(self.action()).is_some(),
            resolved: Some(resolved),
        })
    }
}

/// Every expression in the arguments of an effect.
fn expressions(action: &Action) -> Vec<&Expr> {
    let mut templates: Vec<Option<&Template>> = Vec::new();
    let mut found = Vec::new();
    match action {
        Action::CallHttp(call) => {
            found.extend(call.endpoint.expression());
            templates.extend([
                Some(&call.method),
                call.headers.as_ref(),
                call.query.as_ref(),
                call.body.as_ref(),
            ]);
        }
        Action::CallOpenApi(call) => templates.extend([Some(&call.operation_id), call.parameters.as_ref()]),
        Action::CallGrpc(call) => {
            templates.extend([&call.service, &call.host, &call.method].map(Some));
            templates.extend([call.port.as_ref(), call.arguments.as_ref()]);
        }
        Action::RunWorkflow(run) => templates.push(run.input.as_ref()),
        _ => {}
    }
    if let Some(Authentication { source: AuthenticationSource::Given(template), .. }) = policy(action) {
        templates.push(Some(template));
    }
    found.extend(templates.into_iter().flatten().flat_map(Template::expressions));
    found
}

/// How the effect of a task authenticates, if it does.
pub(crate) fn policy(action: &Action) -> Option<&Authentication> {
    match action {
        Action::CallHttp(call) => call.authentication.as_ref(),
        Action::CallOpenApi(call) => call.authentication.as_ref(),
        Action::CallGrpc(call) => call.authentication.as_ref(),
        _ => None,
    }
}

// === impl Captured ===

impl Captured {
    fn take(&mut self, scope: &dyn Scope, name: &str, member: Option<&str>) {
        let Some(member) = member else {
            if !self.whole.contains_key(name)
                && let Some(value) = scope.variable(name)
            {
                self.whole.insert(name.to_owned(), value.into_owned());
            }
            return;
        };
        if let Some(value) = scope.member(name, member) {
            self.members.insert((name.to_owned(), member.to_owned()), value.into_owned());
        }
    }
}

impl Scope for Captured {
    fn variable(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.whole.get(name).map(Cow::Borrowed)
    }

    fn member(&self, name: &str, key: &str) -> Option<Cow<'_, Value>> {
        if let Some(value) = self.members.get(&(name.to_owned(), key.to_owned())) {
            return Some(Cow::Borrowed(value));
        }
        let whole = self.whole.get(name)?;
        Some(whole.get(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed))
    }

    fn now(&self) -> f64 {
        self.now
    }
}

// === impl Resolved ===

/// Shows names only: values must not get into a log.
impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
