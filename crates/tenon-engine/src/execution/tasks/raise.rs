//! `raise`.

use tenon_expr::Value;
use tenon_workflow::{ErrorType, Raise, Task};

use crate::Error;
use crate::execution::expression::{template, text};
use crate::execution::machine::{Machine, Next};

impl Machine {
    pub(super) fn raise(&mut self, task: &Task, raise: &Raise) -> Next {
        let (input, view) = self.here();
        let at = &task.pointer;
        let optional = |source: &Option<_>, what| match source {
            Some(source) => text(source, input, &view, (at, what)).map(Some),
            None => Ok(None),
        };
        let status = template(&raise.status, input, &view, at)?;
        let status = status.as_u64().and_then(|status| u16::try_from(status).ok()).ok_or_else(|| {
            let detail = format!("`status` must be a whole number below 65536, but is {}", shown(&status));
            Error::standard(ErrorType::Expression, at, detail)
        })?;
        Err(Error {
            r#type: text(&raise.r#type, input, &view, (at, "type"))?,
            status,
            title: optional(&raise.title, "title")?.unwrap_or_default(),
            detail: optional(&raise.detail, "detail")?,
            instance: optional(&raise.instance, "instance")?.unwrap_or_else(|| at.clone()),
        })
    }
}

fn shown(value: &Value) -> String {
    value.to_string().chars().take(100).collect()
}
