//! Gathering: events in sets, each of which starts one job. All of it runs in the writer's transactions, so that of
//! two events which could complete a set one does.
//!
//! Parts of `all`: an event goes into the oldest set of its key in which one of its parts is free. So the sets that
//! have a part are always the oldest ones, the first that wants it is the one after the newest that has it, and an
//! index gives both: nothing is searched, however many sets wait for one part.

use rusqlite::{Connection, OptionalExtension as _, Row};
use tenon_store::{
    DroppedSet, EventId, Gather, GatherLimits, NewEvent, ResourceId, Role, Serves, SetVersion, Timestamp,
    WorkspaceId,
};
use tenon_vault::Sealer;

use crate::command::Context;
use crate::retention::Why;
use crate::writer::effects::Expiring;

/// Rows that retention moves on in one piece.
const PIECE: i64 = 500;
/// Bytes of a part in `gathering.ends`.
const PART_BYTES: usize = 4;

const FIND: &str = "SELECT id, strategy, sets, events FROM gatherer WHERE workspace = ?1 AND workflow = ?2";
const INSERT: &str =
    "INSERT INTO gatherer (workspace, workflow, strategy, sets, events) VALUES (?1, ?2, ?3, 0, 0)";
const SAVE: &str = "UPDATE gatherer SET sets = ?2, events = ?3 WHERE id = ?1";
const ABANDON: &str = "DELETE FROM gatherer WHERE id = ?1";
const NEWEST_WITH_PART: &str = "SELECT coalesce(max(gathering), 0) FROM gathered INDEXED BY gathered_of_part
    WHERE gatherer = ?1 AND key = ?2 AND part = ?3";
const OF_KEY: &str = "SELECT id, events, bytes, ends FROM gathering INDEXED BY gathering_of_key
    WHERE gatherer = ?1 AND key = ?2 AND id > ?3 ORDER BY id LIMIT 1";
const OLDEST: &str = "SELECT id, events, bytes, ends FROM gathering INDEXED BY gathering_open
    WHERE gatherer = ?1 ORDER BY id LIMIT 1";
const OPEN: &str = "INSERT INTO gathering (id, workspace, gatherer, key, events, bytes, ends)
    VALUES (?1, ?2, ?3, ?4, 0, 0, x'')";
const ADD: &str = "INSERT INTO gathered (workspace, gathering, number, event, gatherer, key, part)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const GROW: &str = "UPDATE gathering SET events = events + 1, bytes = bytes + ?2 WHERE id = ?1";
const MET: &str = "UPDATE gathering SET ends = ?2 WHERE id = ?1";
const CLOSE: &str = "UPDATE gathering SET gatherer = NULL WHERE id = ?1";
const ORPHANS: &str = "SELECT id FROM gathering INDEXED BY gathering_open WHERE gatherer = ?1 LIMIT ?2";
const IN_USE: &str = "SELECT 1 FROM gathering WHERE id = ?1
    AND (gatherer IS NOT NULL OR EXISTS (SELECT 1 FROM job WHERE job.gathering = ?1))";
const WORKSPACE: &str = "SELECT workspace FROM gathering WHERE id = ?1";
const FIRST: &str = "SELECT coalesce(min(number), 0) FROM gathered WHERE workspace = ?1 AND gathering = ?2";
const REMOVE: &str =
    "DELETE FROM gathered WHERE workspace = ?1 AND gathering = ?2 AND number < ?3 RETURNING event";
const DELETE: &str = "DELETE FROM gathering WHERE id = ?1
    AND NOT EXISTS (SELECT 1 FROM gathered WHERE workspace = ?2 AND gathering = ?1)";
const IS_HELD: &str = "SELECT 1 FROM gathered WHERE event = ?1";

/// A set's key as the database has it.
pub(crate) type Key = [u8; 16];

/// An event on its way into a set.
pub(crate) struct Arriving<'a> {
    pub(crate) event: &'a NewEvent,
    pub(crate) gather: &'a Gather,
    /// Of what the event serves, in that order.
    pub(crate) keys: &'a [Key],
    pub(crate) limits: &'a GatherLimits,
}

/// What became of it.
#[derive(Default)]
pub(crate) struct Kept {
    /// The set that is complete now: a job's, or to be released.
    pub(crate) complete: Option<i64>,
    /// What had to go because of a bound.
    pub(crate) dropped: Vec<DroppedSet>,
}

/// A workflow's row.
pub(crate) struct Gatherer {
    pub(crate) id: i64,
    strategy: u64,
    sets: i64,
    events: i64,
}

