//! The rates of a workspace's triggers. Nothing waits for a webhook's: who comes too soon is refused, and counted.

use serde_json::{Value, json};
use tenon_capture::trigger::{RateLimit, Trigger};
use tenon_gateway::{App, Problem, Workspace};
use tenon_store::{Kind, Resource};
use tenon_trigger::Triggers;

/// Triggers that are looked at, by name.
const MOST: u32 = 1_000;

/// A row for each trigger that has a rate and is enabled.
pub(super) async fn rates(
    app: &App,
    triggers: &Triggers,
    workspace: &Workspace,
) -> Result<Vec<Value>, Problem> {
    let mut rows = Vec::new();
    for trigger in app.store().resources(workspace.id, Kind::Trigger, "", MOST).await? {
        if !trigger.enabled {
            continue;
        }
        // Its rate stands in its document.
        let whole = app.store().revision(workspace.id, trigger.revision.id).await?;
        let document = whole.map(|whole| whole.document).unwrap_or_default();
        let id = trigger.revision.resource;
        // One that cannot be read by this version takes nothing, and has no rate.
        match Trigger::parse(&document) {
            Ok(Trigger::Webhook(webhook)) => rows.extend(webhook.rate_limit.map(|limit| {
                let rate = app.webhook_rate(id, limit);
                row(&trigger, ("requests", limit), Some(rate.left), Some(rate.refused))
            })),
            Ok(Trigger::Poll(poll)) => rows.extend(poll.rate_limit.map(|limit| {
                let left = triggers.calls_left((workspace.id, id), limit);
                row(&trigger, ("calls", limit), left, None)
            })),
            Ok(Trigger::Schedule(_)) | Err(_) => {}
        }
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
