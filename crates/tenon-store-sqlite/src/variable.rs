//! Variables in rows: what reads, puts, deletions and new data keys have in common.

use rusqlite::{Connection, Row};
use tenon_store::{Error, Variable, VariableKind, WorkspaceId};
use tenon_vault::{Place, Sealer};

use crate::body;
use crate::codec::Columns as _;
use crate::failure::Failure;
use crate::writer::effects::Effects;

const WRITE: &str = "UPDATE variable SET data_key = ?2, value = ?3 WHERE id = ?1";
const RAISE: &str = "UPDATE workspace SET variable_generation = variable_generation + 1 WHERE id = ?1
    RETURNING variable_generation";

/// A kind's number.
pub(crate) fn kind_number(kind: VariableKind) -> i64 {
    match kind {
        VariableKind::Config => 0,
        VariableKind::Secret => 1,
    }
}

fn kind(number: i64) -> VariableKind {
    if number == 0 { VariableKind::Config } else { VariableKind::Secret }
}

/// A variable whose value is in the row, too.
pub(crate) struct Stored {
    /// The row.
    pub(crate) id: i64,
    /// All but the value.
    pub(crate) variable: Variable,
    /// Sealed; or where it is. `None`: deleted.
    pub(crate) value: Option<Vec<u8>>,
}

/// The columns `name, kind, version, at`.
pub(crate) fn variable(row: &Row<'_>) -> rusqlite::Result<Variable> {
    Ok(Variable { name: row.get(0)?, kind: kind(row.get(1)?), version: row.get(2)?, at: row.time(3)? })
}

/// The columns `name, kind, version, at, id, value`.
pub(crate) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored { variable: variable(row)?, id: row.get(4)?, value: row.get(5)? })
}

/// Where a value is sealed for: a version's value cannot be passed off as another version's.
pub(crate) fn place(workspace: WorkspaceId, id: i64, version: u32) -> Place {
    Place { workspace: workspace.0, table: "variable", row: id as u64, part: version }
}

// === impl Stored ===

impl Stored {
    /// Its value; `None`: deleted.
    pub(crate) fn open(
        &self,
        connection: &Connection,
        sealer: &Sealer,
        workspace: WorkspaceId,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(column) = &self.value else { return Ok(None) };
        let place = place(workspace, self.id, self.variable.version);
        body::open(connection, sealer, place, column).map(Some)
    }
}

/// Seals a value for the version that its row has, and puts it there in the place of the column that was.
pub(crate) fn write_value(
    connection: &Connection,
    sealer: &Sealer,
    (id, place): (i64, Place),
    before: Option<&[u8]>,
    value: &[u8],
) -> rusqlite::Result<()> {
    if let Some(column) = before {
        body::remove(connection, column)?;
    }
    let sealed = sealer.seal(place, value);
    let column = body::store(connection, &sealed)?;
    connection.prepare_cached(WRITE)?.execute((id, sealer.newest_key(), column))?;
    Ok(())
}

/// Something changed that whoever resolves variables keeps in memory.
pub(crate) fn raise_generation(
    connection: &Connection,
    effects: &mut Effects,
    workspace: WorkspaceId,
) -> Result<(), Failure> {
    let generation: i64 = connection.prepare_cached(RAISE)?.query_row([workspace.0], |row| row.get(0))?;
    effects.variables.push((workspace, generation as u64));
    Ok(())
}
