//! The webhook triggers of a path, read once per generation of their workspace.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hyper::header::HeaderValue;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tenon_capture::trigger::{Trigger, Webhook};
use tenon_store::{Kind, ResourceId, WorkspaceId};

use super::not_found;
use crate::codes;
use crate::{App, Problem};

/// One webhook.
pub(super) struct Hook {
    pub(super) webhook: Box<Webhook>,
    pub(super) resource: ResourceId,
    /// `/hooks/<workspace>/<path>`: the source of its events.
    pub(super) url: String,
}

/// All webhooks of one path, as of a generation. At least one.
pub(super) struct HookSet {
    pub(super) workspace: WorkspaceId,
    pub(super) generation: u64,
    pub(super) list: Vec<Hook>,
    /// All their methods.
    pub(super) allow: HeaderValue,
}

/// Finds them. Paths without a webhook are not remembered: strangers could fill the cache with them.
pub(crate) struct Hooks(Cache<Key, Arc<HookSet>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key(WorkspaceId, Box<str>);

struct KeyRef<'a>(WorkspaceId, &'a str);

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

// === impl Hooks ===

impl Hooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// The webhooks of a path.
    pub(super) async fn find(
        &self,
        app: &App,
        id: WorkspaceId,
        workspace: &str,
        path: &str,
    ) -> Result<Arc<HookSet>, Problem> {
        let generations = app.capture().generations();
        if let Some(found) = self.0.get(&KeyRef(id, path))
            && generations.is_current(id, found.generation)
        {
            return Ok(found);
        }
        let (resources, generation) = app.store().resources_by_key(id, Kind::Trigger, &[path]).await?;
        generations.observe(id, generation);
        if resources.is_empty() {
            return Err(not_found());
        }
        let mut list = Vec::with_capacity(resources.len());
        for resource in resources {
            match Trigger::parse(&resource.document) {
                Ok(Trigger::Webhook(webhook)) => {
                    let url = format!("/hooks/{workspace}/{path}");
                    list.push(Hook { webhook, resource: resource.revision.resource, url });
                }
                Err(findings) => {
                    let finding = findings.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(trigger = resource.name, finding, "a deployed trigger cannot be read");
                    return Err(Problem::new(
                        &codes::NOT_RUNNABLE,
                        "the trigger cannot be read by this version",
                    ));
                }
            }
        }
        let mut methods: Vec<&str> =
            list.iter().flat_map(|hook| &hook.webhook.methods).map(String::as_str).collect();
        methods.dedup();
        let allow = HeaderValue::from_str(&methods.join(", ")).expect("methods are checked to be names");
        let found = Arc::new(HookSet { workspace: id, generation, list, allow });
        self.0.insert(Key(id, path.into()), Arc::clone(&found));
        Ok(found)
    }
}
