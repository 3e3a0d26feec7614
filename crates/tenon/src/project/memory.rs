//! What was applied last from this machine: `$XDG_STATE_HOME/tenon/applied.json`. Only with it can apply see that
//! somebody else changed the server in between. Losing the file loses that check, nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Kind, ResourceFile};
use crate::environment::Environment;
use crate::settings::Settings;

/// Digests by server, workspace and resource.
#[derive(Debug)]
pub(crate) struct Memory {
    path: PathBuf,
    /// `http://127.0.0.1:7070 default`
    place: String,
    file: File,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    /// By place, then by `workflow shop/orders`.
    places: BTreeMap<String, BTreeMap<String, Applied>>,
}

/// A resource as it was last seen here to be the same as its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    pub(crate) revision: u64,
    pub(crate) digest: String,
}

impl Memory {
    /// A file that cannot be read is no memory.
    pub(crate) fn read(environment: &Environment, settings: &Settings) -> Self {
        let path = environment.state_file("applied.json");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let file = serde_json::from_str(&text).unwrap_or_default();
        Self { path, place: format!("{} {}", *settings.server, *settings.workspace), file }
    }

    pub(crate) fn recall(&self, resource: &ResourceFile) -> Option<&Applied> {
        self.file.places.get(&self.place)?.get(&key(resource.kind, &resource.name))
    }

    pub(crate) fn remember(&mut self, resource: &ResourceFile, applied: Applied) {
        let place = self.file.places.entry(self.place.clone()).or_default();
        place.insert(key(resource.kind, &resource.name), applied);
    }

    /// Written beside and renamed, so that a crash leaves the old or the new file.
    pub(crate) fn save(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let beside = self.path.with_extension(format!("json.{}", std::process::id()));
        let text = serde_json::to_string_pretty(&self.file).map_err(std::io::Error::other)?;
        std::fs::write(&beside, text)?;
        std::fs::rename(&beside, &self.path)
    }
}

fn key(kind: Kind, name: &str) -> String {
    format!("{kind} {name}")
}
