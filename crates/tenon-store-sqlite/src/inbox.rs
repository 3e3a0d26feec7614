//! The inbox: events of the types that some workflow of the workspace has declared it may listen for, by order of
//! commit. Workspaces and types without a declaration write nothing here.

use std::collections::{BTreeSet, HashMap, HashSet};

use rusqlite::Connection;
use tenon_store::{NewEvent, Origin, WorkspaceId};

use crate::command::Context;
use crate::waiting;

/// Any type.
const ANY: &str = "*";

const LOAD: &str = "SELECT workspace, type FROM listened";
const DECLARE: &str = "INSERT OR IGNORE INTO listened (workspace, type) VALUES (?1, ?2)";
const INSERT: &str = "INSERT INTO inbox (workspace, type, place, event, captured_at, subject)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const DELETE: &str = "DELETE FROM inbox WHERE workspace = ?1 AND type IN (?2, '*') AND place = ?3";

/// The declared types of each workspace.
#[derive(Default)]
pub(crate) struct Listened(HashMap<WorkspaceId, HashSet<String>>);

// === impl Listened ===

impl Listened {
    /// As they are in the database.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut listened = Self::default();
        let mut statement = connection.prepare_cached(LOAD)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            listened.0.entry(WorkspaceId(row.get(0)?)).or_default().insert(row.get(1)?);
        }
        Ok(listened)
    }

    /// The types under which an event is in the inbox; one lookup where nothing is declared.
    fn of<'a>(&self, event: &'a NewEvent) -> [Option<&'a str>; 2] {
        let Some(types) = self.0.get(&event.workspace) else { return [None, None] };
        if event.origin == Origin::Call {
            return [None, None];
        }
        let own = Some(event.r#type.as_str()).filter(|own| types.contains(*own));
        let any = Some(ANY).filter(|any| types.contains(*any) && event.r#type != ANY);
        [own, any]
    }
}

/// From now on events of these types are kept in the workspace's inbox. Whether any of them is new.
pub(crate) fn declare(
    context: &mut Context<'_>,
    workspace: WorkspaceId,
    types: &[String],
) -> rusqlite::Result<bool> {
    let mut has_grown = false;
    for r#type in types {
        let known = context.state.listened.0.get(&workspace);
        if known.is_some_and(|known| known.contains(r#type)) {
            continue;
        }
        context.connection.prepare_cached(DECLARE)?.execute((workspace.0, r#type))?;
        has_grown |= context.state.listened.0.entry(workspace).or_default().insert(r#type.clone());
    }
    Ok(has_grown)
}

/// The place that an event gets, if it is kept; before its jobs get theirs.
pub(crate) fn place(context: &mut Context<'_>, event: &NewEvent) -> Option<u64> {
    let is_kept = context.state.listened.of(event).iter().any(Option::is_some);
    is_kept.then(|| context.state.counters.next_place())
}

/// Keeps an event at its place, and wakes who waits for it.
pub(crate) fn keep(context: &mut Context<'_>, event: &NewEvent, place: u64) -> rusqlite::Result<()> {
    let mut woken = BTreeSet::new();
    let connection = context.connection;
    let mut insert = connection.prepare_cached(INSERT)?;
    for r#type in context.state.listened.of(event).into_iter().flatten() {
        insert.execute((
            event.workspace.0,
            r#type,
            place as i64,
            event.id.0 as i64,
            event.captured_at.0,
            &event.subject,
        ))?;
        context.state.waiters.of_event(event.workspace, r#type, event.subject.as_deref(), &mut woken);
    }
    waiting::wake(context, &woken, event.captured_at)
}

/// An event is going, and its rows with it.
pub(crate) fn remove(
    connection: &Connection,
    workspace: WorkspaceId,
    r#type: &str,
    place: i64,
) -> rusqlite::Result<()> {
    connection.prepare_cached(DELETE)?.execute((workspace.0, r#type, place))?;
    Ok(())
}
