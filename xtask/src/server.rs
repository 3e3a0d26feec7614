//! A Tenon in a process of its own: start, wait until it serves, kill, start again.
//!
//! Everything it writes is below one directory: `data/` (its data directory), `config/` (with the master
//! key, so that the user's own is neither read nor made), `state/`, `tenon.log`. Killed when dropped.

use crate::api::Api;
use crate::clock::{self, Deadline};
use crate::http::{Connection, Request};
use anyhow::{Context, Result, bail};
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long a start may take, also over a large data directory.
const START_LIMIT: Duration = Duration::from_mins(2);
/// How long a stop may take: Tenon promises to drain within 10 s.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How long one look at the process or its readiness is apart from the next.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Where a server lives. Started again from the same place, it is the same server.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    binary: PathBuf,
    directory: PathBuf,
    address: SocketAddr,
    /// Environment variables beside those that every server has.
    settings: Vec<(&'static str, String)>,
}

/// A running server.
pub(crate) struct Server {
    place: Place,
    child: Option<Child>,
    key: String,
    /// From starting the process to the first 200 of `/readyz`.
    pub(crate) started_in: Duration,
}

impl Place {
    /// A place in `directory` (made if missing) on a free port of 127.0.0.1.
    pub(crate) fn new(binary: PathBuf, directory: PathBuf) -> Result<Self> {
        let config = directory.join("config/tenon");
        fs::create_dir_all(&config).with_context(|| format!("could not make {}", config.display()))?;
        Ok(Self { binary, directory, address: free_address()?, settings: Vec::new() })
    }

    /// With one more environment variable.
    pub(crate) fn with_setting(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    /// Gives an environment variable another value, or none.
    pub(crate) fn set(&mut self, name: &'static str, value: Option<String>) {
        self.settings.retain(|(other, _)| *other != name);
        self.settings.extend(value.map(|value| (name, value)));
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("tenon.log")
    }

    /// The command that starts this server, as a person would type it.
    pub(crate) fn up(&self) -> Command {
        let mut command = self.command();
        command.arg("up").arg("--data").arg(self.data());
        command.arg("--listen").arg(self.address.to_string());
        command
    }

    /// The `tenon` program with nothing of the user's own settings.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("TENON_")) {
                command.env_remove(name);
            }
        }
        for (name, folder) in [("CONFIG", "config"), ("STATE", "state"), ("DATA", "share")] {
            command.env(format!("XDG_{name}_HOME"), self.directory.join(folder));
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts it and waits until it is ready to serve.
    pub(crate) fn start(self) -> Result<Server> {
        let begun = clock::now();
        let mut server = self.launch()?;
        server.wait_until_ready()?;
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// Starts the process and does not wait until it serves.
    pub(crate) fn launch(self) -> Result<Server> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = self
            .up()
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("could not start {}", self.binary.display()))?;
        Ok(Server { place: self, child: Some(child), key: String::new(), started_in: Duration::ZERO })
    }
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.place.address
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().expect("only a stopped server has no process, and that is consumed").id()
    }

    /// The owner's key; empty before it was ready.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(self.place.address, &self.key)
    }

    /// The `tenon` command line, pointed at this server.
    pub(crate) fn command_line(&self) -> Command {
        let mut command = self.place.command();
        command.env("TENON_SERVER", format!("http://{}", self.place.address)).env("TENON_KEY", &self.key);
        command
    }

    /// `kill -9`. The place can be started again.
    pub(crate) fn kill(mut self) -> Result<Place> {
        let child = self.child.as_mut().expect("a server has a process until it is consumed");
        child.kill().context("could not kill tenon")?;
        child.wait().context("could not wait for the killed tenon")?;
        Ok(self.place.clone())
    }

    /// Asks it to stop and waits until it has drained.
    pub(crate) fn stop(mut self) -> Result<Place> {
        let child = self.child.as_mut().expect("a server has a process until it is consumed");
        let process = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM)
            .context("could not stop tenon")?;
        let deadline = Deadline::after(STOP_LIMIT);
        loop {
            if let Some(status) = self.ended()? {
                anyhow::ensure!(status.success(), "tenon stopped with {status}{}", tail(&self.place.log()));
                return Ok(self.place.clone());
            }
            anyhow::ensure!(
                !deadline.passed(),
                "tenon did not stop within {STOP_LIMIT:?}{}",
                tail(&self.place.log())
            );
            sleep(LOOK_EVERY);
        }
    }

    /// Lets it run on after xtask ends.
    pub(crate) fn leave_running(mut self) {
        self.child = None;
    }

    /// Waits until it serves, and reads its owner key.
    pub(crate) fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Deadline::after(START_LIMIT);
        let request = Request { method: "GET", target: "/readyz", headers: &[], body: b"" };
        let mut connection = Connection::new(self.place.address, Duration::from_secs(1));
        loop {
            if connection.send(&request).and_then(|answer| answer.status()).is_ok_and(|status| status == 200)
            {
                return self.read_key();
            }
            if let Some(status) = self.ended()? {
                bail!("tenon ended with {status} instead of starting{}", tail(&self.place.log()));
            }
            if deadline.passed() {
                bail!("tenon was not ready within {START_LIMIT:?}{}", tail(&self.place.log()));
            }
            sleep(LOOK_EVERY);
        }
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    fn read_key(&mut self) -> Result<()> {
        let file = self.place.data().join("owner.key");
        let key = fs::read_to_string(&file).with_context(|| format!("no owner key in {}", file.display()))?;
        key.trim().clone_into(&mut self.key);
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address of the loopback interface that was free a moment ago.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

/// The last lines of a log, for an error message.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(5)..];
    format!("; {} ends with:\n{}", log.display(), last.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(program: &str, directory: &Path) -> Place {
        Place::new(PathBuf::from(program), directory.to_owned()).unwrap()
    }

    #[test]
    fn a_server_that_ends_at_once_is_an_error_with_its_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let error = place("/bin/echo", directory.path()).start().err().unwrap().to_string();
        assert!(error.contains("instead of starting"), "{error}");
        assert!(error.contains("up --data"), "{error}");
    }

    #[test]
    fn a_missing_binary_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = place("/no/such/tenon", directory.path()).start().err().unwrap().to_string();
        assert!(error.contains("/no/such/tenon"), "{error}");
    }
}
