//! OpenAPI 2.0, 3.0 and 3.1 documents: which operations they describe, and what request each one makes of
//! parameters. Pure: text in, values out. Fetching documents and sending requests are others' business.
//!
//! Of a document only what requests are made of is kept; schemas of answers, examples and prose are dropped.
//! Documents are read as they are published, with their mistakes: what is wrong with one operation is that
//! operation's error, said when it is called. Start with [`Api::parse`] and [`Operation::request`].

mod api;
mod body;
mod error;
mod operation;
mod parameter;
mod server;
mod source;
mod style;
mod text;

pub use api::Api;
pub use error::Error;
pub use operation::{Call, Operation};
pub use parameter::{Location, Parameter};
