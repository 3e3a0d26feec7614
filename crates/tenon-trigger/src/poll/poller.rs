//! One poller: asks, captures what comes, and remembers where it stands, all of it or nothing.
//!
//! Everything that it knows is read from the store before each call. So it can be dropped at any point, by a crash or
//! by a redeploy, and another one goes on: what was captured of an answer whose cursor is not durable is known by its
//! marks when it comes again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_capture::trigger::poll::Poll;
use tenon_capture::trigger::{TokenBucket, Trigger};
use tenon_capture::{Accepted, ChunkItem, Error, Incoming, TriggerChunk, rfc3339};
use tenon_store::{DedupMark, NewState, NoteKind, Resource, ResourceId, Timestamp, TriggerNote, WorkspaceId};

use super::backoff;
use super::chunks::Chunks;
use super::page::{Asked, Item, Key, Page, Trouble};
use super::state::PollState;
use crate::{Fired, Parts};

/// Answers of one round that say that there is more; then the poller waits for its next turn.
pub(super) const MAX_PAGES: u32 = 1_000;
/// How long the key of an item without a `dedupKey` is known: as long as a server may be down in the middle of an
/// answer.
const CONTENT_MARK: Duration = Duration::from_hours(7 * 24);
/// Beside two intervals: an answer that fails is asked for again within an hour.
const LEAST_MARK: Duration = Duration::from_hours(2);
/// How much of a failure is kept, bytes.
const DETAIL_BYTES: usize = 2_048;

/// One trigger of `kind: poll`, as of a revision.
pub(crate) struct Poller {
    parts: Parts,
    pub(super) workspace: WorkspaceId,
    pub(super) resource: ResourceId,
    name: Arc<str>,
    /// The number of its revision.
    revision: u32,
    poll: Arc<Poll>,
}

/// What one call led to.
#[derive(Debug)]
pub(crate) enum Polled {
    /// It is captured.
    Captured { fired: Fired, has_more: bool },
    /// It went wrong, which is noted.
    Failed(String),
    /// Somebody else was at work with the trigger, or it is disabled or gone. Nothing of it counts.
    Conflict,
}

/// What the poller knew before a call.
struct Known {
    version: u64,
    state: PollState,
    /// When the call began.
    began: Timestamp,
}

/// Why a call brought nothing.
enum Mishap {
    /// The call, its answer or an event; it is noted.
    Trouble(Value),
    /// The store, which could not take a note either.
    Store(Error),
    Conflict,
}

// === impl Poller ===

