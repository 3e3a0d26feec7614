//! Whose turn it is among siblings: deficit round robin without a quantum. Each member carries what it has
//! been charged; the one charged least goes next. Classic deficit round robin needs a quantum near the
//! cheapest job to be smooth and near the dearest to be quick, and jobs here differ by five orders of
//! magnitude; keeping the members in order costs O(log members) and needs neither. Must not know what its
//! members are.

use std::collections::BTreeSet;

/// What one member has been charged, in µs of worker time divided by its weight.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Account {
    charge: u64,
    listed: bool,
}

/// The members that could start something now.
#[derive(Debug, Default)]
pub(super) struct Turns {
    order: BTreeSet<(u64, u32)>,
    /// Who joins starts here: neither idleness nor being new is saved up.
    floor: u64,
}

// === impl Account ===

impl Account {
    /// Charges a member that is listed nowhere.
    pub(super) fn charge_unlisted(&mut self, by: i64) {
        debug_assert!(!self.listed, "its place among its siblings would be wrong");
        self.charge = self.charge.saturating_add_signed(by);
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
        self.order.iter().map(|(_, member)| *member)
    }

    /// Lists or unlists a member; nothing if it is so already.
    pub(super) fn set_listed(&mut self, member: u32, account: &mut Account, listed: Listed) {
        match (listed, account.listed) {
            (Listed::Yes, false) => {
                account.charge = account.charge.max(self.floor);
                account.listed = true;
                self.order.insert((account.charge, member));
            }
            (Listed::No, true) => {
                account.listed = false;
                self.order.remove(&(account.charge, member));
            }
            _ => {}
        }
    }

    /// The member whose turn it is.
    pub(super) fn begin(&mut self) -> Option<u32> {
        let &(charge, member) = self.order.first()?;
        self.floor = self.floor.max(charge);
        Some(member)
    }

    /// Charges a member, or gives back what was charged too much.
    pub(super) fn charge(&mut self, member: u32, account: &mut Account, by: i64) {
        if !account.listed {
            return account.charge_unlisted(by);
        }
        self.order.remove(&(account.charge, member));
        account.charge = account.charge.saturating_add_signed(by);
        self.order.insert((account.charge, member));
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
