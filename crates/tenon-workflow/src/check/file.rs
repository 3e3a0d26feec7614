//! Files that a document refers to: only such as can be fetched when it is applied.

use tenon_expr::runtime_expression;

use super::Checker;
use super::expression::wrong_address;
use crate::codes;
use crate::diagnostic::quote;
use crate::document::NodeId;
use crate::program::{FileKind, FileReference};
use crate::shape::later;

/// Most references to files of one document.
const MAX_FILES: usize = 100;

impl Checker<'_> {
    pub(super) fn file(&mut self, id: NodeId, kind: Option<FileKind>) {
        let uri = self.document.text(id).expect("the shape asks for text");
        let computed = runtime_expression(uri).is_some() || uri.contains(['{', '}']);
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let foreign = scheme.is_some_and(|scheme| scheme != "http" && scheme != "https");
        if computed || foreign {
            return self.report_later(id, &later::FILE_ADDRESS);
        }
        if let Some(wrong) = wrong_address(uri, true) {
            return self.report(id, codes::URI, format!("`{}` {wrong}", quote(uri)));
        }
        let Some(kind) = kind.filter(|_| self.inside_later == 0) else { return };
        if self.files.len() >= MAX_FILES {
            return self.report(id, codes::TOO_LARGE, format!("more than {MAX_FILES} references to files"));
        }
        let pointer = self.document.pointer(id);
        self.files.push(FileReference { uri: uri.to_owned(), pointer, kind });
    }
}
