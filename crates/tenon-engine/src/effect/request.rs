//! The requests that calls make of their arguments. The same functions serve the core, which shows secrets by
//! name, and whoever performs a call, with the values.

use serde_json::{Map, Value};
use tenon_openapi::{Api, Operation};
use tenon_workflow::{Authentication, ErrorType, GrpcCall, HttpCall, OpenApiCall, RunWorkflow};

use super::arguments::{Arguments, Problem};
use super::{GrpcRequest, HttpRequest};

pub(crate) fn http(call: &HttpCall, arguments: &Arguments<'_>) -> Result<HttpRequest, Problem> {
    let url = arguments.uri(&call.endpoint)?;
    let body = call.body.as_ref().map(|body| arguments.value(body, "body")).transpose()?;
    Ok(HttpRequest {
        method: arguments.text(&call.method, "method")?.to_ascii_uppercase(),
        url,
        headers: arguments.pairs(call.headers.as_ref(), "headers")?,
        query: arguments.pairs(call.query.as_ref(), "query")?,
        body,
        redirect: call.redirect,
        authentication: scheme(call.authentication.as_ref()),
        output: call.output,
        deferred: None,
    })
}

pub(crate) fn openapi(call: &OpenApiCall, arguments: &Arguments<'_>) -> Result<HttpRequest, Problem> {
    let api = call.api.as_ref().map_err(|reason| Problem::new(ErrorType::Configuration, reason))?;
    let id = arguments.text(&call.operation_id, "operationId")?;
    let parameters = arguments.object(call.parameters.as_ref(), "parameters")?;
    let made = operation(api, &id).and_then(|operation| {
        operation
            .request(&parameters, &call.document)
            .map_err(|error| Problem::new(error_type(&error), error.to_string()))
    });
    let stands_in = arguments.stands_in(&call.operation_id)
        || call.parameters.as_ref().is_some_and(|parameters| arguments.stands_in(parameters));
    let request = HttpRequest {
        method: String::new(),
        url: String::new(),
        headers: Vec::new(),
        query: Vec::new(),
        body: None,
        redirect: call.redirect,
        authentication: scheme(call.authentication.as_ref()),
        output: call.output,
        deferred: None,
    };
    match made {
        Ok(made) => {
            let mut headers = made.headers;
            headers.extend(made.content_type.map(|content_type| ("content-type".to_owned(), content_type)));
            Ok(HttpRequest {
                method: made.method,
                url: made.url,
                headers,
                query: made.query,
                body: made.body,
                ..request
            })
        }
        // What names stand for may well be what the operation wants.
        Err(_) if stands_in => {
            let method = api.operation(&id).map_or("", Operation::method).to_owned();
            let url = format!("{}#{id}", call.document);
            Ok(HttpRequest { method, url, body: Some(Value::Object(parameters)), ..request })
        }
        Err(problem) => Err(problem),
    }
}

pub(crate) fn grpc(call: &GrpcCall, arguments: &Arguments<'_>) -> Result<GrpcRequest, Problem> {
    let definition = call.definition.as_ref();
    let definition = definition.map_err(|reason| Problem::new(ErrorType::Configuration, reason))?;
    Ok(GrpcRequest {
        definition: definition.clone(),
        service: arguments.text(&call.service, "service.name")?,
        host: arguments.text(&call.host, "service.host")?,
        port: arguments.port(call.port.as_ref())?,
        method: arguments.text(&call.method, "method")?,
        arguments: Value::Object(arguments.object(call.arguments.as_ref(), "arguments")?),
        authentication: scheme(call.authentication.as_ref()),
        deferred: None,
    })
}

/// Without one, an empty object.
pub(crate) fn child_input(run: &RunWorkflow, arguments: &Arguments<'_>) -> Result<Value, Problem> {
    let input = run.input.as_ref().map(|input| arguments.value(input, "input"));
    input.unwrap_or_else(|| Ok(Value::Object(Map::new())))
}

fn scheme(authentication: Option<&Authentication>) -> Option<&'static str> {
    authentication.map(|authentication| authentication.scheme.name())
}

fn operation<'a>(api: &'a Api, id: &str) -> Result<&'a Operation, Problem> {
    api.operation(id).ok_or_else(|| {
        let nearest: Vec<String> = api.nearest(id).into_iter().map(|name| format!("`{name}`")).collect();
        let hint = match &nearest[..] {
            [] => String::new(),
            names => format!(", did you mean {}?", names.join(" or ")),
        };
        let detail = format!("the OpenAPI document has no operation `{id}`{hint}");
        Problem::new(ErrorType::Configuration, detail)
    })
}

/// What a document says wrongly is configuration; data that an operation does not take is validation.
fn error_type(error: &tenon_openapi::Error) -> ErrorType {
    use tenon_openapi::Error;
    match error {
        Error::Missing { .. } | Error::Parameter { .. } | Error::Body { .. } => ErrorType::Validation,
        Error::TooLarge { .. }
        | Error::TooMany { .. }
        | Error::Syntax { .. }
        | Error::Version { .. }
        | Error::Operation { .. }
        | Error::Unknown { .. } => ErrorType::Configuration,
    }
}
