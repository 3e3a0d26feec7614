//! Outbound calls: HTTP and gRPC for workflow effects, with authentication, pools, bounds and address rules.
//!
//! What leaves Tenon leaves through here, so that no callee can hang a job, fill memory, lead a call to an
//! address it must not reach, or collect credentials by a redirect. This crate must not know workflows,
//! secrets or stores, must not retry (but a fresh token is tried where an old one is refused), and must not
//! decide what an error means to a workflow beyond [`Failure::kind`] and [`Failure::status`].
//!
//! Start with [`HttpClient::send`] in `client.rs`; then [`HttpClient::send_authenticated`] in `auth/sending.rs` and
//! [`grpc::Client`].

mod address;
pub mod auth;
mod client;
mod connect;
mod failure;
pub mod grpc;
mod network;
mod options;
mod rates;
mod redirect;
mod request;
mod response;
mod tls;

pub use address::{AddressRules, PrivateAddresses, Refusal};
pub use client::{Error, HttpClient};
pub use failure::{Failure, FailureKind, TimeoutPhase};
pub use network::{Error as NetworkError, Network};
pub use options::Options;
pub use rates::{HostRate, HostRateError, HostRateUse};
pub use request::{Redirects, Request};
pub use response::Response;
