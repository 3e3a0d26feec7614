//! What a trigger brings, with what it remembers from then on: one transaction.

use tenon_store::{Chunk, Chunked, NewState, ResourceId, TriggerNote, WorkspaceId};

use super::attempt::Candidates;
use super::draft::{Draft, check_size};
use super::{Accepted, Call, CaptureService, MAX_PLANS, Target};
use crate::{Error, Incoming};

/// What a trigger brings.
#[derive(Debug, Clone)]
pub struct TriggerChunk {
    /// Where.
    pub workspace: WorkspaceId,
    /// The trigger, or the workflow with a schedule of its own.
    pub resource: ResourceId,
    /// In order. Each should have a mark or an idempotency key, so that a repeat of the chunk repeats none of them.
    pub items: Vec<ChunkItem>,
    /// What it remembers from now on.
    pub state: Option<NewState>,
    /// What is noted.
    pub notes: Vec<TriggerNote>,
}

/// One thing that a trigger brings.
#[derive(Debug, Clone)]
pub enum ChunkItem {
    /// An event for all that want it.
    Event(Box<Incoming>),
    /// The start of one workflow. Its `idempotency_key` makes it happen once.
    Run(Call),
}

/// What is about to be captured, and for whom.
type Drafted = (Draft, Target);

// === impl CaptureService ===

impl CaptureService {
    /// Captures all of it, or nothing. `None`: somebody else was at work with this trigger, or it is gone.
    ///
    /// One exception: what goes into a set on which a condition decides (`until: <expression>`) ends a transaction,
    /// because the next event of that set is decided on with it in place. State and notes are always in the last one,
    /// so that after an error or `None` the trigger stands where it stood, and a repeat finds what was captured by
    /// its marks.
    pub async fn chunk(&self, chunk: TriggerChunk) -> Result<Option<Vec<Accepted>>, Error> {
        let TriggerChunk { workspace, resource, items, state, notes } = chunk;
        let mut drafts = Vec::with_capacity(items.len());
        for item in items {
            drafts.push(match item {
                ChunkItem::Event(incoming) => (self.draft_event(*incoming)?, Target::Subscribers),
                ChunkItem::Run(call) => self.draft_call(call).await?,
            });
        }
        let at = self.ports().clock.now();
        let last = Chunk { workspace, resource, captures: Vec::new(), state, notes, at };
        let mut accepted = Vec::with_capacity(drafts.len());
        loop {
            let Some(part) = self.commit_part(&last, &drafts[accepted.len()..]).await? else {
                return Ok(None);
            };
            let is_last = accepted.len() + part.len() == drafts.len();
            accepted.extend(part);
            if is_last {
                return Ok(Some(accepted));
            }
        }
    }

    /// Whether an item can be captured, as far as that depends on nothing but itself, and how many bytes it has. One
    /// that cannot would keep all others of its chunk from being captured.
    pub fn check_item(&self, item: &ChunkItem) -> Result<usize, Error> {
        match item {
            ChunkItem::Event(incoming) => {
                self.draft_event((**incoming).clone()).map(|draft| draft.envelope.text.len())
            }
            ChunkItem::Run(call) => {
                let size = call.input.bytes().len();
                check_size(size, self.options().max_input_bytes).map(|()| size)
            }
        }
    }

    /// Commits the first of these, as many as can be together; with the last of them, what `last` has.
    async fn commit_part(&self, last: &Chunk, drafts: &[Drafted]) -> Result<Option<Vec<Accepted>>, Error> {
        for _ in 0..MAX_PLANS {
            let (captures, candidates) = self.plan_part(drafts).await?;
            let is_last = captures.len() == drafts.len();
            let (state, notes) =
                if is_last { (last.state.clone(), last.notes.clone()) } else { (None, Vec::new()) };
            let Chunk { workspace, resource, at, .. } = *last;
            let chunk = Chunk { workspace, resource, captures, state, notes, at };
            match self.ports().store.capture_chunk(chunk).await? {
                Chunked::Done(captured) => {
                    let done = drafts.iter().zip(candidates).zip(captured);
                    let done = done
                        .map(|(((draft, _), candidates), captured)| self.settle(draft, candidates, captured));
                    return Ok(Some(done.collect()));
                }
                Chunked::Stale { generation } => self.0.generations.observe(last.workspace, generation),
                Chunked::Conflict => return Ok(None),
            }
        }
        Err(Error::Busy)
    }

    /// Plans the first of these, to the end or to one on whose set a condition decides.
    async fn plan_part(
        &self,
        drafts: &[Drafted],
    ) -> Result<(Vec<tenon_store::Capture>, Vec<Candidates>), Error> {
        let mut part = (Vec::new(), Vec::new());
        for (draft, target) in drafts {
            let mut plan = self.plan(draft, target).await?;
            let is_undecided = plan.is_undecided();
            self.decide(draft, &mut plan).await?;
            let (capture, candidates) = self.capture(draft, plan);
            part.0.push(capture);
            part.1.push(candidates);
            if is_undecided {
                break;
            }
        }
        Ok(part)
    }
}
