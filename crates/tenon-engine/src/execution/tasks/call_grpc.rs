//! `call: grpc`.

use std::sync::Arc;

use tenon_workflow::{GrpcCall, Task};

use crate::effect::{EffectAction, request};
use crate::execution::effects::Purpose;
use crate::execution::machine::{Machine, Next, Signal};

impl Machine {
    pub(super) fn call_grpc(&mut self, task: &Task, call: &GrpcCall) -> Next {
        let mut request = self.evaluated(task, |arguments| request::grpc(call, arguments))?;
        request.deferred = self.deferral(task);
        let id = Arc::clone(&self.top_task().expect("the call is on top").address);
        self.issue(id, EffectAction::Grpc(Box::new(request)), Purpose::Work);
        Ok(Signal::Await)
    }
}
