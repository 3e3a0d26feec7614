//! The outbound client against real servers on loopback, well-behaved and not.

#![expect(clippy::unwrap_used, reason = "what fails here is the test")]

mod address;
mod auth;
mod bounds;
mod callee;
mod grpc;
mod grpc_callee;
mod headers;
mod oauth;
mod policies;
mod pool;
mod rates;
mod redirect;
mod resolve;
mod tls;
