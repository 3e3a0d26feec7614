//! What a run came to, as tables.

use super::campaign::Outcome;
use super::checker::{CHECKS, Evidence, Violation};
use super::record::{Answer, Fault, Moment, Page, Polled, Remedy, Sending, Sunk, Surroundings};
use super::source::POLLERS;
use super::timetable::is_timed;
use comfy_table::{Table, presets};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;

/// How many violations of one check are shown whole.
const SHOWN: usize = 5;
/// How many lines of evidence are shown for each.
const LINES: usize = 40;

/// Counts of a run.
pub(crate) fn statistics(outcome: &Outcome) -> Table {
    let evidence = &outcome.evidence;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("kills", kills(&evidence.faults));
    row("dedup keys", keys(evidence));
    row("sendings", sendings(evidence));
    row("events in Tenon", events(evidence));
    row("jobs", jobs(evidence));
    let entries: usize = evidence.history.jobs.iter().map(|job| job.journal.len()).sum();
    row("journal entries", entries.to_string());
    row("calls at the sink", calls(evidence));
    row("children", children(evidence));
    row("events listened for", listened(evidence));
    row("items polled", polled(&evidence.polled));
    row("parked jobs", mended(evidence));
    row("occurrences of schedules", occurrences(evidence));
    row("values of variables", evidence.rotated.len().to_string());
    row("in flight at a kill", in_flight_twice(evidence));
    row("drained", drained(&evidence.faults));
    row("stopped and continued", spans(&evidence.faults, |fault| matches!(fault, Fault::Stopped { .. })));
    row("disk full", spans(&evidence.faults, |fault| matches!(fault, Fault::Filled { .. })));
    row("slow disk", slow_disks(&evidence.faults));
    row("clock set", clocks(&evidence.faults));
    row("machine stood still", spans(&evidence.faults, |fault| matches!(fault, Fault::Stalled { .. })));
    let replayed = evidence.history.jobs.iter().filter(|job| job.is_final());
    row("jobs replayed", replayed.count().to_string());
    row("time", format!("{:.1} s", outcome.took.as_secs_f64()));
    table
}

/// One line for each check.
pub(crate) fn verdicts(violations: &[Violation]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["check", "what", "violations"]);
    for (check, what) in CHECKS {
        let count = violations.iter().filter(|violation| violation.check == *check).count();
        let count = if count == 0 { "none".to_owned() } else { format!("{count}  <== VIOLATED") };
        table.add_row([(*check).to_owned(), (*what).to_owned(), count]);
    }
    table
}

/// The violations with their evidence; not all of many.
pub(crate) fn evidence(violations: &[Violation]) -> String {
    // Writing into a text cannot fail.
    let mut text = String::new();
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in violations {
        let count = shown.entry(violation.check).or_default();
        *count += 1;
        if *count > SHOWN {
            continue;
        }
        let _ = writeln!(text, "\n{}: {}", violation.check, violation.what);
        for line in violation.evidence.iter().take(LINES) {
            let _ = writeln!(text, "    {line}");
        }
        if violation.evidence.len() > LINES {
            let _ = writeln!(text, "    … and {} more lines", violation.evidence.len() - LINES);
        }
    }
    for (check, count) in shown.into_iter().filter(|(_, count)| *count > SHOWN) {
        let _ = writeln!(text, "\n{check}: … and {} more", count - SHOWN);
    }
    text
}

/// The names of the checks that were violated.
pub(crate) fn violated(violations: &[Violation]) -> Vec<&'static str> {
    let names: BTreeSet<&str> = violations.iter().map(|violation| violation.check).collect();
    CHECKS.iter().map(|(name, _)| *name).filter(|name| names.contains(name)).collect()
}

