//! Files that documents refer to: each content once in the database, linked to the revisions that have it. Rows go
//! with the last revision by triggers (`sql/002.sql`).

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension as _};
use tenon_store::{Error, PinnedFile, RevisionId};

use crate::failure::to_port;

const FIND: &str = "SELECT id FROM file WHERE hash = ?1";
const INSERT: &str = "INSERT INTO file (hash, content) VALUES (?1, ?2)";
const LINK: &str =
    "INSERT INTO revision_file (revision, number, uri, file, failure) VALUES (?1, ?2, ?3, ?4, ?5)";
const OF_REVISION: &str = "SELECT l.uri, f.content, l.failure
    FROM revision_file l LEFT JOIN file f ON f.id = l.file WHERE l.revision = ?1 ORDER BY l.number";

/// Stores the files of a new revision.
pub(crate) fn store(
    connection: &Connection,
    revision: RevisionId,
    files: &[PinnedFile],
) -> rusqlite::Result<()> {
    for (file, number) in files.iter().zip(0_i64..) {
        let (content, failure) = match &file.content {
            Ok(content) => (Some(content_id(connection, content)?), None),
            Err(failure) => (None, Some(failure)),
        };
        connection.prepare_cached(LINK)?.execute((revision.0, number, &file.uri, content, failure))?;
    }
    Ok(())
}

fn content_id(connection: &Connection, content: &str) -> rusqlite::Result<i64> {
    let hash = digest(&SHA256, content.as_bytes());
    let found = connection.prepare_cached(FIND)?.query_row([hash.as_ref()], |row| row.get(0)).optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    connection.prepare_cached(INSERT)?.execute((hash.as_ref(), content))?;
    Ok(connection.last_insert_rowid())
}

/// The files of a revision, in the order in which they were stored.
pub(crate) fn of_revision(connection: &Connection, revision: RevisionId) -> Result<Vec<PinnedFile>, Error> {
    let sort = |error: rusqlite::Error| to_port(&error);
    let mut statement = connection.prepare_cached(OF_REVISION).map_err(sort)?;
    let mut rows = statement.query([revision.0]).map_err(sort)?;
    let mut files = Vec::new();
    while let Some(row) = rows.next().map_err(sort)? {
        let uri: String = row.get(0).map_err(sort)?;
        let content: Option<String> = row.get(1).map_err(sort)?;
        let failure: Option<String> = row.get(2).map_err(sort)?;
        let content = match (content, failure) {
            (Some(content), _) => Ok(content),
            (None, Some(failure)) => Err(failure),
            (None, None) => return Err(Error::Damaged(format!("the content of {uri} is gone"))),
        };
        files.push(PinnedFile { uri, content });
    }
    Ok(files)
}
