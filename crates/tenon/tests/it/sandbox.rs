//! Runs the binary in an environment of its own: a fresh home, nothing of the machine's settings.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
        let work = self.home.path().join("work");
        std::fs::create_dir_all(&work).expect("made");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
        command.args(args).env_clear().env("HOME", self.home.path()).current_dir(&work).stdin(Stdio::null());
        if let Some(server) = &self.server {
            command.env("TENON_SERVER", server).env("TENON_KEY", FakeServer::KEY);
        }
        command.envs(variables.iter().copied());
        let output = command.output().expect("the binary runs");
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
