//! Mending what can be mended without changing what a document means.
//!
//! Edits are made in the text itself, by the places of what they change, so comments and layout of everything else
//! stay. Whether an edit did what it should is not trusted but checked: the text is read again, and its value must be
//! the old one with exactly the changes that were meant. Where it is not, nothing is changed.

mod edits;
mod places;

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use tenon_expr::tree::{Part, Step, Tree};

use super::{Edit, Finding, findings};
use crate::check::check;
use crate::diagnostic::Diagnostic;
use crate::document::{Content, Document, NodeId};
use crate::outline::Outline;
use edits::Replacement;
use places::Places;

/// Removing one thing can leave another without use; more often than this it does not.
const MAX_ROUNDS: usize = 50;

/// A text that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The text after all changes; the text as it was if there are none.
    pub source: String,
    /// What was changed, in the order in which it was done.
    pub changes: Vec<Change>,
}

/// One change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The rule that asked for it.
    pub code: &'static str,
    /// Where, from 1, in the text before this round of changes.
    pub line: usize,
    /// Why.
    pub message: String,
    /// The lines that are gone.
    pub removed: Vec<String>,
    /// The lines that are there instead.
    pub added: Vec<String>,
}

/// Mends what can be mended safely. The error has what is wrong with the document, if it is not valid as it is.
pub fn fix(source: &str) -> Result<Fixed, Vec<Diagnostic>> {
    let mut fixed = Fixed { source: source.to_owned(), changes: Vec::new() };
    for _ in 0..MAX_ROUNDS {
        let document = Document::parse(&fixed.source)?;
        let wrong = check(&document);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        if reads_itself(&document) {
            break;
        }
        let Some((next, changes)) = round(&fixed.source, &document) else { break };
        fixed.source = next;
        fixed.changes.extend(changes);
    }
    Ok(fixed)
}

/// Whether an expression looks at the document itself, so that any change of it could be seen.
fn reads_itself(document: &Document) -> bool {
    fn reads(tree: &Tree) -> bool {
        let known =
            |name: &str| matches!(name, "id" | "input" | "output" | "startedAt" | "name" | "reference");
        match tree {
            Tree::Path(head, steps) => match (&**head, steps.first()) {
                (Tree::Variable(name), Some(Step { part: Part::Member(member), .. }))
                    if matches!(name.as_str(), "workflow" | "task") =>
                {
                    !known(member)
                }
                _ => tree.children().into_iter().any(reads),
            },
            Tree::Variable(name) => matches!(name.as_str(), "workflow" | "task"),
            _ => tree.children().into_iter().any(reads),
        }
    }
    let outline = Outline::new(document);
    super::site::sites(&outline).iter().any(|site| reads(&site.tree))
}

/// All changes at once; one by one where they do not go together.
fn round(source: &str, document: &Document) -> Option<(String, Vec<Change>)> {
    let found = findings(document, usize::MAX);
    let wanted: Vec<(&Finding, &Edit)> =
        found.iter().filter_map(|finding| Some((finding, finding.edit.as_ref()?))).collect();
    if wanted.is_empty() {
        return None;
    }
    let places = Places::of(source, document)?;
    apply(source, document, &places, &wanted)
        .or_else(|| wanted.iter().find_map(|one| apply(source, document, &places, &[*one])))
}

