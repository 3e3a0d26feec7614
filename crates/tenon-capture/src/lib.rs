//! An event in; dedup, subscribers and jobs out, in one transaction.
//!
//! [`CaptureService`] is the only way in: webhooks, CloudEvents, calls, reruns and emitted events all come
//! through it. Beside it stand what its callers share: the clock, ids, compiled programs, who waits for a
//! job's end, live news and counters. Nothing here speaks HTTP or SQL, and nothing here runs a job.

mod arrivals;
mod backlogs;
mod calls;
mod clock;
mod error;
mod event;
mod gather;
mod generations;
mod id_source;
mod json_text;
mod key;
mod lifecycle;
mod live;
mod metrics;
mod plan;
mod programs;
mod service;
mod stored_variables;
mod subscribers;
pub mod trigger;
mod variables;
mod wakes;
mod watch;

pub use arrivals::{Arrival, Arrivals};
pub use backlogs::{BacklogBound, Backlogs, Refused};
pub use calls::{CallError, Calls};
pub use clock::{Clock, ParseMomentError, parse_rfc3339, rfc3339};
pub use error::Error;
pub use event::{Data, Event, HOPS, InvalidEvent, MASKED_BY, MAX_HOPS, hops_after};
pub use generations::Generations;
pub use id_source::IdSource;
pub use json_text::{InvalidJson, JsonText, MAX_JSON_DEPTH};
pub use key::{MAX_KEY_BYTES, bounded_key, key_text};
pub use lifecycle::{LIFECYCLE, LifecycleType, LifecycleTypes};
pub use live::{JobEvent, Live, StepState};
pub use metrics::{Counter, Gauge, Histogram, Metrics};
pub use programs::{Deployed, Programs};
pub use service::{
    AWAITED, Accepted, BULK_RERUN_FOR, Beginning, CALL_TYPE, CHILD_TYPE, Call, CaptureService, Child,
    ChunkItem, Incoming, Options, Ports, RERUN_TYPE, Rerun, TriggerChunk, Watched,
};
pub use stored_variables::StoredVariables;
pub use subscribers::{Subscriber, Subscribers};
pub use variables::{Values, Variable, Variables};
pub use wakes::{Wake, Wakes};
pub use watch::{JobEnd, JobWatch, TooManyWatches, Watch};
