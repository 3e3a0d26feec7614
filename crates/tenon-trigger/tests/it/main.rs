//! Schedules and pollers on a real store.

mod clocks;
mod fired_by_hand;
mod polls;
mod schedule_edges;
mod schedule_simulation;
mod schedules;
mod world;
