//! Schedules and pollers on a real store.

mod polls;
mod schedule_simulation;
mod schedules;
mod world;
