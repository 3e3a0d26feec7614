//! What a workspace says for itself: read from a body, and shown with what is in force and who said it. Whatever it
//! does not say is as the server is configured.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tenon_gateway::Problem;
use tenon_store::WorkspaceSettings;
use tenon_workflow::parse_duration;

use crate::page::bad;

/// As for a workflow.
const MAX_CONCURRENCY: u64 = 1_000_000;
const FORM: &str =
    r#"e.g. `{"retention": {"jobs": "P30D", "payloads": "P7D"}, "concurrency": 100}`; null takes one back"#;

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Given {
    keep_jobs: Word<Duration>,
    keep_payloads: Word<Duration>,
    concurrency: Word<u32>,
}

/// What a body says of one setting.
#[derive(Debug, Clone, Copy, Default)]
enum Word<T> {
    /// Nothing: it stays as it is.
    #[default]
    Stays,
    /// Null: it is as the server says again.
    Back,
    /// This.
    Own(T),
}

// === impl Word ===

impl<T> Word<T> {
    fn read(given: Option<Value>, parse: impl FnOnce(&Value) -> Result<T, Problem>) -> Result<Self, Problem> {
        match given {
            None => Ok(Self::Stays),
            Some(Value::Null) => Ok(Self::Back),
            Some(given) => parse(&given).map(Self::Own),
        }
    }

    fn onto(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Stays => before,
            Self::Back => None,
            Self::Own(own) => Some(own),
        }
    }
}

// === impl Given ===

impl Given {
    pub(super) fn read(body: Value) -> Result<Self, Problem> {
        let mut fields = object(body, "the body")?;
        let retention = match fields.shift_remove("retention") {
            None => None,
            // All of it is taken back.
            Some(Value::Null) => {
                Some(Map::from_iter(["jobs", "payloads"].map(|of| (of.to_owned(), Value::Null))))
            }
            Some(given) => Some(object(given, "`retention`")?),
        };
        let mut retention = retention.unwrap_or_default();
        let given = Self {
            keep_jobs: Word::read(retention.shift_remove("jobs"), |it| time("retention.jobs", it))?,
            keep_payloads: Word::read(retention.shift_remove("payloads"), |it| {
                time("retention.payloads", it)
            })?,
            concurrency: Word::read(fields.shift_remove("concurrency"), count)?,
        };
        no_more(&retention, "retention.", &["jobs", "payloads"])?;
        no_more(&fields, "", &["retention", "concurrency"])?;
        Ok(given)
    }

    /// What holds from now on, of what held.
    pub(super) fn onto(
        &self,
        before: WorkspaceSettings,
        defaults: WorkspaceSettings,
    ) -> Result<WorkspaceSettings, Problem> {
        let after = WorkspaceSettings {
            keep_jobs: self.keep_jobs.onto(before.keep_jobs),
            keep_payloads: self.keep_payloads.onto(before.keep_payloads),
            concurrency: self.concurrency.onto(before.concurrency),
        };
        // What is as it was may have been right with another configuration of the server.
        if (after.keep_jobs, after.keep_payloads) == (before.keep_jobs, before.keep_payloads) {
            return Ok(after);
        }
        let in_force = after.or(defaults);
        match (after.keep_payloads, in_force.keep_jobs) {
            (Some(payloads), Some(jobs)) if payloads > jobs => {
                let (payloads, jobs) = (iso8601(payloads), iso8601(jobs));
                let detail = format!("payloads cannot be kept for {payloads}: their jobs go after {jobs}");
                Err(bad(detail).with_hint("make `retention.payloads` no longer than `retention.jobs`"))
            }
            _ => Ok(after),
        }
    }
}

/// For people and programs: what it says, what is in force, and who says that.
pub(crate) fn shown(name: &str, own: WorkspaceSettings, defaults: WorkspaceSettings) -> Value {
    let mut shown = brief(name, own);
    let all = own.or(defaults);
    let entry = |value: Value, is_own: bool| json!({ "value": value, "from": from(is_own) });
    shown["inForce"] = json!({
        "retention": {
            "jobs": entry(text(all.keep_jobs), own.keep_jobs.is_some()),
            "payloads": entry(text(all.keep_payloads), own.keep_payloads.is_some()),
        },
        "concurrency": entry(all.concurrency.into(), own.concurrency.is_some()),
    });
    shown
}

