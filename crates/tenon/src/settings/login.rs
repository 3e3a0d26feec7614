//! Saved logins, `$XDG_CONFIG_HOME/tenon/logins.toml` (mode 0600): one key per server address.
//!
//! ```toml
//! current = "https://tenon.example.com"
//! [servers."https://tenon.example.com"]
//! key = "tn_…"
//! workspace = "team"
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Error, ServerUrl};
use crate::environment::Environment;
use crate::setting::{Origin, Setting};

/// All saved logins; empty if there is no file.
#[derive(Debug, Default)]
pub(super) struct Logins {
    path: PathBuf,
    file: File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    current: Option<String>,
    #[serde(default)]
    servers: BTreeMap<String, Login>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    key: String,
    workspace: Option<String>,
}

impl Logins {
    pub(super) fn read(environment: &Environment) -> Result<Self, Error> {
        let path = environment.config_file("logins.toml");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::Read { path, reason: error.to_string() }),
        };
        match toml::from_str(&text) {
            Ok(file) => Ok(Self { path, file }),
            // The parser's full text quotes the line, and the line may be a key.
            Err(error) => Err(Error::Read { path, reason: error.message().to_owned() }),
        }
    }

    /// The server of the last login.
    pub(super) fn current(&self) -> Option<Setting<String>> {
        self.file.current.clone().map(|server| self.setting(server))
    }

    pub(super) fn key(&self, server: &ServerUrl) -> Option<Setting<String>> {
        self.login(server).map(|login| self.setting(login.key.clone()))
    }

    pub(super) fn workspace(&self, server: &ServerUrl) -> Option<Setting<String>> {
        self.login(server)?.workspace.clone().map(|workspace| self.setting(workspace))
    }

    fn login(&self, server: &ServerUrl) -> Option<&Login> {
        let same = |text: &String| text.parse::<ServerUrl>().is_ok_and(|saved| saved == *server);
        self.file.servers.iter().find(|(address, _)| same(address)).map(|(_, login)| login)
    }

    fn setting(&self, value: String) -> Setting<String> {
        Setting::new(value, Origin::Login(self.path.clone()))
    }
}
