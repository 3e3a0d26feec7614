//! Integration tests of `tenon-worker`: real store, real calls, and a store that can be held up.

mod commit_rule;
mod gated_store;
mod jobs;
mod lanes;
mod stage;
