//! Where settings come from: flags, environment, file, defaults. Finds the text that wins; [`Value`] reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Error, TABLE, UpArgs, Value, flag, variable};
use crate::environment::Environment;
use crate::setting::{Origin, Setting};

/// All layers, as text.
pub(super) struct Layers<'a> {
    args: &'a UpArgs,
    environment: &'a Environment,
    file: Option<File>,
}

struct File {
    path: PathBuf,
    /// By key, as text.
    values: BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    pub(super) fn read(args: &'a UpArgs, environment: &'a Environment) -> Result<Self, Error> {
        Ok(Self { args, environment, file: file(args, environment)? })
    }

    /// The value of `key` with where it came from.
    pub(super) fn value<T: Value>(&self, key: &str, default: &str) -> Result<Setting<T>, Error> {
        let (text, origin) = self.text(key, default);
        match T::parse(&text) {
            Ok(value) => Ok(Setting::new(value, origin)),
            Err(reason) => Err(Error::Value { key: key.to_owned(), origin, text, reason }),
        }
    }

    fn text(&self, key: &str, default: &str) -> (String, Origin) {
        if let Some(text) = self.args.values.get(key) {
            return (text.clone(), Origin::Flag(format!("--{}", flag(key))));
        }
        let name = variable(key);
        if let Some(text) = self.environment.get(&name) {
            return (text.to_owned(), Origin::Environment(name));
        }
        if let Some((file, text)) = self.file.as_ref().and_then(|file| Some((file, file.values.get(key)?))) {
            return (text.clone(), Origin::ConfigFile(file.path.clone()));
        }
        (self.environment.expand(default), Origin::Default)
    }
}

/// The file that was named must be there; the one in the default place may be missing.
fn file(args: &UpArgs, environment: &Environment) -> Result<Option<File>, Error> {
    let named = args.config.as_deref().or_else(|| environment.get("TENON_CONFIG")).map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| environment.config_file("config.toml"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(None),
        Err(source) => return Err(Error::Read { path, source }),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(source) => {
            return Err(Error::Toml {
                line: line(&text, &source),
                message: source.message().to_owned(),
                path,
            });
        }
    };
    let mut values = BTreeMap::new();
    flatten("", table, &mut values);
    for key in values.keys() {
        match TABLE.iter().find(|entry| entry.key == key) {
            None => return Err(Error::Unknown { path, key: key.clone() }),
            Some(entry) if entry.secret => return Err(Error::SecretInFile { path, key: key.clone() }),
            Some(_) => {}
        }
    }
    Ok(Some(File { path, values }))
}

fn line(text: &str, error: &toml::de::Error) -> usize {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    1 + text[..start].matches('\n').count()
}

/// `[limits] event = 1` becomes `limits.event` = `1`; lists are joined with commas.
fn flatten(prefix: &str, table: toml::Table, values: &mut BTreeMap<String, String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, values),
            value => {
                values.insert(key, text(value));
            }
        }
    }
}

fn text(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        toml::Value::Array(items) => items.into_iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
