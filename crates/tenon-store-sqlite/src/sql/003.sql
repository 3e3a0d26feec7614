-- Version 3: variables, several data keys per workspace, a reminder of the master key.

-- One row per name, also after it was deleted: its versions go on.
CREATE TABLE variable (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- values are sealed for it, so it never means another name
    workspace INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL, -- 0 config, 1 secret
    version INTEGER NOT NULL,
    at INTEGER NOT NULL, -- of this version, or of the deletion
    data_key INTEGER NOT NULL, -- the number of the one that the value is sealed with
    value BLOB, -- sealed, both kinds; null: deleted
    UNIQUE (workspace, name)
) STRICT;

CREATE INDEX variable_live ON variable (workspace, data_key) WHERE value IS NOT NULL;
CREATE INDEX variable_gone ON variable (workspace, at) WHERE value IS NULL;

ALTER TABLE workspace ADD COLUMN variable_generation INTEGER NOT NULL DEFAULT 1;

-- The newest of a workspace seals; sealed values say which one they need (those of the first one by saying nothing).
CREATE TABLE data_key (
    workspace INTEGER NOT NULL,
    number INTEGER NOT NULL,
    made_at INTEGER, -- null: with the workspace
    wrapped BLOB NOT NULL, -- by the master key
    PRIMARY KEY (workspace, number)
) STRICT, WITHOUT ROWID;

INSERT INTO data_key (workspace, number, wrapped) SELECT id, 1, wrapped_key FROM workspace;
ALTER TABLE workspace DROP COLUMN wrapped_key;

-- Which master key wraps all data keys: its name, which tells nothing about it. Written in the same transaction as
-- the wrapped keys, so that whoever comes with another one can be told which is needed.
CREATE TABLE master_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    since INTEGER, -- null: never changed
    file TEXT -- where it was put when it was changed
) STRICT;
