//! `listen`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, Correlation, Foreach, Listen, ListenFilter, Strategy, Until};

impl Lowering<'_> {
    pub(super) fn listen(&mut self, task: NodeId) -> Action {
        let document = self.document;
        let listen = document.get(task, "listen").expect(CHECKED);
        let to = document.get(listen, "to").expect(CHECKED);
        Action::Listen(Box::new(Listen {
            to: self.strategy(to),
            until: self.until(to),
            read: self.read_as(listen),
            foreach: document.get(task, "foreach").map(|foreach| self.foreach(foreach)),
        }))
    }

    /// The member `until` of a strategy.
    pub(super) fn until(&mut self, strategy: NodeId) -> Option<Until> {
        let until = self.document.get(strategy, "until")?;
        Some(match self.document.text(until) {
            Some(_) => Until::Condition(self.expr(strategy, "until").expect(CHECKED)),
            None => Until::Consumed(self.strategy(until)),
        })
    }

    pub(super) fn strategy(&mut self, strategy: NodeId) -> Strategy {
        let document = self.document;
        if let Some(one) = document.get(strategy, "one") {
            return Strategy::One(self.listen_filter(one));
        }
        let all = document.get(strategy, "all");
        let list = all.or_else(|| document.get(strategy, "any")).expect(CHECKED);
        let filters = document.items(list).iter().map(|filter| self.listen_filter(*filter)).collect();
        if all.is_some() { Strategy::All(filters) } else { Strategy::Any(filters) }
    }

    fn listen_filter(&mut self, filter: NodeId) -> ListenFilter {
        let document = self.document;
        let correlate = document.get(filter, "correlate").map_or(&[][..], |keys| document.entries(keys));
        let correlate = correlate.iter().map(|entry| Correlation {
            name: entry.key.to_string(),
            from: self.expr(entry.value, "from").expect(CHECKED),
            expect: self.template(entry.value, "expect"),
        });
        let correlate = correlate.collect();
        ListenFilter { filter: self.filter(filter), correlate }
    }

    fn foreach(&mut self, foreach: NodeId) -> Foreach {
        let body = self.document.get(foreach, "do");
        Foreach {
            item: self.text(foreach, "item").unwrap_or_else(|| "item".to_owned()),
            at: self.text(foreach, "at").unwrap_or_else(|| "index".to_owned()),
            body: body.map(|list| self.block(list)),
            output: self.output(foreach),
            export: self.export(foreach),
        }
    }
}
