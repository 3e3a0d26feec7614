//! Sealed values in rows, and the large ones beside them.
//!
//! A value over 64 KiB goes to the table `body` and the row holds its id in 8 bytes, which no sealed value is
//! as short as. Whoever removes or replaces the row removes the body.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::Error;
use tenon_vault::{Place, Sealer};

use crate::failure::to_port;

/// Longer values leave the row.
pub(crate) const INLINE_BYTES: usize = 64 << 10;
const REFERENCE_BYTES: usize = 8;

const _: () = assert!(Sealer::OVERHEAD > REFERENCE_BYTES, "a reference must not look like a sealed value");

const INSERT: &str = "INSERT INTO body (data) VALUES (?1)";
const DELETE: &str = "DELETE FROM body WHERE id = ?1";
const READ: &str = "SELECT data FROM body WHERE id = ?1";

/// What the row's column shall hold; writes the body if there is to be one.
pub(crate) fn store<'a>(connection: &Connection, sealed: &'a [u8]) -> rusqlite::Result<Cow<'a, [u8]>> {
    if sealed.len() <= INLINE_BYTES {
        return Ok(Cow::Borrowed(sealed));
    }
    connection.prepare_cached(INSERT)?.execute([sealed])?;
    Ok(Cow::Owned(connection.last_insert_rowid().to_be_bytes().to_vec()))
}

/// Removes the body that a column refers to, if it does.
pub(crate) fn remove(connection: &Connection, column: &[u8]) -> rusqlite::Result<()> {
    if let Some(id) = reference(column) {
        connection.prepare_cached(DELETE)?.execute([id])?;
    }
    Ok(())
}

/// What the column of a value holds that was removed before its row.
pub(crate) const GONE: &[u8] = &[];

/// Whether retention has removed a value before its row.
pub(crate) fn is_gone(column: &[u8]) -> bool {
    column.is_empty()
}

/// The plain value behind a column.
pub(crate) fn open(
    connection: &Connection,
    sealer: &Sealer,
    place: Place,
    column: &[u8],
) -> Result<Vec<u8>, Error> {
    let Some(id) = reference(column) else { return unseal(sealer, place, column) };
    let data: Option<Vec<u8>> = connection
        .prepare_cached(READ)
        .and_then(|mut statement| statement.query_row([id], |row| row.get(0)).optional())
        .map_err(|error| to_port(&error))?;
    let data =
        data.ok_or_else(|| Error::Damaged(format!("the body of {} {} is gone", place.table, place.row)))?;
    unseal(sealer, place, &data)
}

/// The id of the body that a column refers to, if it does.
pub(crate) fn reference(column: &[u8]) -> Option<i64> {
    column.try_into().ok().map(i64::from_be_bytes)
}

fn unseal(sealer: &Sealer, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let opened = sealer.open(place, sealed);
    opened.map_err(|error| Error::Damaged(format!("{} {}: {error}", place.table, place.row)))
}

/// Where an event's envelope is sealed for.
pub(crate) fn envelope_place(workspace: i64, event: u64) -> Place {
    Place { workspace, table: "event", row: event, part: 0 }
}

/// Where a job's edited input is sealed for.
pub(crate) fn input_place(workspace: i64, job: u64) -> Place {
    Place { workspace, table: "job", row: job, part: 0 }
}

/// Where a job's output, error or reason is sealed for.
pub(crate) fn result_place(workspace: i64, job: u64) -> Place {
    Place { workspace, table: "job", row: job, part: 1 }
}

/// Where an outcome is sealed for.
pub(crate) fn outcome_place(workspace: i64, job: u64, sequence: u32) -> Place {
    Place { workspace, table: "journal", row: job, part: sequence }
}
