//! Integration tests of `tenon-workflow`: documents in, findings or programs out.

mod codes;
mod documents;
mod duration;
mod examples;
mod expressions;
mod guide;
mod later;
mod limits;
mod lint;
mod literals;
mod lowering;
mod names;
mod parsing;
mod shapes;
mod table;
