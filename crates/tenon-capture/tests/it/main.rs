//! Integration tests of `tenon-capture`.

mod arrivals;
mod capture;
mod chunk;
mod clock_and_ids;
mod event;
mod fixture;
mod gathering;
mod json_text;
mod metrics;
mod poll_trigger;
mod programs;
mod reruns;
mod trigger;
mod variables;
mod watch;
mod webhook;
