//! What kinds of things take how much of the database, from the pages of its trees. A large tree is looked at from its
//! beginning only, and the rest is taken to be alike: how far the look came is known from the number of rows if the
//! writer keeps it, else from the path to the last page; and all trees together have a size that is known.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use tenon_store::{DiskKind, DiskPart};

use crate::writer::state::Counters;

/// Pages (of 4 KiB) of each tree that are looked at: a millisecond or two of each if they are in memory, a tenth of a
/// second if the disk has to be asked for all of them.
const PAGES: u64 = 1000;

const TREES: &str = "SELECT s.name, s.tbl_name,
        coalesce((SELECT l.wr FROM pragma_table_list AS l WHERE l.schema = 'main' AND l.name = s.tbl_name), 0)
    FROM sqlite_schema AS s WHERE s.rootpage > 0";
const TREE: &str = "SELECT path, pagetype, ncell, pgsize FROM dbstat WHERE name = ?1";

/// A table or an index.
struct Tree {
    name: String,
    table: String,
    /// Its rows are in inner pages, too.
    has_inner_rows: bool,
}

/// A page of one.
struct Page {
    path: String,
    kind: String,
    cells: u64,
    bytes: u64,
}

/// What a look has seen.
#[derive(Default)]
struct Seen {
    pages: u64,
    bytes: u64,
    rows: u64,
    /// How many children the pages on the way down have.
    children: Vec<u64>,
    /// Of the whole tree.
    share: f64,
}

/// A tree with how much of it was seen.
struct Looked {
    tree: Tree,
    seen: Seen,
    share: Share,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Share {
    /// All.
    Whole,
    /// By the number of rows, which the writer keeps.
    OfRows(f64),
    /// By the way to the last page; branches are not all alike, so this is only good to compare trees.
    OfBranches(f64),
}

/// All kinds, the largest first.
pub(crate) fn parts(connection: &Connection) -> rusqlite::Result<Vec<DiskPart>> {
    let looked = look_at_all(connection)?;
    let correction = correction(connection, &looked)?;
    let mut parts: BTreeMap<DiskKind, DiskPart> = BTreeMap::new();
    for Looked { tree, seen, share } in &looked {
        let kind = kind(&tree.table);
        let part = parts.entry(kind).or_insert(DiskPart { kind, bytes: 0, rows: 0, is_estimate: false });
        let factor = share.factor(correction);
        part.bytes += scaled(seen.bytes, factor);
        if tree.name == tree.table && main_table(kind).is_none_or(|main| main == tree.table) {
            part.rows += scaled(seen.rows, factor);
        }
        part.is_estimate |= *share != Share::Whole;
    }
    let mut parts: Vec<DiskPart> = parts.into_values().filter(|part| part.rows > 0).collect();
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.kind.cmp(&b.kind)));
    Ok(parts)
}

fn look_at_all(connection: &Connection) -> rusqlite::Result<Vec<Looked>> {
    let counters = Counters::load(connection)?;
    let mut looked = Vec::new();
    for tree in trees(connection)? {
        let (seen, is_whole) = look(connection, &tree)?;
        let share = match known_rows(&counters, &tree.name) {
            _ if is_whole => Share::Whole,
            Some(rows) if rows > 0 => Share::OfRows(seen.rows as f64 / rows as f64),
            _ => Share::OfBranches(seen.share),
        };
        looked.push(Looked { tree, seen, share });
    }
    Ok(looked)
}

/// What brings the trees that are not known well to the size that all of them have together.
fn correction(connection: &Connection, looked: &[Looked]) -> rusqlite::Result<f64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let total = ((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?) as f64;
    let bytes = |is_wanted: fn(&Share) -> bool| -> f64 {
        let wanted = looked.iter().filter(|looked| is_wanted(&looked.share));
        wanted.map(|looked| looked.seen.bytes as f64 * looked.share.factor(1.0)).sum()
    };
    let unsure = bytes(|share| matches!(share, Share::OfBranches(_)));
    let sure = bytes(|share| !matches!(share, Share::OfBranches(_)));
    Ok(if unsure > 0.0 && total > sure { (total - sure) / unsure } else { 1.0 })
}

