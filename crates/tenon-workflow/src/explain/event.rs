//! Events in words: what is emitted, what is waited for, and how events belong together.

use crate::document::{Content, NodeId};

use super::narrator::{Narrator, Role};
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
                let words = text("gives ").words(self.read_words(read));
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
        let mut words = text(format!("for each {what}, as "))
            .words(variable(iterator.take_text("item").unwrap_or("item")));
        if let Some(at) = iterator.take_text("at") {
            words = words.text(" (counted by ").words(variable(at)).text(")");
        }
        self.bullet_with(|narrator| {
            let before = narrator.lines.len();
            narrator.inner(&mut iterator, "do", Role::Iteration);
            narrator.output(&mut iterator);
            narrator.export(&mut iterator);
            narrator.rest(&iterator);
            let is_empty = narrator.lines.len() == before;
            words.text(", one after another").text(if is_empty { "" } else { ":" })
        });
    }

    /// `each event's data`, for `read`.
    pub(super) fn read_words(&self, id: NodeId) -> Words {
        match self.document.text(id) {
            Some("data") => text("each event's data"),
            Some("envelope") => text("each whole event, with its envelope"),
            Some("raw") => text("each event's data as it came"),
            _ => text("each event as ").words(self.value(id)),
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
        if filters.is_empty() {
            return said.text(" arrives").words(rest);
        }
        list(filters, last).text(" arrive").words(rest)
    }

    /// `an event of type … from … whose subject is … and whose data satisfies …`
    pub(super) fn filter(&mut self, id: NodeId) -> Words {
        let mut filter = self.part(id);
        let mut whose = Vec::new();
        let words = match filter.take_part("with") {
            Some(with) => self.properties(with, &mut whose),
            None => text("any event"),
        };
        if let Some(correlations) = filter.take("correlate") {
            for entry in self.document.entries(correlations) {
                whose.push(self.correlation(&entry.key, entry.value));
            }
        }
        let joint = if whose.is_empty() { "" } else { " " };
        let rest = self.rest_of(&filter);
        words.text(joint).words(list(whose, "and")).words(rest)
    }

    fn properties(&self, mut with: Part<'d>, whose: &mut Vec<Words>) -> Words {
        let mut words = text("an event");
        for (key, label) in [("type", " of type "), ("source", " from ")] {
            match with.take(key) {
                Some(id) if self.is_pattern(id) => whose.push(self.attribute(key, id)),
                Some(id) => words = words.text(label).words(self.plain(id)),
                None => {}
            }
        }
        let data = with.take("data");
        whose.extend(with.rest().map(|entry| self.attribute(&entry.key, entry.value)));
        whose.extend(data.map(|data| match self.document.text(data) {
            Some(_) => text("whose data satisfies ").words(self.expression(data)),
            None => text("whose data is ").words(self.value(data)),
        }));
        words
    }

    fn attribute(&self, name: &str, id: NodeId) -> Words {
        let words = text("whose ").literal(name);
        match self.document.content(id) {
            Content::Text(pattern) if self.is_pattern(id) => {
                words.text(" matches ").code(pattern.to_string())
            }
            _ => words.text(" is ").words(self.plain(id)),
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
}
