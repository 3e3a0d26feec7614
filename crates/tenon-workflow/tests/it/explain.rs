//! Plain English, construct by construct.

mod calls;
mod complete;
mod events;
mod examples;
mod faults;
mod flow;
mod looks;
mod start;

use tenon_workflow::{Document, check, explain};

use crate::documents::{lines, workflow};

/// The outline of a document with these parts, less its title and what is not executed.
#[track_caller]
fn told(parts: &str) -> String {
    let outline = executed(whole(&workflow(parts)));
    outline.split_once("\n\n").expect("there is more than a title").1.to_owned()
}

/// Less what this version does not execute: that becomes less with time.
fn executed(outline: String) -> String {
    outline.split("\nNot executed by this version").next().unwrap_or_default().to_owned()
}

/// The outline of tasks, less what starts them.
#[track_caller]
fn tasks(list: &str) -> String {
    told(&format!("do:\n{list}")).split_once("\n\n").expect("there is something that starts it").1.to_owned()
}

#[track_caller]
fn whole(source: &str) -> String {
    explain(&valid(source)).text()
}

#[track_caller]
fn valid(source: &str) -> Document {
    let document = Document::parse(source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    let found = check(&document);
    assert!(found.is_empty(), "{}", lines(&found));
    document
}
