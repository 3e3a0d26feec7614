//! Every bound and constant of the scheduler, in one place.

/// Jobs of one shard that are held without waiting for one workspace when no other needs places; beyond it they stay
/// in the store until there is room.
pub const SHARD_LIMIT: usize = 100_000;

/// A workspace gets at most so many times the places of a shard that are free. So a lone one gets 8 of 9, a second
/// one finds the rest, and with `n` that want all each gets `8 / (8n + 1)`. After the dynamic thresholds of switches
/// (Choudhury and Hahne, 1998): nobody is evicted, and nobody's share has to be known beforehand. The permits to run
/// are shared alike, and the payloads that a worker keeps in memory.
pub const SHARE: usize = 8;

/// How many jobs of a shard are held.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Those that do not wait of one workspace, when no other needs places. All together at most an eighth more, and
    /// `least` for each workspace.
    pub held: usize,
    /// What each workspace may hold, however full the shard.
    pub least: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { held: SHARD_LIMIT, least: 64 }
    }
}

/// Jobs asked for at once.
pub(super) const PAGE: u32 = 10_000;

/// Jobs of one shard that may change while a page is read.
pub(super) const CHANGED_LIMIT: usize = 20_000;

/// How far ahead timers are held, µs; later ones stay in the store until they are this near.
pub const HORIZON_US: i64 = 3_600_000_000;

/// Waiting jobs of one shard that are held for one workspace when no other needs places, those of ordered lanes
/// aside; as many again if due within `NEAR_US`. Shared as the places of jobs that do not wait are.
pub const WAITING_LIMIT: usize = 100_000;

/// Timers due sooner than this are not left to the owner's next look at the store, µs.
pub(super) const NEAR_US: i64 = 60_000_000;

/// The least that a start is charged, µs: what the engine itself spends on a job.
pub(super) const LEAST_COST_US: u32 = 20;

/// What the first job of a workflow is charged in advance, µs.
pub(super) const FIRST_COST_US: u32 = 1_000;

/// How fast a workflow's expected cost follows measured ones: 1/8 a job.
pub(super) const COST_WEIGHT: i64 = 8;

/// A class's charge for one µs of worker time: live, retry, bulk get 8 : 4 : 1.
pub(super) const CLASS_COST: [u64; 3] = [1, 2, 8];

/// Of so many starts in a workspace's class one goes to a priority below the highest, in turn.
pub const SPARED_START: u32 = 16;
