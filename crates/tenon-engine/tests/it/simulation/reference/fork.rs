//! `fork` (rule 13): each branch as if it were alone, then what could not have happened is taken back.

use std::sync::Arc;

use serde_json::Value;
use tenon_workflow::Fork;

use super::sight::Outputs;
use super::{At, Eval, Halt, Place, Reference, Strand};

/// How one branch went.
struct Branch {
    strand: Strand,
    ended: Eval<(Arc<Value>, Outputs)>,
    /// Which effects are its own.
    marks: (usize, usize),
}

// === impl Reference ===

impl Reference<'_> {
    pub(super) fn fork(&mut self, at: At<'_>, fork: &Fork, strand: &mut Strand) -> Eval<Arc<Value>> {
        let begun = (strand.now, Arc::clone(strand.context()));
        let mut branches: Vec<Branch> = fork
            .branches
            .iter()
            .map(|block| {
                let mut own = Strand { now: begun.0, contexts: vec![begun.clone()] };
                let from = self.performed.len();
                let pointer_length = at.task.pointer.len();
                let place = Place { block: *block, prefix: at.address, pointer_length };
                let ended = self.block(&place, Arc::clone(at.input), Some(at.env), &mut own);
                Branch { strand: own, ended, marks: (from, self.performed.len()) }
            })
            .collect();
        if let Some((place, moment)) = first(&branches, fork.compete) {
            self.cut_others(&branches, (place, moment));
            strand.now = moment;
            let winner = branches.swap_remove(place);
            if !matches!(winner.ended, Err(Halt::Fault(_))) {
                strand.export(Arc::clone(winner.strand.context()));
            }
            let (output, outputs) = winner.ended?;
            at.env.inherit(&outputs);
            return Ok(output);
        }
        if branches.iter().any(|branch| matches!(branch.ended, Err(Halt::Never))) {
            return Err(Halt::Never);
        }
        strand.now = branches.iter().map(|branch| branch.strand.now).max().unwrap_or(begun.0);
        if fork.compete && !branches.is_empty() {
            let last = (0..branches.len()).max_by_key(|place| branches[*place].strand.now);
            let (_, _) = branches.swap_remove(last.expect("there are branches")).ended?;
            unreachable!("all branches have faulted, or one had won");
        }
        let mut outputs = Vec::with_capacity(branches.len());
        let mut context = begun.1.as_ref().clone();
        for branch in branches {
            merge(&mut context, &begun.1, branch.strand.context());
            let (output, left) = branch.ended?;
            at.env.inherit(&left);
            outputs.push(output.as_ref().clone());
        }
        strand.export(Arc::new(context));
        Ok(Arc::new(Value::Array(outputs)))
    }

    /// Nothing of the other branches begins at or after a moment.
    fn cut_others(&mut self, branches: &[Branch], (kept, moment): (usize, i64)) {
        for (place, branch) in branches.iter().enumerate().rev() {
            if place == kept {
                continue;
            }
            let behind = self.performed.split_off(branch.marks.1);
            self.cut(branch.marks.0, moment);
            self.performed.extend(behind);
        }
    }
}

/// The branch whose end ends the fork, and when: a fault or `then: end` (without `compete`), the winner, or
/// `then: end` (with it).
fn first(branches: &[Branch], compete: bool) -> Option<(usize, i64)> {
    let ends = branches.iter().enumerate().filter(|(_, branch)| match &branch.ended {
        Ok(_) => compete,
        Err(Halt::Fault(_)) => !compete,
        Err(Halt::Stop(_)) => true,
        Err(Halt::Never) => false,
    });
    ends.map(|(place, branch)| (place, branch.strand.now)).min_by_key(|(place, moment)| (*moment, *place))
}

/// Takes over the keys that a branch changed.
fn merge(merged: &mut Value, before: &Value, after: &Value) {
    if before == after {
        return;
    }
    let (Some(_), Some(old), Some(new)) = (merged.as_object(), before.as_object(), after.as_object()) else {
        *merged = after.clone();
        return;
    };
    let members = merged.as_object_mut().expect("looked at above");
    for (key, value) in new {
        if old.get(key) != Some(value) {
            members.insert(key.clone(), value.clone());
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        members.shift_remove(key);
    }
}
