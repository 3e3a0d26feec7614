//! A store in a directory of its own, and a vault that needs no file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tenon_store::conformance::Harness;
use tenon_store::{
    Capture, Entry, EventId, Fence, JobId, Kind, Lane, NewEvent, NewJob, Origin, PutResource, ResourceId,
    RevisionId, Shard, Store, Timestamp, Transition, WorkspaceId, Write,
};
use tenon_store_sqlite::{Options, SqliteStore};
use tenon_vault::{Error, Vault};
use zeroize::Zeroizing;

/// Good enough to tell one master key from another.
pub(crate) struct TestVault(pub(crate) u8);

impl Vault for TestVault {
    fn id(&self) -> String {
        format!("test-{}", self.0)
    }

    fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        Ok(std::iter::once(self.0).chain(key.iter().map(|byte| byte ^ self.0)).collect())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        let (master, key) = wrapped.split_first().ok_or(Error::Damaged("empty"))?;
        if *master != self.0 {
            return Err(Error::WrongMasterKey);
        }
        let key: [u8; 32] = key.try_into().map_err(|_| Error::Damaged("length"))?;
        Ok(Zeroizing::new(key.map(|byte| byte ^ self.0)))
    }
}

/// Options for a directory.
pub(crate) fn options(directory: &Path) -> Options {
    let mut options = Options::new(directory, Arc::new(TestVault(7)));
    options.low_water_bytes = 0;
    options.ballast_bytes = 1 << 20;
    options
}

/// The harness of the conformance suite.
pub(crate) struct Sqlite {
    directory: tempfile::TempDir,
}

// === impl Sqlite ===

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

#[async_trait]
impl Harness for Sqlite {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(options(&self.path())).unwrap())
    }
}

/// A store with a workspace, and captures that need no more than a number.
pub(crate) struct Shop {
    pub(crate) store: SqliteStore,
    pub(crate) workspace: WorkspaceId,
}

// === impl Shop ===

impl Shop {
    pub(crate) async fn open(options: Options) -> Self {
        let store = SqliteStore::open(options).unwrap();
        let workspace = store.create_workspace("default").await.unwrap();
        Self { store, workspace }
    }

    /// Event `n` with job `n` in shard 0 and a payload of some bytes.
    pub(crate) fn order(&self, n: u64, payload: &str) -> Capture {
        let at = Timestamp(1_700_000_000_000_000 + n as i64);
        let event = NewEvent {
            id: EventId(n),
            workspace: self.workspace,
            origin: Origin::Event,
            source: "/shop".to_owned(),
            r#type: "com.acme.order".to_owned(),
            subject: None,
            captured_at: at,
            expires: at.after(std::time::Duration::from_secs(1000)),
            envelope: Bytes::from(format!("\"{payload}\"")),
        };
        let job = NewJob {
            id: JobId(n),
            workflow: ResourceId(1),
            revision: RevisionId(1),
            semantics: 1,
            lane: Some(Lane { shard: Shard(0), key: None }),
            priority: 5,
            is_bulk: false,
            mark: None,
            input: None,
            rerun_of: None,
            parent: None,
            events_of: None,
            journal: Vec::new(),
        };
        Capture { generation: 1, mark: None, delivery: None, event, jobs: vec![job], gathers: Vec::new() }
    }

    /// A workflow whose jobs listen for these types.
    pub(crate) fn listener(&self, types: &[&str]) -> PutResource {
        PutResource {
            workspace: self.workspace,
            kind: Kind::Workflow,
            name: "acme/listener".to_owned(),
            version: "1.0.0".to_owned(),
            digest: types.join(","),
            document: "document: {}".to_owned(),
            keys: Vec::new(),
            listens: types.iter().map(|r#type| (*r#type).to_owned()).collect(),
            gathers: None,
            files: Vec::new(),
            expected: None,
            at: Timestamp(1_700_000_000_000_000),
            actor: "owner".to_owned(),
        }
    }

    /// One outcome of job `n`, which goes on.
    pub(crate) fn outcome(&self, fence: Fence, n: u64, outcome: &str) -> Write {
        let at = Timestamp(1_700_000_001_000_000);
        let entry = Entry {
            sequence: 0,
            effect: "/do/0".to_owned(),
            attempt: 1,
            arguments: 1,
            started_at: at,
            at,
            outcome: Bytes::from(format!("\"{outcome}\"")),
        };
        let entries = vec![entry];
        let (workspace, job) = (self.workspace, JobId(n));
        Write { fence, workspace, job, entries, transition: Transition::Running, started_at: at, at }
    }

    pub(crate) async fn has(&self, n: u64) -> bool {
        let event = self.store.event(self.workspace, EventId(n)).await.unwrap();
        let job = self.store.job(self.workspace, JobId(n)).await.unwrap();
        assert_eq!(event.is_some(), job.is_some(), "event and job come together");
        event.is_some()
    }
}

/// What a `kill -9` would leave: the files as they are now, without the lock.
pub(crate) fn copy_as_killed(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for name in ["tenon.db", "tenon.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}
