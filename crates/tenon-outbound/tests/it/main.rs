//! The outbound client against real servers on loopback, well-behaved and not.

#![expect(clippy::unwrap_used, reason = "what fails here is the test")]

mod address;
mod bounds;
mod callee;
mod headers;
mod pool;
mod redirect;
mod tls;
