//! What a trigger that was fired by hand has brought.

use tenon_capture::Accepted;

/// So many of what was captured are named; the rest is counted.
pub const MAX_SHOWN: usize = 100;

/// What firing has brought. A poll may bring millions of events: so most are only counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fired {
    /// What was captured and is new.
    pub events: u64,
    /// What was known already.
    pub repeats: u64,
    /// The first [`MAX_SHOWN`] of them; of a poll only new ones.
    pub first: Vec<Accepted>,
}

// === impl Fired ===

impl Fired {
    /// All of it, repeats too.
    pub(crate) fn of(accepted: Vec<Accepted>) -> Self {
        let mut fired = Self::default();
        for accepted in &accepted {
            fired.count(accepted);
        }
        fired.first = accepted;
        fired.first.truncate(MAX_SHOWN);
        fired
    }

    /// More of a poll.
    pub(crate) fn add(&mut self, accepted: Vec<Accepted>) {
        for accepted in accepted {
            self.count(&accepted);
            if !accepted.duplicate && self.first.len() < MAX_SHOWN {
                self.first.push(accepted);
            }
        }
    }

    /// The next answer of a poll.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.events += other.events;
        self.repeats += other.repeats;
        let room = MAX_SHOWN - self.first.len();
        self.first.extend(other.first.into_iter().take(room));
    }

    fn count(&mut self, accepted: &Accepted) {
        if accepted.duplicate {
            self.repeats += 1;
        } else {
            self.events += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use tenon_store::EventId;

    use super::*;

    fn accepted(number: u64, duplicate: bool) -> Accepted {
        Accepted { event: EventId(number), jobs: Vec::new(), duplicate }
    }

    #[test]
    fn most_is_only_counted() {
        let mut all = Fired::default();
        for page in 0..5_u64 {
            let mut one = Fired::default();
            one.add((0..60).map(|number| accepted(page * 60 + number, number % 3 == 0)).collect());
            all.absorb(one);
        }
        assert_eq!((all.events, all.repeats, all.first.len()), (200, 100, MAX_SHOWN));
        assert!(all.first.iter().all(|accepted| !accepted.duplicate));
        assert_eq!(all.first[0].event, EventId(1));
    }
}
