//! The table of C functions: the default VFS, with the few of its functions replaced that change a file.
//!
//! A file of the default VFS is a block of `szOsFile` bytes that begins with a pointer to its table of methods.
//! Ours has a [`Tail`] behind that, and its pointer shows to a copy of the table in which four methods are ours;
//! each of them does what the original does, and remembers it. Memory-mapped writing is not offered.

#![expect(unsafe_code, reason = "a VFS is C: tables of functions, raw pointers, memory that SQLite owns")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::ffi::{
    SQLITE_OK, SQLITE_OPEN_CREATE, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_filename,
    sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::Recorder;

/// Without memory mapping (version 3).
const METHODS_VERSION: c_int = 2;

/// What `pAppData` shows to.
struct Registered {
    original: *mut sqlite3_vfs,
    recorder: &'static Recorder,
}

/// What follows the original's part of an open file.
struct Tail {
    methods: *const sqlite3_io_methods,
    recorder: &'static Recorder,
    name: Arc<str>,
    /// The default VFS syncs the directory with the first sync of a new journal or log.
    syncs_directory: bool,
}

/// A table of the original and ours for it. Both live as long as the process.
struct Pair(*const sqlite3_io_methods, *const sqlite3_io_methods);

// SAFETY: both tables are never written after they were made.
unsafe impl Send for Pair {}

/// One pair for each table that the original uses (files with and without locks have different ones).
static TABLES: Mutex<Vec<Pair>> = Mutex::new(Vec::new());

pub(crate) fn register(name: &str, recorder: &'static Recorder) {
    let name = CString::new(name).expect("a name has no NUL");
    // SAFETY: a null name asks for the default VFS; it is initialised by this call and never goes away.
    let original = unsafe { sqlite3_vfs_find(ptr::null()) };
    assert!(!original.is_null(), "SQLite has a default VFS");
    // SAFETY: `original` is valid, see above; the struct is plain data.
    let mut vfs = unsafe { *original };
    vfs.zName = name.into_raw();
    vfs.pNext = ptr::null_mut();
    vfs.szOsFile = offset(vfs.szOsFile) as c_int + size_of::<Tail>() as c_int;
    vfs.pAppData = Box::into_raw(Box::new(Registered { original, recorder })).cast();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    let vfs = Box::into_raw(Box::new(vfs));
    // SAFETY: `vfs` and all it shows to are leaked on purpose: they live as long as the process.
    let code = unsafe { sqlite3_vfs_register(vfs, 0) };
    assert_eq!(code, SQLITE_OK, "the VFS is registered");
}

/// Where the tail begins: behind the original's part, aligned.
fn offset(original_size: c_int) -> usize {
    (original_size as usize).next_multiple_of(align_of::<Tail>())
}

/// The last part of a path.
fn file_name(path: *const c_char) -> Arc<str> {
    if path.is_null() {
        return "temporary".into();
    }
    // SAFETY: SQLite gives paths that end with NUL and live during the call.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    path.rsplit('/').next().unwrap_or_default().into()
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    path: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `vfs` is the one that `register` made.
    let registered = unsafe { &*(*vfs).pAppData.cast::<Registered>() };
    // SAFETY: `file` has at least the bytes that the original asks for; the arguments are SQLite's own.
    let code = unsafe {
        let original = registered.original;
        ((*original).xOpen.expect("every VFS opens"))(original, path, file, flags, out_flags)
    };
    // SAFETY: the original has set the pointer, or left it null where there is nothing to close.
    let methods = unsafe { (*file).pMethods };
    if methods.is_null() {
        return code;
    }
    let syncs_directory =
        flags & SQLITE_OPEN_CREATE != 0 && flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL) != 0;
    let tail = Tail { methods, recorder: registered.recorder, name: file_name(path), syncs_directory };
    // SAFETY: `szOsFile` has room for a tail at this place, which is aligned as the block is (8 bytes).
    unsafe {
        tail_of(registered.original, file).write(tail);
        (*file).pMethods = ours(methods);
    }
    code
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, path: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: as in `open`.
    let registered = unsafe { &*(*vfs).pAppData.cast::<Registered>() };
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe {
        let original = registered.original;
        ((*original).xDelete.expect("every VFS deletes"))(original, path, sync_directory)
    };
    if code == SQLITE_OK {
        registered.recorder.delete(file_name(path));
        if sync_directory != 0 {
            registered.recorder.sync_directory();
        }
    }
    code
}

/// Where a file's tail is.
unsafe fn tail_of(original: *mut sqlite3_vfs, file: *mut sqlite3_file) -> *mut Tail {
    // SAFETY: the block is larger than this by the size of a tail.
    unsafe { file.cast::<u8>().add(offset((*original).szOsFile)).cast() }
}

