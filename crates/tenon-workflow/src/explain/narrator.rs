//! Who tells: the lines so far, how deep they are, the numbers of tasks, and which definitions were spoken of.

use std::collections::{HashMap, HashSet};

use crate::check::{Compiled, Piece};
use crate::document::{Document, NodeId};
use crate::lint::literal_credentials;
use crate::program::Match;

use super::part::Part;
use super::words::{Line, Mark, Words, text};

pub(super) struct Narrator<'d> {
    pub(super) document: &'d Document,
    compiled: Compiled,
    pub(super) lines: Vec<Line>,
    depth: usize,
    /// Before every number: functions and extensions are counted apart.
    pub(super) series: &'static str,
    /// How many tasks were counted at each level, outermost first.
    pub(super) counted: Vec<usize>,
    /// The lists of tasks around this place, innermost last.
    pub(super) lists: Vec<List<'d>>,
    /// Definitions that something refers to.
    used: HashSet<NodeId>,
    /// Of those, the long ones.
    told: HashSet<NodeId>,
    /// Texts that are credentials.
    hidden: HashSet<NodeId>,
}

/// A list of tasks.
pub(super) struct List<'d> {
    pub(super) numbers: HashMap<&'d str, String>,
    pub(super) role: Role,
}

/// What a list of tasks is for, which says where its tasks leave it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Workflow,
    Block,
    Iteration,
    Try,
    Handler,
    Branches,
    Before,
    After,
}

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn new(document: &'d Document, compiled: Compiled) -> Self {
        Self {
            document,
            compiled,
            lines: Vec::new(),
            depth: 0,
            series: "",
            counted: vec![0],
            lists: Vec::new(),
            used: HashSet::new(),
            told: HashSet::new(),
            hidden: literal_credentials(document)
                .iter()
                .map(|pointer| document.descend(document.root(), pointer))
                .collect(),
        }
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }

    // --- lines ---

    pub(super) fn line(&mut self, mark: Mark, words: Words) {
        self.lines.push(Line { depth: self.depth, mark, words });
    }

    pub(super) fn heading(&mut self, title: &str) {
        self.line(Mark::Heading, text(title));
    }

    pub(super) fn paragraph(&mut self, words: Words) {
        self.line(Mark::Paragraph, words);
    }

    pub(super) fn bullet(&mut self, words: Words) {
        self.line(Mark::Bullet, words);
    }

    /// Lines below the last one.
    pub(super) fn below<R>(&mut self, tell: impl FnOnce(&mut Self) -> R) -> R {
        self.depth += 1;
        let told = tell(self);
        self.depth -= 1;
        told
    }

    /// A bullet whose words are known only when what stands below it has been told.
    pub(super) fn bullet_with(&mut self, tell: impl FnOnce(&mut Self) -> Words) {
        let at = self.lines.len();
        self.bullet(Words::default());
        let words = self.below(tell);
        self.lines[at].words = words;
    }

    // --- parts of the document ---

    /// Whether this text is a credential.
    pub(super) fn is_hidden(&self, id: NodeId) -> bool {
        self.hidden.contains(&id)
    }

    pub(super) fn part(&self, node: NodeId) -> Part<'d> {
        Part::new(self.document, node)
    }

    pub(super) fn part_at(&self, path: &[&str]) -> Option<Part<'d>> {
        self.document.at(self.document.root(), path).map(|node| self.part(node))
    }

    /// What is to be said of the definition with this name under `use`. A long one is told once: a document may refer
    /// to it a thousand times.
    pub(super) fn definition(
        &mut self,
        (section, name): (&str, &str),
        tell: impl FnOnce(&mut Self, NodeId) -> Words,
    ) -> Words {
        let Some(found) = self.document.at(self.document.root(), &["use", section, name]) else {
            return text("which is not defined");
        };
        self.used.insert(found);
        if self.told.contains(&found) {
            return text("as said before");
        }
        let words = tell(self, found);
        if words.is_long() {
            self.told.insert(found);
        }
        words
    }

    pub(super) fn is_used(&self, definition: NodeId) -> bool {
        self.used.contains(&definition)
    }

    /// Whether this text of an event filter is a pattern for the whole attribute.
    pub(super) fn is_pattern(&self, id: NodeId) -> bool {
        let piece = self.compiled.get(&(self.document.root(), id));
        matches!(piece, Some(Piece::Match(Match::Pattern(..))))
    }
}
