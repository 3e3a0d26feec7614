//! The workflow as a whole: its name, what starts it, its settings, its input and output, and what `use` defines.

use crate::diagnostic::Diagnostic;
use crate::document::NodeId;

use super::clock;
use super::narrator::Narrator;
use super::part::Part;
use super::words::{Mark, Words, list, one_line, text};

// === impl Narrator ===

impl<'d> Narrator<'d> {
    pub(super) fn head(&mut self) {
        let Some(mut part) = self.part_at(&["document"]) else { return };
        let mut name = |key| part.take_text(key).map(one_line).unwrap_or_default();
        let (namespace, called, version) = (name("namespace"), name("name"), name("version"));
        let mut title = text(format!("{namespace}/{called} {version}"));
        if let Some(shown) = part.take_text("title") {
            title = title.text(": ").text(one_line(shown));
        }
        self.line(Mark::Title, title);
        if let Some(summary) = part.take_text("summary") {
            for paragraph in summary.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty()) {
                self.paragraph(text(paragraph));
            }
        }
        if let Some(tags) = part.take("tags") {
            let words = text("Tags: ").words(self.value(tags));
            self.paragraph(words);
        }
    }

    // --- what starts it ---

    pub(super) fn start(&mut self) {
        let mut settings = self.part_at(&["document", "metadata", "tenon"]);
        let pace = settings.as_mut().map_or_else(Words::default, |settings| self.pace(settings));
        match self.part_at(&["schedule"]) {
            Some(schedule) => self.schedule(schedule, pace),
            None => self.paragraph(
                text("").strong("When").text(" somebody or another workflow starts it").words(pace),
            ),
        }
        self.input();
        if let Some(settings) = settings {
            self.settings(settings);
        }
        if let Some(timeout) = self.part_at(&[]).and_then(|mut root| root.take("timeout")) {
            let words = text("a job ends with a timeout error after ").words(self.timeout_words(timeout));
            self.bullet(words);
        }
        if let Some(secrets) = self.part_at(&["use"]).and_then(|mut used| used.take("secrets")) {
            let words = text("may read these secrets: ").words(self.texts(secrets));
            self.bullet(words);
        }
    }

    /// ` (in order per …, at most 10 jobs at once, at most 100 started within 1 s)`
    fn pace(&self, settings: &mut Part<'d>) -> Words {
        let order = settings.take("orderingKey").map(|key| text("in order per ").words(self.expression(key)));
        let bound = settings
            .take("concurrency")
            .map(|count| text("at most ").words(self.plain(count)).text(" jobs at once"));
        let rate = settings.take_part("rateLimit").map(|rate| self.rate(rate));
        let mut parts = order.into_iter().chain(bound).chain(rate);
        let Some(first) = parts.next() else { return Words::default() };
        parts.fold(text(" (").words(first), |all, part| all.text(", ").words(part)).text(")")
    }

    /// `at most 100 started within 1 s and 200 at once`
    fn rate(&self, mut rate: Part<'d>) -> Words {
        let mut words = text("at most ");
        if let Some(limit) = rate.take("limit") {
            words = words.words(self.plain(limit)).text(" started");
        }
        if let Some(per) = rate.take("per") {
            words = words.text(" within ").words(self.duration(per));
        }
        if let Some(burst) = rate.take("burst") {
            words = words.text(" and ").words(self.plain(burst)).text(" at once");
        }
        words.words(self.rest_of(&rate))
    }

    fn schedule(&mut self, mut schedule: Part<'d>, pace: Words) {
        let mut starts: Vec<Words> = Vec::new();
        if let Some(every) = schedule.take("every") {
            starts.push(text("").strong("Every").text(" ").words(self.duration(every)));
        }
        if let Some(cron) = schedule.take("cron") {
            starts.push(match self.told() {
                Some((told, zone)) => told.words(zone),
                None => text("")
                    .strong("At the times")
                    .text(" of the cron expression ")
                    .words(self.expression(cron)),
            });
        }
        if let Some(after) = schedule.take("after") {
            let words = text("").strong("Again").text(" ").words(self.duration(after));
            starts.push(words.text(" after its last job ended"));
        }
        let on = schedule.take_part("on");
        let count = starts.len() + usize::from(on.is_some());
        for (index, words) in starts.into_iter().enumerate() {
            let last = if index + 1 == count { pace.clone() } else { Words::default() };
            self.paragraph(words.words(last));
        }
        if let Some(on) = on {
            self.events_that_start(on, pace);
        }
        if let Some(read) = schedule.take("read") {
            let words = text("its input lists ").words(self.read_words(read));
            self.bullet(words);
        }
        self.rest(&schedule);
    }

    /// The cron expression in words, if there are some, and its time zone.
    fn told(&self) -> Option<(clock::Told, &'d str)> {
        let document = self.document;
        let at = |path: &[&str]| document.at(document.root(), path).and_then(|id| document.text(id));
        let told = clock::told(at(&["schedule", "cron"])?)?;
        Some((told, at(&["document", "metadata", "tenon", "timeZone"]).unwrap_or("UTC")))
    }

    fn events_that_start(&mut self, mut on: Part<'d>, pace: Words) {
        let until = on.take("until");
        let (said, filters, rest) = self.strategy(&mut on);
        let verb = if filters.is_empty() { " arrives" } else { " arrive" };
        let mut words = text("").strong("When").text(" ").words(said).text(verb);
        if let Some(until) = until {
            words = words.text("; they are collected until ").words(self.until_words(until));
        }
        let colon = if filters.is_empty() { "" } else { ":" };
        self.paragraph(words.words(pace).words(rest).text(colon));
        for filter in filters {
            self.bullet(filter);
        }
    }

    // --- settings ---

    fn settings(&mut self, mut settings: Part<'d>) {
        self.repeats(&mut settings);
        let failure = settings.take("onFailure").map(|choice| match self.document.text(choice) {
            Some("park") => text("a job that faults stops its lane until somebody goes on with it"),
            Some("continue") => text("after a job that faults the next of its lane starts"),
            _ => text("when a job faults: ").words(self.value(choice)),
        });
        let priority = settings.take("priority");
        let priority =
            priority.map(|level| text("priority ").words(self.plain(level)).text(" (0 to 9, higher first)"));
        let kept = settings.take_part("retention").map(|retention| self.retention(retention));
        let mask = settings.take("mask").map(|mask| {
            text("these values of the event are masked in traces and logs: ").words(self.texts(mask))
        });
        for words in failure.into_iter().chain(priority).chain(kept).chain(mask) {
            self.bullet(words);
        }
        if let Some(respond) = settings.take_part("respond") {
            self.respond(respond);
        }
        self.times(&mut settings);
        self.rest(&settings);
    }

    fn repeats(&mut self, settings: &mut Part<'d>) {
        let (key, time) = (settings.take("dedupKey"), settings.take("dedupFor"));
        let seen = match key {
            Some(key) => text("an event whose ").words(self.expression(key)).text(" came before"),
            None if time.is_some() => text("an event that came before"),
            None => return,
        };
        let within = time.map_or_else(|| text("1 day"), |time| self.duration(time));
        self.bullet(seen.text(" within ").words(within).text(" starts no second job"));
    }

    fn retention(&self, mut retention: Part<'d>) -> Words {
        let jobs =
            retention.take("jobs").map(|time| text("finished jobs are kept for ").words(self.duration(time)));
        let payloads = retention
            .take("payloads")
            .map(|time| text("their payloads are kept for ").words(self.duration(time)));
        let parts: Vec<Words> = jobs.into_iter().chain(payloads).collect();
        list(parts, "and").words(self.rest_of(&retention))
    }

    fn respond(&mut self, mut respond: Part<'d>) {
        self.bullet(text("callers who wait for the answer get:"));
        self.below(|narrator| {
            for (key, label) in [("status", "the status"), ("headers", "the headers"), ("body", "the body")] {
                narrator.member(&mut respond, key, label);
            }
            narrator.rest(&respond);
        });
    }

    fn times(&mut self, settings: &mut Part<'d>) {
        let is_told = self.told().is_some_and(|(told, _)| told.has_zone);
        if let Some(zone) = settings.take("timeZone").filter(|_| !is_told) {
            let words = text("times are those of ").words(self.plain(zone));
            self.bullet(words);
        }
        if let Some(missed) = settings.take("missed") {
            let done = match self.document.text(missed) {
                Some("skip") => text("are left out"),
                Some("latest") => text("are made up for by one job, for the latest"),
                Some("all") => text("are all made up for"),
                _ => self.value(missed),
            };
            self.bullet(text("times that were missed while the server was down ").words(done));
        }
        if let Some(overlap) = settings.take("overlap") {
            let done = match self.document.text(overlap) {
                Some("allow") => text("starts another one beside it"),
                Some("skip") => text("is left out"),
                Some("queue") => text("waits for its end"),
                _ => self.value(overlap),
            };
            self.bullet(text("a time that comes while a job still runs ").words(done));
        }
    }

    // --- input and output ---

    fn input(&mut self) {
        let Some(mut input) = self.part_at(&["input"]) else { return };
        if let Some(schema) = input.take("schema") {
            let words = text("its input must be ").words(self.schema(schema));
            self.bullet(words);
        }
        if let Some(from) = input.take("from") {
            self.transformed("its input becomes", from);
        }
        self.rest(&input);
    }

    /// The workflow's output.
    pub(super) fn result(&mut self) {
        let Some(mut output) = self.part_at(&["output"]) else { return };
        self.paragraph(text("").strong("At the end").text(":"));
        if let Some(transform) = output.take("as") {
            self.transformed("the output becomes", transform);
        }
        if let Some(schema) = output.take("schema") {
            let words = text("the output must be ").words(self.schema(schema));
            self.bullet(words);
        }
        self.rest(&output);
    }

    /// `label: expression`, or data that may be long.
    pub(super) fn transformed(&mut self, label: &str, id: NodeId) {
        match self.document.text(id) {
            Some(_) => {
                let words = text(label).text(" ").words(self.expression(id));
                self.bullet(words);
            }
            None => self.item(text(label), id),
        }
    }

    // --- definitions ---

    pub(super) fn functions(&mut self) {
        let document = self.document;
        let Some(functions) = document.at(document.root(), &["use", "functions"]) else { return };
        self.heading("Functions");
        (self.series, self.counted) = ("F", vec![0]);
        for entry in document.entries(functions) {
            self.task(&entry.key, entry.value);
        }
    }

    /// The number of a function of the document.
    pub(super) fn function_number(&self, name: &str) -> Option<String> {
        let document = self.document;
        let functions = document.at(document.root(), &["use", "functions"])?;
        let place = document.entries(functions).iter().position(|entry| &*entry.key == name)?;
        Some(format!("F{}", place + 1))
    }

    pub(super) fn catalogs(&mut self) {
        let document = self.document;
        let Some(catalogs) = document.at(document.root(), &["use", "catalogs"]) else { return };
        self.heading("Catalogs of functions");
        for entry in document.entries(catalogs) {
            let mut catalog = self.part(entry.value);
            self.bullet_with(|narrator| {
                let mut words = text("").strong(&*entry.key);
                if let Some(endpoint) = catalog.take("endpoint") {
                    words = words.text(" at ").words(narrator.endpoint(endpoint));
                }
                narrator.rest(&catalog);
                words
            });
        }
    }

    /// Definitions that nothing refers to; the others are told where they are used.
    pub(super) fn unused_definitions(&mut self) {
        const SECTIONS: [(&str, &str); 4] = [
            ("authentications", "the authentication policy "),
            ("errors", "the error "),
            ("retries", "the retry policy "),
            ("timeouts", "the timeout "),
        ];
        let document = self.document;
        let mut unused = Vec::new();
        for (section, title) in SECTIONS {
            let defined = document.at(document.root(), &["use", section]);
            for entry in defined.map_or(&[][..], |defined| document.entries(defined)) {
                if self.is_used(entry.value) {
                    continue;
                }
                let about = match section {
                    "authentications" => self.policy(entry.value),
                    "errors" => self.error_words(entry.value),
                    "retries" => self.retry_words(entry.value),
                    _ => text("after ").words(self.timeout_words(entry.value)),
                };
                unused.push(text(title).name(&*entry.key).text(": ").words(about));
            }
        }
        if unused.is_empty() {
            return;
        }
        self.heading("Defined, but used nowhere");
        for words in unused {
            self.bullet(words);
        }
    }

    /// What this version of Tenon refuses to execute.
    pub(super) fn not_executed(&mut self, later: &[Diagnostic]) {
        if later.is_empty() {
            return;
        }
        self.heading("Not executed by this version of Tenon");
        for finding in later {
            let place = Words::default().literal(finding.pointer.as_str());
            self.bullet(place.text(format!(" (line {}): {}", finding.line, finding.message)));
        }
    }
}
