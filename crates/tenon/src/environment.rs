//! The process's environment, read once. No other file reads a variable; what is read is listed in
//! [`CLIENT_VARIABLES`] (and in the configuration table for `tenon up`), from which `docs/configuration.md` is made.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables of the command line: name, what for.
pub(crate) const CLIENT_VARIABLES: &[(&str, &str)] = &[
    ("TENON_SERVER", "Address of the server, e.g. `http://127.0.0.1:7070`; `--server` wins."),
    ("TENON_KEY", "The key to use; `--key` wins. Not sent to a server that only `tenon.yaml` names."),
    ("TENON_WORKSPACE", "The workspace; `--workspace` wins."),
    (
        "TENON_ENVIRONMENT",
        "Which entry of `environments` in `tenon.yaml` gives the workspace; `--environment` wins.",
    ),
    ("TENON_CONFIG", "The TOML file `tenon up` reads; `--config` wins."),
    ("NO_COLOR", "Set to anything: no colours."),
    (
        "XDG_CONFIG_HOME",
        "Where `tenon/master.key`, `tenon/config.toml` and `tenon/logins.toml` live. Default `~/.config`.",
    ),
    ("XDG_DATA_HOME", "Where the default data directory `tenon` lives. Default `~/.local/share`."),
    (
        "XDG_STATE_HOME",
        "Where `tenon/applied.json` lives: what `tenon apply` applied last. Default `~/.local/state`.",
    ),
];

/// A snapshot of the environment. An empty variable counts as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Self { variables }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The names that begin with `TENON_`.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str).filter(|name| name.starts_with("TENON_"))
    }

    /// Replaces a leading `$XDG_…_HOME` by the directory it stands for.
    pub(crate) fn expand(&self, text: &str) -> String {
        for (variable, fallback) in [
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
        ] {
            let Some(rest) = text.strip_prefix('$').and_then(|text| text.strip_prefix(variable)) else {
                continue;
            };
            return format!("{}{rest}", self.base_directory(variable, fallback).display());
        }
        text.to_owned()
    }

    /// `$XDG_CONFIG_HOME/tenon/…`
    pub(crate) fn config_file(&self, name: &str) -> PathBuf {
        self.base_directory("XDG_CONFIG_HOME", ".config").join("tenon").join(name)
    }

    /// `$XDG_STATE_HOME/tenon/…`
    pub(crate) fn state_file(&self, name: &str) -> PathBuf {
        self.base_directory("XDG_STATE_HOME", ".local/state").join("tenon").join(name)
    }

    /// By the XDG specification a relative path in such a variable is to be ignored.
    fn base_directory(&self, variable: &str, fallback: &str) -> PathBuf {
        let home = || PathBuf::from(self.get("HOME").unwrap_or("."));
        self.get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home().join(fallback))
    }
}

#[cfg(test)]
impl Environment {
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { variables }
    }
}
