//! `kind: schedule`: events and jobs at times.

use serde_json::{Map, Value};
use tenon_expr::Template;
use tenon_workflow::{
    CalendarError, Cron, Missed, Overlap, SHORTEST_INTERVAL, Schedule as Times, Timing, Zone, parse_duration,
};

use super::codes::{CALENDAR, COMBINATION, DURATION, LATER, MISSING_FIELD, NOT_ALLOWED, WRONG_TYPE};
use super::read::Reader;
use crate::clock::parse_rfc3339;

/// The type of a schedule's event when its trigger does not choose one.
pub const SCHEDULE_TYPE: &str = "io.tenon.schedule";
/// Workflows that one schedule runs.
pub const MAX_RUNS: usize = 20;

const FIELDS: &[&str] = &[
    "kind", "cron", "every", "at", "timeZone", "missed", "overlap", "emits", "run", "order", "data",
    "metadata",
];
const TIMES: [&str; 3] = ["cron", "every", "at"];

/// A checked schedule.
#[derive(Debug)]
pub struct Schedule {
    /// When, and what becomes of times at which that is not possible.
    pub times: Times,
    /// The event of an occurrence.
    pub emits: Option<ScheduleEmits>,
    /// `namespace/name` of the workflows that an occurrence starts.
    pub run: Vec<String>,
    /// Whether they start together.
    pub order: RunOrder,
    /// Their input, `{}` if absent; `.` is `{trigger, occurrence}`.
    pub data: Option<Template>,
}

/// The event of an occurrence; `.` is `{trigger, occurrence}`.
#[derive(Debug)]
pub struct ScheduleEmits {
    /// Gives `type`, text.
    pub r#type: Template,
    /// Gives `subject`; null: none.
    pub subject: Option<Template>,
    /// Gives `data`; default: what `data` of the trigger gives.
    pub data: Option<Template>,
}

/// How the workflows of one occurrence start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunOrder {
    /// All at once.
    #[default]
    Parallel,
    /// Each when the one before has completed.
    Sequence,
}

// === impl Reader ===

impl Reader {
    pub(super) fn schedule(&mut self, mut fields: Map<String, Value>) -> Option<Schedule> {
        self.unknown("", &fields, FIELDS);
        let timing = self.timing(&mut fields);
        let is_cron = fields.contains_key("cron");
        if !is_cron && fields.contains_key("timeZone") {
            let message = "`timeZone` has no effect without `cron`";
            self.find(COMBINATION, "/timeZone", message, Some("remove it"));
        }
        let missed = self.one_of("missed", fields.shift_remove("missed"), Missed::NAMES);
        let overlap = self.one_of("overlap", fields.shift_remove("overlap"), Overlap::NAMES);
        let order = self.one_of("order", fields.shift_remove("order"), &["parallel", "sequence"]);
        let emits = fields.shift_remove("emits").map(|emits| self.schedule_emits(emits));
        let run = fields.shift_remove("run").map(|run| self.runs(run));
        let data = fields.shift_remove("data").map(|data| self.template("/data", &data));
        if emits.is_none() && run.is_none() {
            let hint = "add `run: [{ workflow: acme/sync }]`, or `emits: { type: com.acme.sync.due }`";
            self.find(MISSING_FIELD, "", "the schedule starts nothing", Some(hint));
        }
        let given = |part: Option<Option<Template>>| part.map_or(Some(None), |part| part.map(Some));
        Some(Schedule {
            times: Times {
                timing: timing?,
                missed: missed.as_deref().map_or_else(Missed::default, Missed::named),
                overlap: overlap.as_deref().map_or_else(Overlap::default, Overlap::named),
            },
            emits: emits.map_or(Some(None), |emits| emits.map(Some))?,
            run: run.map_or(Some(Vec::new()), |run| run)?,
            order: if order.as_deref() == Some("sequence") { RunOrder::Sequence } else { RunOrder::Parallel },
            data: given(data)?,
        })
    }

    fn timing(&mut self, fields: &mut Map<String, Value>) -> Option<Timing> {
        let mut given = TIMES.iter().filter(|name| fields.contains_key(**name));
        match (given.next(), given.next()) {
            (None, _) => {
                let hint = "say when: `cron: \"0 5 * * *\"`, `every: PT5M` or `at: 2027-01-01T00:00:00Z`";
                self.find(MISSING_FIELD, "/cron", "a schedule has `cron`, `every` or `at`", Some(hint));
                None
            }
            (Some(one), Some(other)) => {
                let message = format!("`{one}` and `{other}` do not go together");
                self.find(COMBINATION, &format!("/{other}"), &message, Some("make it two triggers"));
                None
            }
            (Some(&"cron"), None) => self.cron(fields),
            (Some(&"every"), None) => self.interval(&fields["every"]),
            (Some(_), None) => self.once(fields["at"].clone()),
        }
    }

