-- Version 4: events that are gathered in sets, each of which starts one job.

-- A workflow that gathers, as long as its strategy is the same. Without this row its open sets are about to go.
CREATE TABLE gatherer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- sets refer to it, so it never means another strategy
    workspace INTEGER NOT NULL,
    workflow INTEGER NOT NULL,
    strategy INTEGER NOT NULL,
    sets INTEGER NOT NULL, -- open ones
    events INTEGER NOT NULL, -- in them
    UNIQUE (workspace, workflow)
) STRICT;

-- A set. Its id is a place, so that the oldest is the smallest.
CREATE TABLE gathering (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    gatherer INTEGER, -- null: not open any more; it belongs to jobs, or is about to go
    key BLOB NOT NULL, -- 128 bits of HMAC of workspace, workflow and the values of the correlations
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL, -- of their envelopes
    ends BLOB NOT NULL -- parts of `until` that have come, 4 bytes each
) STRICT;

CREATE INDEX gathering_of_key ON gathering (gatherer, key) WHERE gatherer IS NOT NULL; -- and id: SQLite appends it
CREATE INDEX gathering_open ON gathering (gatherer) WHERE gatherer IS NOT NULL; -- and id

-- The events of a set, by order of capture.
CREATE TABLE gathered (
    workspace INTEGER NOT NULL,
    gathering INTEGER NOT NULL,
    number INTEGER NOT NULL,
    event INTEGER NOT NULL,
    gatherer INTEGER, -- for `all`: what leads from a part to the newest set that has it
    key BLOB,
    part INTEGER,
    PRIMARY KEY (workspace, gathering, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX gathered_of_part ON gathered (gatherer, key, part, gathering) WHERE part IS NOT NULL;
-- Keeps an event from retention, and leads from it to its jobs.
CREATE INDEX gathered_event ON gathered (event);

-- The set that a job was gathered from; null: from its event alone. A rerun has that of the job it runs again.
ALTER TABLE job ADD COLUMN gathering INTEGER;

CREATE INDEX job_gathering ON job (gathering) WHERE gathering IS NOT NULL;
