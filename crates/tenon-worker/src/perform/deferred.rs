//! Effects that read secrets or configuration, or authenticate: completed here, at the moment of use, and with
//! every secret value and token taken out of what comes back.

use serde_json::json;
use tenon_capture::Values;
use tenon_engine::{Deferred, Failure, GrpcRequest, HttpRequest, Outcome, Resolved, Used};
use tenon_outbound::auth::{Authorized, Error as AuthError, Policy};
use tenon_outbound::grpc::Call;
use tenon_outbound::{Request, Response};
use tenon_workflow::HttpOutput;

use super::derived::{Derived, others};
use super::scrub::Scrubber;
use super::{FULL_DISK_PAUSE, Identity, grpc, http};
use crate::Context;

/// What an effect is completed with.
pub(crate) struct Prepared {
    pub(super) resolved: Resolved,
    used: Vec<Used>,
    pub(super) scrubber: Scrubber,
}

// === impl Prepared ===

impl Prepared {
    /// The values of now: of what the effect reads, and, only to keep them out of records, of all secrets that its
    /// workflow reads. What one call leaves with a callee, another may bring back.
    pub(super) async fn new(
        context: &Context,
        identity: &Identity,
        deferred: Option<&Deferred>,
    ) -> Result<Self, tenon_store::Error> {
        let (read, variables) = deferred.map_or((&[][..], &[][..]), Deferred::names);
        let others = identity.deployed.program.secrets.iter().filter(|name| !read.contains(name));
        let secrets: Vec<String> = read.iter().chain(others).cloned().collect();
        if secrets.is_empty() && variables.is_empty() {
            return Ok(Self::of(Values::default(), read));
        }
        Ok(Self::of(context.variables.resolve(identity.workspace, &secrets, variables).await?, read))
    }

    /// The same; a store that fails is asked again.
    async fn wait_for(context: &Context, identity: &Identity, deferred: Option<&Deferred>) -> Self {
        loop {
            match Self::new(context, identity, deferred).await {
                Ok(prepared) => return prepared,
                Err(error) => tracing::warn!(%error, "variables could not be read; trying again"),
            }
            tokio::time::sleep(FULL_DISK_PAUSE).await;
        }
    }

    fn of(values: Values, read: &[String]) -> Self {
        let mut prepared =
            Self { resolved: Resolved::default(), used: Vec::new(), scrubber: Scrubber::default() };
        for secret in values.secrets {
            prepared.scrubber.add_secret(&secret.name, &secret.value);
            if read.contains(&secret.name) {
                prepared.used.push(Used { name: secret.name.clone(), version: secret.version });
                prepared.resolved.secrets.insert(secret.name, secret.value);
            }
        }
        for variable in values.variables {
            prepared.used.push(Used { name: variable.name.clone(), version: variable.version });
            prepared.resolved.variables.insert(variable.name, variable.value);
        }
        prepared
    }

    /// How the call authenticates, if it does.
    pub(super) fn policy(&mut self, deferred: &Deferred) -> Result<Option<Policy>, Failure> {
        let Some((scheme, members)) = deferred.authentication(&self.resolved)? else { return Ok(None) };
        if let Some(others) = self.others()
            && let Ok(Some((_, other))) = deferred.authentication(&others)
        {
            let mut derived = Derived::default();
            derived.value(&members, &other);
            self.hide(&derived);
        }
        Policy::parse(scheme.name(), &members).map(Some).map_err(|failure| http::failure(&failure))
    }

    /// What the call shows; it must not be seen afterwards.
    pub(super) fn authorized(&mut self, authorized: &Authorized) {
        self.scrubber.add_token(&authorized.parameter);
        self.resolved.authorization =
            Some(json!({ "scheme": authorized.scheme, "parameter": authorized.parameter }));
    }

    /// The HTTP request with every value in it; what it makes of secrets must not be seen afterwards.
    fn http(&mut self, deferred: &Deferred, identity: &Identity) -> Result<(HttpRequest, Request), Failure> {
        let call = deferred.http(&self.resolved)?;
        let mut request = http::request(&call, identity);
        if let Some(others) = self.others()
            && let Ok(other) = deferred.http(&others)
        {
            let mut derived = Derived::default();
            derived.add_http(&call, &other);
            self.hide(&derived);
            request.secret_headers = derived.headers;
            request.has_secret_body = derived.is_in_body;
        }
        Ok((call, request))
    }

    /// The same of a gRPC request.
    fn grpc(&mut self, deferred: &Deferred, identity: &Identity) -> Result<Call, Failure> {
        let request = deferred.grpc(&self.resolved)?;
        if let Some(others) = self.others()
            && let Ok(other) = deferred.grpc(&others)
        {
            let mut derived = Derived::default();
            derived.add_grpc(&request, &other);
            self.hide(&derived);
        }
        Ok(grpc::call(&request, identity))
    }