/// The tail of a file that `open` opened.
unsafe fn tail<'a>(file: *mut sqlite3_file) -> &'a mut Tail {
    // SAFETY: all our VFS copy the default one, so that the tail is at the same place in all their files; `open`
    // has written it, and SQLite uses a file from one thread at a time.
    unsafe { &mut *tail_of(sqlite3_vfs_find(ptr::null()), file) }
}

/// The copy of a table in which our methods are.
fn ours(methods: *const sqlite3_io_methods) -> *const sqlite3_io_methods {
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pair) = tables.iter().find(|pair| ptr::eq(pair.0, methods)) {
        return pair.1;
    }
    // SAFETY: the original's tables are static.
    let mut copy = unsafe { *methods };
    copy.iVersion = copy.iVersion.min(METHODS_VERSION);
    copy.xClose = Some(close);
    copy.xWrite = Some(write);
    copy.xTruncate = Some(truncate);
    copy.xSync = Some(sync);
    let copy: &'static sqlite3_io_methods = Box::leak(Box::new(copy));
    tables.push(Pair(methods, copy));
    copy
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: `file` was opened by `open`.
    let tail = unsafe { tail(file) };
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe { ((*tail.methods).xWrite.expect("every file is written"))(file, bytes, length, at) };
    if code == SQLITE_OK {
        // SAFETY: SQLite gives a buffer of this length.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize) };
        tail.recorder.write(&tail.name, at as u64, bytes);
    }
    code
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: `file` was opened by `open`.
    let tail = unsafe { tail(file) };
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe { ((*tail.methods).xTruncate.expect("every file is truncated"))(file, size) };
    if code == SQLITE_OK {
        tail.recorder.truncate(&tail.name, size as u64);
    }
    code
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: `file` was opened by `open`.
    let tail = unsafe { tail(file) };
    // SAFETY: the arguments are SQLite's own.
    let code = unsafe { ((*tail.methods).xSync.expect("every file is synced"))(file, flags) };
    if code == SQLITE_OK {
        tail.recorder.sync(&tail.name);
        if std::mem::take(&mut tail.syncs_directory) {
            tail.recorder.sync_directory();
        }
    }
    code
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `file` was opened by `open`; it is not used any more after this, so that the tail may go.
    let methods = unsafe {
        let tail: *mut Tail = tail(file);
        let methods = (*tail).methods;
        ptr::drop_in_place(tail);
        methods
    };
    // SAFETY: the argument is SQLite's own.
    unsafe { ((*methods).xClose.expect("every file is closed"))(file) }
}

#[cfg(test)]
mod tests {
    use crate::{Disk, Kept, Operation, Recorder, Syncs};
    use rusqlite::{Connection, OpenFlags};

    const SETUP: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER);";

    fn insert_three(vfs: &str, syncs: Syncs) -> Vec<Operation> {
        let directory = tempfile::tempdir().unwrap();
        let recorder = Recorder::register(vfs, syncs);
        let path = directory.path().join("a.db");
        let connection = Connection::open_with_flags_and_vfs(&path, OpenFlags::default(), vfs).unwrap();
        connection.execute_batch(SETUP).unwrap();
        for number in 0..3 {
            connection.execute("INSERT INTO t VALUES (?1)", [number as i64]).unwrap();
            recorder.mark(number);
        }
        drop(connection);
        recorder.operations()
    }

    fn rows_at(operations: &[Operation], mark: usize, kept: Kept) -> i64 {
        let mut disk = Disk::default();
        for operation in operations {
            disk.apply(operation);
            if *operation == Operation::Mark(mark) {
                break;
            }
        }
        let directory = tempfile::tempdir().unwrap();
        disk.image(kept).write_to(directory.path()).unwrap();
        let connection = Connection::open(directory.path().join("a.db")).unwrap();
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap_or(-1)
    }

    #[test]
    fn what_sqlite_committed_is_in_what_was_synced() {
        let operations = insert_three("test-honest", Syncs::Honoured);
        let count =
            |test: fn(&Operation) -> bool| operations.iter().filter(|operation| test(operation)).count();
        assert!(count(|operation| matches!(operation, Operation::Write { .. })) > 6);
        assert!(count(|operation| matches!(operation, Operation::Sync { .. })) > 3);
        assert_eq!(operations.last(), Some(&Operation::Delete { file: "a.db-wal".into() }), "on closing");
        for mark in 0..3 {
            assert_eq!(rows_at(&operations, mark, Kept::Nothing), mark as i64 + 1);
            assert_eq!(rows_at(&operations, mark, Kept::Everything), mark as i64 + 1);
        }
    }

    #[test]
    fn a_disk_that_ignores_syncs_keeps_nothing() {
        let operations = insert_three("test-lying", Syncs::Ignored);
        assert!(!operations.iter().any(|operation| matches!(operation, Operation::Sync { .. })));
        assert_eq!(rows_at(&operations, 2, Kept::Nothing), -1);
        assert_eq!(rows_at(&operations, 2, Kept::Everything), 3);
    }
}