/// An open set.
pub(crate) struct Set {
    pub(crate) id: i64,
    events: u32,
    bytes: u64,
    ends: Vec<u8>,
}

/// One event, one workflow.
struct Keeper<'a, 'b> {
    context: &'a mut Context<'b>,
    arriving: &'a Arriving<'a>,
    gatherer: Gatherer,
    dropped: Vec<DroppedSet>,
}

/// The key under which a workflow's sets of some values are.
pub(crate) fn key(sealer: &Sealer, workspace: WorkspaceId, workflow: ResourceId, key: &str) -> Key {
    let (workspace, workflow) = (workspace.0.to_be_bytes(), workflow.0.to_be_bytes());
    sealer.fingerprint(&[&workspace, b"gather", &workflow, key.as_bytes()])
}

/// The texts of the keys of what an event serves.
pub(crate) fn texts(role: &Role) -> Vec<&str> {
    match role {
        Role::Part { serves, .. } | Role::End { serves, .. } => {
            serves.iter().map(|serves| serves.key.as_str()).collect()
        }
        Role::Item { key, .. } => vec![key],
    }
}

/// A workflow's row.
pub(crate) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    workflow: ResourceId,
) -> rusqlite::Result<Option<Gatherer>> {
    connection
        .prepare_cached(FIND)?
        .query_row((workspace.0, workflow.0), |row| {
            Ok(Gatherer {
                id: row.get(0)?,
                strategy: row.get::<_, i64>(1)? as u64,
                sets: row.get(2)?,
                events: row.get(3)?,
            })
        })
        .optional()
}

/// The first open set of a key behind this one.
pub(crate) fn of_key(
    connection: &Connection,
    gatherer: &Gatherer,
    key: &Key,
    after: i64,
) -> rusqlite::Result<Option<Set>> {
    connection.prepare_cached(OF_KEY)?.query_row((gatherer.id, key, after), Set::parse).optional()
}

/// Whether the set that was decided on, if one was, is as it was then.
pub(crate) fn is_current(connection: &Connection, arriving: &Arriving<'_>) -> rusqlite::Result<bool> {
    let Role::Item { decision: Some(decision), .. } = &arriving.gather.role else { return Ok(true) };
    let found = find(connection, arriving.event.workspace, arriving.gather.job.workflow)?;
    let set = match found.filter(|found| found.is_for(arriving.gather.strategy)) {
        Some(gatherer) => of_key(connection, &gatherer, &arriving.keys[0], 0)?,
        None => None,
    };
    Ok(set.as_ref().map(Set::version) == decision.version)
}

/// Puts the event where it belongs.
pub(crate) fn keep(context: &mut Context<'_>, arriving: &Arriving<'_>) -> rusqlite::Result<Kept> {
    let found = find(context.connection, arriving.event.workspace, arriving.gather.job.workflow)?;
    let (current, other) = match found {
        Some(found) if found.is_for(arriving.gather.strategy) => (Some(found), None),
        other => (None, other),
    };
    if current.is_none() && matches!(arriving.gather.role, Role::End { .. }) {
        return Ok(Kept::default());
    }
    if let Some(other) = other {
        abandon(context, &other, arriving.event.captured_at)?;
    }
    let gatherer = match current {
        Some(current) => current,
        None => insert(context.connection, arriving)?,
    };
    let mut keeper = Keeper { context, arriving, gatherer, dropped: Vec::new() };
    let complete = match &arriving.gather.role {
        Role::Part { serves, of } => keeper.part(serves, *of)?,
        Role::Item { decision, .. } => keeper.item(decision.is_some_and(|decision| decision.is_complete))?,
        Role::End { serves, of } => keeper.end(serves, *of)?,
    };
    keeper.trim()?;
    keeper.save()?;
    Ok(Kept { complete, dropped: keeper.dropped })
}

/// Only what is gathered for this strategy stays. Whether anything had to go.
pub(crate) fn keep_only(
    context: &mut Context<'_>,
    (workspace, workflow): (WorkspaceId, ResourceId),
    strategy: Option<u64>,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    match find(context.connection, workspace, workflow)? {
        Some(found) if !strategy.is_some_and(|strategy| found.is_for(strategy)) => {
            abandon(context, &found, at)?;
            Ok(found.sets > 0)
        }
        _ => Ok(false),
    }
}

