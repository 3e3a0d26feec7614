//! Outbound calls: HTTP for workflow effects, with pools, bounds and address rules.
//!
//! What leaves Tenon leaves through here, so that no callee can hang a job, fill memory, lead a call to an
//! address it must not reach, or collect credentials by a redirect. This crate must not know workflows,
//! secrets or stores, must not retry, and must not decide what an error means to a workflow beyond
//! [`Failure::kind`] and [`Failure::status`].
//!
//! Start with [`HttpClient::send`] in `client.rs`.

mod address;
mod client;
mod connect;
mod failure;
mod network;
mod options;
mod redirect;
mod request;
mod response;

pub use address::{AddressRules, PrivateAddresses, Refusal};
pub use client::{Error, HttpClient};
pub use failure::{Failure, FailureKind, TimeoutPhase};
pub use network::{Error as NetworkError, Network};
pub use options::Options;
pub use request::{Redirects, Request};
pub use response::Response;