    fn cron(&mut self, fields: &Map<String, Value>) -> Option<Timing> {
        let zone = match fields.get("timeZone") {
            None => Some(Zone::utc()),
            Some(name) => {
                let name = self.text("/timeZone", name.clone())?;
                self.usable("/timeZone", Zone::named(&name))
            }
        };
        let text = self.text("/cron", fields["cron"].clone())?;
        let cron = self.usable("/cron", Cron::parse(&text, zone.clone().unwrap_or_else(Zone::utc)));
        zone.and(cron).map(Box::new).map(Timing::Cron)
    }

    fn usable<T>(&mut self, pointer: &str, read: Result<T, CalendarError>) -> Option<T> {
        read.inspect_err(|error| self.find(CALENDAR, pointer, &error.message, error.hint.as_deref())).ok()
    }

    fn interval(&mut self, value: &Value) -> Option<Timing> {
        match parse_duration(value) {
            Ok(interval) if interval >= SHORTEST_INTERVAL => return Some(Timing::Every(interval)),
            Ok(_) => {
                let message = "a schedule fires at most once a second";
                self.find(DURATION, "/every", message, Some("write e.g. `PT1S`"));
            }
            Err(error) => self.find(DURATION, "/every", &error.to_string(), None),
        }
        None
    }

    fn once(&mut self, value: Value) -> Option<Timing> {
        let text = self.text("/at", value)?;
        match parse_rfc3339(&text) {
            Ok(moment) => Some(Timing::At(moment.0)),
            Err(error) => {
                self.find(CALENDAR, "/at", &error.to_string(), Some("write it with a zone: `Z` or `+01:00`"));
                None
            }
        }
    }

    fn one_of(&mut self, name: &str, value: Option<Value>, choices: &[&str]) -> Option<String> {
        let value = value?;
        self.choice(&format!("/{name}"), &value, choices, &[])?;
        value.as_str().map(str::to_owned)
    }

    fn schedule_emits(&mut self, value: Value) -> Option<ScheduleEmits> {
        let Value::Object(mut fields) = value else {
            let hint = "write e.g. `emits: { type: com.acme.sync.due }`";
            self.find(WRONG_TYPE, "/emits", "`emits` is an object", Some(hint));
            return None;
        };
        self.unknown("/emits", &fields, &["type", "subject", "data"]);
        let r#type = fields.shift_remove("type").unwrap_or_else(|| SCHEDULE_TYPE.into());
        let r#type = self.text_template("/emits/type", &r#type);
        let subject =
            fields.shift_remove("subject").map(|subject| self.text_template("/emits/subject", &subject));
        let data = fields.shift_remove("data").map(|data| self.template("/emits/data", &data));
        let given = |part: Option<Option<Template>>| part.map_or(Some(None), |part| part.map(Some));
        Some(ScheduleEmits { r#type: r#type?, subject: given(subject)?, data: given(data)? })
    }

    fn runs(&mut self, value: Value) -> Option<Vec<String>> {
        let hint = "write e.g. `run: [{ workflow: acme/sync }]`";
        let items = match value {
            Value::Array(items) if (1..=MAX_RUNS).contains(&items.len()) => items,
            _ => {
                let message = format!("`run` is a list of 1 to {MAX_RUNS} workflows");
                self.find(WRONG_TYPE, "/run", &message, Some(hint));
                return None;
            }
        };
        let mut names = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("/run/{index}");
            let Value::Object(fields) = item else {
                self.find(WRONG_TYPE, &pointer, "this must be an object", Some(hint));
                return None;
            };
            if fields.contains_key("function") {
                let message = "functions are not in this version";
                self.find(
                    LATER,
                    &format!("{pointer}/function"),
                    message,
                    Some("run a workflow that does it"),
                );
                return None;
            }
            self.unknown(&pointer, &fields, &["workflow"]);
            let name = self
                .text(&format!("{pointer}/workflow"), fields.get("workflow").cloned().unwrap_or_default())?;
            if name.split('/').count() != 2 || name.split('/').any(str::is_empty) {
                let message = "a workflow is named `namespace/name`";
                self.find(NOT_ALLOWED, &format!("{pointer}/workflow"), message, Some(hint));
                return None;
            }
            names.push(name);
        }
        Some(names)
    }
}
