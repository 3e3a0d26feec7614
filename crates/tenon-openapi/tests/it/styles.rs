//! Parameters by place, style and explode; collection formats.

use crate::outcome;

const LIST: &str = r#"{"p": ["a b", "c,d", 3]}"#;
const OBJECT: &str = r#"{"p": {"R": 100, "G": "x y", "B": null}}"#;

#[track_caller]
fn check(parameter: &str, json: &str, expected: &str) {
    let path = if parameter.contains("in: path") { "/x/{p}/y" } else { "/x" };
    let document = format!(
        "openapi: 3.0.3\nservers: [{{url: 'https://h'}}]\npaths:\n  {path}:\n    get:\n      operationId: o\n      \
         parameters: [{{name: p, {parameter}}}]\n"
    );
    assert_eq!(outcome(&document, "o", json), format!("GET https://h{expected}"), "{parameter} {json}");
}

#[track_caller]
fn check_two(parameter: &str, json: &str, expected: &str) {
    let path = if parameter.contains("in: path") { "/x/{p}/y" } else { "/x" };
    let document = format!(
        "swagger: '2.0'\nhost: h\nschemes: [https]\npaths:\n  {path}:\n    get:\n      operationId: o\n      \
         parameters: [{{name: p, {parameter}}}]\n"
    );
    assert_eq!(outcome(&document, "o", json), format!("GET https://h{expected}"), "{parameter} {json}");
}

