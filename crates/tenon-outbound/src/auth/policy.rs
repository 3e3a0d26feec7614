//! From a scheme and its members to a policy.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::Authorized;
use super::digest::Credentials;
use super::members::Members;
use super::oauth2::OAuth2;
use crate::Failure;

/// How a call shows who it is.
#[derive(Clone)]
pub struct Policy {
    pub(crate) kind: Kind,
    /// Tells policies apart without holding what is in them.
    pub(crate) key: [u8; 32],
}

#[derive(Clone)]
pub(crate) enum Kind {
    /// Basic and bearer: the same for every request.
    Fixed(Authorized),
    Digest(Credentials),
    /// OAuth2 and OpenID Connect.
    OAuth2(Box<OAuth2>),
}

// === impl Policy ===

impl Policy {
    /// `scheme` is `basic`, `bearer`, `digest`, `oauth2` or `oidc`; `members` has the members that the workflow
    /// language's specification gives the scheme, and no others. A `bearer` may also be the token alone, as a
    /// secret often is. For the grant `refresh_token`, which the specification gives no member, `subject.token`
    /// is the refresh token.
    ///
    /// Fails as a configuration failure that names the member, never its value.
    pub fn parse(scheme: &str, members: &Value) -> Result<Self, Failure> {
        let kind = match scheme {
            "basic" => Kind::Fixed(basic(&Members::of(scheme, members)?)?),
            "bearer" => Kind::Fixed(bearer(scheme, members)?),
            "digest" => Kind::Digest(credentials(&Members::of(scheme, members)?)?),
            "oauth2" | "oidc" => Kind::OAuth2(Box::new(OAuth2::read(scheme, members)?)),
            _ => {
                let message = "authentication: the scheme is not one of basic, bearer, digest, oauth2, oidc";
                return Err(Failure::InvalidRequest(message.to_owned()));
            }
        };
        let hashed = digest(&SHA256, format!("{scheme}\0{members}").as_bytes());
        let key = hashed.as_ref().try_into().expect("SHA-256 has 32 bytes");
        Ok(Self { kind, key })
    }
}

fn basic(members: &Members<'_>) -> Result<Authorized, Failure> {
    let Credentials { username, password } = credentials(members)?;
    if username.contains(':') {
        return Err(members.wrong("username", "contains a colon, which basic authentication cannot send"));
    }
    Ok(Authorized { scheme: "Basic", parameter: BASE64.encode(format!("{username}:{password}")) })
}

fn bearer(scheme: &str, members: &Value) -> Result<Authorized, Failure> {
    let alone = serde_json::json!({"token": members});
    let members = Members::of(scheme, if members.is_string() { &alone } else { members })?;
    members.only(&["token"])?;
    let token = members.required("token")?;
    if token.trim().is_empty() {
        return Err(members.wrong("token", "is empty"));
    }
    Ok(Authorized { scheme: "Bearer", parameter: token })
}

fn credentials(members: &Members<'_>) -> Result<Credentials, Failure> {
    members.only(&["username", "password"])?;
    Ok(Credentials { username: members.required("username")?, password: members.required("password")? })
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.kind {
            Kind::Fixed(authorized) => authorized.scheme,
            Kind::Digest(_) => "Digest",
            Kind::OAuth2(_) => "OAuth2",
        })
    }
}