/// Nothing more comes into its sets. Retention does the rest in pieces, because they may be many.
fn abandon(context: &mut Context<'_>, gatherer: &Gatherer, at: Timestamp) -> rusqlite::Result<()> {
    context.connection.prepare_cached(ABANDON)?.execute([gatherer.id])?;
    context.effects.expire(Expiring::Gatherer(gatherer.id), at);
    Ok(())
}

fn insert(connection: &Connection, arriving: &Arriving<'_>) -> rusqlite::Result<Gatherer> {
    let strategy = arriving.gather.strategy;
    let columns = (arriving.event.workspace.0, arriving.gather.job.workflow.0, strategy as i64);
    connection.prepare_cached(INSERT)?.execute(columns)?;
    Ok(Gatherer { id: connection.last_insert_rowid(), strategy, sets: 0, events: 0 })
}

/// Whether an event is in a set, open or of a job.
pub(crate) fn is_held(connection: &Connection, event: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached(IS_HELD)?.exists([event])
}

/// A piece of retention: closes sets whose gatherer is gone.
pub(crate) fn release_all(context: &mut Context<'_>, gatherer: i64, now: Timestamp) -> rusqlite::Result<()> {
    let orphans: Vec<i64> = context
        .connection
        .prepare_cached(ORPHANS)?
        .query_map((gatherer, PIECE), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for &set in &orphans {
        context.connection.prepare_cached(CLOSE)?.execute([set])?;
        context.effects.expire(Expiring::Gathering(set), now);
    }
    if orphans.len() as i64 == PIECE {
        context.effects.expire(Expiring::Gatherer(gatherer), now);
    }
    Ok(())
}

/// A piece of retention: lets go of the events of a set that is neither open nor of a job.
pub(crate) fn release(
    context: &mut Context<'_>,
    set: i64,
    (now, why): (Timestamp, Why),
) -> rusqlite::Result<()> {
    let connection = context.connection;
    if connection.prepare_cached(IN_USE)?.exists([set])? {
        return Ok(());
    }
    let workspace: Option<i64> =
        connection.prepare_cached(WORKSPACE)?.query_row([set], |row| row.get(0)).optional()?;
    let Some(workspace) = workspace else { return Ok(()) };
    let first: i64 = connection.prepare_cached(FIRST)?.query_row((workspace, set), |row| row.get(0))?;
    let events: Vec<i64> = connection
        .prepare_cached(REMOVE)?
        .query_map((workspace, set, first + PIECE), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for event in events {
        let event = EventId(event as u64);
        // Its time may have come while it was held.
        context.effects.expire(why.choose(Expiring::Event(event), Expiring::PurgedEvent(event)), now);
    }
    if connection.prepare_cached(DELETE)?.execute((set, workspace))? == 0 {
        let rest = why.choose(Expiring::Gathering(set), Expiring::PurgedGathering(set));
        context.effects.expire(rest, now);
    }
    Ok(())
}

// === impl Gatherer ===

impl Gatherer {
    /// Whether it gathers for this strategy.
    pub(crate) fn is_for(&self, strategy: u64) -> bool {
        self.strategy == strategy
    }
}

// === impl Set ===

impl Set {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            events: row.get(1)?,
            bytes: row.get::<_, i64>(2)? as u64,
            ends: row.get(3)?,
        })
    }

    /// How it stands.
    pub(crate) fn version(&self) -> SetVersion {
        SetVersion { set: self.id as u64, events: self.events }
    }

    /// Whether it takes no more events.
    pub(crate) fn is_full(&self, limits: &GatherLimits) -> bool {
        limits.is_full(self.events, self.bytes)
    }

    fn has_end(&self, part: u32) -> bool {
        let (parts, _) = self.ends.as_chunks::<PART_BYTES>();
        parts.contains(&part.to_be_bytes())
    }
}

// === impl Keeper ===

impl Keeper<'_, '_> {
    /// The first free part of the oldest set that wants one, else of a new set.
    fn part(&mut self, serves: &[Serves], of: u32) -> rusqlite::Result<Option<i64>> {
        let (mut set, index) = loop {
            match self.oldest_without(serves)? {
                Some((set, _)) if set.is_full(self.arriving.limits) => self.drop_set(&set)?,
                Some(found) => break found,
                None => break (self.open(self.arriving.keys[0])?, 0),
            }
        };
        self.add(&mut set, Some((self.arriving.keys[index], serves[index].part)))?;
        if set.events == of { self.complete(&set) } else { Ok(None) }
    }