fn kills(faults: &[Fault]) -> String {
    let moments: Vec<Moment> = faults
        .iter()
        .filter_map(|fault| match fault {
            Fault::Killed { moment, .. } => Some(*moment),
            _ => None,
        })
        .collect();
    let count = |moment| moments.iter().filter(|candidate| **candidate == moment).count();
    format!(
        "{} ({} at random times, {} upon an acknowledgement, {} upon a call, {} upon its answer, {} upon a page)",
        moments.len(),
        count(Moment::Time),
        count(Moment::Acknowledged),
        count(Moment::Arrival),
        count(Moment::Answer),
        count(Moment::Page)
    )
}

fn keys(evidence: &Evidence) -> String {
    let all: HashSet<&str> = evidence.produced.iter().map(|record| record.key.as_str()).collect();
    let acknowledged: HashSet<&str> = evidence
        .produced
        .iter()
        .filter(|record| matches!(record.step, Sending::Acknowledged(_)))
        .map(|record| record.key.as_str())
        .collect();
    format!("{} ({} acknowledged)", all.len(), acknowledged.len())
}

fn sendings(evidence: &Evidence) -> String {
    let count =
        |test: fn(&Sending) -> bool| evidence.produced.iter().filter(|record| test(&record.step)).count();
    format!(
        "{} ({} acknowledged, of them {} as duplicates; {} without an answer, {} while not ready, {} while full, {} while busy)",
        count(|step| matches!(step, Sending::Sent)),
        count(|step| matches!(step, Sending::Acknowledged(_))),
        count(|step| matches!(step, Sending::Acknowledged(promise) if promise.duplicate)),
        count(|step| matches!(step, Sending::Lost(_))),
        count(|step| matches!(step, Sending::Unready)),
        count(|step| matches!(step, Sending::Full)),
        count(|step| matches!(step, Sending::Busy)),
    )
}

fn events(evidence: &Evidence) -> String {
    let duplicates: u64 = evidence.history.events.iter().map(|event| event.duplicates).sum();
    format!("{} ({duplicates} duplicates refused)", evidence.history.events.len())
}

fn jobs(evidence: &Evidence) -> String {
    let mut workflows: BTreeMap<&str, usize> = BTreeMap::new();
    for job in &evidence.history.jobs {
        *workflows.entry(&job.workflow).or_default() += 1;
    }
    let parts: Vec<String> = workflows.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("{} ({})", evidence.history.jobs.len(), parts.join(", "))
}

fn calls(evidence: &Evidence) -> String {
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    let mut arrived = 0;
    for record in &evidence.sunk {
        match record {
            Sunk::Arrived(_) => arrived += 1,
            Sunk::Answered { how, .. } => *answers.entry(word(*how).to_owned()).or_default() += 1,
            Sunk::Strange { .. } => {}
        }
    }
    let parts: Vec<String> = answers.iter().map(|(how, count)| format!("{how} {count}")).collect();
    format!("{arrived} ({})", parts.join(", "))
}

fn children(evidence: &Evidence) -> String {
    let children = || evidence.history.jobs.iter().filter(|job| job.parent.is_some());
    let cancelled = children().filter(|job| job.state == "cancelled").count();
    format!("{} ({cancelled} cancelled)", children().count())
}

fn listened(evidence: &Evidence) -> String {
    let entries = evidence.history.jobs.iter().flat_map(|job| &job.journal);
    let taken = entries.filter(|entry| entry.outcome == "received").count();
    let sent = evidence.replied.iter().filter(|record| matches!(record.step, Sending::Sent)).count();
    format!("{taken} taken ({sent} sendings)")
}

fn polled(polled: &[Polled]) -> String {
    let offered = polled.iter().filter(|record| matches!(record, Polled::Offered { .. })).count();
    let is_bad = |how: Page| !matches!(how, Page::Good | Page::Stale);
    let pages = |test: &dyn Fn(Page) -> bool| {
        polled.iter().filter(|record| matches!(record, Polled::Asked { how, .. } if test(*how))).count()
    };
    format!(
        "{offered} by {} pollers ({} good pages, {} stale, {} bad)",
        POLLERS.len(),
        pages(&|how| how == Page::Good),
        pages(&|how| how == Page::Stale),
        pages(&is_bad)
    )
}

