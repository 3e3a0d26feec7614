//! Secrets that scenarios use, and whether one of them is anywhere that it must not be.
//!
//! Whatever Tenon shows or keeps is searched for every secret and every token that was got with one: as it is, as
//! base64 (also inside of something longer), and percent-encoded.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::bytes::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// Shorter texts are too common to be searched for.
const SHORTEST: usize = 6;

/// Every text that must not be found.
#[derive(Default)]
pub(super) struct Secrets {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    texts: BTreeSet<String>,
    /// Finds every form of every text; made when it is needed, since it takes a while.
    pattern: Option<Regex>,
}

impl Secrets {
    /// Every text in a secret's value is one.
    pub(super) fn learn(&self, value: &Value) {
        match value {
            Value::String(text) if text.len() >= SHORTEST => {
                let mut known = self.lock();
                if known.texts.insert(text.clone()) {
                    known.pattern = None;
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(members) => {
                // A name is no secret: it is the other half of a login.
                let hidden = members.iter().filter(|(name, _)| *name != "username");
                hidden.for_each(|(_, member)| self.learn(member));
            }
            _ => {}
        }
    }

    /// An error if a secret is in these bytes.
    pub(super) fn absent(&self, place: &str, bytes: &[u8]) -> Result<()> {
        let Some(pattern) = self.pattern()? else { return Ok(()) };
        let found = pattern.find(bytes).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
        ensure!(found.is_none(), "a secret is in {place}: `{}`", found.unwrap_or_default());
        Ok(())
    }

    /// An error if a secret is in a file of this folder or of one below.
    pub(super) fn absent_below(&self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                self.absent_below(&path)?;
            } else if path.is_file() {
                self.absent(&path.display().to_string(), &fs::read(&path)?)?;
            }
        }
        Ok(())
    }

    fn pattern(&self) -> Result<Option<Regex>> {
        let mut known = self.lock();
        if known.pattern.is_none() && !known.texts.is_empty() {
            let forms: BTreeSet<String> = known.texts.iter().flat_map(|text| forms(text)).collect();
            let forms: Vec<String> = forms.iter().map(|form| regex::escape(form)).collect();
            known.pattern = Some(Regex::new(&forms.join("|"))?);
        }
        Ok(known.pattern.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no thread panics while it holds the secrets")
    }
}

/// How a text may look.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), form_urlencoded::byte_serialize(text.as_bytes()).collect()];
    // In base64 of something longer it begins at one of three places; what mixes with its neighbours is left out.
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&vec![0; before], text.as_bytes()].concat());
        let begin = [0, 2, 3][before];
        let whole = (before + text.len()) / 3 * 4;
        forms.push(encoded[begin..whole].to_owned());
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secrets = Secrets::default();
        secrets.learn(&json!({ "username": "innocent", "password": "open sesame!", "short": "abc" }));
        let absent = |text: &str| secrets.absent("a text", text.as_bytes()).is_ok();
        assert!(absent("nothing of innocent abc here"));
        for user in ["", "a", "ab", "abc", "innocent"] {
            let login = STANDARD_NO_PAD.encode(format!("{user}:open sesame! and more"));
            assert!(!absent(&format!("Basic {login}==")), "{user}");
        }
        assert!(!absent("x=open+sesame%21&y"));
        assert!(!absent("<open sesame!>"));
    }

    #[test]
    fn files_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::default();
        secrets.learn(&json!(["a-very-secret-word"]));
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/file"), "nothing").unwrap();
        secrets.absent_below(folder.path()).unwrap();
        fs::write(folder.path().join("data/other"), b"\xff\x00a-very-secret-word\x00").unwrap();
        let error = secrets.absent_below(folder.path()).unwrap_err().to_string();
        assert!(error.contains("data/other") && error.contains("a-very-secret-word"), "{error}");
    }
}