    fn oldest_without(&self, serves: &[Serves]) -> rusqlite::Result<Option<(Set, usize)>> {
        let connection = self.context.connection;
        let mut oldest: Option<(Set, usize)> = None;
        for (index, (serves, key)) in serves.iter().zip(self.arriving.keys).enumerate() {
            let newest_with: i64 = connection
                .prepare_cached(NEWEST_WITH_PART)?
                .query_row((self.gatherer.id, key, serves.part), |row| row.get(0))?;
            let Some(set) = of_key(connection, &self.gatherer, key, newest_with)? else { continue };
            if oldest.as_ref().is_none_or(|(oldest, _)| set.id < oldest.id) {
                oldest = Some((set, index));
            }
        }
        Ok(oldest)
    }

    /// One more of the one open set of its key.
    fn item(&mut self, is_complete: bool) -> rusqlite::Result<Option<i64>> {
        let key = self.arriving.keys[0];
        let mut set = match of_key(self.context.connection, &self.gatherer, &key, 0)? {
            Some(set) if set.is_full(self.arriving.limits) => {
                self.drop_set(&set)?;
                self.open(key)?
            }
            Some(set) => set,
            None => self.open(key)?,
        };
        self.add(&mut set, None)?;
        if is_complete { self.complete(&set) } else { Ok(None) }
    }

    /// The first part of an end that is still to come.
    fn end(&mut self, serves: &[Serves], of: u32) -> rusqlite::Result<Option<i64>> {
        for (serves, key) in serves.iter().zip(self.arriving.keys) {
            let set = of_key(self.context.connection, &self.gatherer, key, 0)?;
            let Some(mut set) = set.filter(|set| !set.has_end(serves.part)) else { continue };
            set.ends.extend_from_slice(&serves.part.to_be_bytes());
            if set.ends.len() / PART_BYTES == of as usize {
                return self.complete(&set);
            }
            self.context.connection.prepare_cached(MET)?.execute((set.id, &set.ends))?;
            return Ok(None);
        }
        Ok(None)
    }

    fn open(&mut self, key: Key) -> rusqlite::Result<Set> {
        let id = self.context.state.counters.next_place() as i64;
        let columns = (id, self.arriving.event.workspace.0, self.gatherer.id, key);
        self.context.connection.prepare_cached(OPEN)?.execute(columns)?;
        self.gatherer.sets += 1;
        Ok(Set { id, events: 0, bytes: 0, ends: Vec::new() })
    }

    fn add(&mut self, set: &mut Set, part: Option<(Key, u32)>) -> rusqlite::Result<()> {
        let event = self.arriving.event;
        let connection = self.context.connection;
        connection.prepare_cached(ADD)?.execute((
            event.workspace.0,
            set.id,
            set.events,
            event.id.0 as i64,
            part.map(|_| self.gatherer.id),
            part.map(|(key, _)| key),
            part.map(|(_, part)| part),
        ))?;
        connection.prepare_cached(GROW)?.execute((set.id, event.envelope.len() as i64))?;
        set.events += 1;
        self.gatherer.events += 1;
        Ok(())
    }

    fn complete(&mut self, set: &Set) -> rusqlite::Result<Option<i64>> {
        self.close(set)?;
        Ok(Some(set.id))
    }

    fn drop_set(&mut self, set: &Set) -> rusqlite::Result<()> {
        self.close(set)?;
        let Arriving { event, gather, .. } = self.arriving;
        self.context.effects.expire(Expiring::Gathering(set.id), event.captured_at);
        self.dropped.push(DroppedSet { workflow: gather.job.workflow, events: set.events });
        Ok(())
    }

    fn close(&mut self, set: &Set) -> rusqlite::Result<()> {
        self.context.connection.prepare_cached(CLOSE)?.execute([set.id])?;
        self.gatherer.sets -= 1;
        self.gatherer.events -= i64::from(set.events);
        Ok(())
    }

    /// Keeps the bounds of the whole workflow.
    fn trim(&mut self) -> rusqlite::Result<()> {
        let limits = self.arriving.limits;
        while self.gatherer.sets > limits.sets as i64 || self.gatherer.events > limits.events as i64 {
            let connection = self.context.connection;
            let oldest =
                connection.prepare_cached(OLDEST)?.query_row([self.gatherer.id], Set::parse).optional()?;
            let Some(oldest) = oldest else { break };
            self.drop_set(&oldest)?;
        }
        Ok(())
    }

    fn save(&self) -> rusqlite::Result<()> {
        let Gatherer { id, sets, events, .. } = self.gatherer;
        self.context.connection.prepare_cached(SAVE)?.execute((id, sets, events))?;
        Ok(())
    }
}
