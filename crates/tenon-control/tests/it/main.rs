//! Integration tests of `tenon-control`: the whole server in one process, spoken to over HTTP.

mod bulk;
mod captures;
mod cursor;
mod files;
mod firing;
// The same callee as for workflows.
#[path = "../../../tenon-worker/tests/it/grpc_callee.rs"]
mod grpc_callee;
mod jobs;
mod lanes;
mod limits;
mod masked;
mod mending;
mod pollers;
mod resources;
mod retention;
mod server;
mod stream;
mod variables;
mod vault;
mod workspaces;
