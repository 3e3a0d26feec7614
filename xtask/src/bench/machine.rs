//! The machine that was measured on. A number without it means nothing.

use crate::clock;
use anyhow::Result;
use serde::Serialize;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long the disk is measured.
const DISK_TIME: Duration = Duration::from_secs(1);
/// What is written before each sync: a database page.
const PAGE: [u8; 4096] = [7; 4096];

#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_gib: f64,
    pub(super) kernel: String,
    /// Appends of 4 KiB, each followed by fdatasync, in one second, on the disk that was measured on.
    pub(super) syncs_per_second: f64,
    pub(super) commit: String,
    /// Seconds since 1970.
    pub(super) measured_at: u64,
}

/// Looks at this machine; takes a second for the disk.
pub(super) fn describe(directory: &Path) -> Result<Machine> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes: f64 = field(&memory, "MemTotal")
        .and_then(|value| value.trim_end_matches(" kB").parse().ok())
        .unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(Machine {
        processor: field(&processors, "model name").unwrap_or("unknown").to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        memory_gib: kibibytes / f64::from(1 << 20),
        kernel: format!("{} {}", std::env::consts::OS, kernel.trim()),
        syncs_per_second: syncs_per_second(directory)?,
        commit: commit(),
        measured_at: clock::unix_seconds(),
    })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

fn syncs_per_second(directory: &Path) -> Result<f64> {
    let path = directory.join("sync.probe");
    let mut file = File::create(&path)?;
    let begun = clock::now();
    let mut syncs = 0_u32;
    while begun.elapsed() < DISK_TIME {
        file.write_all(&PAGE)?;
        file.sync_data()?;
        syncs += 1;
    }
    let rate = f64::from(syncs) / begun.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(rate)
}

/// The revision, with a mark where the working tree differs; `unknown` outside a repository.
fn commit() -> String {
    let mut command = Command::new("git");
    command.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(crate::repository::root());
    let output = command.output().ok().filter(|output| output.status.success());
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        assert_eq!(field("a\t: b c\nMemTotal:  16 kB\n", "MemTotal"), Some("16 kB"));
        assert_eq!(field("x: y", "a"), None);
    }

    #[test]
    fn this_machine_has_a_disk() {
        let directory = tempfile::tempdir().unwrap();
        assert!(describe(directory.path()).unwrap().syncs_per_second > 0.0);
    }
}
