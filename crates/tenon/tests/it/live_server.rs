//! The real server, in a sandbox: started, asked, stopped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sandbox::Sandbox;

/// A running `tenon up` on a free port, with its data where the command line looks for it.
pub(crate) struct LiveServer {
    child: Child,
    log: Arc<Mutex<String>>,
    /// Says when the log has ended.
    ended: Receiver<()>,
    address: String,
    key: String,
}

// === impl LiveServer ===

impl LiveServer {
    /// Starts it and waits until it is ready; if it ends before, that is its exit code and its log.
    pub(crate) fn start(sandbox: &Sandbox, args: &[&str]) -> Result<Self, (Option<i32>, String)> {
        Self::start_on(sandbox, ("127.0.0.1:0", args), &[])
    }

    /// The same at an address of one's choice, with these variables of the environment.
    pub(crate) fn start_on(
        sandbox: &Sandbox,
        (listen, args): (&str, &[&str]),
        variables: &[(String, String)],
    ) -> Result<Self, (Option<i32>, String)> {
        let args = [&["up", "--listen", listen], args].concat();
        let mut command = sandbox.command(&args);
        command.env_remove("TENON_SERVER").env_remove("TENON_KEY");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, is_ready) = channel();
        let (end, ended) = channel();
        let (stderr, copy) = (child.stderr.take().expect("piped"), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let url = line.split_once("ready on http://").map(|(_, rest)| rest.trim().to_owned());
                let mut log = copy.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
                drop(log);
                if let Some(url) = url {
                    let _ = ready.send(url);
                }
            }
            drop(end);
        });
        let Ok(address) = is_ready.recv() else {
            // The log has ended, and with it the process.
            let exit = child.wait().expect("it ends");
            return Err((exit.code(), log.lock().unwrap_or_else(PoisonError::into_inner).clone()));
        };
        let data = sandbox.path().join(".local/share/tenon");
        let key = std::fs::read_to_string(data.join("owner.key")).expect("made at the first start");
        Ok(Self { child, log, ended, address, key: key.trim().to_owned() })
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The whole answer, head and body, to a request with the owner key.
    pub(crate) fn get(&self, path: &str) -> String {
        self.ask("GET", path, "", "")
    }

    /// The same with more headers, each with its line break, and a body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(self.request(method, path, headers, body).as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A request as it is sent.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let (address, key, length) = (&self.address, &self.key, body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
             {headers}content-length: {length}\r\n\r\n{body}"
        )
    }

    /// Ends it as a power cut would; what it logged in its life.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        // An error means that the log was read to its end.
        let _ = self.ended.recv();
        self.log()
    }

    /// Ends it as a service manager would; what it logged in its life.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        let exit = self.child.wait().expect("it ends");
        // An error means that the log was read to its end.
        let _ = self.ended.recv();
        (exit, self.log())
    }
}

impl Drop for LiveServer {
    fn drop(&mut self) {
        // Already ended: fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
