//! Whose turn it is among siblings: deficit round robin without a quantum. Each member carries what it has
//! been charged; the one charged least goes next. Classic deficit round robin needs a quantum near the
//! cheapest job to be smooth and near the dearest to be quick, and jobs here differ by five orders of
//! magnitude; keeping the members in order costs O(log members) and needs neither. Must not know what its
//! members are.

use std::collections::BTreeSet;

/// What one member has been charged, in µs of worker time divided by its weight.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Account {
    /// By what has ended. It only grows.
    used: u64,
    /// In advance, by what runs.
    expected: u64,
    listed: bool,
}

/// What a start is charged, and what its end settles.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charge {
    /// A start, by what it is expected to use.
    Start { expected: u64 },
    /// The end of one: what was expected of it, and what it used.
    End { expected: u64, used: u64 },
}

/// The members that could start something now.
#[derive(Debug, Default)]
pub(super) struct Turns {
    order: BTreeSet<Place>,
    /// Who joins starts here: neither idleness nor being new is saved up. What the member last in turn had used:
    /// were it what it had been charged, a flood that is given back what its first thousand starts did not use
    /// would be far below whoever joins meanwhile.
    floor: u64,
}

/// Where a member stands, by what it has been charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    charged: u64,
    member: u32,
    used: u64,
}

// === impl Charge ===

impl Charge {
    /// For a member that is charged so many times as much.
    pub(super) fn times(self, factor: u64) -> Self {
        match self {
            Self::Start { expected } => Self::Start { expected: expected.saturating_mul(factor) },
            Self::End { expected, used } => {
                Self::End { expected: expected.saturating_mul(factor), used: used.saturating_mul(factor) }
            }
        }
    }
}

// === impl Account ===

impl Account {
    /// Charges a member that is listed nowhere.
    pub(super) fn charge_unlisted(&mut self, charge: Charge) {
        debug_assert!(!self.listed, "its place among its siblings would be wrong");
        self.charge(charge);
    }

    fn charge(&mut self, charge: Charge) {
        match charge {
            Charge::Start { expected } => self.expected = self.expected.saturating_add(expected),
            Charge::End { expected, used } => {
                self.expected = self.expected.saturating_sub(expected);
                self.used = self.used.saturating_add(used);
            }
        }
    }

    fn place(&self, member: u32) -> Place {
        Place { charged: self.used.saturating_add(self.expected), member, used: self.used }
    }
}

// === impl Turns ===

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// All that are listed.
    pub(super) fn members(&self) -> impl Iterator<Item = u32> + '_ {
        self.order.iter().map(|place| place.member)
    }

    /// Lists or unlists a member; nothing if it is so already.
    pub(super) fn set_listed(&mut self, member: u32, account: &mut Account, listed: Listed) {
        match (listed, account.listed) {
            (Listed::Yes, false) => {
                // With what runs it stands at the floor, not above: it would pay for that each time it joins again.
                account.used = account.used.max(self.floor.saturating_sub(account.expected));
                account.listed = true;
                self.order.insert(account.place(member));
            }
            (Listed::No, true) => {
                account.listed = false;
                self.order.remove(&account.place(member));
            }
            _ => {}
        }
    }

    /// The member whose turn comes next.
    pub(super) fn first(&self) -> Option<u32> {
        self.order.first().map(|place| place.member)
    }

    /// The member whose turn it is.
    pub(super) fn begin(&mut self) -> Option<u32> {
        let first = self.order.first()?;
        self.floor = self.floor.max(first.used);
        Some(first.member)
    }

    /// Charges a member, or settles what it was charged in advance.
    pub(super) fn charge(&mut self, member: u32, account: &mut Account, charge: Charge) {
        if !account.listed {
            return account.charge_unlisted(charge);
        }
        self.order.remove(&account.place(member));
        account.charge(charge);
        self.order.insert(account.place(member));
    }
}

/// Whether a member takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Yes,
    No,
}

// === impl Listed ===

impl Listed {
    pub(super) fn when(condition: bool) -> Self {
        if condition { Self::Yes } else { Self::No }
    }
}
