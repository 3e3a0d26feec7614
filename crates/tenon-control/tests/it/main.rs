//! Integration tests of `tenon-control`: the whole server in one process, spoken to over HTTP.

mod files;
mod jobs;
mod resources;
mod server;
mod stream;
mod variables;
mod vault;
