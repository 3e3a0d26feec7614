//! The key file: read with care, made once, durably.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::Error;

/// A key's line is 64 bytes; a file far larger is something else.
const LIMIT_BYTES: u64 = 4096;

/// Whether a missing key file may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// At first start.
    IfMissing,
    /// The data directory has wrapped keys already: a new master key could not open them.
    Never,
}

/// The file's text; `None`: there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    // Looked at by name first: opening a pipe would wait for its writer.
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::Exposed { path: path.to_owned(), mode });
    }
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(128));
    file.take(LIMIT_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::Malformed { origin: format!("master key file {}", path.display()) })?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

/// Makes the file. If another process makes one meanwhile, that one stays.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), Error> {
    write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Written beside, synced, then given its name: no crash leaves half a key under the real name.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // A link, not a rename: it never replaces a key that is there.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(&directory)?.sync_all()
}
