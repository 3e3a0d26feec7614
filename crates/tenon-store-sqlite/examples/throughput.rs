//! What the store alone can do: captures from 64 tasks, then captures with a job each that is finished at once.
//!
//! `cargo run --release -p tenon-store-sqlite --example throughput [DIRECTORY] [COUNT]`

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tenon_store::{
    Capture, DedupMark, Entry, EventId, Fence, JobId, Kind, Lane, NewEvent, NewJob, Origin, PutResource,
    Saved, Shard, Store, Timestamp, Transition, WorkspaceId, Write,
};
use tenon_store_sqlite::{Options, SqliteStore};
use tenon_vault::{Error, Vault};
use zeroize::Zeroizing;

const TASKS: u64 = 64;
const SHARDS: u64 = 16;

/// Keys are not what is measured.
struct NoVault;

impl Vault for NoVault {
    fn id(&self) -> String {
        "none".to_owned()
    }

    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        Ok(key.to_vec())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        wrapped.try_into().map(Zeroizing::new).map_err(|_| Error::Damaged("length"))
    }
}

struct Bench {
    store: SqliteStore,
    workspace: WorkspaceId,
    revision: tenon_store::Revision,
    generation: u64,
    fences: Vec<Fence>,
    next: AtomicU64,
    payload: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Event,
    MarkedEvent,
    JobAndFinish,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory =
        arguments.next().map_or_else(|| std::env::temp_dir().join("tenon-throughput"), PathBuf::from);
    let count: u64 = arguments.next().map_or(400_000, |text| text.parse().expect("COUNT is a number"));
    for (name, work) in [
        ("event", Work::Event),
        ("event with a dedup mark", Work::MarkedEvent),
        ("event, job, finish with one entry", Work::JobAndFinish),
    ] {
        let _ = std::fs::remove_dir_all(&directory);
        let bench = Arc::new(Bench::open(&directory).await);
        run(&bench, name, work, count).await;
        bench.store.close().await;
        let bytes = std::fs::metadata(directory.join("tenon.db")).expect("the database is there").len();
        say(&format!("    {} bytes on disk each", bytes / count));
    }
    let _ = std::fs::remove_dir_all(&directory);
}

async fn run(bench: &Arc<Bench>, name: &str, work: Work, count: u64) {
    let batches = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&batches);
    bench.store.set_feed(Box::new(move |_| {
        told.fetch_add(1, Ordering::Relaxed);
    }));
    let started = now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let bench = Arc::clone(bench);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = bench.next.fetch_add(1, Ordering::Relaxed);
                if n > count {
                    return latencies;
                }
                let before = now();
                bench.one(n, work).await;
                latencies.push(before.elapsed());
            }
        });
    }
    let mut latencies: Vec<Duration> = tasks.join_all().await.concat();
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    say(&format!("{name}: {:.0}/s over {seconds:.1} s", count as f64 / seconds));
    say(&format!("    p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}", at(0.5), at(0.99), at(0.999), at(1.0)));
    let batches = batches.load(Ordering::Relaxed);
    if batches > 0 {
        say(&format!("    {:.1} captures in a commit on average", count as f64 / batches as f64));
    }
}

// === impl Bench ===

impl Bench {
    async fn open(directory: &std::path::Path) -> Self {
        let store = SqliteStore::open(Options::new(directory, Arc::new(NoVault))).expect("it opens");
        let workspace = store.create_workspace("default").await.expect("it is new");
        let put = PutResource {
            workspace,
            kind: Kind::Workflow,
            name: "acme/sync".to_owned(),
            version: "1".to_owned(),
            digest: "1".to_owned(),
            document: "document: {}".to_owned(),
            keys: vec!["com.acme.order.created".to_owned()],
            listens: Vec::new(),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: Timestamp(0),
            actor: "bench".to_owned(),
        };
        let Saved::Written(revision) = store.put_resource(put).await.expect("it is new") else {
            unreachable!("the store is empty")
        };
        let generation = store.generation(workspace).await.expect("there is one");
        let mut fences = Vec::new();
        for shard in 0..SHARDS {
            fences.push(store.acquire(Shard(shard as u16)).await.expect("nobody else is here"));
        }
        let payload = format!("{{\"specversion\":\"1.0\",\"data\":\"{}\"}}", "x".repeat(165));
        Self { store, workspace, revision, generation, fences, next: AtomicU64::new(1), payload }
    }

    async fn one(&self, n: u64, work: Work) {
        let at = Timestamp(1_700_000_000_000_000 + n as i64 * 40);
        let shard = Shard((n % SHARDS) as u16);
        // As real ids: time first, the rest at random.
        let id = ((at.0 as u64) << 12) | (n.wrapping_mul(0x9e37_79b9) & 0xfff);
        let expires = at.after(Duration::from_hours(7 * 24));
        let event = NewEvent {
            id: EventId(id),
            workspace: self.workspace,
            origin: Origin::Event,
            source: "/hooks/default/shop/orders".to_owned(),
            r#type: "com.acme.order.created".to_owned(),
            subject: None,
            captured_at: at,
            expires,
            envelope: Bytes::from(self.payload.clone()),
        };
        let mark = DedupMark { scope: "trigger:1".to_owned(), key: n.to_string(), expires };
        let job = NewJob {
            id: JobId(id),
            workflow: self.revision.resource,
            revision: self.revision.id,
            semantics: 1,
            lane: Some(Lane { shard, key: None }),
            priority: 5,
            is_bulk: false,
            mark: None,
            input: None,
            rerun_of: None,
            parent: None,
            events_of: None,
            journal: Vec::new(),
        };
        let jobs = if work == Work::JobAndFinish { vec![job] } else { Vec::new() };
        let mark = (work == Work::MarkedEvent).then_some(mark);
        let capture =
            Capture { generation: self.generation, mark, delivery: None, event, jobs, gathers: Vec::new() };
        self.store.capture(capture).await.expect("it is captured");
        if work == Work::JobAndFinish {
            self.finish(JobId(id), self.fences[usize::from(shard.0)], at, expires).await;
        }
    }

    async fn finish(&self, job: JobId, fence: Fence, at: Timestamp, expires: Timestamp) {
        let entry = Entry {
            sequence: 0,
            effect: "/do/0/call".to_owned(),
            attempt: 1,
            arguments: 7,
            started_at: at,
            at,
            outcome: Bytes::from(self.payload.clone()),
        };
        let write = Write {
            fence,
            workspace: self.workspace,
            job,
            entries: vec![entry],
            transition: Transition::Completed {
                output: Bytes::from_static(b"{\"done\":true}"),
                expires: expires.into(),
            },
            started_at: at,
            at,
        };
        self.store.write(write).await.expect("it is recorded");
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn say(line: &str) {
    println!("{line}");
}
