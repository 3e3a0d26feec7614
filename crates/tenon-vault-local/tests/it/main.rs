//! Integration tests of `tenon-vault-local`: the key file's good and bad days.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tenon_vault::{Error as KeyError, Vault as _};
use tenon_vault_local::{Create, Error, LocalVault};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn first_start_makes_a_private_file_and_the_next_start_reads_it() {
    let directory = directory();
    let path = directory.path().join("a/b/master.key");
    let wrapped = LocalVault::open(&path, Create::IfMissing).unwrap().wrap(&[9; 32]).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    for create in [Create::IfMissing, Create::Never] {
        assert_eq!(*LocalVault::open(&path, create).unwrap().unwrap(&wrapped).unwrap(), [9; 32]);
    }
}

#[test]
fn a_missing_file_is_not_replaced_when_data_exists() {
    let directory = directory();
    let path = directory.path().join("master.key");
    let error = LocalVault::open(&path, Create::Never).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains("restore the file"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let directory = directory();
    let path = directory.path().join("master.key");
    LocalVault::open(&path, Create::IfMissing).unwrap();
    for open in [0o640, 0o604, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let error = LocalVault::open(&path, Create::IfMissing).unwrap_err();
        assert!(matches!(error, Error::Exposed { mode, .. } if mode == open), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn what_is_not_a_key_is_refused_and_left_alone() {
    let directory = directory();
    let path = directory.path().join("master.key");
    for content in [&b""[..], b"hello\n", b"tenon-master-key-1:AAAA\n", b"\xff\xfe", &vec![b'A'; 100_000]] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = LocalVault::open(&path, Create::IfMissing).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn a_folder_or_an_impossible_path_gives_one_clear_line() {
    let directory = directory();
    let error = LocalVault::open(directory.path(), Create::IfMissing).unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = LocalVault::open(&file.join("master.key"), Create::IfMissing).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn a_text_works_like_the_file() {
    let directory = directory();
    let path = directory.path().join("master.key");
    let wrapped = LocalVault::open(&path, Create::IfMissing).unwrap().wrap(&[3; 32]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let bare = text.trim().strip_prefix("tenon-master-key-1:").unwrap();
    for text in [text.as_str(), bare] {
        assert_eq!(*LocalVault::from_text(text).unwrap().unwrap(&wrapped).unwrap(), [3; 32]);
    }
    assert!(matches!(LocalVault::from_text("nonsense"), Err(Error::Malformed { .. })));
}

#[test]
fn another_master_key_is_told_from_damage() {
    let key = |byte: &str| LocalVault::from_text(&format!("{}=", byte.repeat(43))).unwrap();
    let wrapped = key("A").wrap(&[5; 32]).unwrap();
    assert_eq!(key("E").unwrap(&wrapped).unwrap_err(), KeyError::WrongMasterKey);
    let mut damaged = wrapped.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(key("A").unwrap(&damaged), Err(KeyError::Damaged(_))));
    assert!(matches!(key("A").unwrap(&wrapped[1..]), Err(KeyError::Damaged(_))));
}
