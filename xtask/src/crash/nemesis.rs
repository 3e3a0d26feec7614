//! The nemesis: starts Tenon, kills it with `kill -9` at a random or a chosen moment, starts it again. At times it
//! stops the process for a while, and lets it go on; fills its disk; gives it a slow disk, or another time of day.

use super::log::Pen;
use super::random::Random;
use super::record::{Fault, Moment, RunClock, Surroundings};
use super::shim::Shim;
use super::small_disk::SmallDisk;
use super::trap::Trap;
use crate::progress::Progress;
use crate::server::{Place, Server};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// How long a chosen moment is waited for before time decides.
const MOMENT_LIMIT: Duration = Duration::from_secs(2);

/// Milliseconds for which the process is stopped, at least and at most; short stops more often than long ones.
const STOPPED_MS: (u64, u64) = (200, 3_000);
/// Milliseconds for which the disk is full.
const FULL_MS: (u64, u64) = (200, 1_200);

/// How much longer a sync takes in a life with a slow disk, at most.
const SLOW_SYNC_MS: u64 = 200;
/// An hour, in microseconds. No run is so long that a moment of one clock could be one of another.
const HOUR_US: i64 = 3_600_000_000;
/// What the clock may be ahead by. The last life is one of the most: then all that waits comes to its end.
const AHEAD_US: [i64; 3] = [-HOUR_US, 0, HOUR_US];

/// How it is to kill.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) kills: u32,
    /// No more kills after this much time.
    pub(crate) limit: Duration,
    /// Milliseconds of life, at most, when time decides.
    pub(crate) longest_life_ms: u64,
    /// What may decide; one is picked for each life.
    pub(crate) moments: &'static [Moment],
    /// In so many of a hundred longer lives the process is stopped for a while.
    pub(crate) stops: u64,
    /// In so many of a hundred lives the disk is slow.
    pub(crate) slow_disks: u64,
    /// At so many of a hundred restarts the clock is an hour or two from where it was.
    pub(crate) jumps: u64,
}

/// Runs the kills.
pub(crate) struct Nemesis {
    pub(crate) plan: Plan,
    /// What Tenon writes to, if it is to be full at times.
    pub(crate) small_disk: Option<Arc<SmallDisk>>,
    /// What makes disks slow and clocks wrong, if that can be had.
    pub(crate) shim: Option<Shim>,
    pub(crate) trap: Arc<Trap>,
    pub(crate) clock: RunClock,
    pub(crate) pen: Pen<Fault>,
    pub(crate) random: Random,
}

impl Nemesis {
    /// Kills a running server as planned; gives the last life of it, which is not killed any more.
    pub(crate) fn run(&mut self, mut server: Server, progress: &Progress) -> Result<Server> {
        let end = self.clock.elapsed() + self.plan.limit;
        let mut surroundings = Surroundings::default();
        for kill in 1..=self.plan.kills {
            let place = self.live_and_die(server)?;
            let is_last = kill == self.plan.kills || self.clock.elapsed() >= end;
            let next = self.next_surroundings(surroundings);
            surroundings = if is_last { self.last_surroundings() } else { next };
            server = self.launch(place, surroundings)?;
            progress.advance();
            if is_last {
                break;
            }
        }
        self.ready(&mut server)?;
        Ok(server)
    }

    /// Starts the process and does not wait for it: recovery is a good moment to be killed too.
    fn launch(&mut self, mut place: Place, surroundings: Surroundings) -> Result<Server> {
        let seed = self.random.next();
        for (name, value) in self.shim.iter().flat_map(|shim| shim.environment(surroundings, seed)) {
            place.set(name, value);
        }
        self.pen.write(Fault::Launched { at: self.clock.now(), surroundings });
        place.launch()
    }

    /// What the next life has around it. The same choices are made whether or not they can be had.
    fn next_surroundings(&mut self, before: Surroundings) -> Surroundings {
        let others = AHEAD_US.into_iter().filter(|ahead| *ahead != before.ahead_us);
        let other = *self.random.pick(&others.collect::<Vec<_>>());
        let ahead_us = if self.random.percent(self.plan.jumps) { other } else { before.ahead_us };
        let sync_ms = if self.random.percent(self.plan.slow_disks) { SLOW_SYNC_MS } else { 0 };
        if self.shim.is_some() { Surroundings { ahead_us, sync_ms } } else { Surroundings::default() }
    }

    /// Those of the life that is not ended any more.
    fn last_surroundings(&self) -> Surroundings {
        let jumps = self.plan.jumps > 0 && self.shim.is_some();
        Surroundings { ahead_us: if jumps { HOUR_US } else { 0 }, sync_ms: 0 }
    }

    fn ready(&self, server: &mut Server) -> Result<()> {
        server.wait_until_ready()?;
        self.pen.write(Fault::Ready { at: self.clock.now() });
        Ok(())
    }

    fn live_and_die(&mut self, mut server: Server) -> Result<Place> {
        let moment = *self.random.pick(self.plan.moments);
        let at = if moment == Moment::Time {
            let life = self.life();
            // A short life ends while the server is still starting.
            if life > Duration::from_millis(250) {
                let begun = self.clock.elapsed();
                self.ready(&mut server)?;
                self.trouble(&server)?;
                sleep((begun + life).saturating_sub(self.clock.elapsed()));
            } else {
                sleep(life);
            }
            if let Some(status) = server.ended()? {
                bail!("tenon ended by itself with {status}; see {}", server.place().log().display());
            }
            self.clock.now()
        } else {
            self.ready(&mut server)?;
            let count = self.random.between(1, 30) as u32;
            self.trap.arm(server.process(), moment, count);
            self.trap.wait(MOMENT_LIMIT).unwrap_or_else(|| self.clock.now())
        };
        let place = server.kill()?;
        self.pen.write(Fault::Killed { at, gone: self.clock.now(), moment });
        Ok(place)
    }

    /// What befalls it in the midst of its life, if anything.
    fn trouble(&mut self, server: &Server) -> Result<()> {
        if self.random.percent(self.plan.stops) {
            sleep(self.a_moment());
            let process = Pid::from_raw(server.process().cast_signed()).context("a process id is not 0")?;
            let from = self.clock.now();
            kill_process(process, Signal::STOP).context("could not stop tenon")?;
            let longest = self.random.between(STOPPED_MS.0 + 1, STOPPED_MS.1);
            sleep(Duration::from_millis(self.random.between(STOPPED_MS.0, longest)));
            kill_process(process, Signal::CONT).context("could not let tenon go on")?;
            self.pen.write(Fault::Stopped { from, to: self.clock.now() });
        } else if let Some(disk) = self.small_disk.clone() {
            sleep(self.a_moment());
            let from = self.clock.now();
            disk.fill()?;
            sleep(Duration::from_millis(self.random.between(FULL_MS.0, FULL_MS.1)));
            disk.make_room()?;
            self.pen.write(Fault::Filled { from, to: self.clock.now() });
        } else {
            return Ok(());
        }
        sleep(self.a_moment());
        Ok(())
    }

    fn a_moment(&mut self) -> Duration {
        Duration::from_millis(self.random.between(0, 300))
    }

    /// From 50 ms on, short lives more often than long ones.
    fn life(&mut self) -> Duration {
        let longest = self.random.between(60, self.plan.longest_life_ms);
        Duration::from_millis(self.random.between(50, longest))
    }
}
