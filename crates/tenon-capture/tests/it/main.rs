//! Integration tests of `tenon-capture`.

mod arrivals;
mod capture;
mod clock_and_ids;
mod event;
mod fixture;
mod gathering;
mod json_text;
mod metrics;
mod programs;
mod reruns;
mod trigger;
mod variables;
mod watch;
