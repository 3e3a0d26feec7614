//! Errors in words: raising, catching, trying again, timeouts.

use crate::document::NodeId;
use crate::program::{Backoff, parse_duration, standard_error_type};

use super::delay::delays;
use super::narrator::{Narrator, Role};
use super::part::Part;
use super::task::variable;
use super::words::{Words, text};

/// Retries where the policy has no limit of any kind (rule 15).
const DEFAULT_RETRIES: u32 = 10;

// === impl Narrator ===

impl<'d> Narrator<'d> {
    // --- raise ---

    pub(super) fn raise(&mut self, part: &mut Part<'d>) -> Words {
        let Some(mut raise) = part.take_part("raise") else { return Words::default() };
        let mut words = text("raise ");
        if let Some(error) = raise.take("error") {
            words = match self.document.text(error) {
                Some(name) => {
                    let about = self.definition(("errors", name), Self::error_words);
                    words.text("the error ").name(name).text(": ").words(about)
                }
                None => words.words(self.error_words(error)),
            };
        }
        self.rest(&raise);
        words
    }

    /// `a communication error with status 503, title "…"`
    pub(super) fn error_words(&mut self, id: NodeId) -> Words {
        let mut error = self.part(id);
        let mut words = match error.take("type") {
            Some(kind) => self.error_type(kind),
            None => text("any error"),
        };
        let mut joint = " with ";
        for key in ["status", "title", "detail", "instance"] {
            if let Some(member) = error.take(key) {
                words = words.text(joint).text(key).text(" ").words(self.value(member));
                joint = ", ";
            }
        }
        let rest = self.rest_of(&error);
        words.words(rest)
    }

    /// Standard types by their name, whichever of their addresses is written.
    fn error_type(&self, id: NodeId) -> Words {
        let standard = self.document.text(id).and_then(standard_error_type);
        let Some((standard, _)) = standard else { return text("an error of type ").words(self.plain(id)) };
        let name = standard.uri().rsplit('/').next().unwrap_or_default();
        let article = if name.starts_with(['a', 'e']) { "an" } else { "a" };
        text(format!("{article} {name} error"))
    }

    // --- timeout ---

    /// `20 s`, or `20 s (the timeout short)`.
    pub(super) fn timeout_words(&mut self, id: NodeId) -> Words {
        if let Some(name) = self.document.text(id) {
            let about = self.definition(("timeouts", name), Self::timeout_words);
            return about.text(" (the timeout ").name(name).text(")");
        }
        let mut timeout = self.part(id);
        let after = timeout.take("after").map_or_else(Words::default, |after| self.duration(after));
        after.words(self.rest_of(&timeout))
    }

    // --- try ---

    pub(super) fn attempt(&mut self, part: &mut Part<'d>) -> Words {
        self.inner(part, "try", Role::Try);
        if let Some(catch) = part.take_part("catch") {
            self.catch(catch);
        }
        text("try:")
    }

    fn catch(&mut self, mut catch: Part<'d>) {
        let mut errors = catch.take_part("errors");
        let filter = errors.as_mut().and_then(|errors| errors.take("with"));
        let mut words = text("on ").words(match filter {
            Some(filter) => self.error_words(filter),
            None => text("any error"),
        });
        if let Some(name) = catch.take_text("as") {
            words = words.text(" (").words(variable(name)).text(")");
        }
        words = words.words(self.conditions(&mut catch));
        self.bullet(words.text(":"));
        self.below(|narrator| {
            if let Some(errors) = errors {
                narrator.rest(&errors);
            }
            narrator.handle(&mut catch);
            narrator.rest(&catch);
        });
    }

    /// `, if …, unless …`
    fn conditions(&self, part: &mut Part<'d>) -> Words {
        let mut words = Words::default();
        for (key, label) in [("when", ", if "), ("exceptWhen", ", unless ")] {
            if let Some(condition) = part.take(key) {
                words = words.text(label).words(self.expression(condition));
            }
        }
        words
    }

