//! OpenID Connect Discovery: where an authority has its token endpoint.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use serde_json::Value;
use tokio::time::Instant;
use url::{Position, Url};

use super::token_request::{MAX_ANSWER_BYTES, no_token, unreached};
use crate::request::check_url;
use crate::{Failure, HttpClient, Request};

/// How long an authority's word is believed.
const LIFETIME: Duration = Duration::from_hours(1);
/// How many authorities are remembered.
const MAX_AUTHORITIES: usize = 256;

/// What authorities have said.
pub(super) struct Discoveries(Cache<String, Arc<Discovered>>);

struct Discovered {
    token_endpoint: Url,
    issuer: Option<String>,
    until: Instant,
}

// === impl Discoveries ===

impl Discoveries {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_AUTHORITIES))
    }

    /// The token endpoint; if `issuers` is not empty, the authority must be one of them.
    pub(super) async fn token_endpoint(
        &self,
        http: &HttpClient,
        document: &Url,
        issuers: &[String],
    ) -> Result<Url, Failure> {
        let known = self.0.get(document.as_str()).filter(|known| known.until > Instant::now());
        let discovered = if let Some(known) = known {
            known
        } else {
            let fresh = Arc::new(discover(http, document).await?);
            self.0.insert(document.as_str().to_owned(), Arc::clone(&fresh));
            fresh
        };
        let is_trusted = |issuer: &String| issuers.contains(issuer);
        if !issuers.is_empty() && !discovered.issuer.as_ref().is_some_and(is_trusted) {
            return Err(no_token(host(document), "the authority is not among `issuers`"));
        }
        Ok(discovered.token_endpoint.clone())
    }

    /// What was said may no longer hold.
    pub(super) fn forget(&self, document: &Url) {
        self.0.remove(document.as_str());
    }
}

async fn discover(http: &HttpClient, document: &Url) -> Result<Discovered, Failure> {
    let mut request = Request::new("GET", document.as_str());
    request.headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let response = http.send_within(request, MAX_ANSWER_BYTES).await;
    let response = response.map_err(|failure| unreached(host(document), failure))?;
    let wrong = |reason: &str| no_token(host(document), &format!("its OpenID configuration {reason}"));
    if response.status != 200 {
        return Err(wrong(&format!("cannot be read: it answered {}", response.status)));
    }
    let found: Value = serde_json::from_slice(&response.body).map_err(|_| wrong("is not JSON"))?;
    let endpoint = found["token_endpoint"].as_str().and_then(|text| Url::parse(text).ok());
    let Some(token_endpoint) = endpoint.filter(|url| check_url(url).is_ok()) else {
        return Err(wrong("names no `token_endpoint` that can be called"));
    };
    if document.scheme() == "https" && token_endpoint.scheme() == "http" {
        return Err(wrong("leads from https to http, which would expose the credentials"));
    }
    let issuer = found["issuer"].as_str().map(str::to_owned);
    Ok(Discovered { token_endpoint, issuer, until: Instant::now() + LIFETIME })
}

fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}
