//! What a job that is watched shows: its steps, for a trace, and what happens to its tasks, for lifecycle
//! events. A job that nobody watches pays one comparison for each.

use std::sync::Arc;

use tenon_expr::Value;
use tenon_workflow::Task;

use super::effects::Pending;
use super::frame::{Frame, TaskFrame};
use super::machine::Machine;
use super::{Notice, NoticeKind, Recorded};
use crate::trace::Recorder;
use crate::{EffectAction, Error, Outcome, Timestamp};

/// The most notices that a job gives; what happens to its tasks after them is not told.
const MAX_NOTICES: usize = 100_000;

/// Who watches.
#[derive(Debug, Default)]
pub(super) struct Observer {
    recorder: Option<Recorder>,
    /// Those that were not taken yet.
    notices: Option<Vec<Notice>>,
    /// How many there have been.
    given: usize,
}

// === impl Observer ===

impl Observer {
    pub(super) fn recording(recorder: Recorder) -> Self {
        Self { recorder: Some(recorder), ..Self::default() }
    }

    fn record(&mut self, write: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut self.recorder {
            write(recorder);
        }
    }

    fn note(&mut self, address: &Arc<str>, task: &Task, (kind, at): (NoticeKind, Timestamp)) {
        let Some(notices) = &mut self.notices else { return };
        if self.given >= MAX_NOTICES {
            return;
        }
        self.given += 1;
        notices.push(Notice {
            address: Arc::clone(address),
            reference: task.pointer.clone(),
            name: task.name.clone(),
            kind,
            at,
        });
    }
}

// === impl Machine: watched ===

impl Machine {
    pub(super) fn observe(&mut self) {
        self.observer.get_or_insert_default().notices.get_or_insert_default();
    }

    pub(super) fn take_notices(&mut self) -> Vec<Notice> {
        let notices = self.observer.as_mut().and_then(|observer| observer.notices.as_mut());
        notices.map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn into_recorder(self) -> Option<Recorder> {
        self.observer.and_then(|observer| observer.recorder)
    }

    fn watched(&mut self, see: impl FnOnce(&Self, &mut Observer)) {
        if let Some(mut observer) = self.observer.take() {
            see(self, &mut observer);
            self.observer = Some(observer);
        }
    }

    /// A task of the block on top begins.
    pub(super) fn saw_entered(&mut self, address: &Arc<str>, task: &Task, raw_input: &Value) {
        self.watched(|machine, observer| {
            let owner = machine.owner_of_block().map(|frame| &frame.address);
            observer.record(|recorder| recorder.entered((address, owner), task, raw_input, machine.now));
            observer.note(address, task, (NoticeKind::Created, machine.now));
        });
    }

    /// The `if` of the task on top holds.
    pub(super) fn saw_started(&mut self) {
        self.watched(|machine, observer| {
            let Some(frame) = machine.top_task() else { return };
            observer.note(&frame.address, machine.task(frame.task), (NoticeKind::Started, machine.now));
        });
    }

    /// The task on top has its transformed input.
    pub(super) fn saw_input(&mut self) {
        self.watched(|machine, observer| {
            let Some(frame) = machine.top_task() else { return };
            observer.record(|recorder| recorder.input(&frame.address, &frame.input));
        });
    }

    pub(super) fn saw_skipped(&mut self, frame: &TaskFrame) {
        self.watched(|machine, observer| {
            observer.record(|recorder| recorder.skipped(&frame.address, machine.now));
        });
    }

    /// The `try` on top tries again.
    pub(super) fn saw_retried(&mut self) {
        self.watched(|machine, observer| {
            let Some(frame) = machine.top_task() else { return };
            observer.note(&frame.address, machine.task(frame.task), (NoticeKind::Retried, machine.now));
        });
    }

    pub(super) fn saw_completed(&mut self, frame: &TaskFrame, output: &Arc<Value>) {
        self.watched(|machine, observer| {
            observer.record(|recorder| recorder.completed(&frame.address, output, machine.now));
            let kind = NoticeKind::Completed(Arc::clone(output));
            observer.note(&frame.address, machine.task(frame.task), (kind, machine.now));
        });
    }

    pub(super) fn saw_faulted(&mut self, frame: &TaskFrame, error: &Error) {
        self.watched(|machine, observer| {
            observer.record(|recorder| recorder.faulted(&frame.address, error, machine.now));
            let kind = NoticeKind::Faulted(error.clone());
            observer.note(&frame.address, machine.task(frame.task), (kind, machine.now));
        });
    }

    pub(super) fn saw_cancelled(&mut self, frame: &TaskFrame) {
        self.watched(|machine, observer| {
            observer.record(|recorder| recorder.cancelled(&frame.address, machine.now));
            observer.note(&frame.address, machine.task(frame.task), (NoticeKind::Cancelled, machine.now));
        });
    }

    /// The task on top (or the workflow) asks for something.
    pub(super) fn saw_effect(&mut self, (id, attempt): (&Arc<str>, u32), action: &EffectAction) {
        self.watched(|machine, observer| {
            let Some(frame) = machine.top_task() else { return };
            observer.record(|recorder| recorder.issued((&frame.address, id), attempt, action));
        });
    }

    /// What a task (or the workflow) asked for has come.
    pub(super) fn saw_outcome(&mut self, pending: &Pending, recorded: &Recorded, outcome: &Outcome) {
        self.watched(|machine, observer| {
            let Some(owner) = pending.owner else { return };
            let frame = machine.thread_of(owner.thread).frames.get(owner.height);
            let Some(Frame::Task(frame)) = frame else { return };
            observer.record(|recorder| recorder.outcome(&frame.address, recorded, outcome));
        });
    }

    /// The job is over.
    pub(super) fn saw_end(&mut self) {
        self.watched(|machine, observer| observer.record(|recorder| recorder.ended(machine.now)));
    }

    /// The task that owns the block on top, perhaps across the beginning of a branch.
    fn owner_of_block(&self) -> Option<&TaskFrame> {
        let below = self.thread.frames.len().checked_sub(2);
        match below.map(|height| &self.thread.frames[height]) {
            Some(Frame::Task(frame)) => Some(frame),
            Some(Frame::Block(_)) => None,
            None => self.thread_of(self.thread.origin?.parent).top_task(),
        }
    }
}
