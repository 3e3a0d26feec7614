//! `for`

use super::{CHECKED, Lowering};
use crate::document::NodeId;
use crate::program::{Action, For};

impl Lowering<'_> {
    pub(super) fn for_each(&mut self, task: NodeId) -> Action {
        let over = self.document.get(task, "for").expect(CHECKED);
        let body = self.document.get(task, "do").expect(CHECKED);
        Action::For(For {
            each: self.text(over, "each").unwrap_or_else(|| "item".to_owned()),
            at: self.text(over, "at").unwrap_or_else(|| "index".to_owned()),
            r#in: self.template(over, "in").expect(CHECKED),
            r#while: self.expr(task, "while"),
            body: self.block(body),
        })
    }
}
