-- Version 6: lanes can be listed, and events that nobody wanted.

-- Costs nothing for jobs without an ordering key, and nothing for those that have ended.
CREATE INDEX job_lane ON job (workspace, workflow, lane, place) WHERE lane IS NOT NULL AND state < 4;

-- 1: no workflow started or gathered it, and no `listen` may take it. Null: wanted, or captured before version 6.
ALTER TABLE event ADD COLUMN unwanted INTEGER;

CREATE INDEX event_unwanted ON event (workspace) WHERE unwanted = 1; -- and id: SQLite appends it
