//! Migrations: forward only, one transaction each, counted in `user_version`.

use rusqlite::Connection;

/// All of them, in order; never change one that was released.
const MIGRATIONS: &[&str] = &[
    include_str!("sql/001.sql"),
    include_str!("sql/002.sql"),
    include_str!("sql/003.sql"),
    include_str!("sql/004.sql"),
    include_str!("sql/005.sql"),
    include_str!("sql/006.sql"),
    include_str!("sql/007.sql"),
];

/// What came of it.
pub(crate) enum Migrated {
    /// The schema is the newest this program knows.
    Done,
    /// The data was written by a newer program.
    Newer {
        /// The version found.
        found: u32,
        /// The newest known here.
        known: u32,
    },
}

/// Brings the schema up to date.
pub(crate) fn migrate(connection: &Connection) -> rusqlite::Result<Migrated> {
    let known = MIGRATIONS.len() as u32;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Ok(Migrated::Newer { found, known });
    }
    for (migration, version) in MIGRATIONS.iter().zip(1u32..).skip(found as usize) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(Migrated::Done)
}
