//! Events for a job's `listen`s: each looks through the workspace's inbox, from the job's own event on, and has a
//! cursor of its own. The engine says which events it wants.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tenon_capture::{Arrival, Arrivals};
use tenon_engine::{Execution, Listening, Outcome};
use tenon_store::{Candidate, CandidateQuery, EventWait, Timestamp, WorkspaceId};
use tenon_workflow::EventTypes;

use super::Ended;
use crate::{Context, load};

/// How far back a `listen` looks.
const LOOK_BACK: Duration = Duration::from_hours(7 * 24);
/// How many events it looks at: the newest.
const CANDIDATES: u32 = 10_000;
/// How many are read at once.
const PAGE: u32 = 500;
/// How many are looked at before other jobs get their turn.
const SLICE: usize = 50;
/// Cursors of `listen`s that are over which are kept in case that they go on.
const IDLE_CURSORS: usize = 64;
/// Any type.
const ANY: &str = "*";

/// The `listen`s of one job.
pub(super) struct Inbox {
    cursors: Vec<Cursor>,
    /// Something was found since all have looked.
    has_found: bool,
    /// Where a new `listen` begins.
    place: u64,
    /// Where those begin that were there when the job was parked.
    looked_to: Option<u64>,
    hint: Option<Arrival>,
}

/// How far one `listen` has looked.
struct Cursor {
    effect: Arc<str>,
    /// The effect is out; else its `listen` is over, or works on an event.
    is_open: bool,
    /// Everything up to here was read.
    after: u64,
    /// Read and not looked at, oldest first.
    items: VecDeque<Candidate>,
    /// There may be more behind `after`.
    may_go_on: bool,
    /// Its `listen` begins: it looks back, and only so far.
    looks_back: bool,
}

// === impl Inbox ===

impl Inbox {
    pub(super) fn new(place: u64, looked_to: Option<u64>) -> Self {
        Self { cursors: Vec::new(), has_found: false, place, looked_to, hint: None }
    }

    /// `listen`s that are added from now on are new.
    pub(super) fn replayed(&mut self) {
        self.looked_to = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.cursors.iter().any(|cursor| cursor.is_open)
    }

    pub(super) fn add(&mut self, effect: &Arc<str>) {
        let (listen, number) = split(effect);
        let is_same =
            |cursor: &Cursor| cursor.effect.starts_with(listen) && split(&cursor.effect).0 == listen;
        let before = self.cursors.iter().position(is_same);
        let mut cursor = match before.map(|place| self.cursors.remove(place)) {
            Some(cursor) if number > 0 && split(&cursor.effect).1 + 1 == number => cursor,
            // Only one that begins looks back, and only so far; what comes while it listens is never left out.
            _ => Cursor::new(self.looked_to.unwrap_or(self.place), number == 0 && self.looked_to.is_none()),
        };
        (cursor.effect, cursor.may_go_on, cursor.is_open) = (Arc::clone(effect), true, true);
        let mut idle = 0;
        for cursor in self.cursors.iter_mut().filter(|cursor| !cursor.is_open) {
            cursor.forget_items();
            idle += 1;
        }
        if idle >= IDLE_CURSORS
            && let Some(oldest) = self.cursors.iter().position(|cursor| !cursor.is_open)
        {
            self.cursors.remove(oldest);
        }
        self.cursors.push(cursor);
    }

    /// The effect is not out any more.
    pub(super) fn is_over(&mut self, effect: &str) {
        let is_it = |cursor: &&mut Cursor| cursor.is_open && &*cursor.effect == effect;
        if let Some(cursor) = self.cursors.iter_mut().find(is_it) {
            cursor.is_open = false;
        }
        if self.is_empty() {
            self.hint = None;
        }
    }

    /// Whether some `listen` has events that it did not look at, or may find some.
    pub(super) fn may_have_come(&self) -> bool {
        self.cursors.iter().any(|cursor| cursor.is_open && cursor.has_more())
    }

    pub(super) fn look_again(&mut self) {
        for cursor in &mut self.cursors {
            cursor.may_go_on = true;
        }
    }

    /// The next event that some `listen` wants. Adds the time that looking at events took.
    pub(super) async fn look(
        &mut self,
        sight: &Sight<'_>,
        used: &mut Duration,
    ) -> Result<Option<Ended>, tenon_store::Error> {
        loop {
            for listening in sight.execution.listening() {
                let same = |cursor: &&mut Cursor| cursor.has_more() && cursor.effect == listening.effect;
                let Some(cursor) = self.cursors.iter_mut().find(same) else { continue };
                if let Some(ended) = cursor.look(sight, &listening, used).await? {
                    self.has_found = true;
                    return Ok(Some(ended));
                }
            }
            if !std::mem::take(&mut self.has_found) {
                break;
            }
            // What some have read up to is older than what was found, and all are parked with the oldest. Once,
            // not after each event: there may be many of both.
            self.look_again();
        }
        // One in an iteration can take none; it looks when it is made again.
        for cursor in &mut self.cursors {
            cursor.may_go_on = false;
        }
        Ok(None)
    }

    /// What wakes the job when it is parked.
    pub(super) fn wait(&self, execution: &Execution) -> Option<EventWait> {
        let listening = execution.listening();
        let first = listening.first()?;
        let subject = first.subject.clone();
        let is_shared = listening.iter().all(|other| other.subject == subject);
        let cursors = listening.iter().filter_map(|listening| {
            self.cursors.iter().find(|cursor| cursor.effect == listening.effect).map(Cursor::looked_to)
        });
        Some(EventWait {
            types: types(&listening),
            subject: subject.filter(|_| is_shared),
            after: cursors.min().unwrap_or(self.place),
        })
    }

