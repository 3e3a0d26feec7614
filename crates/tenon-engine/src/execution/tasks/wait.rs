//! `wait`: for a time, or until a moment. The job sleeps in the store meanwhile.

use std::sync::Arc;

use tenon_expr::Limits;
use tenon_workflow::{ErrorType, Task, Wait};

use crate::effect::EffectAction;
use crate::execution::effects::Purpose;
use crate::execution::expression::{expression_error, span};
use crate::execution::machine::{Machine, Next, Signal};
use crate::{Error, Timestamp};

impl Machine {
    pub(super) fn wait(&mut self, task: &Task, wait: &Wait) -> Next {
        let (input, view) = self.here();
        let due = match wait {
            Wait::For(duration) => self.now.after(span(duration, input, &view, &task.pointer)?),
            Wait::Until(expr) => {
                let moment = expr
                    .evaluate(input, &view, &Limits::default())
                    .map_err(|error| expression_error(&task.pointer, &error))?;
                moment.as_str().and_then(Timestamp::parse_rfc3339).ok_or_else(|| {
                    let detail = format!("`until` must give an RFC 3339 moment, but gave {moment}");
                    Error::standard(ErrorType::Expression, &task.pointer, detail)
                })?
            }
        };
        let id = Arc::clone(&self.top_task().expect("the wait is on top").address);
        self.issue(id, EffectAction::Timer { due }, Purpose::Work);
        Ok(Signal::Await)
    }
}
