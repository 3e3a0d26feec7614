//! `parse_duration`

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tenon_workflow::{LONGEST_DURATION, parse_duration};

#[track_caller]
fn gives(value: Value, milliseconds: u64) {
    assert_eq!(parse_duration(&value), Ok(Duration::from_millis(milliseconds)), "{value}");
}

#[track_caller]
fn refused(value: Value, part: &str) {
    let error = parse_duration(&value).expect_err(&value.to_string());
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn texts() {
    gives(json!("PT15M"), 900_000);
    gives(json!("PT30S"), 30_000);
    gives(json!("PT0S"), 0);
    gives(json!("P1D"), 86_400_000);
    gives(json!("P2W"), 14 * 86_400_000);
    gives(json!("P1DT2H3M4.5S"), 93_784_500);
    gives(json!("PT0,25S"), 250);
    gives(json!("PT1.5H"), 5_400_000);
    gives(json!("P0.5D"), 43_200_000);
    gives(json!("P36500D"), 36_500 * 86_400_000);
}

#[test]
fn objects() {
    gives(json!({"seconds": 30}), 30_000);
    gives(
        json!({"days": 1, "hours": 2, "minutes": 3, "seconds": 4, "milliseconds": 5}),
        86_400_000 + 7_200_000 + 180_000 + 4_005,
    );
    gives(json!({"milliseconds": 0}), 0);
}

#[test]
fn what_is_no_duration() {
    for text in
        ["", "P", "PT", "15M", "PT15", "P1DT", "PTM", "PT1M1H", "PT1S1S", "-PT1S", "PT-1S", "PT1.S", "pt1s"]
    {
        refused(json!(text), "is not an ISO 8601 duration");
    }
    refused(json!("P1Y"), "no fixed length");
    refused(json!("P1M"), "no fixed length");
    refused(json!("P36501D"), "longer than 36,500 days");
    refused(json!({"days": u64::MAX}), "longer than 36,500 days");
    refused(json!("PT99999999999999999999S"), "not an ISO 8601");
    refused(json!({}), "empty");
    refused(json!({"weeks": 1}), "`weeks` is not a part");
    refused(json!({"seconds": -1}), "not negative");
    refused(json!({"seconds": 1.5}), "whole number");
    refused(json!(5), "not a number");
    refused(json!(null), "not null");
    refused(json!("P".repeat(100_000)), "is not an ISO 8601");
    refused(json!(format!("PT0.{}S", "1".repeat(100_000))), "is not an ISO 8601");
}

proptest! {
    #[test]
    fn any_text_ends(text in "P?[0-9.,WDTHMSY]{0,40}") {
        if let Ok(duration) = parse_duration(&json!(text)) {
            prop_assert!(duration <= LONGEST_DURATION);
        }
    }

    #[test]
    fn both_forms_agree(days in 0_u64..1000, hours in 0_u64..100, minutes in 0_u64..100, milliseconds in 0_u64..100_000) {
        let text = format!("P{days}DT{hours}H{minutes}M{}.{:03}S", milliseconds / 1000, milliseconds % 1000);
        let object = json!({"days": days, "hours": hours, "minutes": minutes, "milliseconds": milliseconds});
        prop_assert_eq!(parse_duration(&json!(text)), parse_duration(&object));
    }
}
