//! The document as a whole: its name, what starts it, and `document.metadata.tenon`

use std::sync::Arc;
use std::time::Duration;

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{
    Cron, EventFilter, ListenFilter, Missed, Name, OnFailure, Overlap, Program, RateLimit, Respond, Schedule,
    Settings, Strategy, Subscription, Timing, Until, Zone,
};

const DAY: Duration = Duration::from_hours(24);
const DEFAULT_PRIORITY: u8 = 5;

impl Lowering<'_> {
    pub(super) fn workflow(mut self) -> Program {
        let root = self.document.root();
        let about = self.document.get(root, "document").expect(CHECKED);
        let list = self.document.get(root, "do").expect(CHECKED);
        let part = |key: &str| self.text(about, key).expect(CHECKED);
        let name = Name { namespace: part("namespace"), name: part("name"), version: part("version") };
        self.note_extensions();
        let body = self.block(list);
        self.fill_functions();
        Program {
            name,
            definition: Arc::new(self.document.value()),
            input: self.input(root),
            output: self.output(root),
            timeout: self.timeout(root),
            body,
            subscription: self.subscription(),
            schedule: self.schedule(),
            settings: self.settings(),
            extensions: self.extensions(),
            secrets: self.secrets(),
            variables: std::mem::take(&mut self.variables),
            tasks: self
                .tasks
                .into_iter()
                .map(|task| task.expect("every task that was begun is done"))
                .collect(),
            blocks: self.blocks,
        }
    }

    fn secrets(&self) -> Vec<String> {
        let list = self.document.at(self.document.root(), &["use", "secrets"]);
        let names = list.map_or(&[][..], |list| self.document.items(list)).iter();
        let mut secrets: Vec<String> =
            names.filter_map(|name| self.document.text(*name).map(str::to_owned)).collect();
        secrets.sort_unstable();
        secrets.dedup();
        secrets
    }

    fn subscription(&mut self) -> Option<Subscription> {
        let schedule = self.document.get(self.document.root(), "schedule")?;
        let on = self.document.get(schedule, "on")?;
        let until = self.until(on).map(|until| match until {
            Until::Consumed(strategy) => Until::Consumed(every_event_passes(strategy)),
            condition @ Until::Condition(_) => condition,
        });
        Some(Subscription {
            to: every_event_passes(self.strategy(on)),
            until,
            read: self.read_as(schedule),
            digest: fingerprint(&self.document.value_of(on).to_string()),
        })
    }

    fn schedule(&self) -> Option<Schedule> {
        let document = self.document;
        let schedule = document.get(document.root(), "schedule")?;
        let tenon = document.at(document.root(), &["document", "metadata", "tenon"]);
        let setting = |key: &str| tenon.and_then(|tenon| self.text(tenon, key));
        let fixed = |key: &str| document.get(schedule, key).map(|id| self.fixed(id));
        let timing = if let Some(cron) = self.text(schedule, "cron") {
            let zone = setting("timeZone").map_or_else(Zone::utc, |name| Zone::named(&name).expect(CHECKED));
            Timing::Cron(Box::new(Cron::parse(&cron, zone).expect(CHECKED)))
        } else if let Some(interval) = fixed("every") {
            Timing::Every(interval)
        } else {
            Timing::After(fixed("after")?)
        };
        let missed = setting("missed").as_deref().map_or_else(Missed::default, Missed::named);
        let overlap = setting("overlap").as_deref().map_or_else(Overlap::default, Overlap::named);
        Some(Schedule { timing, missed, overlap })
    }

    fn settings(&mut self) -> Settings {
        let path = ["document", "metadata", "tenon"];
        let Some(tenon) = self.document.at(self.document.root(), &path) else { return default_settings() };
        let fixed = |path: &[&str]| self.document.at(tenon, path).map(|id| self.fixed(id));
        let dedup_for = fixed(&["dedupFor"]);
        let keep_jobs = fixed(&["retention", "jobs"]);
        let keep_payloads = fixed(&["retention", "payloads"]);
        let default = default_settings();
        Settings {
            ordering_key: self.expr(tenon, "orderingKey"),
            dedup_key: self.expr(tenon, "dedupKey"),
            dedup_for: dedup_for.unwrap_or(default.dedup_for),
            concurrency: self.number(tenon, "concurrency").map(|count| count as u32),
            rate_limit: self.rate_limit(tenon),
            on_failure: match self.text(tenon, "onFailure").as_deref() {
                Some("park") => OnFailure::Park,
                _ => OnFailure::Continue,
            },
            priority: self.number(tenon, "priority").map_or(default.priority, |priority| priority as u8),
            keep_jobs,
            keep_payloads,
            mask: self.mask(tenon),
            respond: self.respond(tenon),
        }
    }

    fn mask(&self, tenon: NodeId) -> Vec<String> {
        let list = self.document.get(tenon, "mask").map_or(&[][..], |list| self.document.items(list));
        list.iter().filter_map(|pointer| self.document.text(*pointer).map(str::to_owned)).collect()
    }

    fn rate_limit(&self, tenon: NodeId) -> Option<RateLimit> {
        let rate = self.document.get(tenon, "rateLimit")?;
        let limit = self.number(rate, "limit")? as u32;
        let per = self.document.get(rate, "per").map(|per| self.fixed(per))?;
        let burst = self.number(rate, "burst").map_or(limit, |burst| burst as u32);
        Some(RateLimit { limit, per, burst })
    }

    fn respond(&mut self, tenon: NodeId) -> Option<Respond> {
        let respond = self.document.get(tenon, "respond")?;
        Some(Respond {
            status: self.template(respond, "status"),
            headers: self.template(respond, "headers"),
            body: self.template(respond, "body"),
        })
    }
}

/// `any: []` is every event.
fn every_event_passes(strategy: Strategy) -> Strategy {
    match strategy {
        Strategy::Any(filters) if filters.is_empty() => {
            let filter = EventFilter { attributes: Vec::new(), data: None };
            Strategy::Any(vec![ListenFilter { filter, correlate: Vec::new() }])
        }
        other => other,
    }
}

/// FNV-1a, 64 bits: tells one text of a document from the one before.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn default_settings() -> Settings {
    Settings {
        ordering_key: None,
        dedup_key: None,
        dedup_for: DAY,
        concurrency: None,
        rate_limit: None,
        on_failure: OnFailure::Continue,
        priority: DEFAULT_PRIORITY,
        keep_jobs: None,
        keep_payloads: None,
        mask: Vec::new(),
        respond: None,
    }
}
