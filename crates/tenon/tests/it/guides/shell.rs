//! The terminal of a guide's reader: one bash from beginning to end, that stops at the first command that fails.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long one block of commands may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running bash.
pub(super) struct Shell {
    child: Child,
    input: ChildStdin,
    /// A line after each block: how it ended, and in which directory.
    said: Receiver<String>,
    /// Where blocks and what they print are.
    notes: PathBuf,
    blocks: usize,
    /// Its current directory.
    pub(super) directory: PathBuf,
}

/// What a block did.
pub(super) struct Done {
    pub(super) is_ok: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

// === impl Shell ===

impl Shell {
    /// In `home/work`, with this binary as `tenon`.
    pub(super) fn start(home: &Path) -> Self {
        let (work, notes) = (home.join("work"), home.join("notes"));
        for directory in [&work, &notes] {
            std::fs::create_dir_all(directory).expect("made");
        }
        let binaries = Path::new(env!("CARGO_BIN_EXE_tenon")).parent().expect("it is in a directory");
        let found =
            std::env::vars().find(|(name, _)| name == "PATH").map(|(_, path)| path).unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).env_clear().env("HOME", home).env("LANG", "C.UTF-8");
        command.env("PATH", format!("{}:{found}", binaries.display())).current_dir(&work);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("bash is there");
        let mut input = child.stdin.take().expect("piped");
        writeln!(input, "set -e -o pipefail").expect("it reads");
        let stdout = child.stdout.take().expect("piped");
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = say.send(line);
            }
        });
        Self { child, input, said, notes, blocks: 0, directory: work }
    }

    /// Runs commands; one that fails ends the shell, unless the block `may_fail`.
    pub(super) fn run(&mut self, script: &str, may_fail: MayFail) -> Done {
        self.blocks += 1;
        let note = |kind: &str| self.notes.join(format!("{}.{kind}", self.blocks));
        let (file, out, err) = (note("sh"), note("out"), note("err"));
        std::fs::write(&file, script).expect("written");
        let source = format!(". {} </dev/null >{} 2>{}", file.display(), out.display(), err.display());
        let line = match may_fail {
            MayFail::Yes => format!("if {source}; then echo \"ok $PWD\"; else echo failed; fi"),
            MayFail::No => format!("{source}\necho \"ok $PWD\""),
        };
        // If it has ended, nothing more is said.
        let _ = writeln!(self.input, "{line}");
        let said = self.said.recv_timeout(PATIENCE).ok();
        let directory = said.as_ref().and_then(|said| said.strip_prefix("ok "));
        if let Some(directory) = directory {
            self.directory = PathBuf::from(directory);
        }
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Done { is_ok: directory.is_some(), stdout: read(out), stderr: read(err) }
    }
}

/// Whether a block's failure is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayFail {
    Yes,
    No,
}

impl Drop for Shell {
    fn drop(&mut self) {
        // With all that it has started. Already ended: fine.
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}
