//! Kills at a chosen moment: armed by the nemesis, sprung by whoever sees the moment come, in its own thread,
//! because microseconds count.

use super::record::{Moment, RunClock};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// At most one process is in it.
pub(crate) struct Trap {
    clock: RunClock,
    armed: Mutex<Option<Armed>>,
    sprung: Condvar,
}

struct Armed {
    process: Pid,
    moment: Moment,
    /// How often the moment must still come.
    remaining: u32,
    killed_at: Option<i64>,
}

impl Trap {
    pub(crate) fn new(clock: RunClock) -> Self {
        Self { clock, armed: Mutex::new(None), sprung: Condvar::new() }
    }

    /// Kills `process` when `moment` comes for the `count`-th time.
    pub(crate) fn arm(&self, process: u32, moment: Moment, count: u32) {
        let process = Pid::from_raw(process.cast_signed()).expect("a process id is not 0");
        *self.lock() = Some(Armed { process, moment, remaining: count, killed_at: None });
    }

    /// The moment is now.
    pub(crate) fn reached(&self, moment: Moment) {
        let mut armed = self.lock();
        let Some(armed) = armed.as_mut().filter(|armed| armed.moment == moment && armed.killed_at.is_none())
        else {
            return;
        };
        armed.remaining = armed.remaining.saturating_sub(1);
        if armed.remaining == 0 {
            armed.killed_at = Some(self.clock.now());
            // The nemesis has not waited for the process yet, so its id belongs to nobody else.
            let _ = kill_process(armed.process, Signal::KILL);
            self.sprung.notify_all();
        }
    }

    /// Waits for the kill, at most so long; then it is disarmed. The time of the kill, if there was one.
    pub(crate) fn wait(&self, limit: Duration) -> Option<i64> {
        let armed = self.lock();
        let waiting =
            |armed: &mut Option<Armed>| armed.as_ref().is_some_and(|armed| armed.killed_at.is_none());
        let (mut armed, _) =
            self.sprung.wait_timeout_while(armed, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        armed.take().and_then(|armed| armed.killed_at)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Armed>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn it_kills_when_the_moment_comes_for_the_last_time() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let trap = Trap::new(RunClock::start());
        trap.arm(child.id(), Moment::Arrival, 2);
        trap.reached(Moment::Acknowledged);
        trap.reached(Moment::Arrival);
        assert!(child.try_wait().unwrap().is_none());
        trap.reached(Moment::Arrival);
        assert!(trap.wait(Duration::ZERO).is_some());
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_moment_that_does_not_come_kills_nobody() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let trap = Trap::new(RunClock::start());
        trap.arm(child.id(), Moment::Answer, 1);
        assert_eq!(trap.wait(Duration::ZERO), None);
        trap.reached(Moment::Answer);
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
