//! Authenticated calls: the authorization first, then the request that is made with it.

use super::policy::Kind;
use super::{Authorized, Digester, Error, Policy};
use crate::{Failure, HttpClient, Request, Response, TimeoutPhase};

impl HttpClient {
    /// What the requests of a policy show now; for OAuth2 and OpenID Connect a token is fetched if there is none.
    pub async fn authorize(&self, policy: &Policy) -> Result<Authorized, Failure> {
        match &policy.kind {
            Kind::Fixed(authorized) => Ok(authorized.clone()),
            Kind::Digest(_) => Ok(Authorized { scheme: "Digest", parameter: String::new() }),
            Kind::OAuth2(oauth2) => {
                let parameter = self.tokens().token(self, &policy.key, oauth2).await?;
                Ok(Authorized { scheme: "Bearer", parameter })
            }
        }
    }

    /// Sends a request under a policy. `build` makes the request of the authorization; it is called again with a
    /// fresh token when the callee refuses one (401), once, in the same attempt. It sees every credential that is
    /// shown to the callee, so it can note what must be kept out of records. An `Authorization` header that it
    /// sets itself stays as it is.
    ///
    /// All together is bounded by [`Options::total_timeout`](crate::Options::total_timeout). The credentials go
    /// to no other origin: redirects there are followed without them.
    pub async fn send_authenticated<E>(
        &self,
        policy: &Policy,
        build: impl FnMut(&Authorized) -> Result<Request, E>,
    ) -> Result<Response, Error<E>> {
        let after = self.total_timeout();
        match tokio::time::timeout(after, Box::pin(self.authenticated(policy, build))).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout { phase: TimeoutPhase::Total, after }.into()),
        }
    }

    async fn authenticated<E>(
        &self,
        policy: &Policy,
        mut build: impl FnMut(&Authorized) -> Result<Request, E>,
    ) -> Result<Response, Error<E>> {
        let mut authorized = self.authorize(policy).await?;
        let mut renewed = false;
        loop {
            let mut request = build(&authorized).map_err(Error::Build)?;
            let is_set = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            if !is_set && let Some(header) = authorized.header() {
                request.headers.push(("authorization".to_owned(), header));
            }
            let response = match &policy.kind {
                Kind::Digest(credentials) if !is_set => {
                    let digester = Digester::new(self.challenges(), credentials, policy.key);
                    self.send_digested(request, digester).await?
                }
                _ => self.send(request).await?,
            };
            if response.status != 401 || renewed || !self.refused(policy, &authorized).await {
                return Ok(response);
            }
            renewed = true;
            authorized = self.authorize(policy).await?;
        }
    }

    /// A callee refused what a policy shows; whether a fresh one may help.
    pub(crate) async fn refused(&self, policy: &Policy, authorized: &Authorized) -> bool {
        let is_renewable = matches!(policy.kind, Kind::OAuth2(_));
        if is_renewable {
            self.tokens().refused(&policy.key, &authorized.parameter).await;
        }
        is_renewable
    }
}
