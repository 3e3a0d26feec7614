//! A reader who does what a guide says, in a fresh home.

use std::fmt::Write as _;
use std::time::Duration;

use super::output::Ids;
use super::page::{Step, What};
use super::ports::{self, Ports};
use super::shell::{Done, MayFail, Shell};
use crate::live_server::LiveServer;
use crate::sandbox::Sandbox;

/// How often a reader looks again: for 20 seconds and longer.
const LOOKS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(100);
/// Verbs of commands that change nothing, so that they can be repeated.
const LOOKING: [&str; 12] = [
    "list", "show", "trace", "captures", "doctor", "notes", "limits", "versions", "explain", "plan",
    "whoami", "watch",
];

/// Where a reader has got to.
pub(super) struct Follower {
    // In this order: what the shell has started may talk to the server, whose data is in the sandbox.
    shell: Shell,
    server: Option<LiveServer>,
    ports: Ports,
    ids: Ids,
    sandbox: Sandbox,
}

// === impl Follower ===

impl Follower {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new();
        let shell = Shell::start(sandbox.path());
        Self { shell, server: None, ports: Ports::default(), ids: Ids::default(), sandbox }
    }

    /// Does it; or says what is wrong with the guide, or with Tenon.
    pub(super) fn take(&mut self, step: &Step) -> Result<(), String> {
        match &step.what {
            What::Server { variables, arguments } => self.serve(variables, arguments),
            What::File { path, text } => {
                let text = self.ports.put_into(text);
                let path = self.shell.directory.join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
                std::fs::write(path, text).expect("written");
                Ok(())
            }
            What::Commands { script, output: Some(output) } if only_looks(script) => {
                self.look(script, output)
            }
            What::Commands { script, output } => self.run(script, output.as_deref()),
        }
    }

    /// What the server has logged since it was started last.
    pub(super) fn log(&self) -> String {
        self.server.as_ref().map(LiveServer::log).unwrap_or_default()
    }

    fn serve(&mut self, variables: &[(String, String)], arguments: &[String]) -> Result<(), String> {
        if let Some(server) = self.server.take() {
            let (exit, log) = server.stop();
            if !exit.success() {
                return Err(format!("the server ended with {exit}:\n{log}"));
            }
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let listen = format!("127.0.0.1:{}", self.ports.tenon());
        let started = LiveServer::start_on(&self.sandbox, (&listen, &arguments), variables);
        let server = started.map_err(|(exit, log)| format!("the server ended with {exit:?}:\n{log}"))?;
        self.server = Some(server);
        Ok(())
    }

    fn run(&mut self, script: &str, expected: Option<&str>) -> Result<(), String> {
        let ran = self.ids.put_into(&self.ports.put_into(script));
        let done = self.shell.run(&ran, MayFail::No);
        if !done.is_ok {
            return Err(told("the commands failed", &ran, &done));
        }
        self.wait_for_others(script)?;
        match expected.map(|expected| (expected, self.ports.put_into(expected))) {
            Some((_, expected)) if !self.ids.find(&expected, &done.stdout) => {
                Err(told(&format!("this was not printed:\n{expected}"), &ran, &done))
            }
            _ => Ok(()),
        }
    }

    /// Until it is as the guide says.
    fn look(&mut self, script: &str, expected: &str) -> Result<(), String> {
        let ran = self.ids.put_into(&self.ports.put_into(script));
        let expected = self.ports.put_into(expected);
        let mut looks = 0;
        loop {
            let done = self.shell.run(&ran, MayFail::Yes);
            if done.is_ok && self.ids.find(&expected, &done.stdout) {
                return Ok(());
            }
            looks += 1;
            if looks > LOOKS {
                return Err(told(&format!("this was not printed in time:\n{expected}"), &ran, &done));
            }
            // polls: as a reader does who waits for a job
            std::thread::sleep(PAUSE);
        }
    }

    /// What was started in the background listens before the next step.
    fn wait_for_others(&mut self, script: &str) -> Result<(), String> {
        let mut looks = 0;
        for line in script.lines().filter(|line| line.trim_end().ends_with('&')) {
            for port in self.ports.of_others(line) {
                while !ports::is_open(port) {
                    looks += 1;
                    if looks > LOOKS {
                        return Err(format!("nobody listens after `{line}`"));
                    }
                    // polls: another process begins to listen
                    std::thread::sleep(PAUSE);
                }
            }
        }
        Ok(())
    }
}

/// Whether a block is one command, and that changes nothing.
fn only_looks(script: &str) -> bool {
    let script = script.replace("\\\n", " ");
    let mut lines = script.lines().filter(|line| !line.trim().is_empty());
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["tenon", rest @ ..] => rest.iter().take(2).any(|word| LOOKING.contains(word)),
        ["curl", rest @ ..] => {
            let sends =
                |word: &&str| word.starts_with("-d") || word.starts_with("--data") || word.starts_with("-X");
            !rest.iter().any(sends)
        }
        _ => false,
    }
}

fn told(problem: &str, ran: &str, done: &Done) -> String {
    let mut told = problem.to_owned();
    for (what, text) in [("ran", ran), ("stdout", &done.stdout), ("stderr", &done.stderr)] {
        let _ = write!(told, "\n-- {what}\n{}", text.trim_end());
    }
    told
}

#[test]
fn only_commands_that_look_are_repeated() {
    assert!(only_looks("tenon job list --state faulted\n"));
    assert!(only_looks("tenon doctor\n"));
    assert!(only_looks("curl -s http://127.0.0.1:7070/healthz\n"));
    assert!(!only_looks("curl -s http://127.0.0.1:7070/hooks/a -d '{}'\n"));
    assert!(!only_looks("tenon apply\n"));
    assert!(!only_looks("tenon job list\ntenon job list\n"));
}
