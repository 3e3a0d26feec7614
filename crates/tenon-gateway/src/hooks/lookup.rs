//! The webhook triggers of a path, read once per generation of their workspace.
//!
//! A literal path is one look into a cache. Only where no trigger has exactly that path do patterns (paths with
//! parameters) count: all of a workspace's are kept together, and the most literal one wins.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tenon_capture::Error as CaptureError;
use tenon_capture::trigger::poll::WAKE_KEY;
use tenon_capture::trigger::{HookPath, PATTERN_KEY, Trigger, Webhook};
use tenon_store::{Kind, Resource, ResourceId, WorkspaceId};

use super::live::LiveHook;
use super::not_found;
use crate::codes;
use crate::{App, Problem};

/// Workspaces whose patterns are kept.
const CACHED_PATTERNS: usize = 1_000;
/// How often a path is looked up again because the workspace changed between two reads.
const MAX_READS: usize = 4;

/// No trigger has this key: paths have no slash at their ends.
const NOBODY: &str = "/";

/// One webhook.
pub(super) struct Hook {
    pub(super) webhook: Box<Webhook>,
    pub(super) resource: ResourceId,
    pub(super) name: String,
    /// `/hooks/<workspace>/<path>`: the source of its events. A pattern's is the address that was called.
    pub(super) url: Option<String>,
    pub(super) live: Arc<LiveHook>,
    /// Pollers that it wakes.
    pub(super) wakes: Vec<ResourceId>,
}

/// All webhooks of one path, as of a generation. At least one.
pub(super) struct HookSet {
    pub(super) workspace: WorkspaceId,
    pub(super) generation: u64,
    pub(super) list: Vec<Hook>,
    /// All their methods.
    pub(super) allow: HeaderValue,
}

/// All patterns of a workspace, as of a generation; those that win come first.
struct Patterns {
    generation: u64,
    sets: Vec<(HookPath, Arc<HookSet>)>,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) id: WorkspaceId,
    pub(super) workspace: &'a str,
    /// Decoded, as far as it may be a trigger's literal path; see [`literal`].
    pub(super) path: &'a str,
    /// As it was sent.
    pub(super) raw: &'a str,
}

/// Finds them. Paths without a webhook are not remembered: strangers could fill the cache with them.
pub(crate) struct Hooks {
    literal: Cache<Key, Arc<HookSet>>,
    patterns: Cache<WorkspaceId, Arc<Patterns>>,
}

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

/// A path as it was sent, as the literal path of a trigger: decoded, but for one that no trigger can have. A segment
/// with a slash in it (`a%2Fb`) is not two, and what starts with `@` is how other triggers are looked up. `None`: not
/// UTF-8.
pub(super) fn literal(raw: &str) -> Option<Cow<'_, str>> {
    let path = percent_decode_str(raw).decode_utf8().ok()?;
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    let has_own_slashes = path.len() != raw.len() && slashes(&path) != slashes(raw);
    Some(if has_own_slashes || path.starts_with('@') { NOBODY.into() } else { path })
}

/// The segments of a path as it was sent, each decoded: a `%2F` within one is no border. `None`: not UTF-8.
pub(super) fn segments(raw: &str) -> Option<Vec<Cow<'_, str>>> {
    raw.split('/').map(|segment| percent_decode_str(segment).decode_utf8().ok()).collect()
}

// === impl Hooks ===

impl Hooks {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { literal: Cache::new(capacity), patterns: Cache::new(CACHED_PATTERNS) }
    }

    /// The webhooks of a path.
    pub(super) async fn find(&self, app: &App, address: Address<'_>) -> Result<Arc<HookSet>, Problem> {
        let Address { id, path, .. } = address;
        if let Some(found) = self.literal.get(&KeyRef(id, path))
            && app.capture().generations().is_current(id, found.generation)
        {
            return Ok(found);
        }
        for _ in 0..MAX_READS {
            let (hooks, generation) = read(app, id, path).await?;
            if !hooks.is_empty() {
                let url = format!("/hooks/{}/{path}", address.workspace);
                let list = hooks.into_iter().map(|hook| Hook { url: Some(url.clone()), ..hook });
                let found = Arc::new(HookSet::new(id, generation, list.collect()));
                self.literal.insert(Key(id, path.into()), Arc::clone(&found));
                return Ok(found);
            }
            let patterns = self.patterns(app, id, generation).await?;
            if patterns.generation == generation {
                return patterns.find(address.raw).ok_or_else(not_found);
            }
        }
        Err(CaptureError::Busy.into())
    }

    async fn patterns(&self, app: &App, id: WorkspaceId, generation: u64) -> Result<Arc<Patterns>, Problem> {
        if let Some(known) = self.patterns.get(&id)
            && known.generation == generation
        {
            return Ok(known);
        }
        let (hooks, generation) = read(app, id, PATTERN_KEY).await?;
        let patterns = Arc::new(Patterns::new(id, generation, hooks));
        self.patterns.insert(id, Arc::clone(&patterns));
        Ok(patterns)
    }
}

