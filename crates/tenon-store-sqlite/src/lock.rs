//! The lock on the data directory: one process at a time. The kernel gives it back when the process ends,
//! however it ends; the file's content only says who has it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Why the lock was not taken.
pub(crate) enum Refused {
    /// Another process has it; its id as far as it is known.
    Held(Option<u32>),
    /// The file cannot be used.
    Io(io::Error),
}

/// Held as long as this lives.
pub(crate) struct Lock {
    _file: File,
}

// === impl Lock ===

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(path: &Path) -> Result<Self, Refused> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Refused::Io)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Refused::Held(holder(&mut file))),
            Err(error) => return Err(Refused::Io(error.into())),
        }
        write_pid(&mut file).map_err(Refused::Io)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
