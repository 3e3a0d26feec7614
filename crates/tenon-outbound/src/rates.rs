//! How fast hosts are called: a call waits for its turn, in order, within its own timeout. Nothing fails here.
//!
//! Turns of a host are a token bucket that holds a tenth of a second's worth (at least one): what is late is caught
//! up with, and in no stretch of time do more calls leave than the rate and that little. One rule is one bucket: all
//! hosts that a wildcard means share it. Each hop of a redirect is a call. A call that is given up gives its place
//! to the next.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// What may be sent at once after a pause.
const BURST: Duration = Duration::from_millis(100);
const UNITS: [(&str, Duration); 3] =
    [("s", Duration::from_secs(1)), ("m", Duration::from_mins(1)), ("h", Duration::from_hours(1))];

/// How fast a host may be called, as `api.example.com=10/s` or `*.example.com=100/m`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRate {
    /// In lower case, without port. `*.example.com` means all below `example.com`, but not that itself.
    pub host: String,
    /// How many calls, at least 1.
    pub limit: u32,
    /// In this time.
    pub per: Duration,
}

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rate of a host, such as api.example.com=10/s or *.example.com=100/m")]
pub struct HostRateError(String);

/// A rate and what it is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRateUse {
    /// The rate.
    pub rate: HostRate,
    /// Calls that wait for their turn right now.
    pub waiting: u64,
    /// Calls that were sent.
    pub sent: u64,
    /// How many of them had to wait.
    pub delayed: u64,
    /// How long, all together.
    pub waited: Duration,
}

/// All rates; the rule that says most about a host comes first. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<[Gate]>);

struct Gate {
    rate: HostRate,
    /// When the next call would be due if all came evenly. Who holds it is next; the others wait in line.
    due: Mutex<Option<Instant>>,
    waiting: AtomicU64,
    sent: AtomicU64,
    delayed: AtomicU64,
    waited_us: AtomicU64,
}

/// Counts a call that waits for as long as it does.
struct Waiting<'a>(&'a AtomicU64);

// === impl HostRate ===

impl FromStr for HostRate {
    type Err = HostRateError;

    fn from_str(text: &str) -> Result<Self, HostRateError> {
        let one = || {
            let (host, rate) = text.split_once('=')?;
            let (limit, unit) = rate.split_once('/')?;
            let limit = limit.trim().parse::<u32>().ok().filter(|limit| *limit > 0)?;
            let (_, per) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
            let host = host.trim().to_ascii_lowercase();
            let name = host.strip_prefix("*.").unwrap_or(&host);
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
            let is_host = !name.is_empty() && name.bytes().all(is_plain);
            let has_port = !name.ends_with(']') && name.contains(':');
            (is_host && !has_port).then_some(Self { host, limit, per: *per })
        };
        one().ok_or_else(|| HostRateError(text.to_owned()))
    }
}

impl std::fmt::Display for HostRate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = UNITS.iter().find(|(_, per)| *per == self.per).map_or("?", |(name, _)| name);
        write!(formatter, "{}={}/{unit}", self.host, self.limit)
    }
}

impl HostRate {
    fn means(&self, host: &str) -> bool {
        match self.host.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => self.host == host,
        }
    }

    fn interval(&self) -> Duration {
        self.per / self.limit
    }
}

// === impl Rates ===

impl Rates {
    pub(crate) fn new(rates: &[HostRate]) -> Self {
        let mut rates = rates.to_vec();
        rates.sort_by_key(|rate| (rate.host.starts_with('*'), std::cmp::Reverse(rate.host.len())));
        let gate = |rate| Gate {
            rate,
            due: Mutex::new(None),
            waiting: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
        };
        Self(rates.into_iter().map(gate).collect())
    }

    /// Until a call to this host may leave. Dropping the future gives the turn to the next.
    pub(crate) async fn wait(&self, host: &str) {
        if let Some(gate) = self.0.iter().find(|gate| gate.rate.means(host)) {
            gate.wait().await;
        }
    }

    pub(crate) fn uses(&self) -> Vec<HostRateUse> {
        self.0.iter().map(Gate::usage).collect()
    }
}

// === impl Gate ===

impl Gate {
    async fn wait(&self) {
        let came = Instant::now();
        let waiting = Waiting::new(&self.waiting);
        let mut due = self.due.lock().await;
        let interval = self.rate.interval();
        let ahead = BURST.saturating_sub(interval);
        let begins = due.and_then(|due| due.checked_sub(ahead)).filter(|begins| *begins > Instant::now());
        if let Some(begins) = begins {
            sleep_until(begins).await;
        }
        let now = Instant::now();
        *due = Some(due.map_or(now, |due| due.max(now)) + interval);
        drop(waiting);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let waited = now.saturating_duration_since(came);
        if begins.is_some() {
            self.delayed.fetch_add(1, Ordering::Relaxed);
            let us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
            self.waited_us.fetch_add(us, Ordering::Relaxed);
        }
    }

    fn usage(&self) -> HostRateUse {
        HostRateUse {
            rate: self.rate.clone(),
            waiting: self.waiting.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            delayed: self.delayed.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waited_us.load(Ordering::Relaxed)),
        }
    }
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
