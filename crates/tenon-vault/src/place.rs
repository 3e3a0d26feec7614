//! Where a sealed value lives. It is authenticated with the value, so that whoever can write to the database
//! still cannot move a value to another row, column or workspace.

/// Table, row and part (a column's number, or a sequence within the row) of one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub workspace: i64,
    /// A name that never changes once data exists.
    pub table: &'static str,
    /// The row's id.
    pub row: u64,
    /// Tells several values of one row apart.
    pub part: u32,
}

// === impl Place ===

impl Place {
    /// Fixed widths first and the name last, so that no two places read the same.
    pub(crate) fn associated_data(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(20 + self.table.len());
        bytes.extend_from_slice(&self.workspace.to_be_bytes());
        bytes.extend_from_slice(&self.row.to_be_bytes());
        bytes.extend_from_slice(&self.part.to_be_bytes());
        bytes.extend_from_slice(self.table.as_bytes());
        bytes
    }
}
