//! What the demo's facts add up to. Pure: facts in, table and verdict out.

use super::crm::Books;
use super::shop::Delivery;
use anyhow::{Result, bail};
use comfy_table::{Table, presets};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// A job as Tenon lists it.
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) state: String,
}

/// What shop, Tenon and CRM say, each from its own books.
pub(crate) struct Facts {
    pub(crate) orders: u32,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) crm: Books,
    /// From the first webhook to the last answer, the kill and the restart included.
    pub(crate) sending: Duration,
    /// From the first webhook to the end of the last job.
    pub(crate) finishing: Duration,
}

/// The facts, counted.
#[derive(Debug, PartialEq)]
pub(crate) struct Report {
    orders: u32,
    deliveries: usize,
    accepted: usize,
    duplicates: usize,
    /// Of these: stored, but the kill ate the answer, so that the shop's next try was the first to be answered.
    unseen: usize,
    /// Orders that became more than one event.
    split: usize,
    sent_again: usize,
    completed: usize,
    /// Jobs by state, other than completed.
    others: BTreeMap<String, usize>,
    retried: usize,
    lost: usize,
    doubled: usize,
    repeats: u64,
    events_per_second: f64,
    jobs_per_second: f64,
    /// A job that needed more than one attempt.
    pub(crate) example: Option<String>,
}

impl Facts {
    pub(crate) fn report(&self) -> Report {
        let mut by_event: HashMap<&str, Vec<&Job>> = HashMap::new();
        for job in &self.jobs {
            by_event.entry(&job.event).or_default().push(job);
        }
        let completed_once = |event: &str| {
            by_event.get(event).is_some_and(|jobs| matches!(jobs[..], [job] if job.state == "completed"))
        };
        let mut answers: HashMap<&str, Vec<&Delivery>> = HashMap::new();
        for delivery in &self.deliveries {
            answers.entry(&delivery.order).or_default().push(delivery);
        }
        let events: HashMap<&str, &str> =
            answers.iter().map(|(order, deliveries)| (*order, deliveries[0].event.as_str())).collect();
        let is_lost = |(order, event): &(&&str, &&str)| !completed_once(event) || !self.crm.has(order);
        let lost = events.iter().filter(is_lost).count() + self.orders as usize - events.len();
        let mut others = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| job.state != "completed") {
            *others.entry(job.state.clone()).or_default() += 1;
        }
        let mut retried: Vec<&str> = self.crm.retried().iter().map(String::as_str).collect();
        retried.sort_unstable();
        let job_of = |order: &&str| Some(by_event.get(events.get(order)?)?.first()?.id.clone());
        let accepted: HashSet<&str> =
            self.deliveries.iter().map(|delivery| delivery.event.as_str()).collect();
        let split =
            |deliveries: &&Vec<&Delivery>| deliveries.iter().any(|one| one.event != deliveries[0].event);
        let unseen = |deliveries: &&Vec<&Delivery>| deliveries.iter().all(|one| one.duplicate);
        Report {
            orders: self.orders,
            deliveries: self.deliveries.len(),
            accepted: accepted.len(),
            duplicates: self.deliveries.iter().filter(|delivery| delivery.duplicate).count(),
            unseen: answers.values().filter(unseen).count(),
            split: answers.values().filter(split).count(),
            sent_again: self.deliveries.iter().filter(|delivery| delivery.tries > 1).count(),
            completed: self.jobs.iter().filter(|job| job.state == "completed").count(),
            others,
            retried: retried.len(),
            lost,
            doubled: self.crm.doubled(),
            repeats: self.crm.repeats,
            events_per_second: accepted.len() as f64 / self.sending.as_secs_f64(),
            jobs_per_second: self.jobs.len() as f64 / self.finishing.as_secs_f64(),
            example: retried.iter().find_map(job_of),
        }
    }
}

