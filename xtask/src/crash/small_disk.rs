//! A disk with little room: a file system in memory of limited size, which can be filled and emptied again. It needs
//! the right to mount; where that is missing the run goes without it and says so.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PIECE: usize = 1 << 20;

/// A mounted one; unmounted when dropped.
pub(crate) struct SmallDisk(PathBuf);

// === impl SmallDisk ===

impl SmallDisk {
    /// Mounts one of so many megabytes on a directory, which is made if missing.
    pub(crate) fn mount(directory: &Path, size_mb: u32) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let size = format!("size={size_mb}m,mode=700");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tenon-crash"]).arg(directory);
        let output = command.output().context("there is no program `mount`")?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no small disk can be mounted: {}", words.trim());
        Ok(Self(directory.to_owned()))
    }

    /// Unmounts what a run that was killed has left there.
    pub(crate) fn clear(directory: &Path) {
        let _ = Command::new("umount").arg("--lazy").arg(directory).stderr(Stdio::null()).status();
    }

    /// Takes all the room that is left.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler()).context("could not fill the disk")?;
        let piece = vec![0; PIECE];
        loop {
            match file.write(&piece) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("could not fill the disk"),
            }
        }
    }

    /// Gives it back.
    pub(crate) fn make_room(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("could not make room on the disk")
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What is left mounted takes memory, nothing else.
        Self::clear(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_nothing_until_there_is_room() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("small");
        // Without the right to mount there is nothing to test but that this is said.
        let disk = match SmallDisk::mount(&place, 2) {
            Ok(disk) => disk,
            Err(error) => {
                assert!(error.to_string().contains("small disk can be mounted"), "{error}");
                return;
            }
        };
        disk.fill().unwrap();
        assert_eq!(fs::write(place.join("a"), "a").unwrap_err().kind(), ErrorKind::StorageFull);
        disk.make_room().unwrap();
        fs::write(place.join("a"), "a").unwrap();
    }
}
