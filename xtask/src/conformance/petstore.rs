//! Stand-ins for the public hosts that the kit names: `petstore.swagger.io` and `httpbin.org`.
//!
//! Pets have an id, a name and a status; any numbered pet exists. Our own words, not a copy of theirs.

use super::callee::{Answer, Call};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const PETSTORE: &str = "https://petstore.swagger.io/v2";
const HTTPBIN: &str = "https://httpbin.org";

/// What one of the public hosts answers; `None` for every other host.
pub(super) fn answer(call: &Call) -> Option<Answer> {
    if let Some(path) = call.address.strip_prefix(PETSTORE) {
        return Some(petstore(call, path));
    }
    call.address.strip_prefix(HTTPBIN).map(|path| httpbin(call, path))
}

fn petstore(call: &Call, path: &str) -> Answer {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["swagger.json"]) => Answer::json(200, &description()),
        ("GET", ["pet", "findByStatus"]) => {
            let shown = call.shown();
            let status = shown["query"]["status"].as_str().unwrap_or("available").to_owned();
            let pets: Vec<Value> = (1..=3).map(|id| pet(id, &status)).collect();
            Answer::json(200, &Value::Array(pets))
        }
        ("GET", ["pet", id]) => match id.parse() {
            Ok(id) => Answer::json(200, &pet(id, "available")),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

fn pet(id: u64, status: &str) -> Value {
    json!({ "id": id, "name": format!("pet {id}"), "status": status, "photoUrls": [], "tags": [] })
}

fn not_found() -> Answer {
    Answer::json(404, &json!({ "code": 1, "type": "error", "message": "Pet not found" }))
}

/// The two operations that scenarios call, in the version of the language that the host itself uses.
fn description() -> Value {
    let pet = json!({
        "type": "object",
        "required": ["name", "photoUrls"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "name": { "type": "string" },
            "status": { "type": "string", "enum": ["available", "pending", "sold"] },
            "photoUrls": { "type": "array", "items": { "type": "string" } },
            "tags": { "type": "array", "items": { "type": "object" } },
        },
    });
    let statuses = json!({
        "name": "status",
        "in": "query",
        "required": true,
        "type": "array",
        "items": { "type": "string", "enum": ["available", "pending", "sold"], "default": "available" },
        "collectionFormat": "multi",
    });
    let id = json!({ "name": "petId", "in": "path", "required": true, "type": "integer", "format": "int64" });
    let one = json!({ "$ref": "#/definitions/Pet" });
    let many = json!({ "type": "array", "items": one });
    let operation = |id: &str, parameter: Value, result: Value| {
        json!({ "get": {
            "operationId": id,
            "produces": ["application/json"],
            "parameters": [parameter],
            "responses": {
                "200": { "description": "found", "schema": result },
                "404": { "description": "Pet not found" },
            },
        } })
    };
    json!({
        "swagger": "2.0",
        "info": { "title": "A stand-in for the pet store", "version": "1.0.0" },
        "host": "petstore.swagger.io",
        "basePath": "/v2",
        "schemes": ["https", "http"],
        "paths": {
            "/pet/findByStatus": operation("findPetsByStatus", statuses, many),
            "/pet/{petId}": operation("getPetById", id, one),
        },
        "definitions": { "Pet": pet },
    })
}

/// `/basic-auth/{user}/{password}` lets in whoever brings both.
fn httpbin(call: &Call, path: &str) -> Answer {
    let Some((user, password)) = path.strip_prefix("/basic-auth/").and_then(|rest| rest.split_once('/'))
    else {
        return Answer::json(404, &json!({}));
    };
    let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    if call.header("authorization") == Some(&expected) {
        return Answer::json(200, &json!({ "authenticated": true, "user": user }));
    }
    let mut answer = Answer::json(401, &json!({}));
    answer.headers.push(("www-authenticate".to_owned(), "Basic realm=\"Fake Realm\"".to_owned()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::Map;

    fn ask(address: &str, query: &str, authorization: &str) -> Option<(u16, Value)> {
        let call = Call {
            method: "GET".to_owned(),
            address: address.to_owned(),
            query: query.to_owned(),
            headers: Map::from_iter([("authorization".to_owned(), json!(authorization))]),
            body: Bytes::new(),
            at: 0,
        };
        let answer = answer(&call)?;
        Some((answer.status, serde_json::from_slice(&answer.body).unwrap()))
    }

    #[test]
    fn pets_are_found_by_number_and_status_and_not_by_name() {
        let (status, pets) = ask(&format!("{PETSTORE}/pet/findByStatus"), "status=sold", "").unwrap();
        assert_eq!((status, &pets[0]["status"]), (200, &json!("sold")));
        let (status, pet) = ask(&format!("{PETSTORE}/pet/7"), "", "").unwrap();
        assert_eq!((status, &pet["id"]), (200, &json!(7)));
        assert_eq!(ask(&format!("{PETSTORE}/pet/getPetByName/Milou"), "", "").unwrap().0, 404);
        assert_eq!(ask(&format!("{PETSTORE}/swagger.json"), "", "").unwrap().1["swagger"], "2.0");
        assert_eq!(ask("https://other.example/pet/7", "", ""), None);
    }

    #[test]
    fn a_password_is_asked_for() {
        let address = format!("{HTTPBIN}/basic-auth/ada/secret");
        assert_eq!(ask(&address, "", "").unwrap().0, 401);
        assert_eq!(ask(&address, "", "Basic YWRhOnNlY3JldA==").unwrap().0, 200);
    }
}
