//! A small library in C that is loaded into Tenon before all others: with it, the process's wall clock is
//! ahead or behind, and its disk is slow. Nothing of that is in Tenon itself, so nobody can switch it on there. It
//! needs gcc, which building Tenon needs anyway; where it cannot be had, the run goes without it and says so, unless
//! it is demanded.

use super::record::Surroundings;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SOURCE: &str = include_str!("shim.c");
/// What says what the library is to do.
const NAMES: [&str; 4] = ["LD_PRELOAD", "CRASH_AHEAD_US", "CRASH_SYNC_MS", "CRASH_SEED"];

/// The library, built.
#[derive(Clone, Debug)]
pub(crate) struct Shim(PathBuf);

// === impl Shim ===

impl Shim {
    /// Builds it in a directory (made if missing), and sees whether a program loads it.
    pub(crate) fn build(directory: &Path, program: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
        fs::write(&source, SOURCE)?;
        let mut compiler = Command::new("gcc");
        compiler.args(["-O2", "-fPIC", "-shared", "-o"]).arg(&library).arg(&source).arg("-ldl");
        let output = compiler.output().context("there is no gcc")?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "gcc could not build the shim: {}", words.trim());
        let shim = Self(library);
        shim.probe(program, &directory.join("loaded"))?;
        Ok(shim)
    }

    /// A program that is linked statically, or a system that knows no preloading, would run without it, and nobody
    /// would see.
    fn probe(&self, program: &Path, loaded: &Path) -> Result<()> {
        let _ = fs::remove_file(loaded);
        let mut command = Command::new(program);
        command.arg("--version").env("LD_PRELOAD", &self.0).env("CRASH_LOADED", loaded);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("the program does not run")?;
        ensure!(loaded.exists(), "{} does not load what is preloaded", program.display());
        Ok(())
    }

    /// The environment of a process in these surroundings. What has no value must not be set.
    pub(crate) fn environment(
        &self,
        surroundings: Surroundings,
        seed: u64,
    ) -> [(&'static str, Option<String>); 4] {
        let [preload, ahead, sync, start] = NAMES;
        if surroundings == Surroundings::default() {
            return NAMES.map(|name| (name, None));
        }
        [
            (preload, Some(self.0.display().to_string())),
            (ahead, Some(surroundings.ahead_us.to_string())),
            (sync, Some(surroundings.sync_ms.to_string())),
            // As the library reads it.
            (start, Some((seed >> 1).to_string())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// What a program prints with the library loaded.
    fn output(shim: &Shim, ahead_us: i64, program: &[&str]) -> String {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]);
        for (name, value) in shim.environment(Surroundings { ahead_us, sync_ms: 5 }, u64::MAX) {
            command.env(name, value.unwrap());
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_program_sees_another_time_of_day() {
        let directory = tempfile::tempdir().unwrap();
        let shim = Shim::build(directory.path(), Path::new("date")).unwrap();
        for hours in [-1, 1] {
            let before = clock::unix_micros();
            let shown: i64 =
                output(&shim, hours * 3_600_000_000, &["date", "+%s%6N"]).trim().parse().unwrap();
            let real = shown - hours * 3_600_000_000;
            assert!((before..=clock::unix_micros()).contains(&real), "{hours}: {shown}, {before}");
        }
    }

    #[test]
    fn what_is_synced_slowly_is_still_written() {
        let directory = tempfile::tempdir().unwrap();
        let shim = Shim::build(directory.path(), Path::new("date")).unwrap();
        let (from, to) = (directory.path().join("shim.c"), directory.path().join("copy"));
        let (from, to) = (format!("if={}", from.display()), format!("of={}", to.display()));
        output(&shim, 0, &["dd", &from, &to, "conv=fsync", "status=none"]);
        assert_eq!(fs::read_to_string(directory.path().join("copy")).unwrap(), SOURCE);
    }

    #[test]
    fn ordinary_surroundings_need_nothing() {
        let shim = Shim(PathBuf::from("shim.so"));
        assert!(shim.environment(Surroundings::default(), 7).iter().all(|(_, value)| value.is_none()));
    }

    #[test]
    fn a_program_that_does_not_load_it_is_found_out() {
        let directory = tempfile::tempdir().unwrap();
        let error = Shim::build(directory.path(), Path::new("/no/such/tenon")).unwrap_err();
        assert!(error.to_string().contains("does not run"), "{error}");
    }
}
