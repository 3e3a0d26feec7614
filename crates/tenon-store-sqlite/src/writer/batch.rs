//! What one transaction takes. It takes commands while it is under way, so that whoever comes before its commit need
//! not wait for the next one; and it ends early for somebody quiet who would otherwise wait for a crowd.

use tenon_store::{Error, WorkspaceId};

use super::intake::Intake;
use super::refuse;
use super::turns::Whose;
use crate::command::{AnyPending, Need};

/// Bytes of one transaction, about, at most; a single command may be larger.
const BYTES: usize = 4 << 20;

/// How many commands a transaction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// From here on it ends when somebody quiet has all of theirs in it, nobody has a single one, and a crowd is next.
    pub(super) least: usize,
    pub(super) most: usize,
}

/// The commands of a transaction, as far as they are known.
pub(super) struct Batch<'a> {
    commands: Vec<Box<dyn AnyPending>>,
    /// Those that [`Batch::next`] has given.
    given: usize,
    source: Option<Source<'a>>,
}

/// Where more comes from.
struct Source<'a> {
    intake: &'a mut Intake,
    size: Size,
    /// What needs room on the disk is refused.
    is_low: bool,
    /// Commands that were taken, refused ones among them.
    taken: usize,
    bytes: usize,
    done: Done,
    /// Somebody quiet wrote beside a crowd.
    has_company: bool,
}

/// Workspaces that had few commands, and had no more when the last was taken.
#[derive(Default)]
struct Done {
    first: Option<WorkspaceId>,
    are_several: bool,
}

// === impl Batch ===

impl<'a> Batch<'a> {
    /// As many as fit of what has come, and of what comes before they are applied.
    pub(super) fn of_all(intake: &'a mut Intake, size: Size, is_low: bool) -> Self {
        intake.begin();
        let done = Done::default();
        let source = Source { intake, size, is_low, taken: 0, bytes: 0, done, has_company: false };
        Self { commands: Vec::new(), given: 0, source: Some(source) }
    }

    /// This one, and no other.
    pub(super) fn of_one(command: Box<dyn AnyPending>) -> Self {
        Self { commands: vec![command], given: 0, source: None }
    }

    /// Whether [`Batch::next`] gives one.
    pub(super) fn has_next(&mut self) -> bool {
        let is_known = self.given < self.commands.len();
        if !is_known && let Some(source) = &mut self.source {
            self.commands.extend(source.take());
        }
        self.given < self.commands.len()
    }

    /// The command to apply next.
    pub(super) fn next(&mut self) -> Option<&mut Box<dyn AnyPending>> {
        let place = self.given;
        self.has_next().then(|| {
            self.given += 1;
            &mut self.commands[place]
        })
    }

    /// Commands that were given.
    pub(super) fn given(&self) -> usize {
        self.given
    }

    /// Whether nothing is in it but work of workspaces: something of the node's own may take as long as a hundred
    /// others, and who is refused takes time as well.
    pub(super) fn is_usual(&self) -> bool {
        let refused = self.source.as_ref().is_some_and(|source| source.taken > self.commands.len());
        !refused && self.commands.iter().all(|command| command.workspace().is_some())
    }

    /// Whether somebody quiet wrote beside a crowd.
    pub(super) fn has_company(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.has_company)
    }

    pub(super) fn into_commands(self) -> Vec<Box<dyn AnyPending>> {
        self.commands
    }
}

// === impl Source ===

impl Source<'_> {
    /// The next command; `None`: the transaction has enough, or there are no more.
    fn take(&mut self) -> Option<Box<dyn AnyPending>> {
        loop {
            self.intake.receive();
            let has_company = self.intake.crowd().is_some_and(|crowd| self.done.has_other(crowd));
            self.has_company |= has_company;
            let is_over = has_company && self.taken >= self.size.least;
            if is_over || self.taken >= self.size.most || self.bytes >= BYTES {
                return None;
            }
            let (command, done) = self.intake.pop()?;
            self.taken += 1;
            if self.is_low && command.need() == Need::Room {
                refuse(command, Error::Full);
                continue;
            }
            self.bytes += command.size();
            self.done.note(done);
            return Some(command);
        }
    }
}

// === impl Done ===

impl Done {
    fn note(&mut self, done: Whose) {
        let Some(done) = done else { return };
        let first = *self.first.get_or_insert(done);
        self.are_several |= first != done;
    }

