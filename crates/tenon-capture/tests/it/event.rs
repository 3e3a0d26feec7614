//! Reading CloudEvents in their JSON form.

use serde_json::{Map, Value, json};
use tenon_capture::{Data, Event, hops_after};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn valid() -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.acme.order"})
}

#[track_caller]
fn refused(change: Value, pointer: &str) {
    let mut event = object(valid());
    for (name, value) in object(change) {
        event.insert(name, value);
    }
    let invalid = Event::from_object(event).expect_err("must be refused");
    assert_eq!(invalid.pointer, pointer, "{}", invalid.message);
}

#[test]
fn all_attributes_are_read() {
    let mut source = object(valid());
    source.extend(object(json!({
        "subject": "42", "time": "2027-01-01T00:00:00Z", "datacontenttype": "application/json",
        "dataschema": "https://acme.com/s", "traceparent": "00-1", "sampled": true, "weight": 3,
        "absent": null, "data": {"a": 1},
    })));
    let event = Event::from_object(source).expect("valid");
    assert_eq!((event.id.as_deref(), event.source.as_str()), (Some("1"), "/shop"));
    assert_eq!(event.subject.as_deref(), Some("42"));
    assert_eq!(event.extensions.keys().collect::<Vec<_>>(), ["traceparent", "sampled", "weight"]);
    assert_eq!(event.data, Data::Value(json!({"a": 1})));
}

#[test]
fn base64_data_is_decoded_and_null_data_is_data() {
    let mut binary = object(valid());
    binary.insert("data_base64".into(), "aGk=".into());
    assert_eq!(Event::from_object(binary).expect("valid").data, Data::Binary("hi".into()));
    let mut null = object(valid());
    null.insert("data".into(), Value::Null);
    assert_eq!(Event::from_object(null).expect("valid").data, Data::Value(Value::Null));
}

#[test]
fn what_breaks_the_specification_is_refused_with_its_place() {
    refused(json!({"specversion": "0.3"}), "/specversion");
    refused(json!({"specversion": null}), "/specversion");
    refused(json!({"source": ""}), "/source");
    refused(json!({"type": null}), "/type");
    refused(json!({"type": 7}), "/type");
    refused(json!({"id": ""}), "/id");
    refused(json!({"time": "soon"}), "/time");
    refused(json!({"Upper": "x"}), "/Upper");
    refused(json!({"nested": {"a": 1}}), "/nested");
    refused(json!({"fraction": 1.5}), "/fraction");
    refused(json!({"data": 1, "data_base64": "aGk="}), "/data");
    refused(json!({"data_base64": "***"}), "/data_base64");
    refused(json!({"subject": "x".repeat(5000)}), "/subject");
}

#[test]
fn data_may_nest_100_levels_and_no_more() {
    let nested = |levels| (0..levels).fold(json!("deep"), |inside, _| json!([inside]));
    let mut deep = object(valid());
    deep.insert("data".into(), nested(tenon_capture::MAX_JSON_DEPTH));
    Event::from_object(deep).expect("valid");
    refused(json!({ "data": nested(tenon_capture::MAX_JSON_DEPTH + 1) }), "/data");
}

#[test]
fn hops_count_up_from_the_envelope() {
    assert_eq!(hops_after(&json!({})), 1);
    assert_eq!(hops_after(&json!({"tenonhops": 4})), 5);
}
