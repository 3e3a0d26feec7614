//! The effects that are out: made, awaited, withdrawn.

use std::sync::Arc;
use std::time::Duration;

use super::Sleep;
use super::threads::ThreadId;
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

/// Whose effect it is: the task frame at a height of a thread's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) thread: ThreadId,
    pub(super) height: usize,
}

/// What has to happen for its outcome to come.
#[derive(Debug)]
enum Awaits {
    /// Somebody has to do something.
    Work,
    /// A moment.
    Moment(Timestamp),
    /// An event.
    Event,
    /// The end of a child job.
    Child(String),
}

/// An effect whose outcome is awaited.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: Arc<str>,
    pub(super) attempt: u32,
    pub(super) arguments: u64,
    /// `None`: the workflow.
    pub(super) owner: Option<Owner>,
    pub(super) purpose: Purpose,
    /// When it was made.
    made_at: Timestamp,
    awaits: Awaits,
}

// === impl Pending ===

impl Pending {
    /// How long it was to take, if it is a timer.
    pub(super) fn span(&self) -> Duration {
        let micros = match self.awaits {
            Awaits::Moment(due) => due.0.saturating_sub(self.made_at.0),
            Awaits::Work | Awaits::Event | Awaits::Child(_) => 0,
        };
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pending: Vec<Pending>,
    /// Made, not given out yet.
    issued: Vec<Effect>,
    /// Given out, not wanted any more.
    withdrawn: Vec<Arc<str>>,
    /// Child jobs that nobody awaits any more, whether or not the effect was given out: they are there.
    abandoned: Vec<String>,
}

// === impl Effects ===

impl Effects {
    /// Makes an effect that its owner awaits.
    pub(super) fn issue(
        &mut self,
        (id, attempt): (Arc<str>, u32),
        action: EffectAction,
        (owner, purpose, made_at): (Option<Owner>, Purpose, Timestamp),
    ) {
        let (arguments, awaits) = match &action {
            EffectAction::Http(request) => (hash_json(&serde_json::to_vec(request)), Awaits::Work),
            EffectAction::Emit(event) => (hash_json(&serde_json::to_vec(event)), Awaits::Work),
            EffectAction::Grpc(request) => (hash_json(&serde_json::to_vec(request)), Awaits::Work),
            EffectAction::StartChild(request) => (hash_json(&serde_json::to_vec(request)), Awaits::Work),
            EffectAction::AwaitChild { job } => (hash64(job.as_bytes()), Awaits::Child(job.clone())),
            EffectAction::Listen(_) => (0, Awaits::Event),
            EffectAction::Timer { due } => (hash_moment(*due), Awaits::Moment(*due)),
        };
        let id_of = Arc::clone(&id);
        self.pending.push(Pending { id: id_of, attempt, arguments, owner, purpose, made_at, awaits });
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

    pub(super) fn take_abandoned(&mut self) -> Vec<String> {
        std::mem::take(&mut self.abandoned)
    }

    /// The `listen`s among them, oldest first.
    pub(super) fn listening(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter().filter(|pending| matches!(pending.awaits, Awaits::Event))
    }

    /// Ids of those that are the ends of children.
    pub(super) fn children(&self) -> impl Iterator<Item = &str> {
        let children = self.pending.iter().filter(|pending| matches!(pending.awaits, Awaits::Child(_)));
        children.map(|pending| &*pending.id)
    }

    /// Withdraws effects of a thread's frames at this height and above.
    pub(super) fn withdraw(&mut self, from: Owner) {
        self.keep(|pending| match pending.owner {
            Some(owner) => owner.thread != from.thread || owner.height < from.height,
            None => true,
        });
    }

    /// Withdraws all of them, the workflow's own too.
    pub(super) fn withdraw_all(&mut self) {
        self.keep(|_| false);
    }

    /// Withdraws the bound of a `try`'s attempt that is over.
    pub(super) fn withdraw_attempt_timeout(&mut self, owner: Owner) {
        self.keep(|pending| pending.owner != Some(owner) || pending.purpose != Purpose::AttemptTimeout);
    }

    /// Bounds on how long something may take end so much later. Only while a journal is played back: nothing was
    /// given out yet.
    pub(super) fn delay_bounds(&mut self, by: Duration) {
        let bounds =
            |pending: &&mut Pending| matches!(pending.purpose, Purpose::Timeout | Purpose::AttemptTimeout);
        for pending in self.pending.iter_mut().filter(bounds) {
            let Awaits::Moment(due) = &mut pending.awaits else { continue };
            *due = due.after(by);
            pending.arguments = hash_moment(*due);
            if let Some(effect) = self.issued.iter_mut().find(|effect| effect.id == pending.id) {
                effect.action = EffectAction::Timer { due: *due };
                effect.arguments = pending.arguments;
            }
        }
    }

    fn keep(&mut self, stays: impl Fn(&Pending) -> bool) {
        let (issued, withdrawn, abandoned) = (&mut self.issued, &mut self.withdrawn, &mut self.abandoned);
        self.pending.retain(|pending| {
            let stays = stays(pending);
            if !stays {
                if let Awaits::Child(job) = &pending.awaits {
                    abandoned.push(job.clone());
                }
                match issued.iter().position(|effect| effect.id == pending.id) {
                    Some(place) => drop(issued.remove(place)),
                    None => withdrawn.push(Arc::clone(&pending.id)),
                }
            }
            stays
        });
    }

    /// If nothing but waits is awaited: for what.
    pub(super) fn sleep(&self) -> Option<Sleep> {
        if self.pending.is_empty() {
            return None;
        }
        let mut sleep = Sleep { until: None, is_retry: false, children: Vec::new() };
        for pending in &self.pending {
            match &pending.awaits {
                Awaits::Work => return None,
                Awaits::Event => {}
                Awaits::Child(job) => sleep.children.push(job.clone()),
                Awaits::Moment(due) => {
                    if sleep.until.is_none_or(|first| *due < first) {
                        sleep.until = Some(*due);
                        sleep.is_retry = pending.purpose == Purpose::Retry;
                    }
                }
            }
        }
        Some(sleep)
    }
}

fn hash_moment(due: Timestamp) -> u64 {
    hash64(&due.0.to_be_bytes())
}

fn hash_json(bytes: &serde_json::Result<Vec<u8>>) -> u64 {
    hash64(bytes.as_ref().expect("effect arguments are JSON values"))
}
