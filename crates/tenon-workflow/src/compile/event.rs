//! Event filters, of `schedule.on` and of `listen`

use super::{CHECKED, Lowering, Piece};
use crate::document::NodeId;
use crate::program::{EventFilter, ReadAs};

impl Lowering<'_> {
    pub(super) fn filter(&mut self, filter: NodeId) -> EventFilter {
        let with = self.document.get(filter, "with").expect(CHECKED);
        let data = self.expr(with, "data");
        let named = self.document.entries(with).iter().filter(|entry| &*entry.key != "data");
        let attributes = named.map(|entry| match self.take(entry.value) {
            Some(Piece::Match(wanted)) => (entry.key.to_string(), wanted),
            _ => unreachable!("{CHECKED}"),
        });
        EventFilter { attributes: attributes.collect(), data }
    }

    /// The member `read` of a schedule or a `listen`.
    pub(super) fn read_as(&self, owner: NodeId) -> ReadAs {
        match self.text(owner, "read").as_deref() {
            Some("envelope") => ReadAs::Envelope,
            Some("raw") => ReadAs::Raw,
            _ => ReadAs::Data,
        }
    }
}
