//! Events in words: what is emitted, what is waited for, how events belong together; and extensions, which are
//! around tasks as events are between them.

use crate::document::{Content, NodeId};

use super::narrator::Narrator;
use super::part::Part;
use super::task::variable;
use super::words::{Words, list, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    // --- emit ---

    pub(super) fn emit(&mut self, part: &mut Part<'d>) -> Words {
        let mut words = text("emit an event");
        let Some(mut emit) = part.take_part("emit") else { return words };
        let Some(mut event) = emit.take_part("event") else { return words };
        let Some(mut with) = event.take_part("with") else { return words };
        if let Some(kind) = with.take("type") {
            words = words.text(" of type ").words(self.plain(kind));
        }
        if let Some(source) = with.take("source") {
            words = words.text(" from ").words(self.plain(source));
        }
        self.rest(&with);
        self.rest(&event);
        self.rest(&emit);
        words
    }

    // --- listen ---

    pub(super) fn listen(&mut self, part: &mut Part<'d>) -> Words {
        let mut listen = part.take_part("listen");
        let to = listen.as_mut().and_then(|listen| listen.take_part("to"));
        let mut words = text("wait for any event");
        if let Some(mut to) = to {
            let until = to.take("until");
            let (said, filters, rest) = self.strategy(&mut to);
            words = match until {
                Some(until) => text("collect ").words(said).text(", until ").words(self.until_words(until)),
                None => text("wait for ").words(said),
            };
            words = words.words(rest).text(if filters.is_empty() { "" } else { ":" });
            for filter in filters {
                self.bullet(filter);
            }
        }
        if let Some(mut listen) = listen {
            if let Some(read) = listen.take("read") {
                let words = text("gives each event ").words(self.read_words(read));
                self.bullet(words);
            }
            self.rest(&listen);
        }
        if let Some(iterator) = part.take_part("foreach") {
            self.iterator(iterator, "event");
        }
        words
    }

    /// What is done with each event or message.
    pub(super) fn iterator(&mut self, mut iterator: Part<'d>, what: &str) {
        let mut words = text(format!("for each {what}, as ")).words(variable(iterator.take_text("item").unwrap_or("item")));
        if let Some(at) = iterator.take_text("at") {
            words = words.text(" (counted by ").words(variable(at)).text(")");
        }
        self.bullet(words.text(", one after another:"));
        self.below(|narrator| {
            narrator.inner(&mut iterator, "do");
            narrator.output(&mut iterator);
            narrator.export(&mut iterator);
            narrator.rest(&iterator);
        });
    }

    /// `by its data`, for `read`.
    pub(super) fn read_words(&self, id: NodeId) -> Words {
        match self.document.text(id) {
            Some("data") => text("by its data"),
            Some("envelope") => text("as a whole, with its envelope"),
            Some("raw") => text("by its data as it came"),
            _ => text("as ").words(self.value(id)),
        }
    }

    // --- strategies ---

    /// Which events, in a few words; the filters, where they are several; what else the strategy has.
    pub(super) fn strategy(&mut self, strategy: &mut Part<'d>) -> (Words, Vec<Words>, Words) {
        let document = self.document;
        let (all, any, one) = (strategy.take("all"), strategy.take("any"), strategy.take("one"));
        let rest = self.rest_of(strategy);
        if let Some(one) = one {
            return (self.filter(one), Vec::new(), rest);
        }
        let items = all.or(any).map_or(&[][..], |filters| document.items(filters));
        match items {
            [] if all.is_some() => (text("no event"), Vec::new(), rest),
            [] => (text("any event"), Vec::new(), rest),
            [only] => (self.filter(*only), Vec::new(), rest),
            several => {
                let said = if all.is_some() { "all of these events" } else { "any of these events" };
                (text(said), several.iter().map(|filter| self.filter(*filter)).collect(), rest)
            }
        }
    }

    /// When an `any` stops: a condition, or other events.
    pub(super) fn until_words(&mut self, id: NodeId) -> Words {
        if self.document.text(id).is_some() {
            return self.expression(id);
        }
        let mut strategy = self.part(id);
        let last = if strategy.has("all") { "and" } else { "or" };
        let (said, filters, rest) = self.strategy(&mut strategy);
        match filters.is_empty() {
            true => said.text(" arrives").words(rest),
            false => list(filters, last).text(" arrive").words(rest),
        }
    }

    /// `an event of type … from … whose data has …`
    pub(super) fn filter(&mut self, id: NodeId) -> Words {
        let mut filter = self.part(id);
        let mut words = match filter.take_part("with") {
            Some(with) => self.properties(with),
            None => text("any event"),
        };
        if let Some(correlations) = filter.take("correlate") {
            for entry in self.document.entries(correlations) {
                words = words.text(", ").words(self.correlation(&entry.key, entry.value));
            }
        }
        let rest = self.rest_of(&filter);
        words.words(rest)
    }

    fn properties(&self, mut with: Part<'d>) -> Words {
        let mut words = text("an event");
        if let Some(kind) = with.take("type") {
            words = words.words(self.attribute(kind, " of type ", " whose type matches "));
        }
        if let Some(source) = with.take("source") {
            words = words.words(self.attribute(source, " from ", " whose source matches "));
        }
        let data = with.take("data");
        let mut joint = " whose ";
        for entry in with.rest() {
            words = words.text(joint).literal(&*entry.key);
            words = words.words(self.attribute(entry.value, " is ", " matches "));
            joint = " and whose ";
        }
        match data {
            Some(data) if self.document.text(data).is_some() => {
                words.text(joint).text("data satisfies ").words(self.expression(data))
            }
            Some(data) => words.text(joint).text("data is ").words(self.value(data)),
            None => words,
        }
    }

    fn attribute(&self, id: NodeId, equals: &str, matches: &str) -> Words {
        match self.document.content(id) {
            Content::Text(pattern) if self.is_pattern(id) => text(matches).code(pattern.to_string()),
            _ => text(equals).words(self.plain(id)),
        }
    }

    fn correlation(&self, name: &str, id: NodeId) -> Words {
        let mut correlation = self.part(id);
        let mut words = text("whose ").name(name);
        if let Some(from) = correlation.take("from") {
            words = words.text(" (").words(self.expression(from)).text(")");
        }
        words = match correlation.take("expect") {
            Some(expected) => words.text(" is ").words(self.value(expected)),
            None => words.text(" is the same in all of them"),
        };
        words.words(self.rest_of(&correlation))
    }

    // --- extensions ---

    pub(super) fn extensions(&mut self) {
        let document = self.document;
        let Some(extensions) = document.at(document.root(), &["use", "extensions"]) else { return };
        self.heading("Extensions");
        (self.series, self.counted) = ("E", vec![0]);
        for entry in document.items(extensions).iter().filter_map(|item| document.entries(*item).first()) {
            let extension = self.part(entry.value);
            self.counted = vec![self.counted.first().map_or(1, |count| count + 1), 0];
            self.extension(&entry.key, extension);
            self.counted.truncate(1);
        }
    }

    fn extension(&mut self, name: &str, mut extension: Part<'d>) {
        let mut words = text("").strong(name).text(": around ");
        words = match extension.take("extend").map(|kind| (kind, self.document.text(kind))) {
            Some((_, Some("all"))) => words.text("every task"),
            Some((_, Some("composite"))) => words.text("every task that has tasks inside"),
            Some((kind, _)) => words.text("every ").words(self.plain(kind)).text(" task"),
            None => words.text("tasks"),
        };
        if let Some(condition) = extension.take("when") {
            words = words.text(", if ").words(self.expression(condition));
        }
        self.bullet(words.text(":"));
        self.below(|narrator| {
            for (key, label) in [
                ("before", "before it (after `exit` here the task itself is left out, and this output takes its place):"),
                ("after", "after it:"),
            ] {
                if let Some(list) = extension.take(key) {
                    narrator.bullet(text(label));
                    narrator.below(|narrator| narrator.tasks(list));
                }
            }
            narrator.rest(&extension);
        });
    }
}
