//! Integration tests of `tenon-workflow`: documents in, findings or programs out.

mod calls;
mod codes;
mod cron;
mod documents;
mod duration;
mod events;
mod examples;
mod explain;
mod expressions;
mod files;
mod guide;
mod json_schema;
mod later;
mod limits;
mod lint;
mod literals;
mod lowering;
mod mutations;
mod names;
mod parsing;
mod schedule;
mod secrets;
mod shapes;
mod table;