    fn has_other(&self, than: WorkspaceId) -> bool {
        self.are_several || self.first.is_some_and(|first| first != than)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::mpsc;

    use super::*;
    use crate::command::Context;
    use crate::writer::Message;

    const LOUD: Whose = Some(WorkspaceId(1));
    const QUIET: Whose = Some(WorkspaceId(2));
    const SIZE: Size = Size { least: 2, most: 6 };

    /// A command that does nothing, and says what became of it.
    struct Idle {
        whose: Whose,
        bytes: usize,
        failed: Arc<Mutex<Vec<Error>>>,
    }

    impl AnyPending for Idle {
        fn size(&self) -> usize {
            self.bytes
        }

        fn need(&self) -> Need {
            if self.whose == QUIET { Need::Nothing } else { Need::Room }
        }

        fn workspace(&self) -> Whose {
            self.whose
        }

        fn apply(&mut self, _: &mut Context<'_>) -> rusqlite::Result<()> {
            Ok(())
        }

        fn fail(&mut self, error: Error) {
            self.failed.lock().unwrap().push(error);
        }

        fn answer(self: Box<Self>) {}
    }

    struct Stage {
        sender: mpsc::UnboundedSender<Message>,
        intake: Intake,
        failed: Arc<Mutex<Vec<Error>>>,
    }

    impl Stage {
        fn new() -> Self {
            let (sender, receiver) = mpsc::unbounded_channel();
            Self { sender, intake: Intake::new(receiver), failed: Arc::default() }
        }

        /// Takes a transaction of `size`; `more(n)` comes when it has `n` commands. Gives whose it has.
        fn transact(&mut self, (size, is_low): (Size, bool), more: &[(usize, Whose, usize)]) -> Vec<Whose> {
            let Self { sender, intake, failed } = self;
            let send = |given: usize| {
                for (_, whose, bytes) in more.iter().filter(|(when, ..)| *when == given) {
                    let idle = Idle { whose: *whose, bytes: *bytes, failed: Arc::clone(failed) };
                    sender.send(Message::Command(*whose, Box::new(idle))).unwrap();
                }
            };
            send(0);
            let mut batch = Batch::of_all(intake, size, is_low);
            while batch.next().is_some() {
                send(batch.given());
            }
            batch.into_commands().iter().map(|command| command.workspace()).collect()
        }
    }

    #[test]
    fn what_comes_before_the_commit_is_in_it() {
        let took = Stage::new().transact((SIZE, false), &[(0, LOUD, 1), (1, QUIET, 1), (2, LOUD, 1)]);
        assert_eq!(took, [LOUD, QUIET, LOUD]);
    }

    #[test]
    fn nobody_quiet_waits_for_a_crowd() {
        let mut stage = Stage::new();
        let crowd = [(0, LOUD, 1); 9];
        let mut more = crowd.to_vec();
        more.push((3, QUIET, 1));
        assert_eq!(stage.transact((SIZE, false), &more), [LOUD, LOUD, LOUD, LOUD, QUIET]);
        assert_eq!(stage.transact((SIZE, false), &[]), [LOUD; 5], "a crowd alone is not ended early");
    }

    #[test]
    fn quiet_ones_wait_for_no_other_quiet_one_s_transaction() {
        let quiet = |ids: std::ops::Range<i64>| ids.map(|id| (0, Some(WorkspaceId(id)), 1));
        let mut more: Vec<_> = quiet(10..13).collect();
        more.extend([(0, LOUD, 1); 4]);
        more.extend(quiet(20..30));
        let size = Size { least: 2, most: 100 };
        let took = Stage::new().transact((size, false), &more);
        assert_eq!(took.len(), 3 + 1 + 10, "everybody's first, and no more of the crowd");
    }

    #[test]
    fn a_crowd_that_was_done_in_between_is_not_somebody_quiet() {
        let more = [(0, LOUD, 1), (1, LOUD, 1), (1, LOUD, 1), (1, LOUD, 1)];
        assert_eq!(Stage::new().transact((SIZE, false), &more), [LOUD; 4]);
    }

    #[test]
    fn a_transaction_has_bounds() {
        let most = Stage::new().transact((SIZE, false), &[(0, LOUD, 1); 9]);
        assert_eq!(most.len(), SIZE.most);
        let large = Stage::new().transact((SIZE, false), &[(0, LOUD, BYTES / 2); 9]);
        assert_eq!(large.len(), 2);
    }

    #[test]
    fn what_needs_room_is_refused_before_a_full_disk() {
        let mut stage = Stage::new();
        assert_eq!(stage.transact((SIZE, true), &[(0, LOUD, 1), (0, QUIET, 1), (0, LOUD, 1)]), [QUIET]);
        assert!(matches!(stage.failed.lock().unwrap()[..], [Error::Full, Error::Full]));
        // Those count, so that what is in the transaction does not wait until all are told.
        assert!(stage.transact((SIZE, true), &[(0, LOUD, 1); 7]).is_empty());
        assert!(!stage.intake.is_empty());
    }
}