    /// Other values, to see what depends on those there are. None where nothing is secret.
    fn others(&self) -> Option<Resolved> {
        let is_secret = !self.resolved.secrets.is_empty() || self.resolved.authorization.is_some();
        is_secret.then(|| others(&self.resolved))
    }

    fn hide(&mut self, derived: &Derived) {
        let mut names = self.resolved.secrets.keys();
        let only = names.next().filter(|_| names.next().is_none());
        for text in &derived.texts {
            self.scrubber.add_derived(text, only.map(String::as_str));
        }
    }

    /// The outcome as it may be recorded.
    pub(super) fn seal(&self, mut outcome: Outcome) -> Outcome {
        self.scrubber.outcome(&mut outcome);
        match &mut outcome {
            Outcome::Answered(answer) => answer.used.clone_from(&self.used),
            Outcome::Failed(failure) => failure.used.clone_from(&self.used),
            _ => {}
        }
        outcome
    }

    fn failed(&self, error: AuthError<Failure>) -> Outcome {
        self.seal(Outcome::Failed(match error {
            AuthError::Build(failure) => failure,
            AuthError::Failed(failure) => http::failure(&failure),
        }))
    }

    /// The same of a response. What is encoded or cut off on the way to the outcome is looked at before.
    fn outcome(&mut self, call: &HttpRequest, mut response: Response) -> Outcome {
        for shown in &response.credentials {
            self.scrubber.add_token(shown);
        }
        let is_result = call.is_result(response.status);
        if !self.scrubber.is_empty()
            && (!is_result || call.output == HttpOutput::Raw)
            && let Some(cleaned) = self.scrubber.bytes(&response.body, is_result)
        {
            response.body = cleaned.into();
        }
        self.seal(http::outcome(call, response))
    }
}

/// Performs an HTTP call that is complete, of a workflow that reads secrets elsewhere.
pub(super) async fn complete_http(context: &Context, call: &HttpRequest, identity: Identity) -> Outcome {
    let mut prepared = Prepared::wait_for(context, &identity, None).await;
    match context.http.send(http::request(call, &identity)).await {
        Ok(response) => prepared.outcome(call, response),
        Err(failure) => prepared.failed(AuthError::Failed(failure)),
    }
}

/// The same of a gRPC call.
pub(super) async fn complete_grpc(context: &Context, call: &GrpcRequest, identity: Identity) -> Outcome {
    let prepared = Prepared::wait_for(context, &identity, None).await;
    prepared.seal(grpc::send(context, call, identity).await)
}

/// Performs an HTTP call.
pub(super) async fn http(context: &Context, deferred: &Deferred, identity: Identity) -> Outcome {
    let mut prepared = Prepared::wait_for(context, &identity, Some(deferred)).await;
    let policy = match prepared.policy(deferred) {
        Ok(policy) => policy,
        Err(failure) => return prepared.seal(Outcome::Failed(failure)),
    };
    let mut sent = None;
    let mut build = |prepared: &mut Prepared| {
        let (call, request) = prepared.http(deferred, &identity)?;
        sent = Some(call);
        Ok(request)
    };
    let answer = match &policy {
        Some(policy) => {
            let authenticated = context.http.send_authenticated(policy, |authorized| {
                prepared.authorized(authorized);
                build(&mut prepared)
            });
            authenticated.await
        }
        None => match build(&mut prepared) {
            Ok(request) => context.http.send(request).await.map_err(AuthError::Failed),
            Err(failure) => Err(AuthError::Build(failure)),
        },
    };
    match (answer, sent) {
        (Ok(response), Some(call)) => prepared.outcome(&call, response),
        (Ok(_), None) => unreachable!("what was answered was sent"),
        (Err(error), _) => prepared.failed(error),
    }
}

/// Performs a gRPC call.
pub(super) async fn grpc(context: &Context, deferred: &Deferred, identity: Identity) -> Outcome {
    let mut prepared = Prepared::wait_for(context, &identity, Some(deferred)).await;
    let policy = match prepared.policy(deferred) {
        Ok(policy) => policy,
        Err(failure) => return prepared.seal(Outcome::Failed(failure)),
    };
    let client = grpc::client(context);
    let answer = match &policy {
        Some(policy) => {
            let authenticated = client.call_authenticated(policy, |authorized| {
                prepared.authorized(authorized);
                prepared.grpc(deferred, &identity)
            });
            authenticated.await
        }
        None => match prepared.grpc(deferred, &identity) {
            Ok(call) => client.call(call).await.map_err(AuthError::Failed),
            Err(failure) => Err(AuthError::Build(failure)),
        },
    };
    match answer {
        Ok(content) => prepared.seal(grpc::answered(content)),
        Err(error) => prepared.failed(error),
    }
}
