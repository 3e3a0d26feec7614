//! Damage in the log that SQLite would pass over in silence.
//!
//! When SQLite opens a log it reads frames up to the first one whose checksum is wrong, because that is how the
//! tail looks after a crash, and forgets the rest. A flipped bit in the middle looks the same and would lose
//! committed transactions. But each commit is synced before the next one's frames are written: so a broken frame
//! of one commit, followed by a later commit of the same log, is not a crash's tail but damage.
//! (Format: <https://www.sqlite.org/fileformat2.html#walformat>.)

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
/// What the log is called in messages.
const TAIL: &str = "the write-ahead log";

/// `Some`: why the log is damaged. A log that is not there, empty or cut off by a crash is fine.
pub(crate) fn damage(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER];
    if reader.read_exact(&mut header).is_err() || header == [0; HEADER] {
        return Ok(None);
    }
    let Some(mut log) = Log::start(&header) else {
        return Ok(Some(format!("{TAIL} has a broken header")));
    };
    let mut frame = vec![0; FRAME_HEADER + log.page_bytes];
    let mut number = 0u64;
    while reader.read_exact(&mut frame).is_ok() {
        number += 1;
        if let Some(broken) = log.accept(&frame, number) {
            return Ok(Some(format!("{TAIL} is broken at frame {broken}, in the middle of committed data")));
        }
    }
    Ok(None)
}

/// Follows the chain of checksums.
struct Log {
    big_endian: bool,
    page_bytes: usize,
    salt: [u8; 8],
    sums: (u32, u32),
    broken: Option<u64>,
    broken_commit_ended: bool,
}

// === impl Log ===

impl Log {
    fn start(header: &[u8; HEADER]) -> Option<Self> {
        let magic = word(header, 0);
        let page_bytes = word(header, 8) as usize;
        if magic & !1 != MAGIC || !page_bytes.is_power_of_two() || !(512..=65536).contains(&page_bytes) {
            return None;
        }
        let big_endian = magic & 1 == 1;
        let sums = checksum(&header[..24], (0, 0), big_endian);
        let salt = header[16..24].try_into().expect("8 bytes");
        let log = Self { big_endian, page_bytes, salt, sums, broken: None, broken_commit_ended: false };
        (sums == (word(header, 24), word(header, 28))).then_some(log)
    }

    /// Takes the next frame; gives the broken one once it is known that a later commit followed it.
    fn accept(&mut self, frame: &[u8], number: u64) -> Option<u64> {
        if frame[8..16] != self.salt {
            // What was here before the log started over. A flipped bit in a salt also ends up here; then the
            // frames after it tell.
            self.broken = self.broken.or(Some(number));
            return None;
        }
        let ends_commit = word(frame, 4) != 0;
        if let Some(broken) = self.broken {
            // Frames that a rollback left behind never end a commit; each start empties the log, so that at most
            // one torn commit can be in it.
            if self.broken_commit_ended && ends_commit {
                return Some(broken);
            }
            self.broken_commit_ended |= ends_commit;
            return None;
        }
        let sums = checksum(&frame[..8], self.sums, self.big_endian);
        let sums = checksum(&frame[FRAME_HEADER..], sums, self.big_endian);
        if sums == (word(frame, 16), word(frame, 20)) {
            self.sums = sums;
        } else {
            self.broken = Some(number);
            self.broken_commit_ended = ends_commit;
        }
        None
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn checksum(bytes: &[u8], sums: (u32, u32), big_endian: bool) -> (u32, u32) {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (pairs, _) = bytes.as_chunks::<8>();
    pairs.iter().fold(sums, |(first, second), pair| {
        let first = first.wrapping_add(read([pair[0], pair[1], pair[2], pair[3]])).wrapping_add(second);
        let second = second.wrapping_add(read([pair[4], pair[5], pair[6], pair[7]])).wrapping_add(first);
        (first, second)
    })
}
