//! Runs the binary in an environment of its own: a fresh home, nothing of the machine's settings.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::fake_server::FakeServer;

/// A home directory that is gone afterwards.
pub(crate) struct Sandbox {
    home: tempfile::TempDir,
    server: Option<String>,
}

/// What a run left behind. Shown with everything that differs from run to run replaced.
pub(crate) struct Ran {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a directory"), server: None }
    }

    /// One whose `TENON_SERVER` and `TENON_KEY` are those of `server`.
    pub(crate) fn with(server: &FakeServer) -> Self {
        Self { server: Some(server.url()), ..Self::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the working directory.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.path().join("work").join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = self.command(args).stdin(Stdio::null()).envs(variables.iter().copied()).output();
        self.ran(output.expect("the binary runs"))
    }

    /// With something to read on standard input.
    pub(crate) fn run_input(&self, args: &[&str], input: &str) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        // One that does not want to read may have ended.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        self.ran(child.wait_with_output().expect("it ends"))
    }

    /// The binary in this sandbox.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let work = self.home.path().join("work");
        std::fs::create_dir_all(&work).expect("made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
        command.args(args).env_clear().env("HOME", self.home.path()).current_dir(&work);
        if let Some(server) = &self.server {
            command.env("TENON_SERVER", server).env("TENON_KEY", FakeServer::KEY);
        }
        command
    }

    pub(crate) fn ran(&self, output: Output) -> Ran {
        let text = |bytes: Vec<u8>| {
            let mut text = String::from_utf8(bytes).expect("text");
            if let Some(server) = &self.server {
                text = text.replace(server.as_str(), "http://SERVER");
            }
            text.replace(&self.home.path().display().to_string(), "HOME")
        };
        Ran { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exit = self.exit.map_or_else(|| "signal".to_owned(), |exit| exit.to_string());
        write!(formatter, "exit: {exit}\n-- stdout\n{}-- stderr\n{}", self.stdout, self.stderr)
    }
}
