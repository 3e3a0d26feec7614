//! Power failure at every operation: what was answered is there, and nothing is there by half.
//!
//! A VFS remembers all writes and syncs of a run of the store. Then, for many points of that run, the files are
//! put together as a disk may hold them if the power fails right there (only what was synced for certain), and
//! the store is opened on them. The same over a disk that ignores syncs must find a loss, or this test could not.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tenon_crash_vfs::{Disk, Kept, Operation, Recorder, Syncs};
use tenon_store::{
    CandidateQuery, Captured, Chunk, Chunked, DedupMark, Entry, EventFilter, EventId, EventRecord, EventWait,
    Fence, Gather, JobFilter, JobId, JobRecord, JobState, NewState, NoteKind, PutResource, ResourceId, Role,
    Serves, Shard, Store as _, Timestamp, Transition, TriggerNote, Waits, Write,
};
use tenon_store_sqlite::SqliteStore;

use crate::harness::{Shop, options};

/// Events of each of the two lives of the store.
const EVENTS: u64 = 12;
/// Captures that are sent at once, so that they share a transaction.
const AT_ONCE: u64 = 4;
/// Over 64 KiB: goes into a table of its own.
const LARGE: usize = 100_000;
/// Of the operations between two syncs, every so-manieth is a crash point.
const STRIDE: usize = 11;
/// Said of every loss; `cargo xtask crash --mutants` looks for it.
const LOSS: &str = "lost at crash point";

/// What the store has answered with `Ok`.
#[derive(Debug, Clone)]
enum Promise {
    /// Event `n` with job `n` and its mark.
    Captured(u64),
    /// Job `n` has so many journal entries and is in this state.
    Written(u64, u32, JobState),
    /// Job `n` is parked until an event or an end comes.
    Parked(u64),
    /// What job `n` waits for has come, so it is due.
    Woken(u64),
    /// Event `n` is in a set.
    Gathered(u64),
    /// Job `n` was gathered from an event of before and event `n`.
    Complete(u64),
    /// So many chunks of the trigger, each with its events, its state and its note.
    Brought(u64),
}

/// What jobs listen for.
const PAID: &str = "com.acme.paid";
/// Event `n + PAID_IDS` is of that type and has the subject `n`.
const PAID_IDS: u64 = 1000;
/// With the listening workflow.
const GENERATION: u64 = 2;
/// From here on events are gathered, two for a job: those of even numbers are the first part, the others the second.
const GATHERED_IDS: u64 = 2000;
const STRATEGY: u64 = 7;

/// Chunk `n` of the trigger brings three events, from `BROUGHT_IDS + 10 * n` on.
const BROUGHT_IDS: u64 = 1500;
/// The listening workflow stands for the trigger.
const TRIGGER: ResourceId = ResourceId(1);

