//! The guides in `docs/` can be followed word for word: their files are written, their commands run in order against
//! the real server, and what they say is printed is printed. A guide is Markdown; what each kind of block means is
//! told in `guides/page.rs`.

mod follow;
mod output;
mod page;
mod ports;
mod shell;

use std::path::Path;

use follow::Follower;

#[track_caller]
fn check(guide: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(format!("{guide}.md"));
    let text = std::fs::read_to_string(&path).expect("the guide is there");
    let steps = page::steps(&text);
    assert!(steps.len() > 3, "docs/{guide}.md: there is nothing to follow");
    let mut follower = Follower::new();
    for step in &steps {
        if let Err(problem) = follower.take(step) {
            panic!("docs/{guide}.md:{}: {problem}\n-- the server's log\n{}", step.line, follower.log());
        }
    }
}

#[test]
fn webhooks() {
    check("webhooks");
}

#[test]
fn polling() {
    check("polling");
}

#[test]
fn ordering() {
    check("ordering");
}

#[test]
fn flood() {
    check("flood");
}

#[test]
fn failures() {
    check("failures");
}
