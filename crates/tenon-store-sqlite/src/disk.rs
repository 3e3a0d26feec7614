//! Room on the disk: the low-water mark and the ballast.
//!
//! A full disk must not lose the outcomes of effects that are running. So new things are refused while there is
//! little room, and when there is none a file that was only keeping room is removed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::options::{Hooks, Options};

/// The file that keeps room.
pub(crate) const BALLAST: &str = "ballast";

/// How long a look at the disk holds.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The writer's view of the disk.
pub(crate) struct Disk {
    directory: PathBuf,
    ballast: PathBuf,
    ballast_bytes: u64,
    low_water_bytes: u64,
    hooks: Hooks,
    looked_at: Option<Instant>,
    low: bool,
}

/// What readers and workers ask: the writer's own view stands still while nothing is written.
pub(crate) struct Room {
    directory: PathBuf,
    low_water_bytes: u64,
    hooks: Hooks,
    newest: Mutex<Option<(Instant, bool)>>,
}

// === impl Room ===

impl Room {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            directory: options.directory.clone(),
            low_water_bytes: options.low_water_bytes,
            hooks: options.hooks.clone(),
            newest: Mutex::new(None),
        }
    }

    /// Whether there is more than the low-water mark. Asks the file system ten times a second at most.
    pub(crate) fn is_left(&self) -> bool {
        let now = now();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, is_left)) = *newest
            && now.duration_since(at) < LOOK_EVERY
        {
            return is_left;
        }
        // A file system that does not tell is not taken for full.
        let is_left =
            (self.hooks.free_space)(&self.directory).map_or(true, |free| free >= self.low_water_bytes);
        *newest = Some((now, is_left));
        is_left
    }
}

// === impl Disk ===

impl Disk {
    /// Makes the ballast if there is room for it.
    pub(crate) fn new(options: &Options) -> Self {
        let mut disk = Self {
            directory: options.directory.clone(),
            ballast: options.directory.join(BALLAST),
            ballast_bytes: options.ballast_bytes,
            low_water_bytes: options.low_water_bytes,
            hooks: options.hooks.clone(),
            looked_at: None,
            low: false,
        };
        disk.is_low();
        disk
    }

    /// Whether only outcomes may be written. Asks the file system ten times a second at most.
    pub(crate) fn is_low(&mut self) -> bool {
        let now = now();
        if self.looked_at.is_some_and(|at| now.duration_since(at) < LOOK_EVERY) {
            return self.low;
        }
        self.looked_at = Some(now);
        let was_low = self.low;
        self.low = !self.has_room();
        match (was_low, self.low) {
            (false, true) => tracing::warn!("little room on the disk: new events are refused"),
            (true, false) => tracing::info!("room on the disk again: new events are accepted"),
            _ => {}
        }
        self.low
    }

    /// A write found no room: gives up the ballast, so that outcomes can be recorded.
    pub(crate) fn fill_up(&mut self) {
        if !self.low {
            tracing::warn!("the disk is full: new events are refused until there is room");
        }
        self.low = true;
        self.looked_at = Some(now());
        match fs::remove_file(&self.ballast) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {error}", self.ballast.display());
            }
            _ => {}
        }
    }

    fn has_room(&self) -> bool {
        let free = match (self.hooks.free_space)(&self.directory) {
            Ok(free) => free,
            Err(error) => {
                tracing::warn!("cannot ask for free space: {error}");
                return true;
            }
        };
        if self.ballast.exists() || self.ballast_bytes == 0 {
            return free >= self.low_water_bytes;
        }
        if free < self.low_water_bytes.saturating_add(self.ballast_bytes) {
            return false;
        }
        if let Err(error) = reserve(&self.ballast, self.ballast_bytes) {
            tracing::warn!("cannot make {}: {error}", self.ballast.display());
            return false;
        }
        true
    }
}

/// Blocks that are really taken: some file systems cannot promise them, so there zeros are written.
fn reserve(path: &Path, bytes: u64) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).is_err() {
        let zeros = vec![0; 1 << 20];
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(zeros.len() as u64);
            file.write_all(&zeros[..piece as usize])?;
            left -= piece;
        }
    }
    file.sync_all()?;
    fs::rename(&temporary, path)
}

#[expect(clippy::disallowed_methods, reason = "only spaces out questions to the file system")]
fn now() -> Instant {
    Instant::now()
}
