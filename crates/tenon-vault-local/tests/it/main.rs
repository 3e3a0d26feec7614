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

#[test]
fn a_key_has_a_name_that_tells_keys_apart_and_nothing_else() {
    let key = |byte: &str| LocalVault::from_text(&format!("{}=", byte.repeat(43))).unwrap().id();
    assert_eq!(key("A"), key("A"));
    assert_ne!(key("A"), key("E"));
    assert_eq!(key("A").len(), 16);
    let wrapped = LocalVault::from_text(&format!("{}=", "A".repeat(43))).unwrap().wrap(&[5; 32]).unwrap();
    let shown = format!("{:016x}", u64::from_be_bytes(wrapped[1..9].try_into().unwrap()));
    assert_eq!(shown, key("A"), "it is what every wrapped key says anyway");
}

mod key_files {
    use tenon_vault::{MasterKeys as _, Refused};
    use tenon_vault_local::{KeyFiles, Origin};

    use super::*;

    fn files(directory: &Path) -> KeyFiles {
        fs::create_dir_all(directory.join("data")).unwrap();
        KeyFiles::new(directory.join("data"), Origin::File(directory.join("old.key")))
    }

    fn refusal(files: &KeyFiles, file: impl AsRef<Path>) -> Refused {
        files.find_or_make(file.as_ref()).map(|_| ()).unwrap_err()
    }

    #[test]
    fn a_new_file_is_made_and_found_again() {
        let directory = directory();
        let files = files(directory.path());
        let file = directory.path().join("keys/new.key");
        let made = files.find_or_make(&file).unwrap();
        assert!(made.is_new && mode(&file) == 0o600);
        let content = fs::read(&file).unwrap();
        let found = files.find_or_make(&file).unwrap();
        assert!(!found.is_new && found.vault.id() == made.vault.id());
        assert_eq!(fs::read(&file).unwrap(), content, "nothing is overwritten");
        assert_eq!(
            LocalVault::open(&file, Create::Never).unwrap().id(),
            made.vault.id(),
            "a restart finds it"
        );
    }

    #[test]
    fn no_key_beside_the_data() {
        let directory = directory();
        let files = files(directory.path());
        std::os::unix::fs::symlink(directory.path().join("data"), directory.path().join("link")).unwrap();
        for file in ["data/new.key", "data/deep/er/new.key", "link/new.key"] {
            let refused = refusal(&files, directory.path().join(file));
            assert!(refused.reason.contains("data directory"), "{refused:?}");
        }
        assert_eq!(fs::read_dir(directory.path().join("data")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_place_for_a_key_is_refused_with_a_way_out() {
        let directory = directory();
        let files = files(directory.path());
        let other = directory.path().join("other");
        fs::write(&other, "not a key").unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
        let open = directory.path().join("open.key");
        files.find_or_make(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
        for (file, reason) in [
            ("new.key".into(), "whole path"),
            (directory.path().join("../new.key"), "whole path"),
            (directory.path().to_owned(), "not a regular file"),
            (other.clone(), "does not hold a master key"),
            (open, "can be read by others"),
        ] {
            let refused = refusal(&files, &file);
            assert!(refused.reason.contains(reason) && !refused.hint.is_empty(), "{file:?}: {refused:?}");
        }
        assert_eq!(fs::read_to_string(&other).unwrap(), "not a key");
    }

    #[test]
    fn the_next_start_is_explained() {
        let next = files(directory().path()).next_start(Path::new("/keys/new.key"));
        assert!(
            next.contains("mv /keys/new.key") && next.contains("--master-key-file /keys/new.key"),
            "{next}"
        );
        let text =
            KeyFiles::new("/data", Origin::Text { name: "TENON_MASTER_KEY".to_owned(), id: "id".to_owned() });
        assert!(text.next_start(Path::new("/keys/new.key")).contains("unset TENON_MASTER_KEY"));
    }

    #[test]
    fn what_the_next_start_would_find_is_told() {
        let directory = directory();
        let files = files(directory.path());
        assert!(files.id_at_next_start().unwrap_err().contains("does not exist"));
        let old = directory.path().join("old.key");
        let made = files.find_or_make(&old).unwrap();
        assert_eq!(files.id_at_next_start().unwrap(), made.vault.id());
        let text = Origin::Text { name: "TENON_MASTER_KEY".to_owned(), id: "id".to_owned() };
        assert_eq!(KeyFiles::new("/data", text).id_at_next_start().unwrap(), "id");
    }
}
