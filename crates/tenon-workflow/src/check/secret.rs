//! Secrets: readable only where an effect is made of them, and only by names that the document declares.

use tenon_expr::Expr;

use super::Checker;
use crate::codes;
use crate::document::NodeId;
use crate::shape::{Place, Section};

impl Checker<'_> {
    /// Whether every `$secrets.name` is one that `use.secrets` declares; says which are not.
    pub(super) fn declares_secrets(&mut self, id: NodeId, expr: &Expr) -> bool {
        let document = self.document;
        let declared = document.at(document.root(), &["use", Section::Secrets.key()]);
        let declared = declared.map_or(&[][..], |declared| document.items(declared));
        let mut all = true;
        for (variable, member) in expr.reads() {
            let Some(name) = member.filter(|_| variable == "secrets") else { continue };
            if !declared.iter().any(|item| document.text(*item) == Some(name)) {
                all = false;
                self.not_defined(id, Section::Secrets, name);
            }
        }
        all
    }

    pub(super) fn refuse_secret(&mut self, id: NodeId, name: &str, place: Place) {
        let message = format!("`${name}` can be read only in the arguments of calls and in authentication");
        let hint = match place {
            Place::ChildInput => {
                "the child's input is its data: read the secret where the child makes its call"
            }
            _ => "secrets cannot enter the data: use them where the call is made",
        };
        self.report_with(id, codes::SECRET, message, Some(hint.to_owned()));
    }
}