/// What it says, and nothing else.
pub(super) fn brief(name: &str, own: WorkspaceSettings) -> Value {
    json!({
        "name": name,
        "retention": { "jobs": text(own.keep_jobs), "payloads": text(own.keep_payloads) },
        "concurrency": own.concurrency,
    })
}

/// What is in force, on one line.
pub(crate) fn line(name: &str, own: WorkspaceSettings, defaults: WorkspaceSettings) -> String {
    let all = own.or(defaults);
    let jobs = all.keep_jobs.map_or_else(|| "ever".to_owned(), iso8601);
    let payloads = all.keep_payloads.map(|time| format!("for {}", iso8601(time)));
    let payloads = payloads.unwrap_or_else(|| "as long as their job".to_owned());
    let concurrency = all.concurrency.map_or_else(|| "any number of".to_owned(), |most| most.to_string());
    let [jobs_from, payloads_from, concurrency_from] =
        [own.keep_jobs.is_some(), own.keep_payloads.is_some(), own.concurrency.is_some()].map(from);
    format!(
        "{name} keeps jobs and events for {jobs} ({jobs_from}), payloads {payloads} ({payloads_from}), and runs \
         {concurrency} jobs at once ({concurrency_from})"
    )
}

fn from(is_own: bool) -> &'static str {
    if is_own { "workspace" } else { "server" }
}

fn text(time: Option<Duration>) -> Value {
    time.map_or(Value::Null, |time| Value::from(iso8601(time)))
}

/// Days, hours, minutes and seconds, as far as there are any.
fn iso8601(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [(seconds / 86_400, 'D'), (seconds / 3_600 % 24, 'H'), (seconds / 60 % 60, 'M')];
    let [day, hour, minute] =
        parts.map(|(count, unit)| if count > 0 { format!("{count}{unit}") } else { String::new() });
    let micros = time.subsec_micros();
    let second = match (seconds % 60, micros) {
        (0, 0) => String::new(),
        (whole, 0) => format!("{whole}S"),
        (whole, micros) => format!("{whole}.{}S", format!("{micros:06}").trim_end_matches('0')),
    };
    let clock = format!("{hour}{minute}{second}");
    match (day.is_empty(), clock.is_empty()) {
        (true, true) => "PT0S".to_owned(),
        (_, true) => format!("P{day}"),
        (_, false) => format!("P{day}T{clock}"),
    }
}

fn object(given: Value, what: &str) -> Result<Map<String, Value>, Problem> {
    match given {
        Value::Object(fields) => Ok(fields),
        _ => Err(bad(format!("{what} is not an object")).with_hint(FORM)),
    }
}

/// Kept to the microsecond, so that what is shown is what holds.
fn time(name: &str, given: &Value) -> Result<Duration, Problem> {
    let time = parse_duration(given).map_err(|error| bad(format!("`{name}`: {error}")).with_hint(FORM))?;
    Ok(Duration::new(time.as_secs(), time.subsec_micros() * 1_000))
}

fn count(given: &Value) -> Result<u32, Problem> {
    let count = given.as_u64().filter(|count| (1..=MAX_CONCURRENCY).contains(count));
    let count = count.and_then(|count| u32::try_from(count).ok());
    count.ok_or_else(|| {
        let detail = format!("`concurrency` must be a whole number from 1 to {MAX_CONCURRENCY}");
        bad(detail).with_hint(FORM)
    })
}

fn no_more(rest: &Map<String, Value>, within: &str, known: &[&str]) -> Result<(), Problem> {
    let Some(unknown) = rest.keys().next() else { return Ok(()) };
    let name: String = unknown.chars().take(50).collect();
    let near = known.iter().find(|known| strsim::damerau_levenshtein(known, &name) <= 2);
    let problem = bad(format!("unknown field `{within}{}`", name.escape_debug()));
    Err(match near {
        Some(known) => problem.with_hint(format!("did you mean `{within}{known}`?")),
        None => problem.with_hint(FORM),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_time(time: Duration, expected: &str) {
        assert_eq!(iso8601(time), expected);
        assert_eq!(parse_duration(&Value::from(expected)), Ok(time), "it reads back");
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        check_time(Duration::ZERO, "PT0S");
        check_time(Duration::from_hours(30 * 24), "P30D");
        check_time(Duration::from_mins(90), "PT1H30M");
        check_time(Duration::from_secs(86_400 + 61), "P1DT1M1S");
        check_time(Duration::from_millis(1_500), "PT1.5S");
        check_time(Duration::from_micros(70), "PT0.00007S");
    }
}