/// A run that was recorded. Marks are indexes into `promises`.
struct Run {
    operations: Vec<Operation>,
    promises: Vec<Promise>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_answered_is_lost_at_any_crash_point() {
    let run = record("crash-points", Syncs::Honoured).await;
    let (points, losses) = losses(&run).await;
    assert!(losses.is_empty(), "{} losses at {points} points:\n{}", losses.len(), losses.join("\n"));
    assert!(points > 300, "only {points} crash points");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_ignores_syncs_is_found_out() {
    let run = record("crash-points-without-sync", Syncs::Ignored).await;
    let (points, losses) = losses(&run).await;
    assert!(losses.iter().any(|loss| loss.contains(LOSS)), "no loss at {points} crash points");
}

/// Two lives of a store, the first ended by closing it.
async fn record(vfs: &str, syncs: Syncs) -> Run {
    let root = tempfile::tempdir().unwrap();
    let recorder = Recorder::register(vfs, syncs);
    let mut promises = Vec::new();
    for life in 0..2 {
        let mut options = options(&root.path().join("data"));
        options.vfs = Some(vfs.to_owned());
        let shop = Shop::open(options).await;
        let fence = shop.store.acquire(Shard(0)).await.unwrap();
        let listener = PutResource { gathers: Some(STRATEGY), ..shop.listener(&[PAID]) };
        shop.store.put_resource(listener).await.unwrap();
        live(&shop, fence, life * EVENTS, &mut |promise| {
            promises.push(promise);
            recorder.mark(promises.len() - 1);
        })
        .await;
        shop.store.close().await;
    }
    Run { operations: recorder.operations(), promises }
}

/// Captures and outcomes, alone and several at once, small and large.
async fn live(shop: &Shop, fence: Fence, first: u64, promised: &mut impl FnMut(Promise)) {
    for group in 0..EVENTS / AT_ONCE {
        let numbers: Vec<u64> = (1..=AT_ONCE).map(|n| first + group * AT_ONCE + n).collect();
        let captures = numbers.iter().map(|n| shop.store.capture(marked(shop, *n)));
        for (n, captured) in numbers.iter().zip(join_all(captures).await) {
            assert_eq!(
                captured.unwrap(),
                Captured::New { jobs: vec![JobId(*n)], dropped: Vec::new(), is_wanted: true }
            );
            promised(Promise::Captured(*n));
        }
        for &n in &numbers {
            shop.store.write(running(shop, fence, n, 0)).await.unwrap();
            promised(Promise::Written(n, 1, JobState::Running));
        }
        let n = numbers[0];
        shop.store.write(completed(shop, fence, n)).await.unwrap();
        promised(Promise::Written(n, 2, JobState::Completed));
        wait(shop, fence, &numbers, group, promised).await;
        gather(shop, n, promised).await;
        let number = (first / EVENTS) * (EVENTS / AT_ONCE) + group + 1;
        let brought = shop.store.capture_chunk(brought(shop, number)).await.unwrap();
        assert!(matches!(&brought, Chunked::Done(events) if events.len() == 3), "{brought:?}");
        promised(Promise::Brought(number));
    }
}

fn brought(shop: &Shop, number: u64) -> Chunk {
    let captures = (0..3).map(|n| {
        let mut capture = marked(shop, BROUGHT_IDS + 10 * number + n);
        capture.jobs.clear();
        capture
    });
    let detail = Bytes::from_static(b"{}");
    Chunk {
        workspace: shop.workspace,
        resource: TRIGGER,
        captures: captures.collect(),
        state: Some(NewState { resource: TRIGGER, expected: number - 1, value: number.to_string().into() }),
        notes: vec![TriggerNote { at: Timestamp(number as i64), kind: NoteKind::Fired, detail }],
        at: Timestamp(number as i64),
    }
}

/// Two first parts and a second, so that one more set waits after each group.
async fn gather(shop: &Shop, n: u64, promised: &mut impl FnMut(Promise)) {
    let first = GATHERED_IDS + 4 * n;
    for n in [first, first + 2] {
        let captured = shop.store.capture(part(shop, n)).await.unwrap();
        assert_eq!(captured, Captured::New { jobs: Vec::new(), dropped: Vec::new(), is_wanted: true });
        promised(Promise::Gathered(n));
    }
    let captured = shop.store.capture(part(shop, first + 1)).await.unwrap();
    assert_eq!(
        captured,
        Captured::New { jobs: vec![JobId(first + 1)], dropped: Vec::new(), is_wanted: true }
    );
    promised(Promise::Complete(first + 1));
}

fn part(shop: &Shop, n: u64) -> tenon_store::Capture {
    let mut capture = marked(shop, n);
    let job = capture.jobs.pop().expect("an order has a job");
    let serves = vec![Serves { part: (n % 2) as u32, key: "k".to_owned() }];
    capture.gathers = vec![Gather { strategy: STRATEGY, role: Role::Part { serves, of: 2 }, job }];
    capture
}

/// The second job of a group waits for its event, which comes before the park or after it; the third waits for the
/// end of the fourth, which comes in every other group.
async fn wait(shop: &Shop, fence: Fence, numbers: &[u64], group: u64, promised: &mut impl FnMut(Promise)) {
    let &[_, listener, parent, child] = numbers else { unreachable!("there are four at once") };
    let (park, event) =
        (shop.store.write(parked(shop, fence, listener)), shop.store.capture(paid(shop, listener)));
    if group.is_multiple_of(2) {
        park.await.unwrap();
        promised(Promise::Parked(listener));
        event.await.unwrap();
    } else {
        event.await.unwrap();
        park.await.unwrap();
    }
    promised(Promise::Woken(listener));
    shop.store.write(parked(shop, fence, parent)).await.unwrap();
    promised(Promise::Parked(parent));
    if group.is_multiple_of(2) {
        shop.store.write(completed(shop, fence, child)).await.unwrap();
        promised(Promise::Written(child, 2, JobState::Completed));
        promised(Promise::Woken(parent));
    }
}

/// Job `n` waits for its event and for the end of the job after it.
fn parked(shop: &Shop, fence: Fence, n: u64) -> Write {
    let events = EventWait { types: vec![PAID.to_owned()], subject: Some(n.to_string()), after: 0 };
    let waits = Waits { events: Some(events), children: vec![JobId(n + 1)] };
    let transition = Transition::Waiting { wake_at: Timestamp::NEVER, waits };
    Write { entries: Vec::new(), transition, ..shop.outcome(fence, n, "") }
}

fn paid(shop: &Shop, n: u64) -> tenon_store::Capture {
    let mut capture = marked(shop, n + PAID_IDS);
    capture.jobs.clear();
    PAID.clone_into(&mut capture.event.r#type);
    capture.event.subject = Some(n.to_string());
    capture
}

/// All at once, as the tasks of a server are.
async fn join_all<F: Future<Output: Send>>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if futures.iter().any(|(_, output)| output.is_none()) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(
            futures.iter_mut().map(|(_, output)| output.take().expect("all are ready")).collect(),
        )
    })
    .await
}

