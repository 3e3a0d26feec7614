//! A value together with where it came from, so that `doctor` and `up --print-config` can say which one won.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;

/// A resolved value and its origin. Reads like the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// The long flag, with its dashes.
    Flag(String),
    /// The variable's name.
    Environment(String),
    /// The configuration file of `tenon up`.
    ConfigFile(PathBuf),
    /// A `tenon.yaml`.
    Project(PathBuf),
    /// The saved logins.
    Login(PathBuf),
    /// A file in the local data directory.
    LocalData(PathBuf),
}

impl<T> Setting<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl<T> Deref for Setting<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::Flag(flag) => formatter.write_str(flag),
            Self::Environment(name) => formatter.write_str(name),
            Self::ConfigFile(path) | Self::Project(path) | Self::Login(path) | Self::LocalData(path) => {
                write!(formatter, "{}", path.display())
            }
        }
    }
}
