//! The steps that scenarios may take: each a pattern, an example, and a function.
//!
//! The kit's own phrases come first, ours are a superset in the same style. `tests/conformance/README.md`
//! lists every example.

use super::feature::Step;
use super::world::World;
use anyhow::{Context, Result, bail};
use regex::{Captures, Regex};
use serde_json::Value;
use std::sync::LazyLock;

mod act;
mod arrange;
mod check;
mod tasks;

/// One thing that a step can say.
pub(super) struct Phrase {
    /// For the whole step, without its keyword.
    pattern: &'static str,
    /// As it stands in a feature.
    pub(super) example: &'static str,
    act: fn(&mut World<'_>, &Said<'_>) -> Result<()>,
}

/// What a step said: the words in its pattern's places, and the text below.
struct Said<'a> {
    words: Captures<'a>,
    step: &'a Step,
}

/// All phrases, by what they are for.
pub(super) fn all() -> impl Iterator<Item = &'static Phrase> {
    [arrange::PHRASES, act::PHRASES, check::PHRASES, tasks::PHRASES].into_iter().flatten()
}

static COMPILED: LazyLock<Vec<(Regex, &'static Phrase)>> = LazyLock::new(|| {
    let compile = |phrase: &'static Phrase| {
        let pattern = Regex::new(&format!("^(?:{})$", phrase.pattern));
        (pattern.expect("patterns are constant and tested"), phrase)
    };
    all().map(compile).collect()
});

/// Takes a step.
pub(super) fn take(world: &mut World<'_>, step: &Step) -> Result<()> {
    let (phrase, words) = find(step)?;
    (phrase.act)(world, &Said { words, step })
}

/// An error that names a step which says nothing that is known.
pub(super) fn check(step: &Step) -> Result<()> {
    find(step).map(|_| ())
}

fn find(step: &Step) -> Result<(&'static Phrase, Captures<'_>)> {
    let mut fits =
        COMPILED.iter().filter_map(|(pattern, phrase)| Some((*phrase, pattern.captures(&step.text)?)));
    match (fits.next(), fits.next()) {
        (Some(found), None) => Ok(found),
        (Some(one), Some(other)) => {
            bail!("`{}` means both `{}` and `{}`", step.text, one.0.example, other.0.example)
        }
        (None, _) => {
            bail!("`{}` is no step that is known; tests/conformance/README.md lists them", step.text)
        }
    }
}

// === impl Said ===

impl Said<'_> {
    /// The word in a place of the pattern, if it was said.
    fn word(&self, place: usize) -> Option<&str> {
        self.words.get(place).map(|found| found.as_str())
    }

    /// A word that the pattern cannot do without.
    fn needed(&self, place: usize) -> &str {
        self.word(place).expect("the pattern has this place and it is not optional")
    }

    fn number(&self, place: usize) -> Result<usize> {
        self.needed(place).parse().context("not a number")
    }

    /// The text below the step.
    fn text(&self) -> Result<&str> {
        let document = self.step.document.as_ref();
        Ok(&document.context("the step needs a text between three quotes below it")?.text)
    }

    /// The YAML (or JSON) below the step; nothing is null.
    fn yaml(&self) -> Result<Value> {
        serde_saphyr::from_str(self.text()?).context("the text below the step is not YAML")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn said(text: &str) -> Step {
        Step::said(text, 1, None)
    }

    #[test]
    fn every_example_is_understood_and_means_one_thing() {
        for phrase in all() {
            let step = said(phrase.example);
            let (found, _) = find(&step).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found.example, phrase.example);
        }
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for text in ["Then the workflow should be happy", "Then the workflow should complete twice"] {
            assert!(check(&said(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn the_readme_lists_every_phrase() {
        let readme = crate::repository::root().join("tests/conformance/README.md");
        let readme = fs::read_to_string(readme).unwrap();
        for phrase in all() {
            assert!(readme.contains(phrase.example), "README.md lacks `{}`", phrase.example);
        }
    }
}
