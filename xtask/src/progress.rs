//! Progress that is visible on a terminal (a bar) and in a log (a line every two seconds).

use crate::clock;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a log gets a line.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// One piece of work with a known number of parts. Safe to share between threads.
pub(crate) struct Progress {
    what: String,
    bar: ProgressBar,
    /// When the last line was printed; `None` on a terminal, which has the bar.
    printed: Option<Mutex<Instant>>,
}

impl Progress {
    pub(crate) fn new(what: &str, parts: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(parts), target);
        let style = ProgressStyle::with_template("{msg:28} {bar:30} {pos}/{len} {elapsed}");
        bar.set_style(style.expect("the template is constant and right"));
        bar.set_message(what.to_owned());
        let printed = (!terminal).then(|| Mutex::new(clock::now()));
        if !terminal {
            eprintln!("{what} …");
        }
        Self { what: what.to_owned(), bar, printed }
    }

    /// How many parts are done.
    pub(crate) fn set(&self, done: u64) {
        self.bar.set_position(done);
        self.line();
    }

    /// One more part is done.
    pub(crate) fn advance(&self) {
        self.bar.inc(1);
        self.line();
    }

    /// Says something without disturbing the bar.
    pub(crate) fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }

    /// Ends it with how long it took.
    pub(crate) fn finish(self) {
        let (done, took) = (self.bar.position(), self.bar.elapsed().as_secs_f64());
        self.bar.finish_and_clear();
        eprintln!("{}: {done} in {took:.1} s", self.what);
    }

    fn line(&self) {
        let Some(printed) = &self.printed else { return };
        let Ok(mut printed) = printed.try_lock() else { return };
        if printed.elapsed() >= LINE_EVERY {
            *printed = clock::now();
            eprintln!("{}: {}/{}", self.what, self.bar.position(), self.bar.length().unwrap_or(0));
        }
    }
}