fn apply(
    source: &str,
    document: &Document,
    places: &Places<'_>,
    wanted: &[(&Finding, &Edit)],
) -> Option<(String, Vec<Change>)> {
    let plan = Plan::new(document, wanted);
    let mut replacements: Vec<(usize, Replacement)> = Vec::new();
    // How many edits one removal stands for.
    let mut together: HashMap<NodeId, usize> = HashMap::new();
    for (place, (_, edit)) in wanted.iter().enumerate() {
        let replacement = match edit {
            Edit::Remove(id) => {
                let outer = plan.outermost(document, *id);
                let count = together.entry(outer).or_default();
                *count += 1;
                if *count > 1 {
                    continue;
                }
                edits::remove(document, places, outer)?
            }
            Edit::Text(id, text) => edits::text(document, places, (*id, text))?,
            Edit::Insert(id, key, value) => edits::insert(document, places, *id, (key, value))?,
        };
        replacements.push((place, replacement));
    }
    replacements.sort_by_key(|(_, replacement)| replacement.range.start);
    if replacements.windows(2).any(|pair| pair[0].1.range.end > pair[1].1.range.start) {
        return None;
    }
    let next = edits::replaced(source, replacements.iter().map(|(_, replacement)| replacement));
    // As text, since the order of members counts.
    let found = Document::parse(&next).ok()?.value().to_string();
    let wanted_text = plan.expected(document, document.root())?.to_string();
    let is_as_meant = found == wanted_text;
    is_as_meant.then(|| {
        let change = |(place, replacement): &(usize, Replacement)| {
            let (finding, edit) = wanted[*place];
            let diagnostic = &finding.diagnostic;
            let (removed, added) = edits::lines(source, replacement);
            let more = match edit {
                Edit::Remove(id) => together.get(&plan.outermost(document, *id)).map_or(0, |count| count - 1),
                Edit::Text(..) | Edit::Insert(..) => 0,
            };
            let more = if more > 0 { format!(", and {more} more like it") } else { String::new() };
            let message = format!("{}{more}", diagnostic.message);
            Change { code: diagnostic.code, line: diagnostic.line, message, removed, added }
        };
        (next, replacements.iter().map(change).collect())
    })
}

/// What the document is to be.
struct Plan<'e> {
    removed: HashSet<NodeId>,
    texts: HashMap<NodeId, &'e str>,
    inserted: HashMap<NodeId, Vec<(&'static str, &'e Value)>>,
}

// === impl Plan ===

impl<'e> Plan<'e> {
    fn new(document: &Document, wanted: &[(&Finding, &'e Edit)]) -> Self {
        let mut plan = Self { removed: HashSet::new(), texts: HashMap::new(), inserted: HashMap::new() };
        for (_, edit) in wanted {
            match edit {
                Edit::Remove(id) => plan.remove(document, *id),
                Edit::Text(id, text) => drop(plan.texts.insert(*id, text)),
                Edit::Insert(id, key, value) => plan.inserted.entry(*id).or_default().push((*key, value)),
            }
        }
        plan
    }

    /// What is empty once its last member is gone goes, too: an empty list or section would mean something else.
    fn remove(&mut self, document: &Document, id: NodeId) {
        self.removed.insert(id);
        let Some(parent) = document.parent(id) else { return };
        let all_gone = match document.content(parent) {
            Content::Map(entries) => entries.iter().all(|entry| self.removed.contains(&entry.value)),
            Content::List(items) => items.iter().all(|item| self.removed.contains(item)),
            _ => false,
        };
        if all_gone {
            self.remove(document, parent);
        }
    }

    /// The outermost removed thing around a node.
    fn outermost(&self, document: &Document, id: NodeId) -> NodeId {
        let around = std::iter::successors(Some(id), |id| document.parent(*id));
        around.take_while(|id| self.removed.contains(id)).last().unwrap_or(id)
    }

    /// The value of the document with what is planned. As deep as the document.
    fn expected(&self, document: &Document, id: NodeId) -> Option<Value> {
        if self.removed.contains(&id) {
            return None;
        }
        if let Some(text) = self.texts.get(&id) {
            return Some(Value::String((*text).to_owned()));
        }
        Some(match document.content(id) {
            Content::List(items) => items.iter().filter_map(|item| self.expected(document, *item)).collect(),
            Content::Map(entries) => {
                let kept = entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.to_string(), self.expected(document, entry.value)?)));
                let more = self.inserted.get(&id).into_iter().flatten();
                kept.chain(more.map(|(key, value)| ((*key).to_owned(), (*value).clone()))).collect()
            }
            _ => document.value_of(id),
        })
    }
}
