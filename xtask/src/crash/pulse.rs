//! The pulse of the machine itself: one thread that sleeps a little and syncs a small file, over and over.
//!
//! When the disk or the processors are taken by somebody else, this takes long too, and Tenon is not to blame
//! for what it does late meanwhile.

use super::log::Pen;
use super::record::{Fault, RunClock};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const REST: Duration = Duration::from_millis(20);
/// A beat that takes longer is a stall, in microseconds.
const STALL_US: i64 = 200_000;

/// Beats until it is dropped.
pub(crate) struct Pulse(Arc<AtomicBool>);

impl Pulse {
    pub(crate) fn start(directory: &Path, pen: Pen<Fault>, clock: RunClock) -> Result<Self> {
        let mut file =
            File::create(directory.join("pulse")).context("could not make the file of the pulse")?;
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let from = clock.now();
                thread::sleep(REST);
                // A disk that fails will tell Tenon too.
                let _ = beat(&mut file, from);
                let to = clock.now();
                if to - from > STALL_US {
                    pen.write(Fault::Stalled { from, to });
                }
            }
        });
        Ok(Self(stopped))
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn beat(file: &mut File, now: i64) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(&now.to_le_bytes())?;
    file.sync_data()
}