fn marked(shop: &Shop, n: u64) -> tenon_store::Capture {
    let payload = if n.is_multiple_of(8) { "x".repeat(LARGE) } else { format!("order {n}") };
    let mut capture = shop.order(n, &payload);
    capture.generation = GENERATION;
    let key = format!("delivery-{n}");
    capture.mark = Some(DedupMark { scope: "trigger:1".to_owned(), key, expires: Timestamp(i64::MAX) });
    capture
}

fn running(shop: &Shop, fence: Fence, n: u64, sequence: u32) -> Write {
    let outcome = if n.is_multiple_of(8) { "y".repeat(LARGE) } else { format!("outcome {n}") };
    let mut write = shop.outcome(fence, n, &outcome);
    write.entries = vec![Entry { sequence, ..write.entries[0].clone() }];
    write
}

fn completed(shop: &Shop, fence: Fence, n: u64) -> Write {
    let output = Bytes::from(format!("{{\"done\":{n}}}"));
    let expires = Timestamp(i64::MAX).into();
    Write { transition: Transition::Completed { output, expires }, ..running(shop, fence, n, 1) }
}

/// Opens the store at every crash point. How many there were, and what was wrong.
async fn losses(run: &Run) -> (usize, Vec<String>) {
    let (mut disk, mut kept_promises) = (Disk::default(), 0);
    let (mut points, mut losses) = (0, Vec::new());
    for (index, operation) in run.operations.iter().enumerate() {
        disk.apply(operation);
        let seed = index as u64;
        let variants: &[Kept] = match operation {
            Operation::Mark(number) => {
                kept_promises = number + 1;
                &[Kept::Nothing, Kept::Everything]
            }
            Operation::Sync { .. }
            | Operation::SyncDirectory
            | Operation::Truncate { .. }
            | Operation::Delete { .. } => &[Kept::Nothing, Kept::AnyPart(seed)],
            Operation::Write { .. } if index.is_multiple_of(STRIDE) => {
                &[Kept::FirstPart(seed), Kept::AnyPart(seed)]
            }
            Operation::Write { .. } => &[],
        };
        for &kept in variants {
            points += 1;
            let root = scratch();
            disk.image(kept).write_to(root.path()).unwrap();
            if let Err(what) = examine(root.path(), &run.promises[..kept_promises]).await {
                losses.push(format!("{what} {LOSS} {index} ({operation:.60?}, {kept:?})"));
            }
        }
        if losses.len() > 20 {
            break;
        }
    }
    (points, losses)
}

/// Memory if the system has a directory there: thousands of files that only this test reads need no disk.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Opens what a crash left. `Err`: what is not as it must be.
async fn examine(directory: &Path, promises: &[Promise]) -> Result<(), String> {
    let store =
        SqliteStore::open(options(directory)).map_err(|error| format!("the store itself ({error})"))?;
    let Some(workspace) = store.workspace("default").await.map_err(|error| error.to_string())? else {
        return if promises.is_empty() { Ok(()) } else { Err("the workspace".to_owned()) };
    };
    let shop = Shop { store, workspace };
    for promise in promises {
        kept(&shop, promise).await?;
    }
    whole(&shop).await?;
    shop.store.close().await;
    Ok(())
}