/// The webhooks with a key. Their addresses are not known yet.
async fn read(app: &App, id: WorkspaceId, key: &str) -> Result<(Vec<Hook>, u64), Problem> {
    let (resources, generation) = app.store().resources_by_key(id, Kind::Trigger, &[key]).await?;
    app.capture().generations().observe(id, generation);
    let mut hooks = Vec::with_capacity(resources.len());
    for resource in resources {
        hooks.extend(hook(app, resource)?);
    }
    let generation = generation.min(find_pollers(app, id, &mut hooks).await?);
    Ok((hooks, generation))
}

/// Finds the pollers that webhooks wake; gives the generation at which that is so.
async fn find_pollers(app: &App, id: WorkspaceId, hooks: &mut [Hook]) -> Result<u64, Problem> {
    if hooks.is_empty() {
        return Ok(u64::MAX);
    }
    let keys: Vec<String> =
        hooks.iter().map(|hook| format!("{WAKE_KEY}{}", hook.webhook.path.text())).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (pollers, generation) = app.store().resources_by_key(id, Kind::Trigger, &keys).await?;
    app.capture().generations().observe(id, generation);
    for poller in pollers {
        let Ok(Trigger::Poll(poll)) = Trigger::parse(&poller.document) else { continue };
        let is_woken = |hook: &&mut Hook| poll.woken_by.iter().any(|path| path == hook.webhook.path.text());
        hooks.iter_mut().filter(is_woken).for_each(|hook| hook.wakes.push(poller.revision.resource));
    }
    Ok(generation)
}

fn hook(app: &App, resource: Resource) -> Result<Option<Hook>, Problem> {
    match Trigger::parse(&resource.document) {
        Ok(Trigger::Webhook(webhook)) => {
            let id = resource.revision.resource;
            let live = app.live_hooks().of(id);
            Ok(Some(Hook { webhook, resource: id, name: resource.name, url: None, live, wakes: Vec::new() }))
        }
        Ok(Trigger::Schedule(_) | Trigger::Poll(_)) => Ok(None),
        Err(findings) => {
            let finding = findings.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(trigger = resource.name, finding, "a deployed trigger cannot be read");
            Err(Problem::new(&codes::NOT_RUNNABLE, "the trigger cannot be read by this version"))
        }
    }
}

// === impl Hook ===

impl Hook {
    /// Whether a request wakes pollers and makes no event.
    pub(super) fn only_wakes(&self) -> bool {
        !self.wakes.is_empty() && !self.webhook.has_emits
    }

    /// Its pollers ask now. If the hint is lost by a crash, they ask when they would anyway.
    pub(super) fn wake(&self, app: &App, workspace: WorkspaceId) {
        for poller in &self.wakes {
            app.capture().wakes().tell(workspace, *poller);
        }
    }
}

// === impl HookSet ===

impl HookSet {
    fn new(workspace: WorkspaceId, generation: u64, list: Vec<Hook>) -> Self {
        let mut methods: Vec<&str> =
            list.iter().flat_map(|hook| &hook.webhook.methods).map(String::as_str).collect();
        methods.dedup();
        let allow = HeaderValue::from_str(&methods.join(", ")).expect("methods are checked to be names");
        Self { workspace, generation, list, allow }
    }
}

// === impl Patterns ===

impl Patterns {
    fn new(id: WorkspaceId, generation: u64, hooks: Vec<Hook>) -> Self {
        let mut groups: Vec<(HookPath, Vec<Hook>)> = Vec::new();
        for hook in hooks {
            let path = hook.webhook.path.clone();
            match groups.iter_mut().find(|(known, _)| known.shape() == path.shape()) {
                Some((_, group)) => group.push(hook),
                None => groups.push((path, vec![hook])),
            }
        }
        groups.sort_by_key(|(path, _)| path.rank());
        let set = |(path, list)| (path, Arc::new(HookSet::new(id, generation, list)));
        Self { generation, sets: groups.into_iter().map(set).collect() }
    }

    fn find(&self, raw: &str) -> Option<Arc<HookSet>> {
        if self.sets.is_empty() {
            return None;
        }
        let segments = segments(raw)?;
        let found = self.sets.iter().find(|(path, _)| path.takes(&segments));
        found.map(|(_, set)| Arc::clone(set))
    }
}
