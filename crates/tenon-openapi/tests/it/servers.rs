//! Which server, and what its address is.

use crate::outcome;

#[track_caller]
fn check(document: &str, expected: &str) {
    assert_eq!(outcome(document, "o", "{}"), expected, "{document}");
}

#[test]
fn the_nearest_first_one() {
    let document = |root: &str, path: &str, operation: &str| {
        format!("{{openapi: 3.0.0, {root} paths: {{/x: {{{path} get: {{{operation} operationId: o}}}}}}}}")
    };
    let root = "servers: [{url: 'https://root/v1/'}, {url: 'https://second'}],";
    let path = "servers: [{url: 'https://path'}],";
    let operation = "servers: [{url: 'https://operation/'}],";
    check(&document(root, "", ""), "GET https://root/v1/x");
    check(&document(root, path, ""), "GET https://path/x");
    check(&document(root, path, operation), "GET https://operation/x");
    check(&document("servers: [],", "", ""), "GET https://docs.example:8443/x");
    check(&document("", "", ""), "GET https://docs.example:8443/x");
}

#[test]
fn relative_ones_and_variables() {
    let document = |server: &str| {
        format!("{{openapi: 3.1.0, servers: [{server}], paths: {{/x: {{get: {{operationId: o}}}}}}}}")
    };
    check(&document("{url: /api}"), "GET https://docs.example:8443/api/x");
    check(&document("{url: api}"), "GET https://docs.example:8443/v1/api/x");
    check(&document("{url: ../api/}"), "GET https://docs.example:8443/api/x");
    check(&document("{url: //other/api}"), "GET https://other/api/x");
    check(
        &document(
            "{url: 'https://{region}.h:{port}/{base}', variables: {region: {default: eu}, port: {default: 8080}, base: {default: v2}}}",
        ),
        "GET https://eu.h:8080/v2/x",
    );
    check(
        &document("{url: 'https://{region}.h'}"),
        "the operation `o` cannot be called: the variable `region` of its server has no default value",
    );
    check(
        &document("{description: none}"),
        "the operation `o` cannot be called: its first server has no `url`",
    );
}

#[test]
fn those_of_swagger() {
    let document = |root: &str, operation: &str| {
        format!("{{swagger: '2.0', {root} paths: {{/x: {{get: {{{operation} operationId: o}}}}}}}}")
    };
    check(&document("host: h, basePath: /v2, schemes: [http, https],", ""), "GET https://h/v2/x");
    check(&document("host: 'h:81', basePath: /v2/, schemes: [http, ws],", ""), "GET http://h:81/v2/x");
    check(&document("host: h,", ""), "GET https://h/x");
    check(&document("basePath: /v2,", ""), "GET https://docs.example:8443/v2/x");
    check(&document("host: h, schemes: [https],", "schemes: [http],"), "GET http://h/x");
}
