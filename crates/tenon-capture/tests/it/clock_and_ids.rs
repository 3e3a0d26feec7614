//! Time does not go back; ids are unique and in order.

use std::collections::HashSet;
use std::time::Duration;

use tenon_capture::{Clock, IdSource, parse_rfc3339, rfc3339};
use tenon_store::Timestamp;

#[test]
fn the_manual_clock_stands_still() {
    let clock = Clock::manual(Timestamp(1_800_000_000_000_000));
    assert_eq!(clock.now(), clock.now());
    clock.clone().advance(Duration::from_millis(3));
    assert_eq!(clock.now(), Timestamp(1_800_000_000_003_000));
}

#[test]
fn the_system_clock_never_goes_back() {
    let clock = Clock::system();
    let mut before = clock.now();
    assert!(before > Timestamp(1_577_836_800_000_000), "later than 2020");
    for _ in 0..10_000 {
        let now = clock.now();
        assert!(now >= before);
        before = now;
    }
}

#[test]
fn moments_are_rfc_3339_with_microseconds() {
    let at = Timestamp(1_798_761_600_000_042);
    assert_eq!(rfc3339(at), "2027-01-01T00:00:00.000042Z");
    assert_eq!(parse_rfc3339(&rfc3339(at)), Ok(at));
    assert_eq!(parse_rfc3339("2027-01-01T01:00:00+01:00"), Ok(Timestamp(1_798_761_600_000_000)));
    assert!(parse_rfc3339("yesterday").is_err());
    assert!(parse_rfc3339("2027-01-01").is_err());
    assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999-"));
    assert!(rfc3339(Timestamp(i64::MIN)).starts_with("0001-"));
}

#[test]
fn ids_ascend_within_a_millisecond_and_beyond() {
    let clock = Clock::manual(Timestamp(1_800_000_000_000_000));
    let ids = IdSource::new(clock.clone());
    let mut before = ids.event().0;
    assert!(before >> 63 == 0, "63 bits");
    for turn in 0..5_000 {
        let next = ids.job().0;
        assert!(next > before);
        before = next;
        if turn % 1000 == 0 {
            clock.advance(Duration::from_millis(1));
        }
    }
    assert!(before < IdSource::first_at(clock.now().after(Duration::from_millis(1))));
}

#[test]
fn ids_are_unique_over_threads() {
    let ids = IdSource::new(Clock::system());
    let all: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..20_000).map(|_| ids.job().0).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}
