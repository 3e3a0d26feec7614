//! The nemesis: starts Tenon, kills it with `kill -9` at a random or a chosen moment, starts it again.

use super::log::Pen;
use super::random::Random;
use super::record::{Fault, Moment, RunClock};
use super::trap::Trap;
use crate::progress::Progress;
use crate::server::{Place, Server};
use anyhow::{Result, bail};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// How long a chosen moment is waited for before time decides.
const MOMENT_LIMIT: Duration = Duration::from_secs(2);

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
}

/// Runs the kills.
pub(crate) struct Nemesis {
    pub(crate) plan: Plan,
    pub(crate) trap: Arc<Trap>,
    pub(crate) clock: RunClock,
    pub(crate) pen: Pen<Fault>,
    pub(crate) random: Random,
}

impl Nemesis {
    /// Kills a running server as planned; gives the last life of it, which is not killed any more.
    pub(crate) fn run(&mut self, mut server: Server, progress: &Progress) -> Result<Server> {
        let end = self.clock.elapsed() + self.plan.limit;
        for _ in 0..self.plan.kills {
            if self.clock.elapsed() >= end {
                break;
            }
            let place = self.live_and_die(server)?;
            server = self.launch(place)?;
            progress.advance();
        }
        self.ready(&mut server)?;
        Ok(server)
    }

    /// Starts the process and does not wait for it: recovery is a good moment to be killed too.
    fn launch(&self, place: Place) -> Result<Server> {
        self.pen.write(Fault::Launched { at: self.clock.now() });
        place.launch()
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

    /// From 50 ms on, short lives more often than long ones.
    fn life(&mut self) -> Duration {
        let longest = self.random.between(60, self.plan.longest_life_ms);
        Duration::from_millis(self.random.between(50, longest))
    }
}
