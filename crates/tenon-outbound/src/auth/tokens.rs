//! Tokens in memory: one per policy, fetched by one call while others wait.

use std::sync::Arc;

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::discovery::Discoveries;
use super::oauth2::{Endpoint, Grant, OAuth2};
use super::token_request::{Issued, issue};
use crate::{Failure, HttpClient};

/// How many policies are remembered. One that is forgotten costs a token request.
const MAX_POLICIES: usize = 4_096;

/// The tokens of all policies.
pub(crate) struct Tokens {
    entries: Cache<[u8; 32], Arc<Mutex<Entry>>>,
    discoveries: Discoveries,
}

/// What is known of one policy. Held locked while a token is fetched; if the call that fetches is aborted, the
/// lock goes to the next.
#[derive(Default)]
struct Entry {
    token: Option<Token>,
    /// A refresh token that replaced the policy's own.
    refresh: Option<String>,
    /// When the last attempt failed, and how: those who waited for it share it.
    failed: Option<(Instant, Failure)>,
}

struct Token {
    value: String,
    until: Instant,
}

// === impl Tokens ===

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { entries: Cache::new(MAX_POLICIES), discoveries: Discoveries::new() }
    }

    /// The policy's token, fetched if there is none that is good.
    pub(super) async fn token(
        &self,
        http: &HttpClient,
        key: &[u8; 32],
        policy: &OAuth2,
    ) -> Result<String, Failure> {
        let asked = Instant::now();
        let entry = self.entry(key);
        let mut entry = entry.lock().await;
        if let Some(token) = entry.token.as_ref().filter(|token| token.until > Instant::now()) {
            return Ok(token.value.clone());
        }
        if let Some((at, failure)) = &entry.failed
            && *at >= asked
        {
            return Err(failure.clone());
        }
        match self.fetch(http, policy, entry.refresh.as_deref()).await {
            Ok(issued) => {
                let value = issued.token.clone();
                entry.token = Some(Token { value: issued.token, until: Instant::now() + issued.lifetime });
                entry.failed = None;
                if matches!(policy.grant, Grant::RefreshToken(_)) {
                    entry.refresh = issued.refresh.or_else(|| entry.refresh.take());
                }
                Ok(value)
            }
            Err(failure) => {
                // The next attempt begins anew: with the policy's own refresh token, and with a new discovery.
                *entry = Entry { failed: Some((Instant::now(), failure.clone())), ..Entry::default() };
                if let Endpoint::Discovery(document) = &policy.endpoint {
                    self.discoveries.forget(document);
                }
                Err(failure)
            }
        }
    }

    /// A callee refused this token. If another call has replaced it meanwhile, the new one stays.
    pub(super) async fn refused(&self, key: &[u8; 32], value: &str) {
        let entry = self.entry(key);
        let mut entry = entry.lock().await;
        entry.token = entry.token.take().filter(|token| token.value != value);
    }

    fn entry(&self, key: &[u8; 32]) -> Arc<Mutex<Entry>> {
        let made: Result<_, std::convert::Infallible> =
            self.entries.get_or_insert_with(key, || Ok(Arc::default()));
        match made {
            Ok(entry) => entry,
        }
    }

    async fn fetch(
        &self,
        http: &HttpClient,
        policy: &OAuth2,
        refresh: Option<&str>,
    ) -> Result<Issued, Failure> {
        let endpoint = match &policy.endpoint {
            Endpoint::Token(endpoint) => endpoint.clone(),
            Endpoint::Discovery(document) => {
                self.discoveries.token_endpoint(http, document, &policy.issuers).await?
            }
        };
        issue(http, policy, &endpoint, refresh).await
    }
}
