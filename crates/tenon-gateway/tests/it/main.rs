//! Integration tests of `tenon-gateway`: the real router on a real socket over a real store.

mod cloud_events;
mod fixture;
mod hooks;
mod refusals;
mod run;
mod server;
mod wait;
