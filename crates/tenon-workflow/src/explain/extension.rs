//! Extensions in words: around which tasks they are, and what they do there.

use super::narrator::{Narrator, Role};
use super::part::Part;
use super::words::{one_line, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn extensions(&mut self) {
        let document = self.document;
        let Some(extensions) = document.at(document.root(), &["use", "extensions"]) else { return };
        self.heading("Extensions");
        self.series = "E";
        let entries = document.items(extensions).iter().filter_map(|item| document.entries(*item).first());
        for (index, entry) in entries.enumerate() {
            self.counted = vec![index + 1, 0];
            let extension = self.part(entry.value);
            self.extension(&entry.key, extension);
        }
    }

    fn extension(&mut self, name: &str, mut extension: Part<'d>) {
        let mut words = text("").strong(one_line(name)).text(": around every ");
        words = match extension.take("extend").map(|kind| (kind, self.document.text(kind))) {
            Some((_, Some("all"))) => words.text("task"),
            Some((_, Some("composite"))) => words.literal("do").text(" and ").literal("fork").text(" task"),
            Some((kind, _)) => words.words(self.plain(kind)).text(" task"),
            None => words.text("task of a kind that is not said"),
        };
        if let Some(condition) = extension.take("when") {
            words = words.text(", if ").words(self.expression(condition));
        }
        self.bullet(words.text(":"));
        self.below(|narrator| {
            for (key, role) in [("before", Role::Before), ("after", Role::After)] {
                if let Some(list) = extension.take(key) {
                    narrator.bullet(text(key).text(" it:"));
                    narrator.below(|narrator| narrator.tasks(list, role));
                }
            }
            narrator.rest(&extension);
        });
    }
}
