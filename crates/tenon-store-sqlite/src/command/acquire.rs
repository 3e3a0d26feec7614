//! A new owner of a shard: one epoch up.

use tenon_store::{Fence, Shard};

use super::{Command, Context, Need};
use crate::failure::Failure;

const RAISE: &str = "INSERT INTO shard (shard, epoch) VALUES (?1, ?2)
    ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch";

/// See `Store::acquire`.
pub(crate) struct Acquire {
    /// Which.
    pub(crate) shard: Shard,
}

impl Command for Acquire {
    type Output = Fence;

    fn size(&self) -> usize {
        64
    }

    fn need(&self) -> Need {
        Need::Nothing
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<Fence, Failure> {
        let epoch = context.state.epoch(self.shard) + 1;
        context.connection.prepare_cached(RAISE)?.execute((self.shard.0, epoch as i64))?;
        context.state.epochs.insert(self.shard, epoch);
        Ok(Fence { shard: self.shard, epoch })
    }
}
