//! Integration tests of `tenon-gateway`: the real router on a real socket over a real store.

mod backlog;
mod cloud_events;
mod fixture;
mod hooks;
mod refusals;
mod run;
mod server;
mod wait;
mod wakes;
mod webhook_access;
mod webhook_auth;
mod webhook_bodies;
mod webhook_paths;
mod webhook_replays;
