//! Integration tests of `tenon-engine`.

mod language;
mod limits;
mod scheduler;
mod scheduler_fairness;
mod scheduler_simulation;
mod trace;
mod world;