fn mended(evidence: &Evidence) -> String {
    let done =
        |remedy| evidence.mended.iter().filter(|record| record.is_done && record.remedy == remedy).count();
    format!("resumed {} times, {} given up", done(Remedy::Resume), done(Remedy::Skip))
}

fn occurrences(evidence: &Evidence) -> String {
    let started = evidence.history.jobs.iter().filter(|job| is_timed(&job.workflow)).count();
    let noted = |kind| evidence.history.notes.iter().filter(|note| note.kind == kind).count();
    format!("{started} started, {} missed, {} skipped", noted("missed"), noted("skipped"))
}

fn word(how: Answer) -> &'static str {
    match how {
        Answer::Ok => "ok",
        Answer::Slow => "slow",
        Answer::Twice => "answered twice",
        Answer::Fails => "500",
        Answer::Hangs => "hung",
        Answer::Resets => "reset",
    }
}

fn in_flight_twice(evidence: &Evidence) -> String {
    let mut seen = HashSet::new();
    let again = evidence.sunk.iter().filter(|record| match record {
        Sunk::Arrived(arrival) => !seen.insert((arrival.key.as_str(), arrival.attempt)),
        _ => false,
    });
    format!("{} attempts were made again", again.count())
}

/// How often something held it up, and for how long at most.
fn spans(faults: &[Fault], is_it: fn(&Fault) -> bool) -> String {
    let span = |fault: &Fault| match fault {
        Fault::Stalled { from, to } | Fault::Stopped { from, to } | Fault::Filled { from, to } => {
            Some(to - from)
        }
        _ => None,
    };
    let spans: Vec<i64> = faults.iter().filter(|fault| is_it(fault)).filter_map(span).collect();
    let longest = spans.iter().max().copied().unwrap_or(0);
    format!("{} times, at most {:.1} s", spans.len(), longest as f64 / 1e6)
}

/// The surroundings of all lives.
fn surroundings(faults: &[Fault]) -> Vec<Surroundings> {
    let surroundings = |fault: &Fault| match fault {
        Fault::Launched { surroundings, .. } => Some(*surroundings),
        _ => None,
    };
    faults.iter().filter_map(surroundings).collect()
}

fn slow_disks(faults: &[Fault]) -> String {
    let slowness = surroundings(faults).into_iter().map(|surroundings| surroundings.sync_ms);
    let slow: Vec<u64> = slowness.filter(|sync_ms| *sync_ms > 0).collect();
    format!("in {} lives, at most {} ms more for a sync", slow.len(), slow.iter().max().unwrap_or(&0))
}

fn clocks(faults: &[Fault]) -> String {
    let ahead: Vec<i64> = surroundings(faults).iter().map(|surroundings| surroundings.ahead_us).collect();
    let forth = ahead.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let back = ahead.windows(2).filter(|pair| pair[0] > pair[1]).count();
    format!("{forth} times forth, {back} times back")
}

fn drained(faults: &[Fault]) -> String {
    match faults.iter().rev().find(|fault| matches!(fault, Fault::Drained { .. })) {
        Some(Fault::Drained { took_us, open, .. }) => {
            format!("{open} jobs open after {:.1} s", *took_us as f64 / 1e6)
        }
        _ => "no".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(check: &'static str) -> Violation {
        Violation { check, what: "x".to_owned(), evidence: vec!["line".to_owned(); 50] }
    }

    #[test]
    fn many_violations_are_cut_but_counted() {
        let violations = vec![violation("C10"); 7];
        let text = evidence(&violations);
        assert_eq!(text.matches("C10: x").count(), SHOWN);
        assert!(text.contains("… and 2 more") && text.contains("10 more lines"), "{text}");
        assert!(verdicts(&violations).to_string().contains("7  <== VIOLATED"));
        assert_eq!(violated(&[violation("C10"), violation("C3")]), ["C3", "C10"]);
    }
}
