//! Integration tests of `tenon-control`: the whole server in one process, spoken to over HTTP.

mod captures;
mod cursor;
mod files;
mod firing;
mod jobs;
mod lanes;
mod limits;
mod mending;
mod resources;
mod retention;
mod server;
mod stream;
mod variables;
mod vault;
