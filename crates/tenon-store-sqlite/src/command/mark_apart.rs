//! The defect `mutant-marks-apart`: a mark that is durable before its event. Never built but for the crash run.

use super::capture::SealedCapture;
use super::{Command, Context, Need};
use crate::failure::Failure;

/// Takes the mark of a capture, and nothing else. Whether it was free.
pub(crate) struct MarkApart(pub(crate) SealedCapture);

impl Command for MarkApart {
    type Output = bool;

    fn size(&self) -> usize {
        128
    }

    fn need(&self) -> Need {
        Need::Room
    }

    fn apply(&self, context: &mut Context<'_>) -> Result<bool, Failure> {
        Ok(self.0.take_own_mark(context)?)
    }
}
