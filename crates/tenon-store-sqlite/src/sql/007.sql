-- Version 7: what a workspace says for itself. Null: as the server is configured.

ALTER TABLE workspace ADD COLUMN keep_jobs INTEGER; -- microseconds
ALTER TABLE workspace ADD COLUMN keep_payloads INTEGER; -- microseconds
ALTER TABLE workspace ADD COLUMN concurrency INTEGER;

-- In `expiry` kind 8 is an event of a job that was purged, 9 a set of such events.
