//! C13: a call carries what its variables were worth at some moment of its attempt, and no value of a secret is kept
//! anywhere.

use super::effects::ANSWERED_SLACK_US;
use super::{Index, Violation};
use crate::crash::flows::{self, SECRET, SETTING};
use crate::crash::history::Job;
use crate::crash::record::{Arrival, Carried, Rotated};

pub(super) fn check(index: &Index<'_>) -> Vec<Violation> {
    let jobs = &index.evidence.history.jobs;
    let has_credentials = |job: &&Job| flows::flow(&job.workflow).is_some_and(|flow| flow.has_credentials);
    let calls = jobs.iter().filter(has_credentials).flat_map(|job| {
        let arrivals = index.arrivals(&job.id).iter();
        arrivals.filter_map(move |arrival| call(index, job, arrival))
    });
    let shown = jobs.iter().filter_map(|job| {
        let place = job.secret_in.as_ref()?;
        Some(violation(format!("the {place} of {} ({}) shows a secret", job.id, job.workflow), Vec::new()))
    });
    let spilled = index.evidence.spilled.iter();
    let spilled = spilled.map(|file| violation(format!("{file} has a secret in the clear"), Vec::new()));
    calls.chain(shown).chain(spilled).collect()
}

fn violation(what: String, evidence: Vec<String>) -> Violation {
    Violation { check: "C13", what, evidence }
}

/// What is wrong with what a call carries.
fn call(index: &Index<'_>, job: &Job, arrival: &Arrival) -> Option<Violation> {
    let Carried { authorization, setting } = arrival.carried.clone().unwrap_or_default();
    let secret = authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "));
    let begun = begun(index, job, arrival);
    [(SECRET, secret), (SETTING, setting.as_deref())].into_iter().find_map(|(variable, value)| {
        let Some(value) = value else {
            let what = format!("attempt {} of {} lacks {variable}", arrival.attempt, arrival.key);
            return Some(violation(what, vec![format!("{arrival:?}")]));
        };
        let what = stale(&index.evidence.rotated, (variable, value), (begun, arrival.at))?;
        let what = format!("attempt {} of {}: {what}", arrival.attempt, arrival.key);
        let entries = job.journal.iter().map(|entry| format!("{entry:?}"));
        Some(violation(what, entries.chain([format!("{arrival:?}")]).collect()))
    })
}

/// The earliest moment at which an attempt may have begun.
fn begun(index: &Index<'_>, job: &Job, arrival: &Arrival) -> i64 {
    if arrival.is_orphan {
        // Of some process before.
        return i64::MIN;
    }
    let same = |other: &&&Arrival| other.key == arrival.key && other.attempt == arrival.attempt;
    let last = index.arrivals(&job.id).iter().filter(same).map(|other| other.at).max();
    let recorded = job.journal.iter().find(|entry| {
        let is_it = entry.attempt == arrival.attempt && arrival.key == format!("{}.{}", job.id, entry.effect);
        // What began later is another run, which the sink has not seen.
        let is_later = entry.started_at > arrival.at + ANSWERED_SLACK_US;
        is_it && last == Some(arrival.at) && !is_later
    });
    let launched = index.launches.iter().copied().filter(|launched| *launched <= arrival.at).max();
    recorded.map(|entry| entry.started_at).or(launched).unwrap_or(i64::MIN)
}

/// Why a value cannot have been read between two moments.
fn stale(rotated: &[Rotated], (variable, value): (&str, &str), (begun, seen): (i64, i64)) -> Option<String> {
    let mut values = rotated.iter().filter(|rotated| rotated.variable == variable);
    let Some(current) = values.by_ref().find(|rotated| rotated.value == value) else {
        return Some(format!("it carries a {variable} that nobody has set: {value}"));
    };
    if current.sent > seen {
        return Some(format!("it carries {value}, which was set {} us later", current.sent - seen));
    }
    let replaced = values.next().and_then(|next| next.set)?;
    let late = begun - replaced;
    (late > ANSWERED_SLACK_US)
        .then(|| format!("it carries {value}, which had been replaced {late} us before it began"))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Story;
    use crate::crash::record::Carried;

    #[track_caller]
    fn check(spoil: impl FnOnce(&mut Carried), what: &str) {
        let mut story = Story::good();
        let seen = story.job("job_secret").journal[0].started_at + 100;
        spoil(story.carried(seen));
        story.expect("C13", what);
    }

    #[test]
    fn a_call_without_its_variables_is_c13() {
        check(|carried| carried.authorization = None, "lacks crash-bearer");
        check(|carried| carried.setting = None, "lacks crash-setting");
    }

    #[test]
    fn a_value_of_another_time_is_c13() {
        check(|carried| carried.setting = Some("setting-x".to_owned()), "that nobody has set: setting-x");
        check(|carried| carried.setting = Some("setting-0".to_owned()), "us before it began");
        check(|carried| carried.setting = Some("setting-2".to_owned()), "us later");
    }

    #[test]
    fn a_value_that_was_replaced_during_the_attempt_is_good() {
        let mut story = Story::good();
        let started = story.job("job_secret").journal[0].started_at;
        let next = story.setting(2);
        (next.sent, next.set) = (started + 10, Some(started + 50));
        story.passes();
    }

    #[test]
    fn an_attempt_of_an_earlier_life_is_judged_by_that_life() {
        let mut story = Story::good();
        let started = story.job("job_secret").journal[0].started_at;
        let first = started - 10_000;
        story.again("job_secret", 0, first);
        story.carried(first).setting = Some("setting-0".to_owned());
        story.setting(1).set = Some(started - 100_000);
        let mut later = story.clone();
        story.kill(started - 4_000);
        story.passes();
        later.down(started - 50_000, started - 40_000);
        later.kill(started - 4_000);
        later.expect("C13", "it carries setting-0, which had been replaced 60000 us before it began");
    }

    #[test]
    fn a_secret_that_is_shown_is_c13() {
        let mut story = Story::good();
        story.job("job_secret").secret_in = Some("trace".to_owned());
        story.expect("C13", "the trace of job_secret (secret) shows a secret");
        let mut story = Story::good();
        story.evidence.spilled.push("tenon.log".to_owned());
        story.expect("C13", "tenon.log has a secret in the clear");
    }
}
