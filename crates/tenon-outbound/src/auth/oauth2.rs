//! The members of `oauth2` and `oidc` policies.

use serde_json::Value;
use url::Url;

use super::members::Members;
use crate::Failure;
use crate::request::check_url;

/// What is needed to get a token.
#[derive(Clone)]
pub(crate) struct OAuth2 {
    pub(super) endpoint: Endpoint,
    pub(super) grant: Grant,
    pub(super) client_id: Option<String>,
    pub(super) client: ClientProof,
    pub(super) encoding: Encoding,
    pub(super) issuers: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) audiences: Vec<String>,
}

/// Where tokens are.
#[derive(Clone)]
pub(super) enum Endpoint {
    Token(Url),
    /// The address of a document that says where (OpenID Connect).
    Discovery(Url),
}

/// For what a token is given.
#[derive(Clone)]
pub(super) enum Grant {
    ClientCredentials,
    Password { username: String, password: String },
    RefreshToken(String),
    TokenExchange { subject: GivenToken, actor: Option<GivenToken> },
}

/// A token that a policy brings along.
#[derive(Clone)]
pub(super) struct GivenToken {
    pub(super) token: String,
    pub(super) kind: String,
}

/// How the client shows who it is.
#[derive(Clone)]
pub(super) enum ClientProof {
    Post {
        secret: Option<String>,
    },
    Basic {
        secret: String,
    },
    /// Signed with the secret for each request.
    SecretJwt {
        secret: String,
    },
    /// Signed by somebody else.
    Assertion(String),
    None,
}

/// How a token request is written.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Form,
    Json,
}

const SHARED: [&str; 10] = [
    "authority",
    "grant",
    "client",
    "request",
    "issuers",
    "scopes",
    "audiences",
    "username",
    "password",
    "subject",
];
const DISCOVERY: &str = "/.well-known/openid-configuration";

// === impl OAuth2 ===

impl OAuth2 {
    pub(super) fn read(scheme: &str, value: &Value) -> Result<Self, Failure> {
        let members = Members::of(scheme, value)?;
        let own: &[&str] = if scheme == "oidc" { &["actor"] } else { &["actor", "endpoints"] };
        members.only(&[SHARED.as_slice(), own].concat())?;
        let client = members.object("client")?;
        let (client_id, client) = client_proof(&members, client.as_ref())?;
        let issuers = members.texts("issuers")?;
        Ok(Self {
            endpoint: endpoint(&members, scheme == "oidc")?,
            grant: grant(&members)?,
            client_id,
            client,
            encoding: encoding(&members)?,
            issuers,
            scopes: members.texts("scopes")?,
            audiences: members.texts("audiences")?,
        })
    }
}

fn endpoint(members: &Members<'_>, discovers: bool) -> Result<Endpoint, Failure> {
    let authority = members.required("authority")?;
    let checked = |name: &str, text: &str| {
        let url = Url::parse(text).map_err(|_| members.wrong(name, "is no absolute http or https URL"))?;
        check_url(&url).map_err(|_| {
            members.wrong(name, "must be an http or https URL without user name and password")
        })?;
        Ok(url)
    };
    checked("authority", &authority)?;
    if discovers {
        let base = authority.trim_end_matches('/');
        let base = base.strip_suffix(DISCOVERY).unwrap_or(base);
        return checked("authority", &format!("{base}{DISCOVERY}")).map(Endpoint::Discovery);
    }
    let mut path = "/oauth2/token".to_owned();
    if let Some(endpoints) = members.object("endpoints")? {
        endpoints.only(&["token", "revocation", "introspection"])?;
        path = endpoints.text("token")?.unwrap_or(path);
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        return checked("endpoints.token", &path).map(Endpoint::Token);
    }
    let joined = format!("{}/{}", authority.trim_end_matches('/'), path.trim_start_matches('/'));
    checked("endpoints.token", &joined).map(Endpoint::Token)
}

fn grant(members: &Members<'_>) -> Result<Grant, Failure> {
    match members.required("grant")?.as_str() {
        "client_credentials" => Ok(Grant::ClientCredentials),
        "password" => Ok(Grant::Password {
            username: members.required("username")?,
            password: members.required("password")?,
        }),
        "refresh_token" => match members.object("subject")? {
            Some(subject) => Ok(Grant::RefreshToken(subject.required("token")?)),
            None => Err(members.wrong("subject", "is missing: its `token` is the refresh token")),
        },
        "urn:ietf:params:oauth:grant-type:token-exchange" => {
            let Some(subject) = given_token(members, "subject")? else {
                return Err(members.wrong("subject", "is missing: token exchange needs it"));
            };
            Ok(Grant::TokenExchange { subject, actor: given_token(members, "actor")? })
        }
        "authorization_code" => Err(members.wrong(
            "grant",
            "needs a person at a browser, which a workflow has not: use client_credentials, password or \
             refresh_token",
        )),
        _ => Err(members.wrong(
            "grant",
            "is not one of client_credentials, password, refresh_token, \
             urn:ietf:params:oauth:grant-type:token-exchange",
        )),
    }
}

fn given_token(members: &Members<'_>, name: &str) -> Result<Option<GivenToken>, Failure> {
    let Some(given) = members.object(name)? else {
        return Ok(None);
    };
    given.only(&["token", "type"])?;
    Ok(Some(GivenToken { token: given.required("token")?, kind: given.required("type")? }))
}

fn client_proof(
    members: &Members<'_>,
    client: Option<&Members<'_>>,
) -> Result<(Option<String>, ClientProof), Failure> {
    let Some(client) = client else {
        return Err(members.wrong("client.id", "is missing (or set `client.authentication` to none)"));
    };
    client.only(&["id", "secret", "assertion", "authentication"])?;
    let (id, secret, assertion) = (client.text("id")?, client.text("secret")?, client.text("assertion")?);
    let method = client.text("authentication")?;
    let proof = match method.as_deref() {
        None | Some("client_secret_post") => ClientProof::Post { secret },
        Some("client_secret_basic") => ClientProof::Basic { secret: secret.unwrap_or_default() },
        Some("client_secret_jwt") => match (assertion, secret) {
            (Some(assertion), _) => ClientProof::Assertion(assertion),
            (None, Some(secret)) => ClientProof::SecretJwt { secret },
            (None, None) => return Err(client.wrong("secret", "is missing: client_secret_jwt signs with it")),
        },
        Some("private_key_jwt") => match assertion {
            Some(assertion) => ClientProof::Assertion(assertion),
            None => return Err(client.wrong("assertion", "is missing: private_key_jwt needs a signed JWT")),
        },
        Some("none") => ClientProof::None,
        Some(_) => {
            return Err(client.wrong(
                "authentication",
                "is not one of client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, none",
            ));
        }
    };
    if id.is_none() && !matches!(proof, ClientProof::None) {
        return Err(client.wrong("id", "is missing (or set `client.authentication` to none)"));
    }
    Ok((id, proof))
}

fn encoding(members: &Members<'_>) -> Result<Encoding, Failure> {
    let Some(request) = members.object("request")? else {
        return Ok(Encoding::Form);
    };
    request.only(&["encoding"])?;
    match request.text("encoding")?.as_deref() {
        None | Some("application/x-www-form-urlencoded") => Ok(Encoding::Form),
        Some("application/json") => Ok(Encoding::Json),
        Some(_) => {
            Err(request
                .wrong("encoding", "is not one of application/x-www-form-urlencoded, application/json"))
        }
    }
}
