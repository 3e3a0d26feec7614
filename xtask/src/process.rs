//! What the system says about a running process (Linux: `/proc`).

use anyhow::{Context, Result};
use std::fs;
use std::time::Duration;

/// Clock ticks a second in `/proc`; fixed by Linux's ABI towards programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Resident memory in bytes.
pub(crate) fn resident_bytes(process: u32) -> Result<u64> {
    let status = read(process, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    Ok(kibibytes.context("no VmRSS in /proc")? << 10)
}

/// Processor time used so far, user and system, all threads.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    ticks(&read(process, "stat")?)
        .map(|ticks| Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
        .context("cannot read /proc/PID/stat")
}

/// Fields 14 and 15; the process's name before them may hold spaces and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn read(process: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{process}/{file}");
    fs::read_to_string(&path).with_context(|| format!("could not read {path} (Linux only)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_strange_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 1 0 100 1 1";
        assert_eq!(ticks(stat), Some(12));
        assert_eq!(ticks("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 1 << 20);
        processor_time(std::process::id()).unwrap();
    }
}
