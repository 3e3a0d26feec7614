-- Version 5: what triggers remember and what happened to them; payloads may go before their job.

-- Of a trigger, or of a workflow with a schedule of its own. Stays when the resource is deleted: a put of the same
-- name goes on with it.
CREATE TABLE trigger_state (
    resource INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value BLOB NOT NULL -- sealed
) STRICT;

-- The newest of each resource; the writer removes the others with every new one.
CREATE TABLE trigger_note (
    resource INTEGER NOT NULL,
    number INTEGER NOT NULL, -- goes up by one
    workspace INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- 0 fired, 1 missed, 2 skipped, 3 failed, 4 noticed
    detail BLOB NOT NULL, -- sealed
    PRIMARY KEY (resource, number)
) STRICT, WITHOUT ROWID;

-- 1: input, journal and result were removed before the job. The envelope of an event without payloads is empty.
-- In `expiry` kind 6 is a job whose payloads go, 7 an event whose envelope goes.
ALTER TABLE job ADD COLUMN payloads_gone INTEGER;
