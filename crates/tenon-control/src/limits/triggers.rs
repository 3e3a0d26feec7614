//! The rates of a workspace's triggers. Nothing waits for a webhook's: who comes too soon is refused, and counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tenon_capture::trigger::{RateLimit, Trigger};
use tenon_gateway::{App, Problem, Workspace};
use tenon_store::{Kind, Resource, RevisionId};
use tenon_trigger::Triggers;
use tokio::task::spawn_blocking;

/// Triggers that are looked at, by name.
const MOST: u32 = 1_000;
/// Revisions of which the rates are remembered.
const MOST_KNOWN: usize = 20_000;

/// The rate of each revision of a trigger that has been asked for: its document is read once, and never changes.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<HashMap<RevisionId, Option<Rate>>>>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rate {
    OfWebhook(RateLimit),
    OfPoller(RateLimit),
}

/// A row for each trigger that has a rate and is enabled.
pub(super) async fn rows(
    app: &App,
    (triggers, rates): (&Triggers, &Rates),
    workspace: &Workspace,
) -> Result<Vec<Value>, Problem> {
    let mut rows = Vec::new();
    for trigger in app.store().resources(workspace.id, Kind::Trigger, "", MOST).await? {
        if !trigger.enabled {
            continue;
        }
        let (revision, id) = (trigger.revision.id, trigger.revision.resource);
        let document = async || {
            let whole = app.store().revision(workspace.id, revision).await?;
            Ok(whole.map(|whole| whole.document).unwrap_or_default())
        };
        rows.extend(rates.of(revision, document).await?.map(|rate| match rate {
            Rate::OfWebhook(limit) => {
                let rate = app.webhook_rate(id, limit);
                row(&trigger, ("requests", limit), Some(rate.left), Some(rate.refused))
            }
            Rate::OfPoller(limit) => {
                let left = triggers.calls_left((workspace.id, id), limit);
                row(&trigger, ("calls", limit), left, None)
            }
        }));
    }
    Ok(rows)
}

/// What a poller has left is not known while it is at work: null.
fn row(
    trigger: &Resource,
    (unit, limit): (&str, RateLimit),
    left: Option<u32>,
    refused: Option<u64>,
) -> Value {
    json!({
        "kind": "triggerRate", "name": trigger.name, "unit": unit, "setting": "rateLimit",
        "limit": limit.limit, "perSeconds": limit.per.as_secs_f64(), "burst": limit.burst, "left": left,
        "used": left.map(|left| limit.burst.saturating_sub(left)), "waiting": 0, "refused": refused,
    })
}

// === impl Rates ===

impl Rates {
    /// That of a revision, whose document is asked for if it is not known. Documents may be long, with expressions and a
    /// schema: whoever answers requests does not read them.
    async fn of(
        &self,
        revision: RevisionId,
        document: impl AsyncFnOnce() -> Result<String, Problem>,
    ) -> Result<Option<Rate>, Problem> {
        let known = self.known().get(&revision).copied();
        if let Some(rate) = known {
            return Ok(rate);
        }
        let document = document().await?;
        let rate = spawn_blocking(move || Rate::read(&document)).await;
        let rate = rate.map_err(|error| Problem::internal("limits", &error))?;
        let mut known = self.known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(revision, rate);
        Ok(rate)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<RevisionId, Option<Rate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rate ===

impl Rate {
    /// A trigger that cannot be read by this version takes nothing, and has no rate.
    fn read(document: &str) -> Option<Self> {
        match Trigger::parse(document) {
            Ok(Trigger::Webhook(webhook)) => webhook.rate_limit.map(Self::OfWebhook),
            Ok(Trigger::Poll(poll)) => poll.rate_limit.map(Self::OfPoller),
            Ok(Trigger::Schedule(_)) | Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_document_is_read_once_per_revision() {
        let rates = Rates::default();
        let webhook = |rate: &str| format!("kind: webhook\npath: a\nauth: none\n{rate}");
        for (revision, document, limit) in [
            (1, webhook("rateLimit: { limit: 7, per: PT1S }"), Some(7)),
            (2, webhook(""), None),
            (3, "kind: unknown".to_owned(), None),
        ] {
            for mut given in [Some(document), None] {
                let document = async || Ok(given.take().expect("it is known already"));
                let rate = rates.of(RevisionId(revision), document).await.expect("it is read");
                let found = rate.map(|rate| match rate {
                    Rate::OfWebhook(limit) | Rate::OfPoller(limit) => limit.limit,
                });
                assert_eq!(found, limit, "{revision}");
            }
        }
    }
}
