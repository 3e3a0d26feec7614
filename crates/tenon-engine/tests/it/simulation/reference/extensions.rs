//! Extensions: `before` from the outside in, with the raw input; `after` from the inside out, with the output.

use std::sync::Arc;

use serde_json::Value;
use tenon_workflow::BlockId;

use super::sight::Sight;
use super::{At, Eval, Place, Reference, Strand, truth};

// === impl Reference ===

impl Reference<'_> {
    /// Gives what stands for the task's raw output if a `before` was left by `then: exit`.
    pub(super) fn before(
        &mut self,
        at: At<'_>,
        active: &mut Vec<usize>,
        strand: &mut Strand,
    ) -> Eval<Option<Arc<Value>>> {
        let program = self.program;
        for index in &at.task.extensions {
            let extension = &program.extensions[*index];
            if let Some(when) = &extension.when {
                let sight = Sight { input: None, ..self.sight(Some(at), strand) };
                if !truth(when, at.input, &sight, &at.task.pointer)? {
                    continue;
                }
            }
            active.push(*index);
            let Some(before) = extension.before else { continue };
            let output = self.around(at, before, strand)?;
            if self.exited {
                return Ok(Some(output));
            }
        }
        Ok(None)
    }

    /// `at.input` is the task's output.
    pub(super) fn after(&mut self, at: At<'_>, active: &[usize], strand: &mut Strand) -> Eval<()> {
        let program = self.program;
        for index in active.iter().rev() {
            if let Some(after) = program.extensions[*index].after {
                self.around(at, after, strand)?;
            }
        }
        Ok(())
    }

    fn around(&mut self, at: At<'_>, block: BlockId, strand: &mut Strand) -> Eval<Arc<Value>> {
        self.exited = false;
        let place = Place { block, prefix: at.address, pointer_length: 0 };
        let (output, _) = self.block(&place, Arc::clone(at.input), Some(at.env), strand)?;
        Ok(output)
    }
}
