//! `switch`

use super::{CHECKED, Lowering, Spot};
use crate::program::{Action, Case};

impl Lowering<'_> {
    pub(super) fn switch(&mut self, spot: &Spot<'_>) -> Action {
        let document = self.document;
        let cases = document.get(spot.id, "switch").expect(CHECKED);
        let entries = document.items(cases).iter().filter_map(|item| document.entries(*item).first());
        let cases = entries.map(|entry| Case {
            name: entry.key.to_string(),
            when: self.expr(entry.value, "when"),
            then: self.then(entry.value, spot).expect(CHECKED),
        });
        Action::Switch(cases.collect())
    }
}
