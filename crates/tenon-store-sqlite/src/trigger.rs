//! What triggers remember, in rows: what reads and the writer have in common.

use tenon_store::{NoteKind, ResourceId, WorkspaceId};
use tenon_vault::Place;

/// A kind's number.
pub(crate) fn kind_number(kind: NoteKind) -> i64 {
    match kind {
        NoteKind::Fired => 0,
        NoteKind::Missed => 1,
        NoteKind::Skipped => 2,
        NoteKind::Failed => 3,
        NoteKind::Noticed => 4,
    }
}

/// Back from its number.
pub(crate) fn kind(number: i64) -> NoteKind {
    match number {
        0 => NoteKind::Fired,
        1 => NoteKind::Missed,
        2 => NoteKind::Skipped,
        3 => NoteKind::Failed,
        _ => NoteKind::Noticed,
    }
}

/// Where a state is sealed for: a version's value cannot be passed off as another version's. (Versions start over
/// after four thousand million.)
pub(crate) fn state_place(workspace: WorkspaceId, resource: ResourceId, version: u64) -> Place {
    let part = (version % (1 << 32)) as u32;
    Place { workspace: workspace.0, table: "trigger_state", row: resource.0 as u64, part }
}

/// Where a note is sealed for. Its number is known to the writer only, so one of a kind can stand for another.
pub(crate) fn note_place(workspace: WorkspaceId, resource: ResourceId, kind: NoteKind) -> Place {
    let part = kind_number(kind) as u32;
    Place { workspace: workspace.0, table: "trigger_note", row: resource.0 as u64, part }
}