/// One promise is kept.
async fn kept(shop: &Shop, promise: &Promise) -> Result<(), String> {
    if let Promise::Brought(number) = promise {
        let state = shop.store.trigger_state(shop.workspace, TRIGGER).await.map_err(text)?;
        return match state.filter(|state| state.version >= *number) {
            Some(_) => Ok(()),
            None => Err(format!("chunk {number}")),
        };
    }
    let n = match promise {
        Promise::Captured(n)
        | Promise::Written(n, ..)
        | Promise::Parked(n)
        | Promise::Woken(n)
        | Promise::Gathered(n)
        | Promise::Complete(n)
        | Promise::Brought(n) => *n,
    };
    let event =
        shop.store.event(shop.workspace, EventId(n)).await.map_err(|error| format!("event {n} ({error})"))?;
    event.ok_or_else(|| format!("event {n}"))?;
    if matches!(promise, Promise::Gathered(_)) {
        return Ok(());
    }
    let job = shop.store.job(shop.workspace, JobId(n)).await.map_err(|error| format!("job {n} ({error})"))?;
    let job = job.ok_or_else(|| format!("job {n}"))?;
    let (entries, state) = match promise {
        Promise::Parked(_) if job.state != JobState::Waiting => return Err(format!("the park of job {n}")),
        Promise::Woken(_) if job.wake_at.is_none() => return Err(format!("the waking of job {n}")),
        Promise::Written(_, entries, state) => (entries, state),
        _ => return Ok(()),
    };
    let journal = shop.store.journal(shop.workspace, JobId(n)).await.map_err(|error| error.to_string())?;
    // More may have been written since.
    if journal.len() < *entries as usize {
        return Err(format!("entry {entries} of job {n}"));
    }
    if state.is_final() && job.state != *state {
        return Err(format!("the end of job {n}"));
    }
    Ok(())
}

/// Nothing is there by half: events with their jobs and marks, journals without gaps, counters that agree.
async fn whole(shop: &Shop) -> Result<(), String> {
    let store = &shop.store;
    let events = store.events(shop.workspace, &EventFilter::default(), None, 500).await.map_err(text)?.items;
    let jobs = store.jobs(shop.workspace, &JobFilter::default(), None, 500).await.map_err(text)?.items;
    let started: HashSet<JobId> = events.iter().flat_map(|event| event.jobs.iter().copied()).collect();
    let found: HashSet<JobId> = jobs.iter().map(|job| job.id).collect();
    if started != found {
        return Err(format!("half of a capture ({} jobs instead of {})", found.len(), started.len()));
    }
    for job in &jobs {
        let journal = store.journal(shop.workspace, job.id).await.map_err(text)?;
        if journal.iter().zip(0..).any(|(entry, sequence)| entry.sequence != sequence) {
            return Err(format!("an entry in the middle of {}", job.id));
        }
        if (job.state == JobState::Completed) != (journal.len() == 2) {
            return Err(format!(
                "half of a write ({} is {:?} with {} entries)",
                job.id,
                job.state,
                journal.len()
            ));
        }
    }
    let used = store.disk_use().await.map_err(text)?;
    let open = jobs.iter().filter(|job| !job.state.is_final()).count() as u64;
    if (used.events, used.jobs, used.open_jobs) != (events.len() as u64, jobs.len() as u64, open) {
        return Err(format!("the counters ({used:?})"));
    }
    waits_are_whole(shop, &events, &jobs).await?;
    sets_are_whole(shop, &events, &jobs).await?;
    chunks_are_whole(shop, &events).await?;
    for event in events.iter().rev().take(2).chain(events.iter().take(2)) {
        let repeat = store.capture(marked(shop, event.id.0)).await.map_err(text)?;
        if !matches!(repeat, Captured::Duplicate(_)) {
            return Err(format!("the mark of {}", event.id));
        }
    }
    Ok(())
}

