//! `schedule.on`: which events start a job, and how many of them.

use super::{ListenFilter, ReadAs, Strategy, Until};

/// `schedule.on`. Unless it [gathers](Self::gathers), each event that passes any of its filters starts a job.
#[derive(Debug)]
pub struct Subscription {
    /// Which events. Never `any` of none: that is a filter which every event passes.
    pub to: Strategy,
    /// With `any`: the events until then start one job. Filters as in `to`; a condition sees, as `.`, the array of
    /// what was gathered, and no variables.
    pub until: Option<Until>,
    /// `schedule.read`.
    pub read: ReadAs,
    /// Of `schedule.on` as it is written: what was gathered under another one is of no use.
    pub digest: u64,
}

// === impl Subscription ===

impl Subscription {
    /// Whether several events start one job.
    pub fn gathers(&self) -> bool {
        match &self.to {
            Strategy::All(filters) => filters.len() > 1,
            Strategy::Any(_) | Strategy::One(_) => self.until.is_some(),
        }
    }

    /// All filters, those of `until` too.
    pub fn filters(&self) -> impl Iterator<Item = &ListenFilter> {
        let until = match &self.until {
            Some(Until::Consumed(strategy)) => strategy.filters(),
            Some(Until::Condition(_)) | None => &[],
        };
        self.to.filters().iter().chain(until)
    }
}
