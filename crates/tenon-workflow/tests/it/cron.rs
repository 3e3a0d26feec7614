//! What comes next: cron expressions in time zones, over changes of the clock, and what is refused.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tenon_workflow::{Cron, Timing, Zone};

const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

fn micros(text: &str) -> i64 {
    text.parse::<Timestamp>().expect("a moment").as_microsecond()
}

fn cron(text: &str, zone: &str) -> Cron {
    Cron::parse(text, Zone::named(zone).expect("a zone")).expect("a cron expression")
}

/// The occurrences after a moment, as UTC to the second.
fn check(text: &str, zone: &str, after: &str, expected: &[&str]) {
    let cron = cron(text, zone);
    let mut moment = micros(after);
    for wanted in expected {
        let next = cron.next_after(moment).expect("there is one more");
        let shown = Timestamp::from_microsecond(next).expect("a moment").to_string();
        assert_eq!(shown, *wanted, "`{text}` in {zone} after {after}");
        moment = next;
    }
}

#[test]
fn fields() {
    let from = "2027-01-01T00:00:00.5Z";
    check(
        "*/20 * * * *",
        "UTC",
        from,
        &["2027-01-01T00:20:00Z", "2027-01-01T00:40:00Z", "2027-01-01T01:00:00Z"],
    );
    check("*/20 * * * * *", "UTC", from, &["2027-01-01T00:00:20Z", "2027-01-01T00:00:40Z"]);
    check("0 9 * * MON-FRI", "UTC", from, &["2027-01-01T09:00:00Z", "2027-01-04T09:00:00Z"]);
    check("0 0 L * *", "UTC", from, &["2027-01-31T00:00:00Z", "2027-02-28T00:00:00Z"]);
    check("0 0 * * 5#2", "UTC", from, &["2027-01-08T00:00:00Z", "2027-02-12T00:00:00Z"]);
    check("@daily", "UTC", from, &["2027-01-02T00:00:00Z"]);
    // As cron always did: a day of the month or a day of the week.
    check("0 0 13 * FRI", "UTC", from, &["2027-01-08T00:00:00Z", "2027-01-13T00:00:00Z"]);
    check("0 9 * * *", "Asia/Kolkata", from, &["2027-01-01T03:30:00Z"]);
}

#[test]
fn an_occurrence_is_later_than_the_moment_that_is_asked_for() {
    check("* * * * * *", "UTC", "2027-01-01T00:00:00Z", &["2027-01-01T00:00:01Z"]);
    check("* * * * * *", "UTC", "2027-01-01T00:00:00.999999Z", &["2027-01-01T00:00:01Z"]);
    check("* * * * * *", "UTC", "1969-12-31T23:59:58.5Z", &["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"]);
}

