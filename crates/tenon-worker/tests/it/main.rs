//! Integration tests of `tenon-worker`: real store, real calls, and a store that can be held up.

mod cancellation;
mod commit_rule;
mod full_disk;
mod hooked_store;
mod jobs;
mod lanes;
mod old_news;
mod panics;
mod stage;
