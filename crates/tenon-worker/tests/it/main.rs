//! Integration tests of `tenon-worker`: real store, real calls, and a store that can be held up.

mod cancellation;
mod children;
mod clocks;
mod commit_rule;
mod deferred;
mod flow;
mod full_disk;
mod gathering;
mod grpc_callee;
mod hooked_store;
mod jobs;
mod lanes;
mod lifecycle;
mod listening;
mod mending;
mod old_news;
mod orphans;
mod panics;
mod recall;
mod rerun;
mod stage;
mod transient;
mod workspace;
