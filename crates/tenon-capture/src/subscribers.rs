//! Which workflows want an event of a type: looked up once per type and generation, not once per event.
//!
//! A workflow that nothing happens to is not here at all, so a hundred thousand idle ones cost nothing.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tenon_store::{Kind, Store, WorkspaceId};
use tenon_workflow::{ListenFilter, Match, Subscription};

use crate::programs::{Deployed, Programs};
use crate::{Error, Generations, LifecycleType, LifecycleTypes};

/// The workflows that may want events of one type, as of a generation.
#[derive(Debug)]
pub struct Subscribers {
    /// When this is true.
    pub generation: u64,
    /// In subscription order.
    pub list: Vec<Subscriber>,
}

/// One of them.
#[derive(Debug)]
pub struct Subscriber {
    /// The workflow.
    pub deployed: Arc<Deployed>,
    /// Whether the type alone decides, so that the event need not be read.
    pub wants_all: bool,
    /// Whether it starts jobs with several events, for which strategy.
    pub gathers: Option<u64>,
}

/// Finds subscribers, by type.
pub(crate) struct Directory {
    store: Arc<dyn Store>,
    programs: Programs,
    generations: Arc<Generations>,
    by_type: Cache<Key, Arc<Subscribers>>,
    by_name: Cache<Key, Arc<Named>>,
    lifecycle: Cache<WorkspaceId, (u64, LifecycleTypes)>,
}

/// A workflow that is called by its name, as of a generation.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) generation: u64,
    pub(crate) is_enabled: bool,
    pub(crate) deployed: Arc<Deployed>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key(WorkspaceId, Box<str>);

/// A [`Key`] that borrows, so that the hot path allocates nothing to look.
#[derive(Clone, Copy)]
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

// === impl Directory ===

impl Directory {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        programs: Programs,
        generations: Arc<Generations>,
        capacity: usize,
    ) -> Self {
        let (by_type, by_name) = (Cache::new(capacity), Cache::new(capacity));
        Self { store, programs, generations, by_type, by_name, lifecycle: Cache::new(capacity) }
    }

    /// Those that may want events of this type.
    pub(crate) async fn of(&self, workspace: WorkspaceId, r#type: &str) -> Result<Arc<Subscribers>, Error> {
        if let Some(cached) = self.by_type.get(&KeyRef(workspace, r#type))
            && self.generations.is_current(workspace, cached.generation)
        {
            return Ok(cached);
        }
        let (resources, generation) =
            self.store.resources_by_key(workspace, Kind::Workflow, &[r#type, "*"]).await?;
        self.generations.observe(workspace, generation);
        let mut list = Vec::with_capacity(resources.len());
        // A type may look like a key that finds those that are disabled, too.
        for resource in resources.iter().filter(|resource| resource.enabled) {
            let deployed = self.programs.get_or_compile(resource)?;
            let subscription = deployed.program.subscription.as_ref();
            let gathers = subscription.filter(|it| it.gathers()).map(|it| it.digest);
            let wants_all = gathers.is_none()
                && subscription.is_some_and(|it| it.filters().any(|filter| is_only_type(filter, r#type)));
            list.push(Subscriber { deployed, wants_all, gathers });
        }
        let found = Arc::new(Subscribers { generation, list });
        self.by_type.insert(Key(workspace, r#type.into()), Arc::clone(&found));
        Ok(found)
    }

    /// The workflow of this name (`namespace/name`), enabled or not.
    pub(crate) async fn named(&self, workspace: WorkspaceId, name: &str) -> Result<Arc<Named>, Error> {
        if let Some(cached) = self.by_name.get(&KeyRef(workspace, name))
            && self.generations.is_current(workspace, cached.generation)
        {
            return Ok(cached);
        }
        // The generation is read first: what changes in between makes the capture stale, never wrong.
        let generation = self.generation(workspace).await?;
        let resource = self.store.resource(workspace, Kind::Workflow, name).await?;
        let resource = resource.ok_or_else(|| Error::UnknownWorkflow(name.to_owned()))?;
        let deployed = self.programs.get_or_compile(&resource)?;
        let found = Arc::new(Named { generation, is_enabled: resource.enabled, deployed });
        self.by_name.insert(Key(workspace, name.into()), Arc::clone(&found));
        Ok(found)
    }

    /// The named workflow's newest revision with this `document.version`; without one, its newest.
    pub(crate) async fn version(&self, named: &Named, version: Option<&str>) -> Result<Arc<Deployed>, Error> {
        let newest = &named.deployed;
        let Some(version) = version.filter(|version| *version != newest.program.name.version) else {
            return Ok(Arc::clone(newest));
        };
        let revisions = self.store.revisions(newest.workspace, newest.resource).await?;
        let found = revisions.iter().find(|revision| revision.version == version).ok_or_else(|| {
            Error::UnknownVersion { name: newest.name.to_string(), version: version.to_owned() }
        })?;
        self.programs.get(newest.workspace, found.revision.id).await
    }

    /// Which lifecycle events somebody in the workspace wants.
    pub(crate) async fn lifecycle(&self, workspace: WorkspaceId) -> Result<LifecycleTypes, Error> {
        if let Some((generation, types)) = self.lifecycle.get(&workspace)
            && self.generations.is_current(workspace, generation)
        {
            return Ok(types);
        }
        let mut keys = LifecycleType::ALL.map(LifecycleType::name).to_vec();
        keys.push("*");
        let (resources, generation) = self.store.resources_by_key(workspace, Kind::Workflow, &keys).await?;
        self.generations.observe(workspace, generation);
        // What is declared later raises the generation, so it cannot be missed for long.
        let mut types = LifecycleTypes::of_declared(&self.store.listened(workspace).await?);
        for resource in &resources {
            let deployed = self.programs.get_or_compile(resource)?;
            let filters = deployed.program.subscription.iter().flat_map(Subscription::filters);
            types = filters.fold(types, |types, filter| types.and(LifecycleTypes::of_filter(&filter.filter)));
        }
        self.lifecycle.insert(workspace, (generation, types));
        Ok(types)
    }

    /// The workspace's generation now, from the store.
    pub(crate) async fn generation(&self, workspace: WorkspaceId) -> Result<u64, Error> {
        let generation = self.store.generation(workspace).await?;
        self.generations.observe(workspace, generation);
        Ok(generation)
    }
}

/// Whether the filter asks for this type and nothing else.
fn is_only_type(filter: &ListenFilter, wanted: &str) -> bool {
    let ListenFilter { filter, correlate } = filter;
    let [(name, Match::Equals(value))] = filter.attributes.as_slice() else { return false };
    correlate.is_empty() && filter.data.is_none() && name == "type" && value.as_str() == Some(wanted)
}
