//! Documents as a whole: versions, formats, references, ids, mistakes.

use crate::outcome;

#[track_caller]
fn check(document: &str, operation: &str, json: &str, expected: &str) {
    assert_eq!(outcome(document, operation, json), expected, "{document}");
}

#[test]
fn versions_and_formats() {
    let xkcd = r#"{"openapi": "3.0.0", "servers": [{"url": "http://h"}], "paths": {"/info": {"get": {}}}}"#;
    check(xkcd, "GET /info", "{}", "GET http://h/info");
    check(xkcd, "get /info", "{}", "GET http://h/info");
    check(&format!("\u{feff} {xkcd}"), "GET /info", "{}", "GET http://h/info");
    check("swagger: 2.0\nhost: h\npaths: {/x: {get: {operationId: on}}}", "on", "{}", "GET https://h/x");
    let yaml = "
openapi: 3.0.3
info: {title: Pets, version: 1.0, x-made: 2020-01-01}
servers:
  - url: https://h/v1
paths:
  /pets/{id}:
    get:
      operationId: getPet
      description: |
        A pet: *by* id.
      parameters:
        - &id {name: id, in: path, required: true, schema: {type: integer, default: 1.5e3}}
        - {<<: *id, name: q, in: query, required: yes}
      responses:
        200: {description: ok, headers: {on: {}, true: {}}}
        4XX: {description: no}
        default: {description: else}
";
    check(yaml, "getPet", r#"{"id": 1, "q": 2}"#, "GET https://h/v1/pets/1 ?q=2");
    let says = "a document says `openapi: 3.0.x`, `openapi: 3.1.x` or `swagger: \"2.0\"`";
    check("openapi: 4.0.0", "o", "{}", &format!("document: this document says `openapi: 4.0.0`: {says}"));
    check("swagger: '1.2'", "o", "{}", &format!("document: this document says `swagger: 1.2`: {says}"));
    check("[1]", "o", "{}", &format!("document: this is not an OpenAPI document: {says}"));
    check("<html>", "o", "{}", &format!("document: this is not an OpenAPI document: {says}"));
    assert!(
        outcome("{\"openapi\": ", "o", "{}")
            .starts_with("document: the document is not readable as JSON: EOF")
    );
    assert!(outcome("a: [", "o", "{}").starts_with("document: the document is not readable as YAML: "));
}

const REFERENCES: &str = "
openapi: 3.1.0
servers: [{url: 'https://h'}]
paths:
  /a/{id}: {$ref: '#/components/pathItems/a~1b%20c'}
  /b: {get: {operationId: circle, parameters: [{$ref: '#/components/parameters/circle'}]}}
  /c: {get: {operationId: nowhere, parameters: [{$ref: '#/components/parameters/none'}]}}
  /d: {get: {operationId: elsewhere, parameters: [{$ref: 'parameters.yaml#/x'}]}}
  /e: {post: {operationId: body, requestBody: {$ref: '#/components/requestBodies/b'}}}
  /f: {$ref: other.yaml}
  /g: {post: {operationId: recursive, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/tree'}}}}}}
components:
  pathItems:
    'a/b c': {parameters: [{$ref: '#/components/parameters/id'}], get: {operationId: a, parameters: [{name: q, in: query, required: true}]}}
  parameters:
    id: {name: id, in: path, required: true}
    circle: {$ref: '#/components/parameters/circle'}
  requestBodies: {b: {$ref: '#/components/requestBodies/c'}, c: {required: true, content: {application/json: {}}}}
  schemas: {tree: {allOf: [{$ref: '#/components/schemas/tree'}], properties: {body: {$ref: '#/components/schemas/tree'}}}}
";

#[test]
fn references() {
    check(REFERENCES, "a", r#"{"id": 1, "q": 2}"#, "GET https://h/a/1 ?q=2");
    check(
        REFERENCES,
        "circle",
        "{}",
        "the operation `circle` cannot be called: its references lead in a circle or are too many",
    );
    check(
        REFERENCES,
        "nowhere",
        "{}",
        "the operation `nowhere` cannot be called: it refers to `#/components/parameters/none`, which the document does not have",
    );
    check(
        REFERENCES,
        "elsewhere",
        "{}",
        "the operation `elsewhere` cannot be called: it refers to `parameters.yaml#/x`, outside of the document: bundle the document into one file",
    );
    check(REFERENCES, "body", "{}", "the operation `body` needs the parameter `body`");
    check(REFERENCES, "body", r#"{"a": 1}"#, r#"POST https://h/e [application/json] {"a":1}"#);
    check(REFERENCES, "recursive", r#"{"body": 1}"#, r#"POST https://h/g [application/json] {"body":1}"#);
}

const MISTAKES: &str = "
openapi: 3.0.0
servers: [{url: 'https://h'}]
security: [{key: []}, {other: []}]
paths:
  x-note: 1
  /a/{forgotten}/{two}{three}: {get: {operationId: forgotten, parameters: [{name: two, in: path}, {name: gone, in: path}]}}
  /b:
    parameters: [{name: p, in: query, style: pipeDelimited}, {name: p, in: header}]
    get: {operationId: twice, parameters: [{name: p, in: query, required: 'true'}]}
    post: {operationId: twice}
    delete: {operationId: findPetsByStatus, parameters: [{name: Authorization, in: header, required: true}], security: []}
    put: {operationId: place, parameters: [{name: p, in: nowhere}]}
components: {securitySchemes: {key: {type: apiKey, name: api_key, in: header}, other: {type: http}}}
";

#[test]
fn mistakes_of_published_documents() {
    check(MISTAKES, "forgotten", r#"{"forgotten": 1, "two": 2, "three": 3}"#, "GET https://h/a/1/23");
    check(
        MISTAKES,
        "forgotten",
        r#"{"forgotten": 1}"#,
        "the operation `forgotten` needs the parameters `two` and `three`",
    );
    check(
        MISTAKES,
        "twice",
        "{}",
        "the operation `twice` cannot be called: the document gives this id twice: call `GET /b` or `POST /b`",
    );
    check(MISTAKES, "GET /b", r#"{"p": [1, 2]}"#, "GET https://h/b ?p=1 ?p=2 p: 1,2");
    check(MISTAKES, "GET /b", "{}", "the operation `GET /b` needs the parameter `p`");
    check(MISTAKES, "findPetsByStatus", "{}", "DELETE https://h/b");
    check(MISTAKES, "findPetsByStatus", r#"{"Authorization": "x"}"#, "DELETE https://h/b Authorization: x");
    check(
        MISTAKES,
        "place",
        "{}",
        "the operation `place` cannot be called: its parameter `p` is in `nowhere`, which is no place",
    );
    check(MISTAKES, "findPetByStatus", "{}", "no such operation; nearest: [\"findPetsByStatus\"]");
}

#[test]
fn keys_of_security_schemes_can_be_given() {
    check(MISTAKES, "POST /b", r#"{"api_key": "k"}"#, "POST https://h/b api_key: k");
    check(
        MISTAKES,
        "findPetsByStatus",
        r#"{"api_key": "k"}"#,
        "the operation `findPetsByStatus` has no parameter `api_key`; it has `p`, `p`, `Authorization`",
    );
}
