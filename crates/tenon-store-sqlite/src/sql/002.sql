-- Version 2: the inbox, what parked jobs wait for, children, files of revisions.

-- Types of events that jobs of a workspace may listen for (`*`: any). Only grows.
CREATE TABLE listened (
    workspace INTEGER NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (workspace, type)
) STRICT, WITHOUT ROWID;

-- Events of those types, by order of commit: one row for the event's own type, one for `*`, as far as declared.
CREATE TABLE inbox (
    workspace INTEGER NOT NULL,
    type TEXT NOT NULL, -- as declared
    place INTEGER NOT NULL, -- of the same counter as jobs
    event INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    subject TEXT,
    PRIMARY KEY (workspace, type, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbox_subject ON inbox (workspace, type, subject, place) WHERE subject IS NOT NULL;

-- Null: not in the inbox. Leads retention from the event to its rows there.
ALTER TABLE event ADD COLUMN place INTEGER;

-- Of a parked job that waits for events: how far it has looked.
ALTER TABLE job ADD COLUMN looked_to INTEGER;

CREATE INDEX job_children ON job (parent) WHERE parent IS NOT NULL; -- and id: SQLite appends it

-- What parked jobs wait for; the writer has it in memory, too.
CREATE TABLE waiter (
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    workspace INTEGER NOT NULL,
    type TEXT, -- an event of this type (`*`: any) …
    subject TEXT, -- … and with this subject, if there is one
    child INTEGER, -- or the end of this job
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Files that documents refer to, once each, whatever the workspace. Documents are not sealed, nor are these.
CREATE TABLE file (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE, -- SHA-256 of the content
    content TEXT NOT NULL
) STRICT;

CREATE TABLE revision_file (
    revision INTEGER NOT NULL,
    number INTEGER NOT NULL, -- order within the revision
    uri TEXT NOT NULL,
    file INTEGER, -- null: could not be fetched …
    failure TEXT, -- … for this reason
    PRIMARY KEY (revision, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX revision_file_of ON revision_file (file) WHERE file IS NOT NULL;

-- Whoever removes a revision removes what only it refers to.
CREATE TRIGGER revision_gone AFTER DELETE ON revision BEGIN
    DELETE FROM revision_file WHERE revision = OLD.id;
END;

CREATE TRIGGER revision_file_gone AFTER DELETE ON revision_file WHEN OLD.file IS NOT NULL BEGIN
    DELETE FROM file WHERE id = OLD.file AND NOT EXISTS (SELECT 1 FROM revision_file WHERE file = OLD.file);
END;