fn trees(connection: &Connection) -> rusqlite::Result<Vec<Tree>> {
    let mut statement = connection.prepare_cached(TREES)?;
    let rows = statement.query_map([], |row| {
        Ok(Tree { name: row.get(0)?, table: row.get(1)?, has_inner_rows: row.get(2)? })
    })?;
    rows.collect()
}

fn known_rows(counters: &Counters, tree: &str) -> Option<i64> {
    match tree {
        "event" => Some(counters.events),
        "job" => Some(counters.jobs),
        _ => None,
    }
}

/// What was seen, and whether it was all.
fn look(connection: &Connection, tree: &Tree) -> rusqlite::Result<(Seen, bool)> {
    let mut statement = connection.prepare_cached(TREE)?;
    let mut rows = statement.query([&tree.name])?;
    let mut seen = Seen::default();
    while let Some(row) = rows.next()? {
        if seen.pages >= PAGES {
            return Ok((seen, false));
        }
        seen.add(&Page::parse(row)?, tree.has_inner_rows);
    }
    Ok((seen, true))
}

/// Never less than was seen.
fn scaled(seen: u64, factor: f64) -> u64 {
    ((seen as f64 * factor).round() as u64).max(seen)
}

fn kind(table: &str) -> DiskKind {
    match table {
        "event" => DiskKind::Events,
        "job" => DiskKind::Jobs,
        "journal" => DiskKind::Journals,
        "body" => DiskKind::LargeValues,
        "mark" => DiskKind::Marks,
        "inbox" | "listened" => DiskKind::Inbox,
        "gatherer" | "gathering" | "gathered" => DiskKind::Gathered,
        "trigger_state" | "trigger_note" => DiskKind::Triggers,
        "expiry" => DiskKind::Expiries,
        "resource" | "resource_key" | "revision" | "revision_file" | "file" => DiskKind::Resources,
        "audit" => DiskKind::Audit,
        _ => DiskKind::Other,
    }
}

/// The table whose rows are what people count; `None`: those of all.
fn main_table(kind: DiskKind) -> Option<&'static str> {
    match kind {
        DiskKind::Inbox => Some("inbox"),
        DiskKind::Gathered => Some("gathered"),
        DiskKind::Resources => Some("revision"),
        _ => None,
    }
}

// === impl Share ===

impl Share {
    /// What was seen, times this, is all there is.
    fn factor(self, correction: f64) -> f64 {
        match self {
            Self::OfRows(share) if share > 0.0 => 1.0 / share,
            Self::OfBranches(share) if share > 0.0 => correction / share,
            _ => 1.0,
        }
    }
}

// === impl Page ===

impl Page {
    fn parse(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            path: row.get(0)?,
            kind: row.get(1)?,
            cells: row.get::<_, i64>(2)? as u64,
            bytes: row.get::<_, i64>(3)? as u64,
        })
    }

    /// Which child of which: `/`, `/01c/`, `/01c/000/`; for what spills over from a page `/01c/000+000001`.
    fn way(&self) -> Vec<u64> {
        let page = self.path.split('+').next().unwrap_or_default();
        page.split('/').filter_map(|index| u64::from_str_radix(index, 16).ok()).collect()
    }
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, page: &Page, has_inner_rows: bool) {
        self.pages += 1;
        self.bytes += page.bytes;
        match page.kind.as_str() {
            "internal" => {
                self.children.truncate(page.way().len());
                self.children.push(page.cells + 1);
                self.rows += if has_inner_rows { page.cells } else { 0 };
            }
            "leaf" => {
                self.rows += page.cells;
                self.share = self.share_to(&page.way());
            }
            _ => {}
        }
    }

    /// The part of the tree up to the end of a leaf.
    fn share_to(&self, way: &[u64]) -> f64 {
        let mut whole = 1.0;
        let mut share = 0.0;
        for (index, children) in way.iter().zip(&self.children) {
            whole /= *children as f64;
            share += *index as f64 * whole;
        }
        share + whole
    }
}
