//! `cargo xtask generate`: the pages of `docs/` that are made from the code.
//!
//! The binary knows its own configuration and error codes, so it prints the pages (`tenon generate …`,
//! hidden) and this file only knows where they go. The guide's table of rules is made from the feature files.
//! `ci` demands that what is checked in is up to date.

use crate::conformance::rules;
use crate::repository;
use anyhow::{Context, Result, bail};
use std::fs;

/// (what `tenon generate` is asked for, where it goes)
const PAGES: [(&str, &str); 2] = [("configuration", "docs/configuration.md"), ("errors", "docs/errors.md")];

/// The guide, of which only the table of rules is made from something: the feature files.
const GUIDE: &str = "docs/workflow-language.md";

/// Writes every page; says which changed.
pub(crate) fn run() -> Result<()> {
    for (path, old, new) in pages()? {
        if old == new {
            println!("{path} is up to date");
            continue;
        }
        fs::write(repository::root().join(path), new).with_context(|| format!("could not write {path}"))?;
        println!("{path} written");
    }
    Ok(())
}

/// An error that names each page which is not what the code says.
pub(crate) fn check() -> Result<()> {
    let mut stale = Vec::new();
    for (path, old, new) in pages()? {
        if let Some(line) = first_difference(&old, &new) {
            stale.push(format!("{path} (line {line})"));
        }
    }
    if !stale.is_empty() {
        bail!("not up to date: {}; hint: `cargo xtask generate` writes them", stale.join(", "));
    }
    Ok(())
}

/// Each page with what it is and what it should be.
fn pages() -> Result<Vec<(&'static str, String, String)>> {
    let old = |path: &str| fs::read_to_string(repository::root().join(path)).unwrap_or_default();
    let guide = old(GUIDE);
    let with_table = rules::guide_with_table(&guide)?;
    let mut pages = vec![(GUIDE, guide, with_table)];
    for (what, path) in PAGES {
        pages.push((path, old(path), page(what)?));
    }
    Ok(pages)
}

fn page(what: &str) -> Result<String> {
    let mut command = repository::cargo();
    command.args(["run", "--quiet", "--locked", "--package", "tenon", "--", "generate", what]);
    let page = repository::output(&mut command)?;
    anyhow::ensure!(!page.trim().is_empty(), "`tenon generate {what}` printed nothing");
    Ok(page)
}

/// The number of the first line that differs, from 1; `None` where the texts are the same.
fn first_difference(old: &str, new: &str) -> Option<usize> {
    if old == new {
        return None;
    }
    let same = old.split('\n').zip(new.split('\n')).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a"), Some(2));
    }
}
