//! The echo that flows call, in a process of its own.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running echo. It ends with its standard input, so at the latest with this process.
pub(super) struct Callee {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(super) address: SocketAddr,
}

impl Callee {
    pub(super) fn start(xtask: &Path) -> Result<Self> {
        let mut child = Command::new(xtask)
            .arg("echo")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {}", xtask.display()))?;
        let mut output = BufReader::new(child.stdout.take().expect("stdout was asked to be piped"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse().context("the echo did not print its address")?;
        Ok(Self { child, output, address })
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it; how many requests it answered.
    pub(super) fn stop(mut self) -> Result<u64> {
        drop(self.child.stdin.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        self.child.wait()?;
        line.trim().parse().context("the echo did not print its count")
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