    /// First the retries; when they are used up, the handler; then where to go.
    fn handle(&mut self, catch: &mut Part<'d>) {
        let retry = catch.take("retry");
        if let Some(retry) = retry {
            let words = match self.document.text(retry) {
                Some(name) => {
                    let about = self.definition(("retries", name), Self::retry_words);
                    about.text(" (the policy ").name(name).text(")")
                }
                None => self.retry_words(retry),
            };
            self.bullet(words);
        }
        let lead = if retry.is_some() { "when that is over, " } else { "" };
        match catch.take("do") {
            Some(list) => {
                self.bullet(text(lead).text("do, with the input of the try:"));
                self.below(|narrator| narrator.tasks(list, Role::Handler));
            }
            None => self.bullet(text(lead).text("go on with the input of the try as its output")),
        }
        if let Some(then) = catch.take("then") {
            // `then` leads to tasks beside the try, whose list is the innermost one here.
            let words = text("then ").words(self.flow(then));
            self.bullet(words);
        }
    }

    /// `try again up to 5 times, waiting 2 s, 4 s, 8 s…, if …`
    pub(super) fn retry_words(&mut self, id: NodeId) -> Words {
        let mut policy = self.part(id);
        let mut limit = policy.take_part("limit");
        let mut attempt = limit.as_mut().and_then(|limit| limit.take_part("attempt"));
        let count = attempt.as_mut().and_then(|attempt| attempt.take("count"));
        let each = attempt.as_mut().and_then(|attempt| attempt.take("duration"));
        let total = limit.as_mut().and_then(|limit| limit.take("duration"));
        let count = match count {
            Some(count) => self.document.value_of(count).as_u64().map(|count| count as u32),
            None => (each.is_none() && total.is_none()).then_some(DEFAULT_RETRIES),
        };
        let mut words = match count {
            Some(0) => text("do not try again"),
            Some(1) => text("try again once"),
            Some(count) => text(format!("try again up to {count} times")),
            None => text("try again and again"),
        };
        let delays = self.delay_words(&mut policy, count);
        if count != Some(0) {
            words = words.text(", ").words(delays);
        }
        if let Some(each) = each {
            words = words.text(", each attempt at most ").words(self.duration(each));
        }
        if let Some(total) = total {
            words = words.text(", until ").words(self.duration(total)).text(" after the first failure");
        }
        words = words.words(self.conditions(&mut policy));
        for part in limit.iter().chain(&attempt).chain([&policy]) {
            words = words.words(self.rest_of(part));
        }
        words
    }

    fn delay_words(&self, policy: &mut Part<'d>, count: Option<u32>) -> Words {
        let backoff = policy.take("backoff").and_then(|backoff| self.document.entries(backoff).first());
        let backoff = match backoff.map(|entry| &*entry.key) {
            Some("linear") => Backoff::Linear,
            Some("exponential") => Backoff::Exponential,
            _ => Backoff::Constant,
        };
        let delay = policy.take("delay");
        let known = match delay {
            Some(delay) => parse_duration(&self.document.value_of(delay)).ok(),
            None => Some(std::time::Duration::ZERO),
        };
        let (mut words, is_limited) = match (known, delay) {
            (Some(base), _) => {
                let (said, is_limited) = delays(base, backoff, count);
                (text(said), is_limited)
            }
            (None, delay) => {
                let base = delay.map_or_else(Words::default, |delay| self.duration(delay));
                let growth = match backoff {
                    Backoff::Constant => " before each",
                    Backoff::Linear => " and as much more each time",
                    Backoff::Exponential => " and twice as long each time",
                };
                (text("waiting ").words(base).text(growth), true)
            }
        };
        if let Some(mut jitter) = policy.take_part("jitter") {
            let bounds = (jitter.take("from"), jitter.take("to"));
            if let (Some(from), Some(to)) = bounds {
                words = words
                    .text(" plus a random ")
                    .words(self.duration(from))
                    .text(" to ")
                    .words(self.duration(to));
            }
            words = words.words(self.rest_of(&jitter));
        }
        if is_limited { words.text(", at most 1 h each") } else { words }
    }
}
