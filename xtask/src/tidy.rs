//! `cargo xtask tidy`: the rules of the repository that reviews forget.
//!
//! Each file below is one kind of rule: data in, findings out. Reading the repository is done here alone, so
//! that every rule is tested with inputs that break it.

mod code;
mod dependencies;
mod layers;
mod manifests;
mod purity;
mod scripts;
mod sources;
mod waiting;

use crate::repository;
use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", ".cargo"];

/// Where something is wrong, and what.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    place: String,
    message: String,
}

/// A crate of the workspace.
#[derive(Clone, Debug, Default)]
struct Crate {
    name: String,
    /// The text of its `Cargo.toml`.
    manifest: String,
    needs: Vec<Need>,
}

/// A direct dependency.
#[derive(Clone, Debug)]
struct Need {
    name: String,
    /// A crate of this workspace.
    is_ours: bool,
    /// Only tests need it.
    is_dev: bool,
}

/// A Rust file. The path is relative to the repository's root, with `/`.
#[derive(Clone, Debug, Default)]
struct Source {
    path: String,
    text: String,
    /// The text with comments and the contents of strings blanked: what the compiler acts on.
    code: String,
}

/// Prints every finding; any but a warning is an error.
pub(crate) fn run() -> Result<()> {
    let root = repository::root();
    let crates = crates()?;
    let files = files(&root, &root)?;
    let sources = sources(&root, &files)?;

    let mut findings = layers::check(&crates);
    findings.extend(crates.iter().flat_map(manifests::check));
    findings.extend(dependencies::check(&crates, &read(&root.join(dependencies::PAGE))?));
    for source in &sources {
        findings.extend(sources::check(source));
        findings.extend(purity::check(source));
        findings.extend(waiting::check(source));
    }
    for path in &files {
        let start = fs::read(root.join(path)).with_context(|| format!("could not read {path}"))?;
        findings.extend(scripts::check(path, &start));
    }
    findings.sort();
    for warning in sources.iter().filter_map(sources::warning) {
        eprintln!("warning: {}: {}", warning.place, warning.message);
    }
    for finding in &findings {
        eprintln!("tidy: {}: {}", finding.place, finding.message);
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    println!("tidy: {} crates and {} Rust files keep the rules", crates.len(), sources.len());
    Ok(())
}

/// The workspace's crates as cargo sees them.
fn crates() -> Result<Vec<Crate>> {
    let metadata = MetadataCommand::new()
        .manifest_path(repository::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata failed")?;
    metadata.workspace_packages().into_iter().map(read_crate).collect()
}

fn read_crate(package: &Package) -> Result<Crate> {
    let need = |dependency: &cargo_metadata::Dependency| Need {
        name: dependency.name.clone(),
        is_ours: dependency.path.is_some(),
        is_dev: dependency.kind == DependencyKind::Development,
    };
    Ok(Crate {
        name: package.name.to_string(),
        manifest: read(package.manifest_path.as_std_path())?,
        needs: package.dependencies.iter().map(need).collect(),
    })
}

/// Every file of the repository, relative to its root, with `/`, in order.
fn files(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("could not read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort();
    let mut found = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() || SKIPPED.contains(&name.as_ref()) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(root, &path)?);
        } else {
            let relative = path.strip_prefix(root).expect("a file below the root");
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(found)
}

fn sources(root: &Path, files: &[String]) -> Result<Vec<Source>> {
    let rust = files.iter().filter(|path| Path::new(path).extension().is_some_and(|end| end == "rs"));
    rust.map(|path| Ok(Source::new(path, &read(&root.join(path))?))).collect()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: code::of(text) }
    }

    /// The file holds only tests.
    fn is_test_file(&self) -> bool {
        let mut folders = self.path.split('/');
        folders.any(|part| part == "tests" || part == "tests.rs" || part.ends_with("_checks.rs"))
    }

    /// The number of the first line of test code, from 1; `usize::MAX` where there is none. Unit tests come
    /// last in a file, or are in one of their own (`mod x_checks;`).
    fn first_test_line(&self) -> usize {
        if self.is_test_file() {
            return 1;
        }
        let lines: Vec<&str> = self.code.lines().map(str::trim).collect();
        let is_declared = |index: usize| {
            lines.get(index + 1).is_some_and(|next| next.starts_with("mod ") && next.ends_with(';'))
        };
        let mut marks = lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[cfg(test)]"));
        marks.find(|(index, _)| !is_declared(*index)).map_or(usize::MAX, |(index, _)| index + 1)
    }

    /// Numbered lines of code, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Whether `code` holds `word`, not as part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_code_begins_at_the_marker_or_with_the_file() {
        assert_eq!(
            Source::new("crates/a/src/b.rs", "//! x\nfn a() {}\n#[cfg(test)]\nmod tests {}\n")
                .first_test_line(),
            3
        );
        assert_eq!(
            Source::new("crates/a/src/b.rs", "//! x\n// #[cfg(test)]\n").first_test_line(),
            usize::MAX
        );
        assert_eq!(Source::new("crates/a/tests/it/main.rs", "//! x\n").first_test_line(), 1);
        assert_eq!(Source::new("crates/a/src/b_checks.rs", "//! x\n").first_test_line(), 1);
        let declared = "//! x\n#[cfg(test)]\nmod b_checks;\nfn a() {}\n";
        assert_eq!(Source::new("crates/a/src/b.rs", declared).first_test_line(), usize::MAX);
        let both = format!("{declared}#[cfg(test)]\nmod tests {{}}\n");
        assert_eq!(Source::new("crates/a/src/b.rs", &both).first_test_line(), 5);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("a: Instant,", "Instant"));
        assert!(!has_word("Instantiate", "Instant") && !has_word("my_tokio", "tokio"));
    }

    #[test]
    fn this_repository_is_seen() {
        let root = repository::root();
        let files = files(&root, &root).unwrap();
        assert!(files.iter().any(|path| path == "xtask/src/tidy.rs"));
        assert!(crates().unwrap().iter().any(|package| package.name == "xtask"));
    }
}
