//! Asking at the terminal: for what must not be seen, and whether something is meant.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Exit, Failure};

/// Whether somebody could be asked.
pub(crate) fn is_input() -> bool {
    std::io::stdin().is_terminal()
}

/// One line, typed without being shown. Ctrl-C ends the command with the terminal as it was.
pub(crate) async fn ask(prompt: &str) -> Result<String, Failure> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let silence = Silence::begin().map_err(|error| failed(&error))?;
    write!(std::io::stderr(), "{prompt}").map_err(|error| failed(&error))?;
    // The thread stays behind if nobody types any more; the process ends without it.
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = tokio::select! {
        line = reading => line.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?,
        _ = interrupt.recv() => String::new(),
    };
    drop(silence);
    // The line break that was typed was not shown either. Nothing is lost if this one is not.
    let _ = writeln!(std::io::stderr());
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Failure::usage("nothing was typed, so nothing was changed"));
    }
    Ok(line.to_owned())
}

/// Whether somebody agrees: with `y` or `yes`.
pub(crate) async fn confirm(prompt: &str) -> Result<bool, Failure> {
    write!(std::io::stderr(), "{prompt}").map_err(|error| failed(&error))?;
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = reading.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, format!("cannot read from the terminal: {error}"))
        .hint("pipe the value into standard input instead")
}

/// While it lives, the terminal does not show what is typed.
struct Silence(Termios);

// === impl Silence ===

impl Silence {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // If the terminal is gone, it shows nothing anyway.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
