//! Jobs and events as people see them: without what their workflows mask (`metadata.tenon.mask`).

use serde_json::Value;
use tenon_gateway::Problem;
use tenon_store::JobRecord;
use tenon_worker::{HistoryError, Mask, Masks};

/// Of a job in a list: its error and its ordering key, where it has some.
pub(crate) async fn in_list(masks: &mut Masks, job: &JobRecord, shown: &mut Value) -> Result<(), Problem> {
    if shown["error"].is_null() && shown["lane"].is_null() {
        return Ok(());
    }
    let mask = if shown["error"].is_null() { masks.of_key(job).await } else { masks.of_job(job).await };
    let mask = mask.map_err(|error| unreadable(&error))?;
    of_job(&mask, shown);
    Ok(())
}

/// Of a job with whatever is shown of it.
pub(crate) fn of_job(mask: &Mask, shown: &mut Value) {
    if mask.is_empty() {
        return;
    }
    mask.error(&mut shown["error"]);
    mask.ordering_key(&mut shown["lane"]);
    if let Some(input) = shown.get_mut("input") {
        mask.input(input);
    }
    if let Some(output) = shown.get_mut("output") {
        mask.value(output);
    }
}

/// What is to be masked cannot be found out, so nothing is shown.
pub(crate) fn unreadable(error: &HistoryError) -> Problem {
    match error {
        HistoryError::Store(error) => error.clone().into(),
        other => Problem::internal("mask", other),
    }
}