/// Every event of the type is in the inbox, who waits for what is there is due, and who waits hears of what comes.
async fn waits_are_whole(shop: &Shop, events: &[EventRecord], jobs: &[JobRecord]) -> Result<(), String> {
    let query = CandidateQuery {
        workspace: shop.workspace,
        types: vec![PAID.to_owned()],
        subject: None,
        after: 0,
        since: Timestamp(0),
        newest: 500,
        limit: 500,
    };
    let inbox: HashSet<EventId> =
        shop.store.candidates(&query).await.map_err(text)?.items.iter().map(|item| item.event).collect();
    let kept = events.iter().filter(|event| event.r#type == PAID).map(|event| event.id).collect();
    if inbox != kept {
        return Err(format!("the inbox ({inbox:?} instead of {kept:?})"));
    }
    let ended: HashSet<JobId> = jobs.iter().filter(|job| job.state.is_final()).map(|job| job.id).collect();
    let fed: Arc<Mutex<Vec<JobId>>> = Arc::default();
    let sink = Arc::clone(&fed);
    shop.store.set_feed(Box::new(move |jobs| sink.lock().unwrap().extend(jobs.iter().map(|job| job.id))));
    let mut asleep = 0;
    for job in jobs.iter().filter(|job| job.state == JobState::Waiting) {
        let has_come = inbox.contains(&EventId(job.id.0 + PAID_IDS)) || ended.contains(&JobId(job.id.0 + 1));
        if job.wake_at.is_some() != has_come {
            return Err(format!("half of a wake ({}: {:?}, has come: {has_come})", job.id, job.wake_at));
        }
        // Two of them are enough for each crash point.
        asleep += usize::from(!has_come);
        if !has_come && asleep <= 2 {
            shop.store.capture(paid(shop, job.id.0)).await.map_err(text)?;
            if *fed.lock().unwrap() != [job.id] {
                return Err(format!("the waiter of {}", job.id));
            }
            fed.lock().unwrap().clear();
        }
    }
    Ok(())
}

/// Every event that is gathered is in one job, or in the set that it was put in: the oldest is the next one's.
async fn sets_are_whole(shop: &Shop, events: &[EventRecord], jobs: &[JobRecord]) -> Result<(), String> {
    let mut used = HashSet::new();
    for job in jobs.iter().filter(|job| job.id.0 > GATHERED_IDS) {
        let gathered = shop.store.gathered(shop.workspace, job.id).await.map_err(text)?;
        let of: Vec<u64> = gathered.iter().map(|gathered| gathered.event.0).collect();
        if of.len() != 2 || of[1] != job.id.0 || !of.iter().all(|event| used.insert(*event)) {
            return Err(format!("half of a set ({} has {of:?})", job.id));
        }
    }
    let gathered = events.iter().map(|event| event.id.0).filter(|n| *n >= GATHERED_IDS);
    let mut waiting: Vec<u64> = gathered.filter(|n| !used.contains(n)).collect();
    waiting.sort_unstable();
    let Some(oldest) = waiting.first() else { return Ok(()) };
    let next = 2 * GATHERED_IDS + 1;
    shop.store.capture(part(shop, next)).await.map_err(text)?;
    let gathered = shop.store.gathered(shop.workspace, JobId(next)).await.map_err(text)?;
    let of: Vec<u64> = gathered.iter().map(|gathered| gathered.event.0).collect();
    if of != [*oldest, next] {
        return Err(format!("the set of event {oldest} (the next job has {of:?})"));
    }
    Ok(())
}

/// The events of a chunk are there if, and only if, the state that came with them is; so are the notes.
async fn chunks_are_whole(shop: &Shop, events: &[EventRecord]) -> Result<(), String> {
    let state = shop.store.trigger_state(shop.workspace, TRIGGER).await.map_err(text)?;
    let brought = state.map_or(0, |state| state.version);
    let there: HashSet<EventId> = events.iter().map(|event| event.id).collect();
    for number in 1..=2 * EVENTS / AT_ONCE {
        for event in (0..3).map(|n| EventId(BROUGHT_IDS + 10 * number + n)) {
            if there.contains(&event) != (number <= brought) {
                return Err(format!("half of a chunk ({event} of {number}, state {brought})"));
            }
        }
    }
    let notes = shop.store.trigger_notes(shop.workspace, TRIGGER, None, 100).await.map_err(text)?;
    if notes.items.len() as u64 != brought {
        return Err(format!("half of a chunk ({} notes, state {brought})", notes.items.len()));
    }
    Ok(())
}

fn text(error: tenon_store::Error) -> String {
    error.to_string()
}
