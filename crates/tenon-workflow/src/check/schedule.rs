//! `schedule`: how long intervals must be, which settings need one; and what must hold between the filters of events
//! that are gathered for one job.
//!
//! Gathered events are in sets, one for each value of their correlations. That works only if every filter says the
//! value, so filters with other keys, or without, are refused rather than gathered into sets that never are complete.

use super::Checker;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::NodeId;
use crate::program::{SHORTEST_INTERVAL, parse_duration};

impl<'d> Checker<'d> {
    /// All filters that gather for one job have the same keys under `correlate`.
    pub(super) fn check_gathering(&mut self) {
        let filters = self.gathering_filters();
        let mut keys = filters.into_iter().map(|filter| (filter, self.correlation_keys(filter)));
        let Some((_, expected)) = keys.next() else { return };
        let Some((filter, found)) = keys.find(|(_, found)| *found != expected) else { return };
        let message =
            format!("this filter correlates by {}, the first one by {}", named(&found), named(&expected));
        let hint =
            "give all filters of `schedule.on`, and those of its `until`, the same keys under `correlate`";
        let place = filter.or_else(|| self.document.at(self.document.root(), &["schedule", "on"]));
        let place = place.expect("there are filters only where there is `schedule.on`");
        self.report_with(place, codes::COMBINATION, message, Some(hint.to_owned()));
    }

    /// Intervals take time, and settings for times need a schedule by time.
    pub(super) fn check_times(&mut self) {
        let document = self.document;
        let root = document.root();
        for key in ["every", "after"] {
            let Some(id) = document.at(root, &["schedule", key]) else { continue };
            if parse_duration(&document.value_of(id)).is_ok_and(|interval| interval < SHORTEST_INTERVAL) {
                let message = format!("`{key}` must be at least one second");
                self.report_with(id, codes::RANGE, message, Some("write e.g. `PT1S`".to_owned()));
            }
        }
        let has = |key: &str| document.at(root, &["schedule", key]).is_some();
        let by_time = has("cron") || has("every") || has("after");
        for (key, needs, fits) in [
            ("timeZone", "`schedule.cron`", has("cron")),
            ("missed", "`schedule.cron`, `every` or `after`", by_time),
            ("overlap", "`schedule.cron` or `every`", has("cron") || has("every")),
        ] {
            let Some(id) = document.at(root, &["document", "metadata", "tenon", key]) else { continue };
            if !fits {
                let message = format!("`{key}` has no effect without {needs}");
                self.report_with(id, codes::COMBINATION, message, Some("remove it".to_owned()));
            }
        }
    }

    /// The filters of events that are gathered; none if each event starts a job. `None`: every event.
    fn gathering_filters(&self) -> Vec<Option<NodeId>> {
        let document = self.document;
        let Some(on) = document.at(document.root(), &["schedule", "on"]) else { return Vec::new() };
        let of = |strategy: NodeId| -> Vec<Option<NodeId>> {
            let list = ["all", "any"].into_iter().find_map(|name| document.get(strategy, name));
            match (list.map(|list| document.items(list)), document.get(strategy, "one")) {
                (Some([]), _) => vec![None],
                (Some(filters), _) => filters.iter().copied().map(Some).collect(),
                (None, one) => one.into_iter().map(Some).collect(),
            }
        };
        match (document.get(on, "all"), document.get(on, "until")) {
            (Some(_), _) => of(on),
            (None, Some(until)) => of(on).into_iter().chain(of(until)).collect(),
            (None, None) => Vec::new(),
        }
    }

    fn correlation_keys(&self, filter: Option<NodeId>) -> Vec<&'d str> {
        let document = self.document;
        let correlate = filter.and_then(|filter| document.get(filter, "correlate"));
        let entries = correlate.map_or(&[][..], |correlate| document.entries(correlate));
        let mut keys: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
        keys.sort_unstable();
        keys
    }
}

fn named(keys: &[&str]) -> String {
    if keys.is_empty() {
        return "nothing".to_owned();
    }
    keys.iter().map(|key| format!("`{}`", quote(key))).collect::<Vec<_>>().join(", ")
}
