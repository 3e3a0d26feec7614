//! Suspended jobs that people move: one remedy for a job at a time, and the scheduler is told what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tenon_engine::scheduler::Input;
use tenon_store::JobId;
use tokio::sync::oneshot;

use super::{Dispatcher, Notice, scheduled};
use crate::mending::{self, MendError, Mended, Remedy};

/// When a job is looked at again that somebody still has in hand: it is about to be left.
const PAUSE: Duration = Duration::from_millis(20);
/// How often.
const LOOKS: u32 = 100;

/// Somebody wants a suspended job moved.
#[derive(Debug)]
pub(crate) struct Mend {
    pub(crate) job: JobId,
    pub(crate) remedy: Remedy,
    pub(crate) answer: oneshot::Sender<Result<(), MendError>>,
    /// How often it was put off.
    pub(crate) looks: u32,
}

// === impl Dispatcher ===

impl Dispatcher {
    pub(super) fn mend(&mut self, mend: Mend) {
        if self.is_draining {
            let _ = mend.answer.send(Err(MendError::Stopped));
            return;
        }
        if self.running.contains_key(&mend.job.0) || self.mending.contains_key(&mend.job.0) {
            return self.put_off(mend);
        }
        self.mending.insert(mend.job.0, false);
        let (context, fences) = (self.context.clone(), Arc::clone(&self.fences));
        self.tasks.spawn(async move {
            let Mend { job, remedy, answer, .. } = mend;
            let mending = Box::pin(mending::mend(&context, &fences, (job, remedy)));
            let mended = AssertUnwindSafe(mending).catch_unwind().await.unwrap_or(Err(MendError::Busy));
            let _ = context.notices.send(Notice::Mended(job, mended, answer)).await;
        });
    }

    fn put_off(&mut self, mend: Mend) {
        if mend.looks >= LOOKS {
            let _ = mend.answer.send(Err(MendError::Busy));
            return;
        }
        let notices = self.context.notices.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(PAUSE).await;
            let _ = notices.send(Notice::Mend(Mend { looks: mend.looks + 1, ..mend })).await;
        });
    }

    pub(super) async fn mended(
        &mut self,
        job: JobId,
        mended: Result<Mended, MendError>,
        answer: oneshot::Sender<Result<(), MendError>>,
    ) {
        let is_cancelled = self.mending.remove(&job.0).unwrap_or_default();
        let answered = match mended {
            Ok(Mended::Ready(open)) => {
                self.learn_limit(&open).await;
                if let Some(job) = scheduled(&open) {
                    self.tell(Input::Resumed(job));
                }
                Ok(())
            }
            Ok(Mended::Ended) => {
                self.tell(Input::Finished { job: job.0, used_us: 0 });
                Ok(())
            }
            Err(error) => Err(error),
        };
        // Whoever asked may have gone.
        let _ = answer.send(answered);
        if is_cancelled {
            self.tell(Input::Cancel { job: job.0 });
        }
    }
}