#[test]
fn in_the_query() {
    check("in: query", r#"{"p": "a b&c"}"#, "/x ?p=a b&c");
    check("in: query", r#"{"p": true}"#, "/x ?p=true");
    check("in: query", r#"{"p": 1.5}"#, "/x ?p=1.5");
    check("in: query", r#"{"p": ""}"#, "/x ?p=");
    check("in: query", r#"{"p": null}"#, "/x");
    check("in: query", "{}", "/x");
    check("in: query", LIST, "/x ?p=a b ?p=c,d ?p=3");
    check("in: query, explode: false", LIST, "/x?p=a%20b,c%2Cd,3");
    check("in: query", OBJECT, "/x ?R=100 ?G=x y");
    check("in: query, explode: false", OBJECT, "/x?p=R,100,G,x%20y");
    check("in: query, explode: false", r#"{"p": []}"#, "/x");
    check("in: query, style: spaceDelimited", LIST, "/x?p=a%20b%20c%2Cd%203");
    check("in: query, style: pipeDelimited", LIST, "/x?p=a%20b%7Cc%2Cd%7C3");
    check("in: query, style: pipeDelimited, explode: true", LIST, "/x ?p=a b ?p=c,d ?p=3");
    check("in: query, allowReserved: true", r#"{"p": "a/b?c&d#e"}"#, "/x?p=a/b?c%26d%23e");
    check("in: query, content: {application/json: {}}", r#"{"p": {"a": [1]}}"#, r#"/x ?p={"a":[1]}"#);
    check("in: query, content: {application/json: {}}", r#"{"p": "a"}"#, r#"/x ?p="a""#);
}

#[test]
fn deep_objects() {
    check("in: query, style: deepObject, explode: true", OBJECT, "/x ?p[R]=100 ?p[G]=x y");
    check(
        "in: query, style: deepObject",
        r#"{"p": {"a": {"b": 1}, "c": [1, 2]}}"#,
        "/x ?p[a][b]=1 ?p[c][]=1 ?p[c][]=2",
    );
    check(
        "in: query, style: deepObject",
        r#"{"p": [{"a": 1, "b": 2}, {"a": 3}]}"#,
        "/x ?p[0][a]=1 ?p[0][b]=2 ?p[1][a]=3",
    );
    check("in: query, style: deepObject", r#"{"p": ["a", "b"]}"#, "/x ?p[]=a ?p[]=b");
    check("in: query, style: deepObject", r#"{"p": "now"}"#, "/x ?p=now");
}

#[test]
fn in_the_path() {
    check("in: path", r#"{"p": "a/b ü"}"#, "/x/a%2Fb%20%C3%BC/y");
    check("in: path", LIST, "/x/a%20b,c%2Cd,3/y");
    check("in: path, explode: true", LIST, "/x/a%20b,c%2Cd,3/y");
    check("in: path", OBJECT, "/x/R,100,G,x%20y/y");
    check("in: path, explode: true", OBJECT, "/x/R=100,G=x%20y/y");
    check("in: path, style: label", LIST, "/x/.a%20b,c%2Cd,3/y");
    check("in: path, style: label, explode: true", OBJECT, "/x/.R=100.G=x%20y/y");
    check("in: path, style: matrix", LIST, "/x/;p=a%20b,c%2Cd,3/y");
    check("in: path, style: matrix, explode: true", LIST, "/x/;p=a%20b;p=c%2Cd;p=3/y");
    check("in: path, style: matrix, explode: true", OBJECT, "/x/;R=100;G=x%20y/y");
}

#[test]
fn in_headers_and_cookies() {
    check("in: header", r#"{"p": "a b"}"#, "/x p: a b");
    check("in: header", LIST, "/x p: a b,c,d,3");
    check("in: header", OBJECT, "/x p: R,100,G,x y");
    check("in: header, explode: true", OBJECT, "/x p: R=100,G=x y");
    check("in: cookie", r#"{"p": "a b;c"}"#, "/x cookie: p=a%20b%3Bc");
    check("in: cookie", r#"{"p": [1, 2]}"#, "/x cookie: p=1; p=2");
    check("in: cookie, explode: false", r#"{"p": [1, 2]}"#, "/x cookie: p=1,2");
}

#[test]
fn collection_formats_of_swagger() {
    check_two("in: query, type: string", r#"{"p": "a,b"}"#, "/x ?p=a,b");
    check_two("in: query, type: array", LIST, "/x?p=a%20b,c%2Cd,3");
    check_two("in: query, type: array, collectionFormat: multi", LIST, "/x ?p=a b ?p=c,d ?p=3");
    check_two("in: query, type: array, collectionFormat: ssv", LIST, "/x?p=a%20b%20c%2Cd%203");
    check_two("in: query, type: array, collectionFormat: tsv", LIST, "/x?p=a%20b%09c%2Cd%093");
    check_two("in: query, type: array, collectionFormat: pipes", LIST, "/x?p=a%20b%7Cc%2Cd%7C3");
    check_two("in: path, type: array, collectionFormat: pipes", LIST, "/x/a%20b%7Cc%2Cd%7C3/y");
    check_two("in: header, type: array, collectionFormat: ssv", LIST, "/x p: a b c,d 3");
}

#[test]
fn what_a_style_cannot_write_is_refused() {
    let refused = |parameter: &str, json: &str| {
        let document = format!(
            "{{openapi: 3.1.0, paths: {{'/x/{{q}}': {{get: {{operationId: o, parameters: [{parameter}]}}}}}}}}"
        );
        outcome(&document, "o", json)
    };
    assert_eq!(
        refused("{name: p, in: query}", r#"{"q": 1, "p": [[1]]}"#),
        "the parameter `p` has lists or objects inside of it, which its style cannot write"
    );
    assert_eq!(
        refused("{name: p, in: query, style: fancy}", r#"{"q": 1}"#),
        "the operation `o` cannot be called: its parameter `p` has the style `fancy`, which is none"
    );
    let elsewhere = "would address something else";
    for value in [r#""""#, r#"".""#, r#""..""#, "[]"] {
        let refusal = refused("{name: p, in: query}", &format!(r#"{{"q": {value}}}"#));
        assert!(refusal.contains(elsewhere), "{value}: {refusal}");
    }
    assert_eq!(
        refused("{name: p, in: query}", r#"{"q": "..%2f"}"#),
        "GET https://docs.example:8443/x/..%252f"
    );
}