    /// Asks to be told of events. Says whether that is new.
    pub(super) fn take_hint(
        &mut self,
        arrivals: &Arrivals,
        workspace: WorkspaceId,
        execution: &Execution,
    ) -> bool {
        if self.is_empty() {
            return false;
        }
        let types = types(&execution.listening());
        if self.hint.as_ref().is_some_and(|hint| hint.types() == types) {
            return false;
        }
        self.hint = Some(arrivals.wait_for(workspace, types));
        self.look_again();
        true
    }

    /// Waits until an event has come; for ever, without a hint.
    pub(super) async fn hint(&self) {
        match &self.hint {
            Some(hint) => hint.came().await,
            None => std::future::pending().await,
        }
    }
}

/// What a cursor looks with.
pub(super) struct Sight<'a> {
    pub(super) context: &'a Context,
    pub(super) workspace: WorkspaceId,
    pub(super) execution: &'a Execution,
    /// Only events captured until then.
    pub(super) before: Option<Timestamp>,
}

/// What looking at a few events led to.
enum Looked {
    Found(Outcome),
    /// At what came too late.
    TooLate,
    /// There are more.
    Some,
    /// At all that was read.
    All,
}

// === impl Cursor ===

impl Cursor {
    fn new(after: u64, looks_back: bool) -> Self {
        Self { effect: "".into(), is_open: false, after, items: VecDeque::new(), may_go_on: true, looks_back }
    }

    /// Whether there are events that it did not look at, or may be.
    fn has_more(&self) -> bool {
        self.may_go_on || !self.items.is_empty()
    }

    /// What was read and not looked at is read again, should it go on: it may be large.
    fn forget_items(&mut self) {
        self.after = self.looked_to();
        self.items = VecDeque::new();
        self.may_go_on = true;
    }

    /// Everything up to here was looked at.
    fn looked_to(&self) -> u64 {
        self.items.front().map_or(self.after, |first| first.place.saturating_sub(1))
    }

    async fn look(
        &mut self,
        sight: &Sight<'_>,
        listening: &Listening,
        used: &mut Duration,
    ) -> Result<Option<Ended>, tenon_store::Error> {
        let clock = &sight.context.capture.ports().clock;
        loop {
            let begun = clock.now();
            let looked = self.look_at_some(sight, listening);
            let at = clock.now();
            *used += at.since(begun);
            match looked {
                Looked::Found(outcome) => {
                    let effect = Arc::clone(&listening.effect);
                    return Ok(Some((effect, listening.attempt, load::time(at), outcome)));
                }
                Looked::Some => tokio::task::yield_now().await,
                Looked::All if self.may_go_on => self.read_on(sight, listening).await?,
                Looked::All | Looked::TooLate => return Ok(None),
            }
        }
    }

    fn look_at_some(&mut self, sight: &Sight<'_>, listening: &Listening) -> Looked {
        for _ in 0..SLICE {
            let Some(candidate) = self.items.pop_front() else { return Looked::All };
            if sight.before.is_some_and(|before| candidate.captured_at > before) {
                self.items.push_front(candidate);
                return Looked::TooLate;
            }
            if let Some(outcome) = offer(sight.execution, listening, &candidate) {
                return Looked::Found(outcome);
            }
        }
        Looked::Some
    }

    async fn read_on(&mut self, sight: &Sight<'_>, listening: &Listening) -> Result<(), tenon_store::Error> {
        let now = sight.context.capture.ports().clock.now();
        let (since, newest) = if self.looks_back {
            (Timestamp(now.0.saturating_sub(LOOK_BACK.as_micros() as i64)), CANDIDATES)
        } else {
            (Timestamp(0), u32::MAX)
        };
        let query = CandidateQuery {
            workspace: sight.workspace,
            types: types(std::slice::from_ref(listening)),
            subject: listening.subject.clone(),
            after: self.after,
            since,
            newest,
            limit: PAGE,
        };
        let found = sight.context.store.candidates(&query).await?;
        self.after = found.looked_to;
        self.looks_back = false;
        self.may_go_on = !found.items.is_empty();
        self.items = found.items.into();
        Ok(())
    }
}

/// The outcome, if the `listen` wants the event.
fn offer(execution: &Execution, listening: &Listening, candidate: &Candidate) -> Option<Outcome> {
    let event = candidate.event.to_string();
    let envelope = match serde_json::from_slice(&candidate.envelope) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(event, %error, "an event cannot be read; no `listen` gets it");
            return None;
        }
    };
    execution.wants(&listening.effect, &event, &envelope).then_some(Outcome::Received { event, envelope })
}

/// All types that may be wanted, each once, in order.
fn types(listening: &[Listening]) -> Vec<String> {
    let all = listening.iter().flat_map(|listening| &listening.types);
    let mut types: Vec<String> = all
        .map(|types| match types {
            EventTypes::Exact(name) => name.clone(),
            EventTypes::Any => ANY.to_owned(),
        })
        .collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// The `listen` that an effect belongs to, and which of its events it is.
fn split(effect: &str) -> (&str, u32) {
    match effect.rsplit_once("/event/") {
        Some((listen, number)) => (listen, number.parse().unwrap_or(0)),
        None => (effect, 0),
    }
}