impl Report {
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let mut row = |what: &str, number: String, note: String| {
            table.add_row([what.to_owned(), number, note]);
        };
        let sent = format!("of {} webhooks for {} orders", self.deliveries, self.orders);
        row("accepted", self.accepted.to_string(), sent);
        let repeats = self.duplicates - self.unseen;
        let again = format!(
            "{repeats} repeats of the shop, {} stored before the kill ate the answer ({} sent again)",
            self.unseen, self.sent_again
        );
        row("duplicates refused", self.duplicates.to_string(), again);
        let others: Vec<String> =
            self.others.iter().map(|(state, count)| format!("{count} {state}")).collect();
        row("jobs completed", self.completed.to_string(), others.join(", "));
        row("retried", self.retried.to_string(), "orders that the CRM answered with 500 at first".into());
        row("lost", self.lost.to_string(), "answered 202, but no completed job or not in the CRM".into());
        let repeats = format!("{} requests came twice with one idempotency key; booked once", self.repeats);
        row("doubled in the CRM", self.doubled.to_string(), repeats);
        let captured = format!("the kill and the restart included; {:.0} jobs/s", self.jobs_per_second);
        row("events/s", format!("{:.0}", self.events_per_second), captured);
        table
    }

    /// An error when a promise was broken.
    pub(crate) fn verdict(&self) -> Result<()> {
        if self.lost != 0 || self.doubled != 0 {
            bail!("{} orders were lost, {} doubled", self.lost, self.doubled);
        }
        let (repeats, recognised) =
            (self.deliveries.saturating_sub(self.orders as usize), self.duplicates - self.unseen);
        if self.split != 0 || recognised != repeats {
            bail!("{recognised} of {repeats} repeats were recognised");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(order: &str, event: &str) -> Delivery {
        Delivery { order: order.into(), event: event.into(), duplicate: false, tries: 1 }
    }

    fn job(id: &str, event: &str, state: &str) -> Job {
        Job { id: id.into(), event: event.into(), state: state.into() }
    }

    fn facts() -> Facts {
        let mut crm = Books::default();
        for (order, key, attempt) in [("A-1", "k1", 1), ("A-13", "k3", 1), ("A-13", "k3", 2)] {
            crm.answer("/orders", order, key, attempt);
        }
        Facts {
            orders: 2,
            deliveries: vec![
                delivery("A-1", "ev_1"),
                delivery("A-13", "ev_3"),
                Delivery { duplicate: true, ..delivery("A-1", "ev_1") },
            ],
            jobs: vec![job("job_1", "ev_1", "completed"), job("job_3", "ev_3", "completed")],
            crm,
            sending: Duration::from_secs(1),
            finishing: Duration::from_secs(2),
        }
    }

    #[test]
    fn a_good_run_counts_up() {
        let report = facts().report();
        assert_eq!((report.accepted, report.duplicates, report.completed), (2, 1, 2));
        assert_eq!((report.retried, report.lost, report.doubled), (1, 0, 0));
        assert_eq!(report.example.as_deref(), Some("job_3"));
        report.verdict().unwrap();
        assert!(report.table().to_string().contains("duplicates refused"));
    }

    #[test]
    fn a_faulted_missing_or_doubled_job_is_a_loss() {
        for jobs in [
            vec![job("job_1", "ev_1", "completed")],
            vec![job("job_1", "ev_1", "completed"), job("job_3", "ev_3", "faulted")],
            vec![
                job("job_1", "ev_1", "completed"),
                job("job_3", "ev_3", "completed"),
                job("job_4", "ev_3", "completed"),
            ],
        ] {
            let report = Facts { jobs, ..facts() }.report();
            assert_eq!(report.lost, 1);
            report.verdict().unwrap_err();
        }
    }

    #[test]
    fn an_order_that_the_crm_never_saw_is_a_loss() {
        let report = Facts { crm: Books::default(), ..facts() }.report();
        assert_eq!(report.lost, 2);
    }

    #[test]
    fn an_order_that_was_never_answered_is_a_loss() {
        let report = Facts { orders: 3, ..facts() }.report();
        assert_eq!(report.lost, 1);
    }

    #[test]
    fn a_second_key_for_an_order_is_a_double() {
        let mut facts = facts();
        facts.crm.answer("/orders", "A-1", "another", 1);
        facts.report().verdict().unwrap_err();
    }

    #[test]
    fn a_repeat_that_became_an_event_is_noticed() {
        let mut facts = facts();
        facts.deliveries[2] = delivery("A-1", "ev_9");
        facts.jobs.push(job("job_9", "ev_9", "completed"));
        assert_eq!(facts.report().accepted, 3);
        facts.report().verdict().unwrap_err();
    }

    #[test]
    fn an_order_whose_first_answer_was_lost_is_no_repeat() {
        let mut facts = facts();
        facts.deliveries[1] = Delivery { duplicate: true, tries: 2, ..delivery("A-13", "ev_3") };
        let report = facts.report();
        assert_eq!((report.accepted, report.duplicates, report.unseen, report.sent_again), (2, 2, 1, 1));
        report.verdict().unwrap();
    }
}
