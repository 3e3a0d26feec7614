//! Somebody who looks after parked jobs: has them go on, or gives them up.

use super::flows::PARKED;
use super::log::Pen;
use super::random::Random;
use super::record::{Mended, Remedy, RunClock};
use crate::api::Api;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Milliseconds between two looks.
const PAUSE_MS: (u64, u64) = (20, 200);
/// In so many of a hundred cases a job that is found is left for the next look.
const LEFT: u64 = 30;
/// In so many of the others it is given up.
const GIVEN_UP: u64 = 25;
const PARKED_JOBS: &str = "/api/v1/jobs?state=suspended&limit=500";

/// Looks until told to stop.
pub(crate) struct Person {
    pub(crate) api: Api,
    pub(crate) pen: Pen<Mended>,
    pub(crate) clock: RunClock,
    pub(crate) random: Random,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Person {
    pub(crate) fn start(mut self) -> JoinHandle<()> {
        thread::spawn(move || {
            while !self.stop.load(Ordering::Relaxed) {
                // While Tenon is down there is nothing to see.
                for job in self.api.get(PARKED_JOBS).iter().flat_map(parked) {
                    self.mend(&job);
                }
                let pause = self.random.between(PAUSE_MS.0, PAUSE_MS.1);
                thread::sleep(Duration::from_millis(pause));
            }
        })
    }

    fn mend(&mut self, job: &str) {
        if self.random.percent(LEFT) {
            return;
        }
        let remedy = if self.random.percent(GIVEN_UP) { Remedy::Skip } else { Remedy::Resume };
        self.log(job, remedy, false);
        let verb = match remedy {
            Remedy::Resume => "resume",
            Remedy::Skip => "skip",
        };
        let answer = self.api.post(&format!("/api/v1/jobs/{job}/{verb}"));
        if answer.is_ok() {
            self.log(job, remedy, true);
        }
    }

    fn log(&self, job: &str, remedy: Remedy, is_done: bool) {
        self.pen.write(Mended { at: self.clock.now(), job: job.to_owned(), remedy, is_done });
    }
}

/// The jobs of a list that may be mended; that others are suspended is a finding, not to be touched.
fn parked(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    let parked = items.filter(|item| item["workflow"]["name"] == PARKED);
    parked.filter_map(|item| item["id"].as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_jobs_that_may_be_parked_are_touched() {
        let item = |id: &str, name: &str| json!({ "id": id, "workflow": { "name": name } });
        let list = json!({ "items": [item("job_1", PARKED), item("job_2", "five")] });
        assert_eq!(parked(&list), ["job_1"]);
        assert!(parked(&Value::Null).is_empty());
    }
}
