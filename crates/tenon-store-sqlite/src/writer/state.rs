//! What the writer knows without asking: only this process writes, so memory and database agree after every
//! commit; after a rollback it is loaded again (waiters, which may be many, are put back).

use std::collections::HashMap;

use rusqlite::Connection;
use tenon_store::{Error, Shard, WorkspaceId};

use crate::command::Context;
use crate::failure::Failure;
use crate::inbox::Listened;
use crate::writer::waiters::Waiters;

const LOAD_EPOCHS: &str = "SELECT shard, epoch FROM shard";
const LOAD_GENERATIONS: &str = "SELECT id, generation FROM workspace";
const LOAD_COUNTERS: &str = "SELECT place, expiry, events, jobs, open_jobs FROM counter";
const SAVE_COUNTERS: &str =
    "UPDATE counter SET place = ?1, expiry = ?2, events = ?3, jobs = ?4, open_jobs = ?5";
const SAVE_GENERATION: &str = "UPDATE workspace SET generation = ?2 WHERE id = ?1";

/// Numbers that are kept rather than counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The place given last.
    pub(crate) place: i64,
    /// The row of `expiry` written last.
    pub(crate) expiry: i64,
    /// Events kept.
    pub(crate) events: i64,
    /// Jobs kept.
    pub(crate) jobs: i64,
    /// Jobs that are not final.
    pub(crate) open_jobs: i64,
}

// === impl Counters ===

impl Counters {
    /// The place of one more job, or of an event in an inbox.
    pub(crate) fn next_place(&mut self) -> u64 {
        self.place += 1;
        self.place as u64
    }

    /// As they are in the database.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached(LOAD_COUNTERS)?.query_row([], |row| {
            Ok(Self {
                place: row.get(0)?,
                expiry: row.get(1)?,
                events: row.get(2)?,
                jobs: row.get(3)?,
                open_jobs: row.get(4)?,
            })
        })
    }

    fn save(&self, connection: &Connection) -> rusqlite::Result<()> {
        let columns = (self.place, self.expiry, self.events, self.jobs, self.open_jobs);
        connection.prepare_cached(SAVE_COUNTERS)?.execute(columns)?;
        Ok(())
    }
}

/// The writer's memory.
pub(crate) struct State {
    /// The newest epoch of each shard.
    pub(crate) epochs: HashMap<Shard, u64>,
    /// Of each workspace.
    pub(crate) generations: HashMap<WorkspaceId, u64>,
    /// Types of events that are kept in inboxes.
    pub(crate) listened: Listened,
    /// What parked jobs wait for.
    pub(crate) waiters: Waiters,
    /// See there.
    pub(crate) counters: Counters,
    saved: Counters,
}

// === impl State ===

impl State {
    /// As it is in the database.
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        Self::with(connection, Waiters::load(connection)?)
    }

    /// As it was before a batch that was rolled back.
    pub(crate) fn revert(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.waiters.revert();
        let waiters = std::mem::take(&mut self.waiters);
        *self = Self::with(connection, waiters)?;
        Ok(())
    }

    fn with(connection: &Connection, waiters: Waiters) -> rusqlite::Result<Self> {
        let epochs = connection
            .prepare_cached(LOAD_EPOCHS)?
            .query_map([], |row| Ok((Shard(row.get(0)?), row.get::<_, i64>(1)? as u64)))?
            .collect::<rusqlite::Result<_>>()?;
        let generations = connection
            .prepare_cached(LOAD_GENERATIONS)?
            .query_map([], |row| Ok((WorkspaceId(row.get(0)?), row.get::<_, i64>(1)? as u64)))?
            .collect::<rusqlite::Result<_>>()?;
        let counters = Counters::load(connection)?;
        let listened = Listened::load(connection)?;
        Ok(Self { epochs, generations, listened, waiters, counters, saved: counters })
    }

    /// The newest epoch of a shard; 0 if nobody ever owned it.
    pub(crate) fn epoch(&self, shard: Shard) -> u64 {
        self.epochs.get(&shard).copied().unwrap_or(0)
    }

    /// The generation of a workspace.
    pub(crate) fn generation(&self, workspace: WorkspaceId) -> Result<u64, Error> {
        self.generations.get(&workspace).copied().ok_or(Error::NotFound("workspace"))
    }

    /// Writes the counters if they changed, at the end of a batch's transaction.
    pub(crate) fn save(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.counters != self.saved {
            self.counters.save(connection)?;
            self.saved = self.counters;
        }
        Ok(())
    }
}

impl Context<'_> {
    /// Something changed that captures look up.
    pub(crate) fn raise_generation(&mut self, workspace: WorkspaceId) -> Result<(), Failure> {
        let generation = self.state.generation(workspace)? + 1;
        self.connection.prepare_cached(SAVE_GENERATION)?.execute((workspace.0, generation as i64))?;
        self.state.generations.insert(workspace, generation);
        self.effects.raised.push(workspace);
        Ok(())
    }
}