impl Poller {
    /// The poller of a deployed trigger; `None` if it is another kind of trigger. The error says why it cannot be
    /// read.
    pub(crate) fn new(
        parts: &Parts,
        workspace: WorkspaceId,
        resource: &Resource,
    ) -> Result<Option<Self>, String> {
        let files = resource.files.iter().map(|file| {
            let content = file.content.as_ref().map(|content| Arc::from(content.as_str()));
            (file.uri.clone(), content.map_err(String::clone))
        });
        match Trigger::parse_with(&resource.document, &files.collect()) {
            Ok(Trigger::Poll(poll)) => Ok(Some(Self {
                parts: parts.clone(),
                workspace,
                resource: resource.revision.resource,
                name: resource.name.as_str().into(),
                revision: resource.revision.number,
                poll: Arc::from(poll),
            })),
            Ok(_) => Ok(None),
            Err(findings) => Err(findings.first().map(ToString::to_string).unwrap_or_default()),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// When it asks again, and whether it waits because of a failure. At once, if that is later than it can have meant:
    /// then the clock was wrong when it was written, or the interval was another one.
    pub(super) async fn due(&self) -> Result<(Timestamp, bool), Error> {
        let Known { state, began: now, .. } = self.known().await?;
        let latest = if state.failures > 0 { backoff::longest(self.poll.every) } else { self.poll.every };
        let due = state.due(self.revision).filter(|due| *due <= now.after(latest)).unwrap_or(now);
        Ok((due, state.failures > 0))
    }

    /// Which it is, of all.
    pub(super) fn place(&self) -> (WorkspaceId, ResourceId) {
        (self.workspace, self.resource)
    }

    /// Takes one call from its pace, or says how long it takes until there is one.
    pub(super) fn take_call(&self, pace: &mut TokenBucket) -> Result<(), Duration> {
        let Some(limit) = self.poll.rate_limit else { return Ok(()) };
        pace.take(limit, self.parts.capture.ports().clock.now())
    }

    /// Asks once; `number` of a round, from 1.
    pub(crate) async fn poll(&self, number: u32) -> Result<Polled, Error> {
        if !self.parts.capture.ports().store.has_room() {
            return Err(tenon_store::Error::Full.into());
        }
        let known = self.known().await?;
        match self.try_poll(&known, number).await {
            Ok(polled) => Ok(polled),
            Err(Mishap::Conflict) => Ok(Polled::Conflict),
            Err(Mishap::Store(error)) => Err(error),
            Err(Mishap::Trouble(error)) => self.fail(known, error).await,
        }
    }

    async fn known(&self) -> Result<Known, Error> {
        let ports = self.parts.capture.ports();
        let stored = ports.store.trigger_state(self.workspace, self.resource).await?;
        let (version, state) = match stored {
            None => (0, PollState::default()),
            Some(stored) => {
                let damaged = |reason| tenon_store::Error::Damaged(format!("a poller's state: {reason}"));
                (stored.version, PollState::decode(&stored.value).map_err(damaged)?)
            }
        };
        Ok(Known { version, state, began: ports.clock.now() })
    }

    async fn try_poll(&self, known: &Known, number: u32) -> Result<Polled, Mishap> {
        let program = Arc::clone(self.poll.program());
        let answer = self.parts.calls.call(self.workspace, program, known.state.cursor.clone()).await;
        let answer = answer.map_err(|error| Mishap::Trouble(error.0))?;
        let page = self.read(known, answer).await?;
        self.capture(known, page, number).await
    }

    /// Away from the threads that serve: an answer may be large.
    async fn read(&self, known: &Known, answer: Value) -> Result<Page, Mishap> {
        let (poll, name) = (Arc::clone(&self.poll), Arc::clone(&self.name));
        let (cursor, polls, now) = (known.state.cursor.clone(), known.state.polls, known.began);
        let reading = tokio::task::spawn_blocking(move || {
            let asked = Asked { poll: &poll, name: &name, cursor: &cursor, polls, now: now.0 as f64 / 1e6 };
            Page::read(&asked, &answer)
        });
        let read = reading.await.map_err(|error| {
            tracing::error!(trigger = &*self.name, %error, "an answer could not be read: a bug");
            Mishap::Trouble(json!({ "title": "the answer could not be read", "detail": "an internal error" }))
        })?;
        Ok(read?)
    }

    /// Captures a page in chunks, the cursor with the last.
    async fn capture(&self, known: &Known, page: Page, number: u32) -> Result<Polled, Mishap> {
        let moved = page.cursor != known.state.cursor;
        let is_last = number >= MAX_PAGES;
        let has_more = page.has_more && moved && !is_last;
        let mut notes = Vec::new();
        if let Some(back) = &page.went_back {
            let detail = json!({
                "what": "the cursor went back; the higher one is kept",
                "cursor": known.state.cursor,
                "answered": back,
            });
            notes.push(self.note(NoteKind::Noticed, &detail));
        }
        if page.has_more && !has_more {
            let what = if moved {
                "there is more after as many answers as a round may have; it goes on with the next"
            } else {
                "`more` says that there is more, but the cursor has not moved: the same page would come again"
            };
            notes.push(self.note(NoteKind::Noticed, &json!({ "what": what, "answers": number })));
        }
        let next = if has_more { known.began } else { known.began.after(self.poll.every) };
        let state = PollState {
            cursor: page.cursor,
            polls: known.state.polls + 1,
            revision: self.revision,
            failures: 0,
            error: None,
            last: Some(rfc3339(known.began)),
            next: Some(rfc3339(next)),
        };
        let state =
            NewState { resource: self.resource, expected: known.version, value: state.encode().into() };
        let mut chunks = Chunks::of(page.items);
        let mut fired = Fired::default();
        loop {
            let items = chunks.next_chunk().into_iter().map(|item| self.incoming(item)).collect();
            let is_end = chunks.is_empty();
            let state = is_end.then(|| state.clone());
            let notes = if is_end { std::mem::take(&mut notes) } else { Vec::new() };
            fired.add(self.chunk(items, state, notes).await?);
            if is_end {
                break;
            }
        }
        self.tell(&fired).await;
        Ok(Polled::Captured { fired, has_more })
    }

    async fn chunk(
        &self,
        items: Vec<ChunkItem>,
        state: Option<NewState>,
        notes: Vec<TriggerNote>,
    ) -> Result<Vec<Accepted>, Mishap> {
        let (workspace, resource) = (self.workspace, self.resource);
        let chunk = TriggerChunk { workspace, resource, items, state, notes };
        match self.parts.capture.chunk(chunk).await {
            Ok(Some(accepted)) => Ok(accepted),
            Ok(None) => Err(Mishap::Conflict),
            Err(error @ (Error::Store(_) | Error::Busy | Error::TriggerChanged)) => Err(Mishap::Store(error)),
            // The events themselves cannot be: too large, or a workflow that this version cannot run.
            Err(error) => Err(Mishap::Trouble(
                json!({ "title": "an item makes no event", "detail": error.to_string() }),
            )),
        }
    }

    fn incoming(&self, item: Item) -> ChunkItem {
        let now = self.parts.capture.ports().clock.now();
        let scope = format!("trigger:{}", self.resource.0);
        // An item that comes again with each answer is known until the answer after the next one, at least.
        let dedup_for = self.poll.dedup_for.max(self.poll.every * 2 + LEAST_MARK);
        let mark = match item.key {
            Key::Own(key) => DedupMark { scope, key, expires: now.after(dedup_for) },
            Key::Content(key) => {
                DedupMark { scope: format!("{scope}/answer"), key, expires: now.after(CONTENT_MARK) }
            }
        };
        let incoming = Incoming { mark: Some(mark), ..Incoming::new(self.workspace, item.event) };
        ChunkItem::Event(Box::new(incoming))
    }

    /// Says what came. Lost by a crash in between; the events are not.
    async fn tell(&self, fired: &Fired) {
        let Fired { events, repeats, .. } = *fired;
        if events == 0 {
            return;
        }
        let note = self.note(NoteKind::Fired, &json!({ "events": events, "repeats": repeats }));
        if let Err(Mishap::Store(error)) = self.chunk(Vec::new(), None, vec![note]).await {
            tracing::debug!(trigger = &*self.name, %error, "a note could not be written");
        }
    }

    /// Remembers a failure, and when to try again. The cursor stays.
    async fn fail(&self, known: Known, mut error: Value) -> Result<Polled, Error> {
        shorten(&mut error);
        let detail = error.get("detail").or(error.get("title")).and_then(Value::as_str);
        let detail = detail.unwrap_or("the call failed").to_owned();
        let failures = known.state.failures.saturating_add(1);
        tracing::warn!(trigger = &*self.name, failures, detail, "a poll failed; it is tried again");
        let now = self.parts.capture.ports().clock.now();
        let next = rfc3339(now.after(backoff::delay(self.poll.every, failures)));
        let is_new = known.state.error.as_ref() != Some(&error);
        let mut notes = Vec::new();
        if is_new || failures.is_power_of_two() {
            let detail = json!({ "error": error, "failures": failures, "next": next });
            notes.push(self.note(NoteKind::Failed, &detail));
        }
        let revision = self.revision;
        let state = PollState { revision, failures, error: Some(error), next: Some(next), ..known.state };
        let state =
            NewState { resource: self.resource, expected: known.version, value: state.encode().into() };
        match self.chunk(Vec::new(), Some(state), notes).await {
            Ok(_) => Ok(Polled::Failed(detail)),
            Err(Mishap::Store(error)) => Err(error),
            Err(Mishap::Conflict | Mishap::Trouble(_)) => Ok(Polled::Conflict),
        }
    }

    fn note(&self, kind: NoteKind, detail: &Value) -> TriggerNote {
        TriggerNote { at: self.parts.capture.ports().clock.now(), kind, detail: detail.to_string().into() }
    }
}

/// The texts of an error, cut to what a state can hold.
fn shorten(error: &mut Value) {
    if let Value::Object(members) = error {
        for text in members.values_mut() {
            if let Value::String(text) = text {
                text.truncate(text.floor_char_boundary(DETAIL_BYTES));
            }
        }
    }
}

// === impl Mishap ===

impl From<Trouble> for Mishap {
    fn from(trouble: Trouble) -> Self {
        let Trouble { detail, hint } = trouble;
        Self::Trouble(json!({ "title": "the answer cannot be used", "detail": detail, "hint": hint }))
    }
}
