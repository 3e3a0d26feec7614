//! Advice: documents that are valid, but probably not as meant.
//!
//! A rule is a warning if a sensible document can break it, and an error only if none ever can: an error stops a
//! deploy. What is merely worth knowing is information. The rules are a table ([`LINT_RULES`]); `docs/lint.md` has a
//! section for each, whose examples a test lints. Nothing here needs a program, so documents that this version
//! cannot execute are linted, too.

mod calls;
mod conditions;
mod context;
mod credentials;
mod definitions;
mod errors;
mod events;
mod expressions;
mod fix;
mod flow;
mod flowing;
mod forks;
mod functions;
mod infer;
mod kinds;
mod loops;
mod order;
mod results;
mod retries;
mod rules;
mod settings;
mod site;
mod steps;
mod style;
mod switches;
mod texts;
mod times;
mod variables;

use std::collections::{HashMap, HashSet};

use crate::codes;
use crate::diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Severity};
use crate::document::{Document, NodeId};
use crate::outline::{Outline, TaskNo};
use expressions::Meaning;
use flowing::Flowing;
use site::Site;

pub use fix::{Change, Fixed, fix};
pub use rules::{LINT_RULES, LintRule};

/// Most findings of one rule: the rest are of the same kind.
const MAX_OF_ONE_RULE: usize = 20;

/// Findings for a document that [`check`](crate::check) finds nothing wrong with, in the order of the text. Of others
/// it may say less, or what follows from what is wrong.
pub fn lint(document: &Document) -> Vec<Diagnostic> {
    let mut findings = findings(document, MAX_OF_ONE_RULE);
    if findings.len() > MAX_DIAGNOSTICS {
        // Errors decide about a deploy, so none may be lost among warnings.
        findings.sort_by_key(|finding| finding.diagnostic.severity);
        findings.truncate(MAX_DIAGNOSTICS);
    }
    findings.sort_by_key(|finding| (finding.diagnostic.line, finding.diagnostic.column));
    findings.into_iter().map(|finding| finding.diagnostic).collect()
}

/// The pointers of all credentials that a document spells out, for whoever shows documents to people.
pub(crate) fn literal_credentials(document: &Document) -> HashSet<String> {
    let found = run(document, usize::MAX, &[|linter| linter.credentials()]);
    let literal = found.into_iter().filter(|found| found.diagnostic.code == codes::LINT_CREDENTIAL_LITERAL);
    literal.map(|found| found.diagnostic.pointer).collect()
}

fn findings(document: &Document, most_of_one_rule: usize) -> Vec<Finding> {
    run(document, most_of_one_rule, rules::PASSES)
}

fn run(document: &Document, most_of_one_rule: usize, passes: &[fn(&mut Linter<'_>)]) -> Vec<Finding> {
    let outline = Outline::new(document);
    let sites = site::sites(&outline);
    let meanings = expressions::meanings(&Flowing::new(&outline, &sites), &sites);
    let by_node = sites.iter().enumerate().map(|(at, site)| (site.id, at)).collect();
    let mut linter = Linter {
        document,
        outline: &outline,
        sites: &sites,
        meanings: &meanings,
        by_node,
        most_of_one_rule,
        findings: Vec::new(),
        counts: HashMap::new(),
    };
    for pass in passes {
        pass(&mut linter);
    }
    linter.findings
}

/// What a rule found, and how it can be mended without changing what the document means.
struct Finding {
    diagnostic: Diagnostic,
    edit: Option<Edit>,
}

/// A change of the document that keeps its meaning.
#[derive(Debug, Clone)]
enum Edit {
    /// Takes a member of an object, or an item of a list, out.
    Remove(NodeId),
    /// Puts another text in the place of one.
    Text(NodeId, String),
    /// Adds a member to an object: its key and its value, which is written in one line.
    Insert(NodeId, &'static str, serde_json::Value),
}

struct Linter<'a> {
    document: &'a Document,
    outline: &'a Outline<'a>,
    sites: &'a [Site<'a>],
    /// What is known of each site, in the same order.
    meanings: &'a [Meaning],
    by_node: HashMap<NodeId, usize>,
    most_of_one_rule: usize,
    findings: Vec<Finding>,
    counts: HashMap<&'static str, usize>,
}

// === impl Linter ===

impl Linter<'_> {
    fn report(&mut self, id: NodeId, code: &'static str, message: String, hint: impl Into<String>) {
        self.add((id, code), message, hint.into(), None);
    }

    fn report_with_edit(&mut self, place: (NodeId, &'static str), message: String, hint: &str, edit: Edit) {
        self.add(place, message, hint.to_owned(), Some(edit));
    }

    fn add(&mut self, (id, code): (NodeId, &'static str), message: String, hint: String, edit: Option<Edit>) {
        let count = self.counts.entry(code).or_default();
        if *count >= self.most_of_one_rule {
            return;
        }
        *count += 1;
        let severity = rules::severity(code);
        let (line, column) = self.document.place(id);
        let pointer = self.document.pointer(id);
        let diagnostic = Diagnostic { code, severity, pointer, line, column, message, hint: Some(hint) };
        debug_assert!(edit.is_none() || severity != Severity::Error, "an error is for people to mend");
        self.findings.push(Finding { diagnostic, edit });
    }

    /// The expression that a text is.
    fn site_at(&self, id: NodeId) -> Option<usize> {
        self.by_node.get(&id).copied()
    }

    /// The expressions of a task, those of the tasks inside it not among them.
    fn sites_of(&self, task: TaskNo) -> impl Iterator<Item = &Site<'_>> {
        let from = self.sites.partition_point(|site| site.task < Some(task));
        self.sites[from..].iter().take_while(move |site| site.task == Some(task))
    }
}