#[test]
fn leap_days() {
    check("0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z", &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
    check("0 12 29 2 *", BERLIN, "2096-03-01T00:00:00Z", &["2104-02-29T11:00:00Z"]);
}

/// Clocks go forward on 2027-03-28 at 01:00Z in Berlin (02:00 → 03:00), on 2027-03-14 at 07:00Z in New York.
#[test]
fn a_time_that_the_clock_leaps_over_happens_as_much_later() {
    let days = ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"];
    check("30 2 * * *", BERLIN, "2027-03-26T12:00:00Z", &days);
    check("0 30 2 * * *", BERLIN, "2027-03-28T00:59:59Z", &["2027-03-28T01:30:00Z"]);
    check("30 2 * * *", BERLIN, "2027-03-28T01:30:00Z", &["2027-03-29T00:30:00Z"]);
    check("15,45 2 * * *", BERLIN, "2027-03-28T00:00:00Z", &["2027-03-28T01:15:00Z", "2027-03-28T01:45:00Z"]);
    // What falls together happens once, in order.
    let both = ["2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:00:00Z"];
    check("0,30 2,3 * * *", BERLIN, "2027-03-28T00:00:00Z", &both);
    check("30 2 * * *", NEW_YORK, "2027-03-13T12:00:00Z", &["2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"]);
    check("0 0 * * *", BERLIN, "2027-03-27T12:00:00Z", &["2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"]);
    // Where the clock leaps at midnight.
    check(
        "0 0 * * *",
        "Asia/Beirut",
        "2027-03-27T00:00:00Z",
        &["2027-03-27T22:00:00Z", "2027-03-28T21:00:00Z"],
    );
}

/// Clocks go back on 2027-10-31 at 01:00Z in Berlin (03:00 → 02:00), on 2027-11-07 at 06:00Z in New York.
#[test]
fn a_time_that_comes_twice_happens_the_first_time() {
    let days = ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"];
    check("30 2 * * *", BERLIN, "2027-10-29T12:00:00Z", &days);
    check("30 2 * * *", BERLIN, "2027-10-31T00:30:00Z", &["2027-11-01T01:30:00Z"]);
    check("*/30 2 * * *", BERLIN, "2027-10-31T00:29:00Z", &["2027-10-31T00:30:00Z", "2027-11-01T01:00:00Z"]);
    check("0 3 * * *", BERLIN, "2027-10-31T00:00:00Z", &["2027-10-31T02:00:00Z"]);
    check("30 1 * * *", NEW_YORK, "2027-11-06T12:00:00Z", &["2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"]);
}

#[test]
fn what_means_every_hour_keeps_its_step() {
    let back =
        ["2027-10-31T00:00:00Z", "2027-10-31T00:30:00Z", "2027-10-31T01:00:00Z", "2027-10-31T01:30:00Z"];
    check("*/30 * * * *", BERLIN, "2027-10-30T23:59:00Z", &back);
    let forward = ["2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"];
    check("*/30 * * * *", BERLIN, "2027-03-28T00:00:00Z", &forward);
    check("15 * * * *", NEW_YORK, "2027-11-07T05:00:00Z", &["2027-11-07T05:15:00Z", "2027-11-07T06:15:00Z"]);
}

#[test]
fn unusable_expressions() {
    for (text, message) in [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("* * * * * * 2027", "has 7 fields"),
        ("61 * * * *", "is not a cron expression"),
        ("* * * * MOO", "is not a cron expression"),
        ("@often", "is not a cron expression"),
        ("0 0 30 2 *", "never happens"),
        ("0 0 31 4,6,9,11 *", "never happens"),
    ] {
        let error = Cron::parse(text, Zone::utc()).expect_err(text);
        assert!(error.message.contains(message), "{text}: {}", error.message);
        assert!(error.hint.is_some(), "{text}");
    }
}

#[test]
fn unknown_zones() {
    for (name, hint) in [
        ("Europe/Berlni", "did you mean `Europe/Berlin`?"),
        ("Berlin", "did you mean `Europe/Berlin`?"),
        ("new york", "did you mean `America/New_York`?"),
        ("Nowhere/At All", "write a name of the IANA database, such as `Europe/Berlin`, or `UTC`"),
        ("+02:00", "write a name of the IANA database, such as `Europe/Berlin`, or `UTC`"),
    ] {
        let error = Zone::named(name).expect_err(name);
        assert_eq!(
            (error.message, error.hint.as_deref()),
            (format!("there is no time zone `{name}`"), Some(hint))
        );
    }
    assert_eq!(Zone::named("europe/berlin").expect("letters do not matter").name(), BERLIN);
}

#[test]
fn intervals_do_not_drift() {
    let every = Timing::Every(std::time::Duration::from_secs(7));
    assert_eq!(every.first(1_000), Some(7_001_000));
    assert_eq!(every.next_after(1_000, 7_001_000), Some(14_001_000));
    assert_eq!(every.next_after(1_000, 7_000_999), Some(7_001_000));
    assert_eq!(every.next_after(1_000, 0), Some(7_001_000), "never before it was first seen");
    assert_eq!(every.next_after(i64::MAX - 5, i64::MAX - 4), None);
    let after = Timing::After(std::time::Duration::from_secs(2));
    assert_eq!(
        (after.first(5), after.next_after(5, 5), after.again_after(7)),
        (Some(5), None, Some(2_000_007))
    );
    assert_eq!((Timing::At(5).first(5), Timing::At(5).first(6)), (Some(5), None));
}

/// Occurrences by brute force: second by second through the wall clock, with the rules as they are documented.
fn expected(minute: u32, hour: u32, zone: &TimeZone, day: jiff::civil::Date) -> i64 {
    let wall = day.at(hour as i8, minute as i8, 0, 0);
    // Of a wall time that comes twice the first; one that is leapt over as much later.
    zone.to_ambiguous_timestamp(wall).compatible().expect("near").as_microsecond()
}

proptest! {
    #[test]
    fn each_day_has_its_time_once(
        minute in 0u32..60,
        hour in 0u32..24,
        zone in prop::sample::select(vec![BERLIN, NEW_YORK, "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran", "UTC"]),
        first in 0i32..3_000,
    ) {
        let cron = cron(&format!("{minute} {hour} * * *"), zone);
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let start = jiff::civil::date(2020, 1, 1).checked_add(jiff::Span::new().days(first)).expect("near");
        let mut moment = start.at(0, 0, 0, 0).to_zoned(zone.clone()).expect("near").timestamp().as_microsecond() - 1;
        for day in start.series(jiff::Span::new().days(1)).take(250) {
            let next = cron.next_after(moment).expect("every day");
            prop_assert_eq!(next, expected(minute, hour, &zone, day), "{}", day);
            moment = next;
        }
    }
}
