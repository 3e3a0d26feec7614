-- Version 1. Times are microseconds since 1970. States: 0 pending, 1 running, 2 waiting, 3 suspended, then the
-- final ones: 4 completed, 5 faulted, 6 cancelled. Sealed values are AES-256-GCM (`tenon-vault`); one of exactly 8
-- bytes is no sealed value but the id of a row in `body`, where values over 64 KiB live.
-- No foreign keys: every one would cost a lookup on the hot path; the writer is the only one that writes.

CREATE TABLE workspace (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL
) STRICT;

-- Who may write for a shard: fencing.
CREATE TABLE shard (
    shard INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT;

-- One row, written with every batch that changes it.
CREATE TABLE counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    place INTEGER NOT NULL,
    expiry INTEGER NOT NULL,
    events INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    open_jobs INTEGER NOT NULL
) STRICT;

INSERT INTO counter VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE resource (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- 0 workflow, 1 trigger
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    newest INTEGER NOT NULL, -- revision.id
    UNIQUE (workspace, kind, name)
) STRICT;

CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (resource, number)
) STRICT;

CREATE TABLE resource_key (
    workspace INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    resource INTEGER NOT NULL,
    PRIMARY KEY (workspace, kind, key, resource)
) STRICT, WITHOUT ROWID;

CREATE INDEX resource_key_of ON resource_key (resource);

-- Ids go up with time, so rows are appended and lists are id ranges.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    origin INTEGER NOT NULL, -- 0 event, 1 call
    captured_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    jobs BLOB NOT NULL, -- the ids of the jobs it started, 8 bytes each: no index needed
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT,
    envelope BLOB NOT NULL -- sealed
) STRICT;

CREATE INDEX event_list ON event (workspace); -- and id: SQLite appends it

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    workflow INTEGER NOT NULL,
    state INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    semantics INTEGER NOT NULL,
    event INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    shard INTEGER, -- null: outside any lane
    lane TEXT,
    place INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    journal_length INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    wake_at INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    expires INTEGER,
    parent INTEGER,
    rerun_of INTEGER,
    input BLOB, -- sealed
    result BLOB -- sealed: output, error or reason
) STRICT;

-- Newest first per workspace; the workflow is in it, so that a list of one workflow's jobs reads only the index.
CREATE INDEX job_list ON job (workspace, id, workflow);
-- Place first: one page at the end takes all new jobs, whatever their shard.
CREATE INDEX job_open ON job (place, shard) WHERE state IN (0, 1, 3);
CREATE INDEX job_waiting ON job (shard, wake_at) WHERE state = 2;
-- What people look for; costs nothing for jobs that just complete.
CREATE INDEX job_attention ON job (workspace, id) WHERE state IN (3, 5, 6);

CREATE TABLE journal (
    job INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    effect TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    arguments INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcome BLOB NOT NULL, -- sealed
    PRIMARY KEY (job, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE body (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL -- sealed
) STRICT;

-- 128 bits of HMAC of (workspace, scope, key).
CREATE TABLE mark (
    hash BLOB PRIMARY KEY,
    expires INTEGER NOT NULL,
    event INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What retention looks at, instead of an index on every `expires`: one row per batch, kind and minute.
CREATE TABLE expiry (
    moment INTEGER NOT NULL, -- the latest of its items
    sequence INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- 0 event, 1 job, 2 mark, 3 journal of a job that is gone
    items BLOB NOT NULL, -- ids of 8 bytes, hashes of 16
    PRIMARY KEY (moment, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_list ON audit (workspace);
