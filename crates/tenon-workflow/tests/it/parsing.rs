//! From text to document and back.

use proptest::prelude::*;
use serde_json::{Value, json};
use tenon_workflow::Document;

use crate::documents::{findings, lines, place};

#[track_caller]
fn reads(source: &str, expected: Value) {
    let document = Document::parse(source).unwrap_or_else(|found| panic!("{}", lines(&found)));
    assert_eq!(document.value(), expected);
    for written in [document.to_yaml(), document.to_json()] {
        let again = Document::parse(&written).unwrap_or_else(|found| panic!("{}\n{written}", lines(&found)));
        assert_eq!(again.value().to_string(), expected.to_string(), "\n{written}");
    }
}

#[track_caller]
fn refuses(source: &str, expected: &[&str]) {
    let found = findings(source);
    assert_eq!(found.iter().map(place).collect::<Vec<_>>(), expected, "\n{}", lines(&found));
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    reads("on: off", json!({"on": "off"}));
    reads("{yes: no, y: n, true: false}", json!({"yes": "no", "y": "n", "true": false}));
    reads(
        "- 1\n- -1\n- 0x1F\n- 0o17\n- 1.10\n- 1e3\n- .5\n- 12.",
        json!([1, -1, 31, 15, 1.1, 1000.0, 0.5, 12.0]),
    );
    reads(
        "- '1.10'\n- \"1\"\n- 1.0.3\n- 1_000\n- 12:30\n- 0b1",
        json!(["1.10", "1", "1.0.3", "1_000", "12:30", "0b1"]),
    );
    reads("- ~\n- null\n-\n- Null", json!([null, null, null, null]));
    reads("- !!str 1\n- !!int 1\n- !!float 1.5", json!(["1", 1, 1.5]));
    reads("a: |\n  x\n   y\n\n  z\nb: >\n  x\n  y\n", json!({"a": "x\n y\n\nz\n", "b": "x y\n"}));
    reads("18446744073709551615", json!(u64::MAX));
    reads("-9223372036854775808", json!(i64::MIN));
}

#[test]
fn json_is_yaml() {
    reads(
        r#"{"a": [1, 2.5, "\u00e9\/\n", null, true], "b": {}, "c": []}"#,
        json!({"a": [1, 2.5, "é/\n", null, true], "b": {}, "c": []}),
    );
    reads("{\n\t\"a\":\t1\n}", json!({"a": 1}));
    reads(r#"{"smile": "\ud83d\ude00"}"#, json!({"smile": "😀"}));
}

#[test]
fn order_is_kept() {
    reads("z: 1\na: 2\nm: {y: 1, b: 2}", json!({"z": 1, "a": 2, "m": {"y": 1, "b": 2}}));
    let document = Document::parse("z: 1\na: 2").expect("it is YAML");
    assert_eq!(document.to_yaml(), "z: 1\na: 2\n");
}

#[test]
fn numbers_keep_their_spelling() {
    let source = "- 1.10\n- 0x1F\n- 1e3\n";
    assert_eq!(Document::parse(source).expect("it is YAML").to_yaml(), source);
}

#[test]
fn yaml_is_written_for_people() {
    let source = "document:\n  name: a\n  title: \"yes\"\ndo:\n  - first:\n      set: ${ .a }\n      list:\n        - 1\n        - - x\n        - {}\n      script: |\n        one\n          two\n";
    let document = Document::parse(source).expect("it is YAML");
    insta::assert_snapshot!(document.to_yaml(), @r#"
    document:
      name: a
      title: "yes"
    do:
      - first:
          set: ${ .a }
          list:
            - 1
            -
              - x
            - {}
          script: |
            one
              two
    "#);
}

#[test]
fn aliases_are_expanded() {
    reads(
        "a: &x {b: [1, &y two]}\nc: *x\nd: *y",
        json!({"a": {"b": [1, "two"]}, "c": {"b": [1, "two"]}, "d": "two"}),
    );
    reads("a: &k name\n*k : 1", json!({"a": "name", "name": 1}));
}

#[test]
fn what_is_no_document() {
    refuses("", &["1 / TN1001"]);
    refuses("# nothing", &["1 / TN1001"]);
    refuses("a: [1", &["1 / TN1001"]);
    refuses("a: b: c", &["1 / TN1001"]);
    refuses("a: 1\n---\nb: 2", &["2 / TN1005"]);
    refuses("a: !custom 1", &["1 / TN1005"]);
    refuses("a: !!int x", &["1 / TN1005"]);
    refuses("? [a, b]\n: 1", &["1 / TN1005"]);
    refuses("a: &x [*x]", &["1 / TN1005"]);
    refuses("a: *nowhere", &["1 / TN1001"]);
    refuses("a: 1\nb: 123456789012345678901234567890", &["2 / TN1006"]);
    refuses("a: .inf", &["1 / TN1006"]);
    refuses("[1, 2]", &["1 / TN1012"]);
    refuses("just text", &["1 / TN1012"]);
}

#[test]
fn keys_are_unique() {
    refuses(
        "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n  c: 4\na: 5",
        &["5 /b/c TN1004", "6 /b/c TN1004", "7 /a TN1004"],
    );
    let found = findings("a: 1\nb: 2\na: 3");
    assert_eq!(found[0].message, "`a` is given twice; the first is on line 1");
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\n\t]{0,30}",
        "[a-z0-9:#.,'\"|>&*!%@`{}\\[\\] \n-]{0,12}",
        Just("on".to_owned()),
        Just("---".to_owned()),
        Just("...".to_owned()),
    ];
    let key = "[a-zA-Z0-9:#.,'\"|>&*!%@`{}\\[\\] ?~\n-]{0,12}";
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_survives_yaml_and_json(value in values()) {
        let document = Document::parse(&value.to_string()).map_err(|found| TestCaseError::fail(lines(&found)))?;
        prop_assert_eq!(document.value().to_string(), value.to_string());
        let yaml = document.to_yaml();
        let again = Document::parse(&yaml).map_err(|found| TestCaseError::fail(format!("{}\n{yaml}", lines(&found))))?;
        prop_assert_eq!(again.value().to_string(), value.to_string(), "\n{}", yaml);
        prop_assert_eq!(again.to_yaml(), yaml);
    }

    #[test]
    fn any_text_ends_without_a_panic(text in any::<String>()) {
        findings(&text);
    }

    #[test]
    fn any_yaml_like_text_ends_without_a_panic(text in "([a-c]: |- |\n|\n  |\\{|\\}|\\[|\\]|&x|\\*x|!!str |'|\"|1|: ){0,30}") {
        findings(&text);
    }
}
