//! Integration tests of `tenon-engine`.

mod again;
mod calls;
mod extensions;
mod fork;
mod fork_faults;
mod functions;
mod language;
mod limits;
mod listen;
mod listen_foreach;
mod notices;
mod rerun_children;
mod run_workflow;
mod scheduler;
mod scheduler_fairness;
mod scheduler_permits;
mod scheduler_places;
mod scheduler_rate;
mod scheduler_simulation;
mod secrets;
mod simulation;
mod trace;
mod world;
