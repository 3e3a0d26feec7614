//! The store's variables, resolved. A workspace's variables have a generation, which the store tells without reading:
//! as long as it is the same, what was read before is still true, and nothing is read.

use std::sync::Arc;

use async_trait::async_trait;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;
use tenon_store::{Error, Store, VariableKind, VariableValue, WorkspaceId};

use crate::{Values, Variable, Variables};

/// Bytes of values (as JSON) and names that are kept in memory.
const CACHE_BYTES: u64 = 32 << 20;
/// What an entry costs besides.
const ENTRY_BYTES: u64 = 256;
/// How many entries are expected.
const ENTRIES: usize = 1_000;

/// Reads variables from the store when they are first used after a change.
pub struct StoredVariables {
    store: Arc<dyn Store>,
    cache: Cache<(WorkspaceId, String), Known, Weight>,
}

/// What a name meant at a generation of its workspace's variables.
#[derive(Clone)]
struct Known {
    generation: u64,
    /// `None`: there was no such variable.
    found: Option<Arc<Found>>,
}

struct Found {
    kind: VariableKind,
    version: u32,
    value: Value,
    bytes: usize,
}

#[derive(Clone)]
struct Weight;

// === impl StoredVariables ===

impl StoredVariables {
    /// Those of this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, cache: Cache::with_weighter(ENTRIES, CACHE_BYTES, Weight) }
    }

    /// What each name means, in their order.
    async fn look_up(
        &self,
        workspace: WorkspaceId,
        names: &[&str],
    ) -> Result<Vec<Option<Arc<Found>>>, Error> {
        // Before the values are read: if they are newer than this, they are read again the next time.
        let generation = self.store.variable_generation(workspace).await?;
        let mut known: Vec<Option<Known>> = names
            .iter()
            .map(|name| self.cache.get(&(workspace, (*name).to_owned())))
            .map(|known| known.filter(|known| known.generation == generation))
            .collect();
        let unknown: Vec<&str> =
            names.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(name, _)| *name).collect();
        if !unknown.is_empty() {
            let values = self.store.variable_values(workspace, &unknown).await?;
            for (name, known) in names.iter().zip(&mut known).filter(|(_, known)| known.is_none()) {
                let value = values.iter().find(|value| value.variable.name == *name);
                let found = value.map(Found::read).transpose()?.map(Arc::new);
                let entry = Known { generation, found };
                self.cache.insert((workspace, (*name).to_owned()), entry.clone());
                *known = Some(entry);
            }
        }
        Ok(known.into_iter().map(|known| known.and_then(|known| known.found)).collect())
    }
}

#[async_trait]
impl Variables for StoredVariables {
    async fn resolve(
        &self,
        workspace: WorkspaceId,
        secrets: &[String],
        variables: &[String],
    ) -> Result<Values, Error> {
        let names: Vec<&str> = secrets.iter().chain(variables).map(String::as_str).collect();
        if names.is_empty() {
            return Ok(Values::default());
        }
        let found = self.look_up(workspace, &names).await?;
        let (first, second) = found.split_at(secrets.len());
        // A secret is never given to whoever asks for configuration, which is shown.
        Ok(Values {
            secrets: of_kind(VariableKind::Secret, secrets, first),
            variables: of_kind(VariableKind::Config, variables, second),
        })
    }
}

fn of_kind(kind: VariableKind, names: &[String], found: &[Option<Arc<Found>>]) -> Vec<Variable> {
    let found = names.iter().zip(found).filter_map(|(name, found)| Some((name, found.as_ref()?)));
    found
        .filter(|(_, found)| found.kind == kind)
        .map(|(name, found)| Variable {
            name: name.clone(),
            version: found.version,
            value: found.value.clone(),
        })
        .collect()
}

// === impl Found ===

impl Found {
    fn read(stored: &VariableValue) -> Result<Self, Error> {
        let variable = &stored.variable;
        // Nothing of the value is told.
        let value = serde_json::from_slice(&stored.value)
            .map_err(|_| Error::Damaged(format!("the value of variable {} is not JSON", variable.name)))?;
        Ok(Self { kind: variable.kind, version: variable.version, value, bytes: stored.value.len() })
    }
}

// === impl Weight ===

impl Weighter<(WorkspaceId, String), Known> for Weight {
    fn weight(&self, key: &(WorkspaceId, String), known: &Known) -> u64 {
        let value = known.found.as_ref().map_or(0, |found| found.bytes);
        ENTRY_BYTES + key.1.len() as u64 + value as u64
    }
}
