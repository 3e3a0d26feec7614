//! Integration tests of `tenon-store-sqlite`.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod conformance;
mod crash;
mod crash_points;
mod damage;
mod disk_detail;
mod files;
mod full_disk;
mod gathering;
mod harness;
mod keys;
mod migration;
mod opening;
mod sealing;
mod upkeep;
