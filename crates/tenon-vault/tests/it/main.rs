//! Integration tests of `tenon-vault`: what sealing promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use tenon_vault::{DataKey, Error, Place, Sealer};
use zeroize::Zeroizing;

const HERE: Place = Place { workspace: 1, table: "event", row: 7, part: 0 };

fn sealer(byte: u8) -> Sealer {
    Sealer::new(DataKey::from_bytes(Zeroizing::new([byte; 32]))).unwrap()
}

#[test]
fn what_was_sealed_opens_in_its_place() {
    let sealer = sealer(1);
    for plain in [&b""[..], b"x", &vec![7; 100_000]] {
        let sealed = sealer.seal(HERE, plain);
        assert_eq!(sealed.len(), plain.len() + Sealer::OVERHEAD);
        assert_eq!(sealer.open(HERE, &sealed).unwrap(), plain);
    }
}

#[test]
fn the_plain_bytes_do_not_show() {
    let plain = b"a credit card number of some length";
    let sealed = sealer(1).seal(HERE, plain);
    assert!(!sealed.windows(8).any(|window| plain.windows(8).any(|p| p == window)));
}

#[test]
fn a_later_process_opens_what_an_earlier_one_sealed() {
    let sealed: Vec<_> = (0..200).map(|_| sealer(1).seal(HERE, b"before")).collect();
    let later = sealer(1);
    for sealed in &sealed {
        assert_eq!(later.open(HERE, sealed).unwrap(), b"before");
    }
}

#[test]
fn a_value_that_was_moved_does_not_open() {
    let sealer = sealer(1);
    let sealed = sealer.seal(HERE, b"secret");
    let elsewhere = [
        Place { workspace: 2, ..HERE },
        Place { table: "job", ..HERE },
        Place { row: 8, ..HERE },
        Place { part: 1, ..HERE },
    ];
    for place in elsewhere {
        assert!(matches!(sealer.open(place, &sealed), Err(Error::Damaged(_))), "{place:?}");
    }
}

#[test]
fn a_changed_byte_or_another_key_is_noticed() {
    let sealed = sealer(1).seal(HERE, b"secret");
    assert!(matches!(sealer(2).open(HERE, &sealed), Err(Error::Damaged(_))));
    for position in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert!(matches!(sealer(1).open(HERE, &changed), Err(Error::Damaged(_))), "byte {position}");
    }
    for length in 0..sealed.len() {
        assert!(matches!(sealer(1).open(HERE, &sealed[..length]), Err(Error::Damaged(_))), "{length} bytes");
    }
}

#[test]
fn no_two_messages_share_salt_and_counter() {
    let sealer = sealer(1);
    let nonces: std::collections::HashSet<_> =
        (0..1000).map(|_| sealer.seal(HERE, b"same")[1..25].to_vec()).collect();
    assert_eq!(nonces.len(), 1000);
}

#[test]
fn fingerprints_depend_on_key_and_on_where_parts_end() {
    let one = sealer(1).fingerprint(&[b"ab", b"c"]);
    assert_eq!(one, sealer(1).fingerprint(&[b"ab", b"c"]));
    assert_ne!(one, sealer(1).fingerprint(&[b"a", b"bc"]));
    assert_ne!(one, sealer(2).fingerprint(&[b"ab", b"c"]));
}

#[test]
fn keys_do_not_show_in_debug_output() {
    let key = DataKey::from_bytes(Zeroizing::new([65; 32]));
    assert_eq!(format!("{key:?}"), "DataKey(…)");
}

fn keys(count: u8) -> Sealer {
    let key = |number: u8| (u32::from(number), DataKey::from_bytes(Zeroizing::new([number; 32])));
    Sealer::with_keys((1..=count).map(key).collect()).unwrap()
}

#[test]
fn a_value_says_which_key_sealed_it_and_older_keys_still_open() {
    let sealed: Vec<_> = (1..=3).map(|count| keys(count).seal(HERE, b"secret")).collect();
    let newest = keys(3);
    for (number, sealed) in (1..).zip(&sealed) {
        assert_eq!(Sealer::key_of(sealed).unwrap(), number);
        assert_eq!(newest.open(HERE, sealed).unwrap(), b"secret", "key {number}");
    }
    assert_eq!(newest.newest_key(), 3);
    assert!(matches!(keys(2).open(HERE, &sealed[2]), Err(Error::Damaged(_))), "a key that is not there");
}

#[test]
fn a_value_of_the_first_key_has_the_form_that_it_always_had() {
    let sealed = sealer(1).seal(HERE, b"x");
    assert_eq!((sealed[0], sealed.len()), (1, 1 + 16 + 8 + 1 + 16));
    let later = keys(2).seal(HERE, b"x");
    assert_eq!((&later[..5], later.len()), (&[2, 0, 0, 0, 2][..], sealed.len() + 4));
}

#[test]
fn with_one_more_key_both_sealers_go_on() {
    let before = sealer(1);
    let first = before.seal(HERE, b"first");
    let after = before.and(2, DataKey::from_bytes(Zeroizing::new([2; 32]))).unwrap();
    let late = before.seal(HERE, b"late");
    let new = after.seal(HERE, b"new");
    for (sealed, plain) in [(&first, "first"), (&late, "late"), (&new, "new")] {
        assert_eq!(after.open(HERE, sealed).unwrap(), plain.as_bytes());
    }
    assert_eq!((Sealer::key_of(&late).unwrap(), Sealer::key_of(&new).unwrap()), (1, 2));
    assert!(before.open(HERE, &new).is_err(), "it may not be durable yet");
    after.share();
    assert_eq!(before.open(HERE, &new).unwrap(), b"new", "whoever got the old one before can still read");
}

#[test]
fn a_changed_byte_of_a_numbered_value_is_noticed() {
    let sealer = keys(3);
    let sealed = sealer.seal(HERE, b"secret");
    for position in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[position] ^= 1 << bit;
            assert!(
                matches!(sealer.open(HERE, &changed), Err(Error::Damaged(_))),
                "byte {position} bit {bit}"
            );
        }
    }
    for length in 0..sealed.len() {
        assert!(matches!(sealer.open(HERE, &sealed[..length]), Err(Error::Damaged(_))), "{length} bytes");
    }
}

#[test]
fn fingerprints_stay_when_keys_are_added() {
    assert_eq!(sealer(1).fingerprint(&[b"a"]), keys(3).fingerprint(&[b"a"]));
}

#[test]
fn without_the_first_key_there_is_no_sealer() {
    let key = DataKey::from_bytes(Zeroizing::new([1; 32]));
    assert!(Sealer::with_keys([(2, key)].into()).is_err());
}
