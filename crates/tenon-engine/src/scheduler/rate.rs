//! A rate limit as a token bucket over moments it is given. Exact whole numbers: no drift, the same on every machine.
//! A bucket begins full: after a restart a workflow may start its burst once more, where an empty one would keep a
//! slow rate (one an hour) from ever starting on a server that is restarted often. Must not read a clock.

use crate::Timestamp;

/// So many in so much time, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many in [`Rate::per_us`].
    pub limit: u32,
    /// The time, µs.
    pub per_us: u64,
    /// How many at once after a pause; at least 1.
    pub burst: u32,
}

/// What is left of a rate.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: Rate,
    /// Tokens times `per_us`, so that a µs adds `limit`.
    level: u64,
    /// The level is that of this moment.
    at: Timestamp,
}

// === impl Rate ===

impl Rate {
    /// A rate; what is 0 counts as 1.
    pub fn new(limit: u32, per_us: u64, burst: u32) -> Self {
        Self { limit: limit.max(1), per_us: per_us.max(1), burst: burst.max(1) }
    }

    fn capacity(self) -> u64 {
        self.per_us.saturating_mul(u64::from(self.burst))
    }
}

// === impl Bucket ===

impl Bucket {
    /// With all its tokens.
    pub fn full(rate: Rate, now: Timestamp) -> Self {
        Self { rate, level: rate.capacity(), at: now }
    }

    /// Its rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Another rate, with the tokens there are, as far as it holds them.
    pub fn change(&mut self, rate: Rate, now: Timestamp) {
        self.fill(now);
        let scaled = u128::from(self.level) * u128::from(rate.per_us) / u128::from(self.rate.per_us);
        self.level = u64::try_from(scaled).unwrap_or(u64::MAX).min(rate.capacity());
        self.rate = rate;
    }

    /// Whole tokens there are.
    pub fn tokens(&mut self, now: Timestamp) -> u32 {
        self.fill(now);
        u32::try_from(self.level / self.rate.per_us).unwrap_or(u32::MAX)
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Timestamp) -> bool {
        let there = self.tokens(now) > 0;
        if there {
            self.level -= self.rate.per_us;
        }
        there
    }

    /// When there is a token: now, or the first µs at which one has come.
    pub fn next(&mut self, now: Timestamp) -> Timestamp {
        self.fill(now);
        let missing = self.rate.per_us.saturating_sub(self.level);
        let wait = missing.div_ceil(u64::from(self.rate.limit));
        Timestamp(self.at.0.saturating_add_unsigned(wait))
    }

    fn fill(&mut self, now: Timestamp) {
        let Ok(elapsed) = u64::try_from(now.0.saturating_sub(self.at.0)) else { return };
        let gained = elapsed.saturating_mul(u64::from(self.rate.limit));
        self.level = self.level.saturating_add(gained).min(self.rate.capacity());
        self.at = now;
    }
}
