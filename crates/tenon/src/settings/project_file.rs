//! `tenon.yaml`: the project's name, server, workspace, and names for workspaces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use crate::setting::{Origin, Setting};

/// A project file and where it was found.
#[derive(Debug)]
pub(super) struct ProjectFile {
    path: PathBuf,
    file: File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "the project's name is for people; it is read so that it is not refused")]
    name: Option<String>,
    server: Option<String>,
    workspace: Option<String>,
    #[serde(default)]
    environments: BTreeMap<String, String>,
}

impl ProjectFile {
    pub(super) const NAME: &'static str = "tenon.yaml";

    /// The nearest one, from `start` upwards.
    pub(super) fn find(start: &Path) -> Result<Option<Self>, Error> {
        let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
        let Some(path) = start.ancestors().map(|folder| folder.join(Self::NAME)).find(|path| path.is_file())
        else {
            return Ok(None);
        };
        let failed = |reason: String| Error::Read { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Some(Self { path, file: File::default() }));
        }
        let file = serde_saphyr::from_str(&text).map_err(|error| failed(first_line(&error.to_string())))?;
        Ok(Some(Self { path, file }))
    }

    pub(super) fn server(&self) -> Option<Setting<String>> {
        self.setting(self.file.server.as_ref())
    }

    pub(super) fn workspace(&self) -> Option<Setting<String>> {
        self.setting(self.file.workspace.as_ref())
    }

    /// The workspace behind an environment's name.
    pub(super) fn environment(&self, name: &str) -> Result<Setting<String>, Error> {
        self.setting(self.file.environments.get(name)).ok_or_else(|| Error::UnknownEnvironment {
            name: name.to_owned(),
            known: self.file.environments.keys().cloned().collect(),
        })
    }

    fn setting(&self, value: Option<&String>) -> Option<Setting<String>> {
        value.map(|value| Setting::new(value.clone(), Origin::Project(self.path.clone())))
    }
}

/// The parser adds a picture of the place below its first line.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
