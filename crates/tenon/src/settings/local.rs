//! What a local server leaves in its data directory for the command line of the same user: its owner key, and where
//! it listens. The server writes both; the names are said only here.

use std::path::PathBuf;

use crate::cli::Globals;
use crate::environment::Environment;
use crate::setting::{Origin, Setting};

/// The data directory as the command line sees it. It need not exist.
#[derive(Debug, Clone)]
pub(crate) struct LocalData {
    pub(crate) directory: Setting<PathBuf>,
}

impl LocalData {
    /// One line: the key. Mode 0600.
    pub(crate) const OWNER_KEY: &'static str = "owner.key";
    /// One line: the address, e.g. `http://127.0.0.1:7070`. Written at each start.
    pub(crate) const SERVER_URL: &'static str = "server.url";

    /// By flag, `TENON_DATA`, or the default of `tenon up`.
    pub(crate) fn find(globals: &Globals, environment: &Environment) -> Self {
        let directory = if let Some(path) = &globals.data_dir {
            Setting::new(PathBuf::from(path), Origin::Flag("--data-dir".to_owned()))
        } else if let Some(path) = environment.get("TENON_DATA") {
            Setting::new(PathBuf::from(path), Origin::Environment("TENON_DATA".to_owned()))
        } else {
            Setting::new(PathBuf::from(environment.expand("$XDG_DATA_HOME/tenon")), Origin::Default)
        };
        Self { directory }
    }

    /// Where the local server listens, or listened last.
    pub(super) fn server(&self) -> Option<Setting<String>> {
        self.line(Self::SERVER_URL)
    }

    pub(super) fn owner_key(&self) -> Option<Setting<String>> {
        self.line(Self::OWNER_KEY)
    }

    /// A file that is missing or not ours to read is as good as none: `doctor` says so.
    fn line(&self, name: &str) -> Option<Setting<String>> {
        let path = self.directory.join(name);
        let text = std::fs::read_to_string(&path).ok()?;
        let line = text.trim();
        (!line.is_empty()).then(|| Setting::new(line.to_owned(), Origin::LocalData(path)))
    }
}
