//! `run`: other workflows, containers, scripts, commands.

use super::narrator::Narrator;
use super::part::Part;
use super::words::{Words, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn run(&mut self, part: &mut Part<'d>) -> Words {
        let Some(mut run) = part.take_part("run") else { return Words::default() };
        let waits = run.take("await").is_none_or(|waits| self.is_true(waits));
        let mut words = text(if waits { "run " } else { "start " });
        if let Some(workflow) = run.take_part("workflow") {
            words = words.words(self.workflow(workflow));
        }
        if let Some(container) = run.take_part("container") {
            words = words.words(self.container(container));
        }
        if let Some(script) = run.take_part("script") {
            words = words.words(self.script(script));
        }
        if let Some(mut shell) = run.take_part("shell") {
            words = words.text("a shell command");
            self.member(&mut shell, "command", "the command");
            self.process(shell);
        }
        if let Some(choice) = run.take("return") {
            let result = match self.document.text(choice) {
                Some("stdout") => text("gives its standard output"),
                Some("stderr") => text("gives its standard error"),
                Some("code") => text("gives its exit code"),
                Some("all") => text("gives its exit code, standard output and standard error"),
                Some("none") => text("gives nothing"),
                _ => text("gives ").words(self.value(choice)),
            };
            self.bullet(result);
        }
        self.rest(&run);
        words.text(if waits { " and wait for its end" } else { " and do not wait for its end" })
    }

    fn workflow(&mut self, mut workflow: Part<'d>) -> Words {
        let mut name = |key| workflow.take_text(key).unwrap_or_default();
        let (namespace, called, version) = (name("namespace"), name("name"), name("version"));
        self.member(&mut workflow, "input", "its input");
        self.rest(&workflow);
        text("the workflow ").name(format!("{namespace}/{called}")).text(format!(", version {version},"))
    }

    fn container(&mut self, mut container: Part<'d>) -> Words {
        let mut words = text("the container image ");
        if let Some(image) = container.take("image") {
            words = words.words(self.plain(image));
        }
        if let Some(name) = container.take("name") {
            words = words.text(" as ").words(self.plain(name));
        }
        self.member(&mut container, "command", "the command in it");
        self.member(&mut container, "ports", "ports");
        self.member(&mut container, "volumes", "volumes");
        if let Some(policy) = container.take("pullPolicy") {
            let when = match self.document.text(policy) {
                Some("ifNotPresent") => text("is pulled if it is not there"),
                Some("always") => text("is pulled each time"),
                Some("never") => text("is never pulled"),
                _ => text("is pulled: ").words(self.value(policy)),
            };
            self.bullet(text("the image ").words(when));
        }
        if let Some(mut lifetime) = container.take_part("lifetime") {
            let mut removed =
                match lifetime.take("cleanup").map(|cleanup| (cleanup, self.document.text(cleanup))) {
                    Some((_, Some("always"))) => text("is removed at its end"),
                    Some((_, Some("never"))) => text("is never removed"),
                    Some((_, Some("eventually"))) => text("is removed some time after its end"),
                    Some((cleanup, _)) => text("is removed: ").words(self.value(cleanup)),
                    None => text("is removed"),
                };
            if let Some(after) = lifetime.take("after") {
                removed = text("is removed ").words(self.duration(after)).text(" after its end");
            }
            let rest = self.rest_of(&lifetime);
            self.bullet(text("the container ").words(removed).words(rest));
        }
        self.process(container);
        words
    }

    fn script(&mut self, mut script: Part<'d>) -> Words {
        let mut words = text("a script");
        if let Some(language) = script.take("language") {
            words = words.text(" in ").words(self.plain(language));
        }
        if let Some(source) = script.take_part("source") {
            words = words.text(" from ").words(self.resource(source));
        }
        self.member(&mut script, "code", "the script");
        self.process(script);
        words
    }

    /// What all processes have.
    fn process(&mut self, mut process: Part<'d>) {
        self.member(&mut process, "arguments", "arguments");
        self.member(&mut process, "stdin", "standard input");
        self.member(&mut process, "environment", "environment");
        self.rest(&process);
    }
}
