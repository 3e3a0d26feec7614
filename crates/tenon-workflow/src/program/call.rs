//! The kinds of `call`, and how they authenticate.

use std::sync::Arc;

use tenon_expr::{Template, UriTemplate};
use tenon_openapi::Api;

use super::BlockId;

/// `call: http`.
#[derive(Debug)]
pub struct HttpCall {
    /// Gives a string: `get`, `POST`, …
    pub method: Template,
    /// `endpoint` or `endpoint.uri`.
    pub endpoint: UriTemplate,
    /// Gives an object of strings (numbers and booleans are written out).
    pub headers: Option<Template>,
    /// Gives an object of strings or lists of strings (numbers and booleans are written out).
    pub query: Option<Template>,
    /// Objects, lists, numbers and booleans are sent as JSON; a string as it is.
    pub body: Option<Template>,
    /// `endpoint.authentication`.
    pub authentication: Option<Authentication>,
    /// What the task's raw output is.
    pub output: HttpOutput,
    /// `redirect`: whether a 3xx answer is accepted as the result.
    pub redirect: bool,
}

/// `with.output` of `call: http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpOutput {
    /// The decoded body (default).
    Content,
    /// The body's bytes, base64.
    Raw,
    /// `{request: {method, uri, headers}, statusCode, headers, content}`.
    Response,
}

/// `call: openapi`.
#[derive(Debug)]
pub struct OpenApiCall {
    /// Where the document is.
    pub document: String,
    /// The document as pinned at deploy; or why there is none, which becomes a *configuration* error.
    pub api: Result<Arc<Api>, String>,
    /// Gives a string.
    pub operation_id: Template,
    /// Gives an object.
    pub parameters: Option<Template>,
    /// How to authenticate.
    pub authentication: Option<Authentication>,
    /// What the task's raw output is.
    pub output: HttpOutput,
    /// Whether a 3xx answer is accepted as the result.
    pub redirect: bool,
}

/// `call: grpc`.
#[derive(Debug)]
pub struct GrpcCall {
    /// Where the protocol definition is.
    pub proto: String,
    /// The definition as pinned at deploy; or why there is none, which becomes a *configuration* error.
    pub definition: Result<Arc<str>, String>,
    /// Gives the service's full name.
    pub service: Template,
    /// Gives a host, or `http://host` (plain text) or `https://host` (TLS). A bare host is spoken to in plain text
    /// on loopback and over TLS elsewhere.
    pub host: Template,
    /// Gives an integer; default 443 with TLS, else 80.
    pub port: Option<Template>,
    /// Gives the method's name.
    pub method: Template,
    /// Gives an object.
    pub arguments: Option<Template>,
    /// How to authenticate.
    pub authentication: Option<Authentication>,
}

/// `call` of a function under `use.functions`: the function's task runs with `with` as its raw input.
#[derive(Debug)]
pub struct FunctionCall {
    /// Its name.
    pub name: String,
    /// Gives the function's raw input; without it, an empty object.
    pub with: Option<Template>,
    /// A block of one task: the function's. Lowered once per function.
    pub body: BlockId,
}

/// How a call shows who it is. Evaluated only while the call is performed.
#[derive(Debug)]
pub struct Authentication {
    /// How.
    pub scheme: AuthenticationScheme,
    /// With what.
    pub source: AuthenticationSource,
}

/// The schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// `basic`: `{username, password}`.
    Basic,
    /// `bearer`: `{token}`.
    Bearer,
    /// `digest`: `{username, password}`.
    Digest,
    /// `oauth2`: the policy's members as in the specification.
    OAuth2,
    /// `oidc`: the same, its endpoints found by discovery.
    Oidc,
}

/// Where the policy's members come from.
#[derive(Debug)]
pub enum AuthenticationSource {
    /// `use: <secret>`: the secret is an object with the policy's members (for `bearer` it may be the token).
    Secret(String),
    /// Gives an object with the policy's members.
    Given(Template),
}

// === impl AuthenticationScheme ===

impl AuthenticationScheme {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Digest => "digest",
            Self::OAuth2 => "oauth2",
            Self::Oidc => "oidc",
        }
    }
}
