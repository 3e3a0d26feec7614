//! What can be wrong with the configuration.

use std::path::PathBuf;

use super::TABLE;
use crate::codes;
use crate::failure::{Exit, Failure};
use crate::setting::Origin;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}:{line}: {message}", path.display())]
    Toml { path: PathBuf, line: usize, message: String },
    #[error("{}: unknown setting `{key}`", path.display())]
    Unknown { path: PathBuf, key: String },
    #[error("{}: `{key}` is a secret and is not read from a file", path.display())]
    SecretInFile { path: PathBuf, key: String },
    #[error("{}: `{text}` {reason}", place(key, origin))]
    Value { key: String, origin: Origin, text: String, reason: String },
}

fn place(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::ConfigFile(path) => format!("{}: {key}", path.display()),
        other => other.to_string(),
    }
}

impl Error {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::Toml { .. } => codes::CONFIG_FILE,
            Self::Unknown { .. } => codes::UNKNOWN_SETTING,
            Self::SecretInFile { .. } => codes::SECRET_IN_FILE,
            Self::Value { .. } => codes::SETTING_VALUE,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { key, .. } => Some(nearest(key).map_or_else(
                || "docs/configuration.md lists all settings; so does `tenon up --print-config`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            )),
            Self::SecretInFile { key, .. } => Some(format!("set {} instead", super::variable(key))),
            _ => None,
        }
    }
}

/// The key that was probably meant.
fn nearest(key: &str) -> Option<&'static str> {
    let by_distance = |candidate: &'static str| (strsim::damerau_levenshtein(key, candidate), candidate);
    let (distance, near) = TABLE.iter().map(|entry| by_distance(entry.key)).min()?;
    (distance <= 1 + key.len() / 4).then_some(near)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // A flag is a word on the command line; everything else is the machine's configuration.
        let exit = match &error {
            Error::Value { origin: Origin::Flag(_), .. } => Exit::Usage,
            _ => Exit::CannotStart,
        };
        let code = error.code();
        let failure = Self::new(exit, format!("{error} ({code})"));
        error.hint().into_iter().fold(failure, Self::hint).hint(format!("`tenon explain {code}` says more"))
    }
}
