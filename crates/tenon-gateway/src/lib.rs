//! The HTTP interface: webhooks, CloudEvents, calls, health; and what every other endpoint stands on.
//!
//! A request is checked completely before anything is captured; a refusal is one [`Problem`] with a stable
//! code, and leaves no trace in the store. The management API is another crate: it brings its own
//! [`axum::Router`] and uses [`App`], [`Caller`], [`Workspace`] and [`Problem`] from here.
//! Nothing here knows SQL, and nothing here runs a job.

mod admission;
mod answer;
mod app;
mod auth;
mod body;
pub mod codes;
mod draining;
mod events;
mod health;
mod hooks;
mod problem;
mod router;
mod run;
mod serve;
mod workspace;

pub use app::{App, Limits, Setup};
pub use auth::{Caller, Keys, Peer};
pub use body::{BodyBudget, Content, json_body, read_body};
pub use codes::{CODES, Code};
pub use draining::{Readiness, State};
pub use hooks::HookRate;
pub use problem::{Problem, Violation};
pub use router::{router, router_with};
pub use serve::{ServeOptions, serve};
pub use workspace::{DEFAULT_WORKSPACE, WORKSPACE_HEADER, Workspace};
