//! Authentication policies: inline, by name, and based on a secret.

use super::Literal::Any;
use super::{Field, Object, Place, Rule, Section, Shape};

macro_rules! policies {
    () => {
        [
            Field::new("basic", &BASIC, "Name and password"),
            Field::new("bearer", &BEARER, "A bearer token"),
            Field::new("digest", &DIGEST, "Digest authentication"),
            Field::new("oauth2", &OAUTH2, "OAuth 2"),
            Field::new("oidc", &OIDC, "OpenID Connect"),
        ]
    };
}

const SCHEMES: &[&str] = &["basic", "bearer", "digest", "oauth2", "oidc"];

/// A policy as `use.authentications` defines it.
pub(super) static POLICY: Shape =
    Shape::Object(&Object::new("an authentication policy", &policies!()).rules(&[Rule::ExactlyOne(SCHEMES)]));

/// A policy, or the name of one.
pub(super) static REFERENCEABLE: Shape = Shape::Object(&REFERENCEABLE_OBJECT);

static REFERENCEABLE_OBJECT: Object = Object {
    base: &policies!(),
    rules: &[Rule::ExactlyOne(&["use", "basic", "bearer", "digest", "oauth2", "oidc"])],
    ..Object::new(
        "`authentication`",
        &[Field::new("use", &Shape::Reference(Section::Authentications, &POLICY), "The name of a policy")],
    )
};

/// A policy's members are one template.
static TEXT: Shape = Shape::Part(Any);

macro_rules! use_secret {
    () => {
        Field::new("use", &Shape::Reference(Section::Secrets, &Shape::Anything), "The name of a secret")
    };
}

static BASIC: Shape = Shape::Object(&NAME_AND_PASSWORD);
static DIGEST: Shape = Shape::Object(&NAME_AND_PASSWORD);

static NAME_AND_PASSWORD: Object = Object::new(
    "a name with its password",
    &[
        use_secret!(),
        Field::new("username", &TEXT, "The name"),
        Field::new("password", &TEXT, "The password"),
    ],
)
.rules(&[
    Rule::ExactlyOne(&["use", "username"]),
    Rule::Needs("username", "password"),
    Rule::Needs("password", "username"),
])
.whole(Place::Effect);

static BEARER: Shape = Shape::Object(
    &Object::new("a bearer token", &[use_secret!(), Field::new("token", &TEXT, "The token")])
        .rules(&[Rule::ExactlyOne(&["use", "token"])])
        .whole(Place::Effect),
);

const GRANTS: &[&str] = &[
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

const OAUTH_RULES: &[Rule] = &[
    Rule::ExactlyOne(&["use", "authority"]),
    Rule::Needs("authority", "grant"),
    Rule::Needs("grant", "authority"),
];

static OAUTH2: Shape = Shape::Object(&Object {
    base: &OAUTH_FIELDS,
    rules: OAUTH_RULES,
    whole: Some(Place::Effect),
    ..Object::new("`oauth2`", &[Field::new("endpoints", &ENDPOINTS, "The authority's endpoints")])
});

static OIDC: Shape = Shape::Object(&Object {
    base: &OAUTH_FIELDS,
    rules: OAUTH_RULES,
    whole: Some(Place::Effect),
    ..Object::new("`oidc`", &[])
});

static OAUTH_FIELDS: [Field; 12] = [
    use_secret!(),
    Field::new("authority", &Shape::PartUri { web: true }, "The authority"),
    Field::new("grant", &Shape::Choice(GRANTS), "The grant type"),
    Field::new("client", &CLIENT, "The client"),
    Field::new("request", &REQUEST, "How a token is asked for"),
    Field::new("issuers", &TEXTS, "Accepted issuers"),
    Field::new("scopes", &TEXTS, "Scopes to ask for"),
    Field::new("audiences", &TEXTS, "Audiences to ask for"),
    Field::new("username", &TEXT, "For the grant `password`"),
    Field::new("password", &TEXT, "For the grant `password`"),
    Field::new("subject", &TOKEN, "On whose behalf"),
    Field::new("actor", &TOKEN, "Who acts"),
];

static TEXTS: Shape = Shape::List(&TEXT, 0);

static ENDPOINT: Shape = Shape::PartUri { web: false };

static ENDPOINTS: Shape = Shape::Object(&Object::new(
    "the endpoints of an authority",
    &[
        Field::new("token", &ENDPOINT, "Default /oauth2/token"),
        Field::new("revocation", &ENDPOINT, "Default /oauth2/revoke"),
        Field::new("introspection", &ENDPOINT, "Default /oauth2/introspect"),
    ],
));

static CLIENT: Shape = Shape::Object(&Object::new(
    "an OAuth client",
    &[
        Field::new("id", &TEXT, "Its id"),
        Field::new("secret", &TEXT, "Its secret"),
        Field::new("assertion", &TEXT, "A signed assertion"),
        Field::new(
            "authentication",
            &Shape::Choice(&[
                "client_secret_basic",
                "client_secret_post",
                "client_secret_jwt",
                "private_key_jwt",
                "none",
            ]),
            "How the client shows who it is",
        ),
    ],
));

static REQUEST: Shape = Shape::Object(&Object::new(
    "a token request",
    &[Field::new(
        "encoding",
        &Shape::Choice(&["application/x-www-form-urlencoded", "application/json"]),
        "How the request is written",
    )],
));

static TOKEN: Shape = Shape::Object(&Object::new(
    "a token",
    &[Field::new("token", &TEXT, "The token").required(), Field::new("type", &TEXT, "Its type").required()],
));
