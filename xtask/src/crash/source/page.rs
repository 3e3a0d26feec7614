//! The items of the source, and what a page of them holds.

use super::Poller;
use crate::crash::random::Random;
use crate::crash::record::Page;
use serde_json::json;

/// Items of a page, at most.
const SIZE: usize = 10;
/// Items that may bear one stamp: fewer than [`SIZE`], or an inclusive cursor would stand still.
const SAME_STAMP: usize = 3;
/// How far an old page goes back, in stamps.
const STALE_STAMPS: u64 = 8;

/// All items so far: their stamps. An item's number is its place, from 1 on.
#[derive(Default)]
pub(super) struct Items(Vec<u64>);

/// What one answer holds.
pub(super) struct Answer {
    /// Of the items, in the order in which they are sent.
    pub(super) numbers: Vec<u64>,
    stamps: Vec<u64>,
    has_more: bool,
    /// Whether who asked stands at the end.
    pub(super) is_at_the_end: bool,
}

// === impl Items ===

impl Items {
    /// One more. It bears the stamp of the one before, or the next. Its number and stamp.
    pub(super) fn add(&mut self, random: &mut Random) -> (u64, u64) {
        let newest = self.newest();
        let same = self.0.iter().rev().take_while(|stamp| **stamp == newest).count();
        let is_next = newest == 0 || same >= SAME_STAMP || random.percent(50);
        let stamp = newest + u64::from(is_next);
        self.0.push(stamp);
        (self.0.len() as u64, stamp)
    }

    /// The newest stamp; 0: there is no item.
    pub(super) fn newest(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }

    /// What a poller gets that stands at `since`.
    pub(super) fn page(&self, poller: &Poller, since: u64, how: Page, random: &mut Random) -> Answer {
        let from = if how == Page::Stale { since.saturating_sub(STALE_STAMPS) } else { since };
        let is_wanted = |(number, stamp): &(u64, u64)| {
            if poller.is_keyed { *stamp >= from } else { *number > from }
        };
        let numbered = (1..).zip(self.0.iter().copied());
        let mut wanted: Vec<(u64, u64)> = numbered.filter(is_wanted).collect();
        let has_more = wanted.len() > SIZE;
        wanted.truncate(SIZE);
        if random.percent(50) {
            shuffle(&mut wanted, random);
        }
        if how == Page::Stale && !wanted.is_empty() {
            // The same twice in one page.
            wanted.push(*random.pick(&wanted));
        }
        let end = if poller.is_keyed { self.newest() } else { self.0.len() as u64 };
        let (numbers, stamps) = wanted.into_iter().unzip();
        Answer { numbers, stamps, has_more, is_at_the_end: how == Page::Good && since == end }
    }
}

// === impl Answer ===

impl Answer {
    pub(super) fn text(&self, poller: &Poller) -> String {
        let items = self.numbers.iter().zip(&self.stamps);
        let items: Vec<_> = items
            .map(
                |(number, stamp)| json!({ "token": poller.token(*number), "number": number, "stamp": stamp }),
            )
            .collect();
        json!({ "items": items, "hasMore": self.has_more }).to_string()
    }
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.between(0, last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::super::poller;
    use super::*;

    fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn stamps_never_go_back_and_are_shared_by_few() {
        let (mut items, mut random) = (Items::default(), Random::new(1));
        for _ in 0..500 {
            items.add(&mut random);
        }
        assert!(items.0.is_sorted());
        assert!(items.0.windows(SAME_STAMP + 1).all(|few| few[0] < few[SAME_STAMP]));
        assert!(items.0.windows(2).any(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_page_begins_behind_the_cursor_or_with_it() {
        let items = Items(vec![1, 1, 2, 2, 2, 3]);
        let mut random = Random::new(2);
        let mut page = |name, since, how| items.page(poller(name).unwrap(), since, how, &mut random);
        let good = page("paged", 2, Page::Good);
        assert_eq!(
            (sorted(good.numbers), good.has_more, good.is_at_the_end),
            (vec![3, 4, 5, 6], false, false)
        );
        let keyed = page("keyed", 2, Page::Good);
        assert_eq!(sorted(keyed.numbers), [3, 4, 5, 6]);
        let stale = page("keyed", 3, Page::Stale);
        assert_eq!((stale.numbers.len(), stale.is_at_the_end), (7, false));
        assert!(page("paged", 6, Page::Good).is_at_the_end && page("keyed", 3, Page::Good).is_at_the_end);
    }

    #[test]
    fn pages_are_in_any_order() {
        let items = Items((1..=8).collect());
        let paged = poller("paged").unwrap();
        let mut random = Random::new(4);
        let pages: Vec<_> = (0..50).map(|_| items.page(paged, 0, Page::Good, &mut random).numbers).collect();
        assert!(pages.iter().any(|page| page.is_sorted()) && pages.iter().any(|page| !page.is_sorted()));
        assert!(pages.into_iter().all(|page| sorted(page) == [1, 2, 3, 4, 5, 6, 7, 8]));
    }
}
