//! Bodies: by name, by member, by media type.

use crate::outcome;

#[track_caller]
fn check(body: &str, json: &str, expected: &str) {
    let document = format!(
        "{{openapi: 3.0.0, servers: [{{url: 'https://h'}}], paths: {{'/x/{{id}}': {{put: {{operationId: o, parameters: [{{name: \
         id, in: path, required: true}}, {{name: q, in: query}}], requestBody: {body}}}}}}}}}"
    );
    assert_eq!(outcome(&document, "o", json), expected, "{body} {json}");
}

#[track_caller]
fn check_two(operation: &str, json: &str, expected: &str) {
    let document = format!(
        "{{swagger: '2.0', host: h, schemes: [https], consumes: [application/xml, application/json], paths: \
         {{/x: {{post: {{operationId: o, {operation}}}}}}}}}"
    );
    assert_eq!(outcome(&document, "o", json), expected, "{operation} {json}");
}

const JSON: &str = "{content: {application/json: {}}}";

#[test]
fn names_find_their_place() {
    check(JSON, r#"{"id": 1}"#, "PUT https://h/x/1");
    check(JSON, r#"{"id": 1, "body": {"a": 1}}"#, r#"PUT https://h/x/1 [application/json] {"a":1}"#);
    check(
        JSON,
        r#"{"id": 1, "q": 2, "a": null, "b": [2]}"#,
        r#"PUT https://h/x/1 ?q=2 [application/json] {"a":null,"b":[2]}"#,
    );
    check(JSON, r#"{"id": 1, "body": null}"#, "PUT https://h/x/1 [application/json] null");
    check(JSON, r#"{"id": 1, "body": "text"}"#, r#"PUT https://h/x/1 [application/json] "text""#);
    check(
        JSON,
        r#"{"id": 1, "body": {}, "a": 1}"#,
        "the operation `o` has no parameter `a`; it has `id`, `q`, `body`, which was given as a whole",
    );
    check(
        "{required: true, content: {application/json: {}}}",
        r#"{"id": 1}"#,
        "the operation `o` needs the parameter `body`",
    );
    check(JSON, r#"{"q": 1}"#, "the operation `o` needs the parameter `id`");
    check(
        "{required: true, content: {application/json: {}}}",
        "{}",
        "the operation `o` needs the parameters `id` and `body`",
    );
}

#[test]
fn a_member_named_body() {
    let schema = "{content: {application/json: {schema: {properties: {title: {}, body: {}}}}}}";
    check(
        schema,
        r#"{"id": 1, "title": "t", "body": "b"}"#,
        r#"PUT https://h/x/1 [application/json] {"title":"t","body":"b"}"#,
    );
    check(schema, r#"{"id": 1, "body": "b"}"#, r#"PUT https://h/x/1 [application/json] {"body":"b"}"#);
    let tower = "{content: {application/json: {schema: {allOf: [{oneOf: [{properties: {body: {}}}]}]}}}}";
    check(tower, r#"{"id": 1, "body": "b"}"#, r#"PUT https://h/x/1 [application/json] {"body":"b"}"#);
    let list = "{content: {application/json: {schema: {type: array}}}}";
    check(list, r#"{"id": 1, "body": [1]}"#, "PUT https://h/x/1 [application/json] [1]");
    check(list, r#"{"id": 1, "a": 1}"#, "the operation `o` has no parameter `a`; it has `id`, `q`, `body`");
}

#[test]
fn media_types() {
    let several = "{content: {text/plain: {}, multipart/form-data: {}, application/vnd.x+json: {}}}";
    check(several, r#"{"id": 1, "a": 1}"#, r#"PUT https://h/x/1 [application/vnd.x+json] {"a":1}"#);
    check("{content: {'*/*': {}}}", r#"{"id": 1, "body": [1]}"#, "PUT https://h/x/1 [application/json] [1]");
    let text = "{content: {text/csv: {}}}";
    check(text, r#"{"id": 1, "body": "a,b"}"#, "PUT https://h/x/1 [text/csv] a,b");
    check(text, r#"{"id": 1, "body": [1]}"#, "the body of `o` is sent as text/csv, so it must be a text");
    check(text, r#"{"id": 1, "a": 1}"#, "the operation `o` has no parameter `a`; it has `id`, `q`, `body`");
    let multipart = "{content: {multipart/form-data: {}}}";
    check(
        multipart,
        r#"{"id": 1, "body": {"a": 1}}"#,
        "the body of `o` is multipart (a file upload), which is not supported: use `call: http` with a body of its own",
    );
    check(multipart, r#"{"id": 1}"#, "PUT https://h/x/1");
    check(
        "{content: {}}",
        r#"{"id": 1}"#,
        "the operation `o` cannot be called: its body is of no media type",
    );
}

#[test]
fn forms() {
    let form = "{content: {application/x-www-form-urlencoded: {encoding: {d: {style: deepObject}, c: {style: form, explode: false}, j: {contentType: application/json}}}}}";
    let sent = "PUT https://h/x/1 [application/x-www-form-urlencoded]";
    check(form, r#"{"id": 1, "a": "x y&z", "n": null, "b": [1, 2]}"#, &format!("{sent} a=x%20y%26z&b=1&b=2"));
    check(
        form,
        r#"{"id": 1, "d": {"k": {"l": 1}}, "c": ["1", "2"]}"#,
        &format!("{sent} d%5Bk%5D%5Bl%5D=1&c=1,2"),
    );
    check(form, r#"{"id": 1, "j": {"k": 1}}"#, &format!("{sent} j=%7B%22k%22%3A1%7D"));
    check(form, r#"{"id": 1, "body": {"a": 1}}"#, &format!("{sent} a=1"));
    check(form, r#"{"id": 1, "body": "a=1&b"}"#, &format!("{sent} a=1&b"));
    check(
        form,
        r#"{"id": 1, "body": [1]}"#,
        "the body of `o` is a form, so it must be an object (or the form's text)",
    );
}

#[test]
fn those_of_swagger() {
    let whole = "parameters: [{name: pet, in: body, required: true}]";
    check_two(whole, r#"{"pet": {"a": 1}}"#, r#"POST https://h/x [application/json] {"a":1}"#);
    check_two(whole, r#"{"body": {"a": 1}}"#, r#"POST https://h/x [application/json] {"a":1}"#);
    check_two(whole, r#"{"a": 1}"#, r#"POST https://h/x [application/json] {"a":1}"#);
    check_two(whole, "{}", "the operation `o` needs the parameter `body`");
    let xml = "consumes: [application/xml], parameters: [{name: pet, in: body}]";
    check_two(xml, r#"{"pet": "<a/>"}"#, "POST https://h/x [application/xml] <a/>");
    let form = "consumes: [application/x-www-form-urlencoded], parameters: [{name: a, in: formData, required: true}, {name: b, in: formData, type: array}]";
    check_two(
        form,
        r#"{"a": 1, "b": [1, 2]}"#,
        "POST https://h/x [application/x-www-form-urlencoded] a=1&b=1,2",
    );
    check_two(form, r#"{"b": 1}"#, "the operation `o` needs the parameter `a`");
    let file = "parameters: [{name: a, in: formData, type: file}]";
    check_two(
        file,
        r#"{"a": "x"}"#,
        "the body of `o` is multipart (a file upload), which is not supported: use `call: http` with a body of its own",
    );
}
