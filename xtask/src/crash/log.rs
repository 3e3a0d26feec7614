//! Append-only logs of JSON lines, fsynced: what producers, sink and nemesis each write, and what the checker
//! reads when all is over. Who writes never waits for the disk; a thread of the log's own does.

use anyhow::{Context, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Writes into a log.
pub(crate) struct Pen<T>(Sender<Option<T>>);

/// A log that is being written.
pub(crate) struct Log<T> {
    path: PathBuf,
    /// `None` ends the log.
    sender: Sender<Option<T>>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl<T> Clone for Pen<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Pen<T> {
    /// Adds a record. Records of one thread keep their order; what comes after the log's end is dropped.
    pub(crate) fn write(&self, record: T) {
        // Fails only when the writer has ended; if that was too early, `Log::finish` says why.
        let _ = self.0.send(Some(record));
    }
}

impl<T: Serialize + Send + 'static> Log<T> {
    /// A new, empty log.
    pub(crate) fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("could not make {}", path.display()))?;
        let (sender, receiver) = channel();
        let writer = std::thread::spawn(move || write_all(file, &receiver));
        Ok(Self { path, sender, writer })
    }

    pub(crate) fn pen(&self) -> Pen<T> {
        Pen(self.sender.clone())
    }

    /// Waits until all that was written before is on disk.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        let _ = self.sender.send(None);
        let written = self.writer.join().expect("the writer of a log does not panic");
        written.with_context(|| format!("could not write {}", self.path.display()))?;
        Ok(self.path)
    }
}

/// Everything in a log.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let records = text.lines().enumerate().map(|(number, line)| {
        serde_json::from_str(line).with_context(|| format!("{}:{} is no record", path.display(), number + 1))
    });
    records.collect()
}

fn write_all<T: Serialize>(mut file: File, receiver: &Receiver<Option<T>>) -> std::io::Result<()> {
    let mut batch = Vec::new();
    let mut ended = false;
    while !ended && let Ok(first) = receiver.recv() {
        batch.clear();
        for record in std::iter::once(first).chain(receiver.try_iter()) {
            let Some(record) = record else {
                ended = true;
                break;
            };
            serde_json::to_writer(&mut batch, &record)?;
            batch.push(b'\n');
        }
        file.write_all(&batch)?;
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let log = Log::<(u32, String)>::create(directory.path().join("a.jsonl")).unwrap();
        let pen = log.pen();
        for number in 0..100 {
            pen.write((number, "line\nbreak".to_owned()));
        }
        let records: Vec<(u32, String)> = read(&log.finish().unwrap()).unwrap();
        assert_eq!(records.len(), 100);
        assert!(records.iter().enumerate().all(|(index, record)| record.0 as usize == index));
    }
}
