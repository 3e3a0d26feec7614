//! The effects that are out: made, awaited, withdrawn.

use std::sync::Arc;

use super::Sleep;
use crate::digest::hash64;
use crate::{Effect, EffectAction, Timestamp};

/// What an awaited effect means to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is what the task does.
    Work,
    /// It bounds the task (or the workflow).
    Timeout,
    /// It bounds one attempt of a `try`'s body.
    AttemptTimeout,
    /// It delays the next attempt of a `try`'s body.
    Retry,
}

/// An effect whose outcome is awaited.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Arc<str>,
    pub(super) attempt: u32,
    pub(super) arguments: u64,
    /// Height of the stack at its task's frame; `None` belongs to the workflow.
    pub(super) owner: Option<usize>,
    pub(super) purpose: Purpose,
    due: Option<Timestamp>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pending: Vec<Pending>,
    /// Made, not given out yet.
    issued: Vec<Effect>,
    /// Given out, not wanted any more.
    withdrawn: Vec<Arc<str>>,
}

// === impl Effects ===

impl Effects {
    /// Makes an effect that the frame at this height awaits.
    pub(super) fn issue(
        &mut self,
        (id, attempt): (Arc<str>, u32),
        action: EffectAction,
        (owner, purpose): (Option<usize>, Purpose),
    ) {
        let (arguments, due) = match &action {
            EffectAction::Http(request) => (hash_json(&serde_json::to_vec(request)), None),
            EffectAction::Emit(event) => (hash_json(&serde_json::to_vec(event)), None),
            EffectAction::Timer { due } => (hash64(&due.0.to_be_bytes()), Some(*due)),
        };
        self.pending.push(Pending { id: Arc::clone(&id), attempt, arguments, owner, purpose, due });
        self.issued.push(Effect { id, attempt, arguments, action });
    }

    /// What is awaited under this id and attempt.
    pub(super) fn awaited(&self, id: &str, attempt: u32) -> Option<&Pending> {
        self.pending.iter().find(|pending| &*pending.id == id && pending.attempt == attempt)
    }

    /// The same, which has its outcome now and is awaited no longer.
    pub(super) fn settle(&mut self, id: &str, attempt: u32) -> Option<Pending> {
        let place =
            self.pending.iter().position(|pending| &*pending.id == id && pending.attempt == attempt)?;
        self.issued.retain(|effect| &*effect.id != id);
        Some(self.pending.swap_remove(place))
    }

    /// What is awaited, for messages.
    pub(super) fn shown(&self) -> String {
        let awaited: Vec<_> = self
            .pending
            .iter()
            .map(|pending| format!("{} attempt {}", pending.id, pending.attempt))
            .collect();
        if awaited.is_empty() { "nothing".to_owned() } else { awaited.join(", ") }
    }

    pub(super) fn take_issued(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.issued)
    }

    pub(super) fn take_withdrawn(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.withdrawn)
    }

    /// Withdraws effects of frames at this height and above; at height 0 the workflow's own too.
    pub(super) fn withdraw(&mut self, height: usize) {
        self.keep(|pending| pending.owner.map_or(height > 0, |owner| owner < height));
    }

    /// Withdraws the bound of a `try`'s attempt that is over.
    pub(super) fn withdraw_attempt_timeout(&mut self, owner: usize) {
        self.keep(|pending| pending.owner != Some(owner) || pending.purpose != Purpose::AttemptTimeout);
    }

    fn keep(&mut self, stays: impl Fn(&Pending) -> bool) {
        let (issued, withdrawn) = (&mut self.issued, &mut self.withdrawn);
        self.pending.retain(|pending| {
            let stays = stays(pending);
            if !stays {
                match issued.iter().position(|effect| effect.id == pending.id) {
                    Some(place) => drop(issued.remove(place)),
                    None => withdrawn.push(Arc::clone(&pending.id)),
                }
            }
            stays
        });
    }

    /// If nothing but timers is awaited: until when.
    pub(super) fn sleep(&self) -> Option<Sleep> {
        if self.pending.iter().any(|pending| pending.due.is_none()) {
            return None;
        }
        let first = self.pending.iter().min_by_key(|pending| pending.due)?;
        Some(Sleep { until: first.due?, is_retry: first.purpose == Purpose::Retry })
    }
}

fn hash_json(bytes: &serde_json::Result<Vec<u8>>) -> u64 {
    hash64(bytes.as_ref().expect("effect arguments are JSON values"))
}
