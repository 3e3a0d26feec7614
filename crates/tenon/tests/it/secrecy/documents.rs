//! The workflows of the hunt: one call each, with secrets in every place that takes them.

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Faulted,
}

/// One workflow with one call.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) end: End,
    /// The task's members.
    task: String,
}

use End::{Completed, Faulted};

// === impl Case ===

impl Case {
    pub(crate) fn path(&self) -> String {
        format!("project/workflows/{}.yaml", self.name)
    }

    /// `HOME`, `AWAY` and `PORT` stand for the callee's addresses.
    pub(crate) fn document(&self, callee: &super::callee::Callee) -> String {
        let secrets = "plain, quotes, lines, spaces, percent, db, short, prefix, prefixed, token, login, \
             digestLogin, client, refresh, hook, goneHook, auth, host, number, unset";
        let text = format!(
            "document: {{ dsl: '1.0.3', namespace: hunt, name: {}, version: '1.0.0' }}\n\
             use:\n  secrets: [{secrets}]\n{NAMED}do:\n  - send: {{{}}}\n",
            self.name, self.task
        );
        let text = text.replace("HOME", &callee.home()).replace("AWAY", &callee.away());
        text.replace("PORT", &callee.port().to_string())
    }
}

const NAMED: &str = "  authentications:
    basic: { basic: { username: '${ $secrets.login.username }', password: '${ $secrets.login.password }' } }
    bearer: { bearer: { token: '${ $secrets.token }' } }
    digest: { digest: { username: '${ $secrets.digestLogin.username }', password: '${ $secrets.digestLogin.password }' } }
    oauth: { oauth2: { authority: HOME, endpoints: { token: /token/post }, grant: client_credentials, client: { id: hunt-client, secret: '${ $secrets.client }' } } }
    oidc: { oidc: { authority: HOME/oidc, grant: client_credentials, client: { id: hunt-client, secret: '${ $secrets.client }' } } }
  functions:
    tell: { call: http, with: { method: post, endpoint: HOME/echo, body: { own: '${ $secrets.plain }', given: '${ . }' } } }
";

/// Every text in every form.
const ALL: &str = "{plain: '${ $secrets.plain }', quotes: '${ $secrets.quotes }', lines: '${ $secrets.lines }', \
     spaces: '${ $secrets.spaces }', percent: '${ $secrets.percent }', prefix: '${ $secrets.prefix }', \
     prefixed: '${ $secrets.prefixed }', token: '${ $secrets.token }'}";

/// A `call: http`.
fn http(name: &'static str, end: End, with: &str) -> Case {
    Case { name, end, task: format!("call: http, with: {{{with}}}") }
}

/// A `call: http` that authenticates and says what it shows once more.
fn authenticated(name: &'static str, end: End, path: &str, policy: &str) -> Case {
    let with = format!(
        "method: post, endpoint: {{uri: 'HOME/{path}', authentication: {policy}}}, \
         headers: {{X-Copy: '${{ $authorization.parameter | @base64 }}'}}, \
         body: {{copy: '${{ $authorization.parameter }}', scheme: '${{ $authorization.scheme }}'}}"
    );
    http(name, end, &with)
}

fn oauth2(name: &'static str, end: End, path: &str, members: &str) -> Case {
    authenticated(name, end, path, &format!("{{oauth2: {{authority: HOME, {members}}}}}"))
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    [requests(), answers(), mistakes(), authentications(), tokens(), other_calls(), flow()]
        .into_iter()
        .flatten()
        .collect()
}

/// Calls that are answered when the test says so, or never.
pub(crate) fn slow_cases() -> Vec<Case> {
    let with = |path: &str| {
        format!("method: post, endpoint: {{uri: 'HOME/{path}', authentication: {{use: oauth}}}}, body: {ALL}")
    };
    vec![http("crashed", Completed, &with("gate")), http("cancelled", Faulted, &with("hold/cancelled"))]
}

/// Starts when something happens to any of the others, and keeps what it is told.
pub(crate) const WATCHER: &str =
    "document: { dsl: '1.0.3', namespace: hunt, name: watcher, version: '1.0.0' }
schedule:
  on:
    any:
      - with: { type: io.serverlessworkflow.task.faulted.v1 }
      - with: { type: io.serverlessworkflow.task.retried.v1 }
      - with: { type: io.serverlessworkflow.task.cancelled.v1 }
      - with: { type: io.serverlessworkflow.task.completed.v1 }
      - with: { type: io.serverlessworkflow.workflow.faulted.v1 }
      - with: { type: io.serverlessworkflow.workflow.completed.v1 }
      - with: { type: hunt.told }
do:
  - keep: { set: { told: '${ . }' } }
";

/// Places from which a secret would get into the data: each is refused.
pub(crate) const REFUSED: [&str; 14] = [
    "do: [a: {set: {x: '${ $secrets.plain }'}}]",
    "do: [a: {set: {x: 1}, output: {as: $secrets.plain}}]",
    "do: [a: {set: {x: 1}, export: {as: '${ {x: $secrets} }'}}]",
    "do: [a: {if: '${ $secrets.plain == \"x\" }', set: {x: 1}}]",
    "do: [a: {input: {from: $secrets.plain}, set: {x: 1}}]",
    "do: [a: {emit: {event: {with: {type: t, data: {x: '${ $secrets.plain }'}}}}}]",
    "do: [a: {raise: {error: {type: 'https://x.example', status: 500, title: '${ $secrets.plain }'}}}]",
    "do: [a: {switch: [b: {when: '${ $secrets.plain == \"x\" }', then: end}]}]",
    "do: [a: {for: {each: x, in: '${ [$secrets.plain] }'}, do: [b: {set: {x: 1}}]}]",
    "do: [a: {listen: {to: {one: {with: {type: t, data: '${ .x == $secrets.plain }'}}}}}]",
    "do: [a: {run: {workflow: {namespace: hunt, name: text, version: latest, input: {x: '${ $secrets.plain }'}}}}]",
    "do: [a: {call: tell, with: {x: '${ $secrets.plain }'}}]",
    "do: [a: {call: http, with: {method: get, endpoint: 'http://x.example'}, output: {as: '${ {x: $secrets.plain} }'}}]",
    "do: [a: {call: http, with: {method: get, endpoint: 'http://x.example'}, output: {as: $authorization.parameter}}]",
];

/// Secrets in every part of a request.
fn requests() -> Vec<Case> {
    let post = "method: post, endpoint: HOME/echo";
    let pairs = ALL.replace("lines: '${ $secrets.lines }', ", "");
    vec![
        http("headers", Completed, &format!("{post}, headers: {pairs}")),
        http("query", Completed, &format!("{post}, query: {ALL}")),
        http("body", Completed, &format!("{post}, body: {ALL}")),
        http(
            "object",
            Completed,
            &format!("{post}, body: {{db: '${{ $secrets.db }}', n: '${{ $secrets.number }}'}}"),
        ),
        http("short", Completed, "method: post, endpoint: HOME/value, body: {s: '${ $secrets.short }'}"),
        http("member", Completed, &format!("{post}, body: '${{ $secrets.db.nested.keys[0] }}'")),
        http("everything", Completed, &format!("{post}, body: '${{ $secrets | del(.short) }}'")),
        http(
            "text",
            Completed,
            &format!("{post}, body: '${{ \"a \" + $secrets.plain + \" b \\($secrets.lines) c\" }}'"),
        ),
        http(
            "uri",
            Completed,
            "method: get, endpoint: '${ \"HOME/echo/\" + ($secrets.plain | @uri) + \"/x?q=\" + ($secrets.percent | @uri) }'",
        ),
        http(
            "written",
            Completed,
            &format!(
                "{post}, body: {{a: '${{ $secrets.plain | @base64 }}', b: '${{ $secrets.quotes | @uri }}', c: '${{ $secrets.lines | @json }}', d: '${{ $secrets.token | @html }}', e: '${{ [$secrets.spaces] | tojson | tojson }}'}}"
            ),
        ),
        http(
            "transformed",
            Completed,
            &format!(
                "{post}, body: {{a: '${{ $secrets.plain | ascii_upcase }}', b: '${{ $secrets.token | explode | reverse | implode }}', c: '${{ $secrets.token[9:19] }}', d: '${{ $secrets.spaces | split(\" \") | join(\"-\") }}', e: '${{ $secrets.lines | split(\"\\n\")[1] | @base64 | @base64 }}', f: '${{ $secrets.number + 1 - 1 }}', g: '${{ $secrets.db.port | tostring | @base64 }}'}}"
            ),
        ),
        http("address", Completed, "method: post, endpoint: '${ $secrets.hook }', body: {}"),
        http(
            "scheme",
            Faulted,
            "method: get, endpoint: HOME/refuse/403, headers: {Authorization: '${ $secrets.auth }'}",
        ),
    ]
}

/// Secrets in every kind of answer.
fn answers() -> Vec<Case> {
    let body = format!(
        "headers: {{X-Key: '${{ $secrets.token }}'}}, query: {{q: '${{ $secrets.quotes }}'}}, body: {ALL}"
    );
    let post = |path: &str| format!("method: post, endpoint: 'HOME/{path}', {body}");
    let cut = |before: u32| {
        format!("method: post, endpoint: 'HOME/refuse/422?before={before}', body: '${{ $secrets.plain }}'")
    };
    let response = format!("{}, output: response", post("echo"));
    vec![
        http("raw", Completed, &format!("{}, output: raw", post("echo"))),
        http("response", Completed, &response),
        http("moved", Completed, &format!("{}, output: response, redirect: true", post("redirect"))),
        http("binary", Completed, &post("bytes")),
        http("refused", Faulted, &post("refuse/400")),
        http("failed", Faulted, &post("refuse/500")),
        http("page", Faulted, &post("page")),
        http("not-text", Faulted, &post("bytes/refused")),
        http("gone", Faulted, "method: post, endpoint: '${ $secrets.goneHook }', body: {}"),
        http("cut-early", Faulted, &cut(2_036)),
        http("cut-late", Faulted, &cut(2_026)),
        http("cut-short", Faulted, "method: post, endpoint: HOME/refuse/422, body: '${ $secrets.short }'"),
        http("broken", Faulted, &post("broken")),
        http("redirected", Completed, &post("redirect")),
        http("lost", Faulted, &post("lost")),
        http(
            "leave",
            Completed,
            "method: post, endpoint: HOME/leave, headers: {X-Custom: '${ $secrets.plain }', X-Cut: '${ $secrets.token[9:19] }', Authorization: '${ $secrets.auth }'}, body: {a: 1}",
        ),
        http("leave-body", Faulted, "method: post, endpoint: HOME/leave, body: {a: '${ $secrets.plain }'}"),
    ]
}

/// Secrets that do not fit where they are.
fn mistakes() -> Vec<Case> {
    let get = "method: get, endpoint: HOME/echo";
    vec![
        http("method", Faulted, "method: '${ $secrets.plain }', endpoint: HOME/echo"),
        http("no-address", Faulted, "method: get, endpoint: '${ $secrets.quotes }'"),
        http("no-host", Faulted, "method: get, endpoint: '${ \"http://\" + $secrets.host + \".invalid/\" }'"),
        http(
            "login-in-address",
            Faulted,
            "method: get, endpoint: '${ \"http://u:\" + ($secrets.plain | @uri) + \"@127.0.0.1:PORT/\" }'",
        ),
        http("header-name", Faulted, &format!("{get}, headers: '${{ {{($secrets.quotes): \"x\"}} }}'")),
        http("header-lines", Faulted, &format!("{get}, headers: {{X-Key: '${{ $secrets.lines }}'}}")),
        http("header-object", Faulted, &format!("{get}, headers: {{X-Key: '${{ $secrets.db }}'}}")),
        http("header-of-secret", Faulted, &format!("{get}, headers: '${{ {{($secrets.token): {{}}}} }}'")),
        http("no-number", Faulted, &format!("{get}, query: {{n: '${{ $secrets.plain | tonumber }}'}}")),
        http("no-date", Faulted, &format!("{get}, query: {{n: '${{ $secrets.plain | fromdate }}'}}")),
        http("no-json", Faulted, &format!("{get}, query: {{n: '${{ $secrets.quotes | fromjson }}'}}")),
        http("no-member", Faulted, &format!("{get}, query: {{n: '${{ $secrets.plain.member.member }}'}}")),
        http("thrown", Faulted, &format!("{get}, query: {{n: '${{ error($secrets.plain) }}'}}")),
        http(
            "not-set",
            Faulted,
            &format!("{get}, query: {{n: '${{ $secrets.unset }}', m: '${{ $secrets.plain }}'}}"),
        ),
        authenticated("no-object", Faulted, "echo", "{basic: {use: plain}}"),
        authenticated("other-members", Faulted, "echo", "{basic: {use: db}}"),
        authenticated("no-token", Faulted, "echo", "{bearer: {token: '${ $secrets.lines }'}}"),
        authenticated(
            "number-as-name",
            Completed,
            "echo",
            "{basic: {username: '${ $secrets.number }', password: '${ $secrets.db.port }'}}",
        ),
        authenticated(
            "no-authority",
            Faulted,
            "echo",
            "{oauth2: {authority: '${ $secrets.plain }', grant: client_credentials, client: {id: a, secret: '${ $secrets.client }'}}}",
        ),
    ]
}

/// A login, as members of a policy.
const LOGIN: &str = "username: '${ $secrets.login.username }', password: '${ $secrets.login.password }'";

/// Logins and given tokens: in the call, by name, and of a secret.
fn authentications() -> Vec<Case> {
    vec![
        authenticated("basic-here", Completed, "api/basic", &format!("{{basic: {{{LOGIN}}}}}")),
        authenticated("basic-named", Completed, "api/basic", "{use: basic}"),
        authenticated("basic-secret", Completed, "api/basic", "{basic: {use: login}}"),
        authenticated("basic-wrong", Faulted, "api/basic", "{basic: {use: digestLogin}}"),
        authenticated("bearer-here", Completed, "api/bearer", "{bearer: {token: '${ $secrets.token }'}}"),
        authenticated("bearer-named", Completed, "api/bearer", "{use: bearer}"),
        authenticated("bearer-secret", Completed, "api/bearer", "{bearer: {use: token}}"),
        authenticated("bearer-wrong", Faulted, "api/bearer", "{bearer: {token: '${ $secrets.prefixed }'}}"),
        authenticated(
            "bearer-made",
            Faulted,
            "api/bearer",
            "{bearer: {token: '${ $secrets.plain | ascii_upcase }'}}",
        ),
        authenticated(
            "digest-here",
            Completed,
            "api/digest",
            "{digest: {username: '${ $secrets.digestLogin.username }', password: '${ $secrets.digestLogin.password }'}}",
        ),
        authenticated("digest-named", Completed, "api/digest?a=1", "{use: digest}"),
        authenticated("digest-secret", Completed, "api/digest?a=2", "{digest: {use: digestLogin}}"),
        authenticated("digest-wrong", Faulted, "api/digest", "{digest: {use: login}}"),
    ]
}

/// Tokens that an authority issues.
fn tokens() -> Vec<Case> {
    let client = |how: &str| {
        format!(
            "grant: client_credentials, client: {{id: hunt-client, secret: '${{ $secrets.client }}', authentication: {how}}}"
        )
    };
    let post = client("client_secret_post");
    let at = |kind: &str, members: &str| format!("endpoints: {{token: /token/{kind}}}, {members}");
    let public = "client: {id: hunt-client, authentication: none}";
    vec![
        oauth2("oauth-basic", Completed, "api/token", &at("basic", &client("client_secret_basic"))),
        oauth2("oauth-post", Completed, "api/token", &at("post", &post)),
        oauth2(
            "oauth-json",
            Completed,
            "api/token",
            &at("json", &format!("{post}, request: {{encoding: application/json}}")),
        ),
        oauth2("oauth-jwt", Completed, "api/token", &at("jwt", &client("client_secret_jwt"))),
        oauth2(
            "oauth-password",
            Completed,
            "api/token",
            &at("password", &format!("grant: password, {public}, {LOGIN}")),
        ),
        oauth2(
            "oauth-refresh",
            Completed,
            "api/token",
            &at(
                "refresh",
                &format!(
                    "grant: refresh_token, {public}, subject: {{token: '${{ $secrets.refresh }}', type: refresh}}"
                ),
            ),
        ),
        oauth2("oauth-renewed", Completed, "api/once", &at("post", &format!("{post}, scopes: [once]"))),
        oauth2("oauth-refused", Faulted, "api/token", &at("refused", &post)),
        oauth2("oauth-broken", Faulted, "api/token", &at("broken", &post)),
        oauth2("oauth-rejected", Faulted, "refuse/401", &at("post", &format!("{post}, scopes: [rejected]"))),
        authenticated("oauth-named", Completed, "api/token", "{use: oauth}"),
        authenticated("oidc-named", Completed, "api/token", "{use: oidc}"),
        authenticated(
            "oidc-here",
            Completed,
            "api/token",
            &format!("{{oidc: {{authority: HOME/oidc, {post}, scopes: [oidc]}}}}"),
        ),
        authenticated(
            "oidc-nowhere",
            Faulted,
            "api/token",
            &format!("{{oidc: {{authority: HOME/nowhere, {post}}}}}"),
        ),
    ]
}

/// OpenAPI and gRPC.
fn other_calls() -> Vec<Case> {
    let case = |name, end, task: String| Case { name, end, task };
    let openapi = |parameters: &str| {
        format!(
            "call: openapi, with: {{document: {{endpoint: HOME/openapi.json}}, operationId: book, parameters: {{{parameters}}}, authentication: {{use: bearer}}}}"
        )
    };
    let grpc = |method: &str, arguments: &str, policy: &str| {
        format!(
            "call: grpc, with: {{proto: {{endpoint: HOME/echo.proto}}, service: {{name: Echo, host: 127.0.0.1, port: PORT, authentication: {policy}}}, method: {method}, arguments: {arguments}}}"
        )
    };
    let text = "{text: '${ $secrets.lines }', data: '${ $secrets.quotes | @base64 }'}";
    vec![
        case(
            "openapi",
            Completed,
            openapi(
                "id: '${ $secrets.plain }', q: '${ $secrets.percent }', X-Key: '${ $secrets.spaces }', body: {db: '${ $secrets.db }'}",
            ),
        ),
        case("openapi-wrong", Faulted, openapi("id: '${ $secrets.db }', q: '${ $secrets.percent }'")),
        case("openapi-text", Completed, openapi("id: x, body: '${ $secrets.plain }'")),
        case("openapi-unknown", Faulted, openapi("id: x, body: {}, nothing: '${ $secrets.plain }'")),
        case("grpc", Completed, grpc("Say", text, "{use: bearer}")),
        case("grpc-oauth", Completed, grpc("Say", text, "{use: oauth}")),
        case("grpc-basic", Completed, grpc("Say", text, "{basic: {use: login}}")),
        case("grpc-refused", Faulted, grpc("Refuse", text, "{use: bearer}")),
        case(
            "grpc-field",
            Faulted,
            grpc("Say", "{text: '${ {($secrets.quotes): $secrets.plain} }'}", "{use: bearer}"),
        ),
        case("grpc-number", Faulted, grpc("Say", "{number: '${ $secrets.plain }'}", "{use: bearer}")),
        case("grpc-bytes", Faulted, grpc("Say", "{data: '${ $secrets.quotes }'}", "{use: bearer}")),
        case("grpc-method", Faulted, grpc("'${ $secrets.quotes }'", "{text: a}", "{use: bearer}")),
    ]
}

/// Calls that are retried, called off, and inside of other tasks.
fn flow() -> Vec<Case> {
    let case = |name, end, task: String| Case { name, end, task };
    let send =
        |path: &str| format!("call: http, with: {{method: post, endpoint: 'HOME/{path}', body: {ALL}}}");
    let retry = "catch: {errors: {}, retry: {delay: {milliseconds: 1}, limit: {attempt: {count: 3}}}}";
    vec![
        case("retried", Completed, format!("try: [post: {{{}}}], {retry}", send("flaky?case=retried"))),
        case("given-up", Completed, format!("try: [post: {{{}}}], {retry}", send("refuse/503"))),
        case(
            "caught",
            Completed,
            format!(
                "try: [post: {{{}}}], catch: {{as: problem, do: [keep: {{set: {{problem: '${{ $problem }}'}}, export: {{as: '${{ . }}'}}}}]}}",
                send("refuse/503")
            ),
        ),
        case(
            "raised",
            Faulted,
            format!(
                "try: [post: {{{}}}], catch: {{do: [again: {{raise: {{error: {{type: 'https://hunt.example/again', status: 500, title: '${{ $error.title }}', detail: '${{ $error.detail }}'}}}}}}]}}",
                send("refuse/503")
            ),
        ),
        case(
            "timed-out",
            Completed,
            format!(
                "try: [post: {{{}, timeout: {{after: PT0.2S}}}}], catch: {{do: [keep: {{set: {{problem: '${{ $error }}'}}}}]}}",
                send("hold")
            ),
        ),
        case(
            "raced",
            Completed,
            format!(
                "fork: {{compete: true, branches: [slow: {{{}}}, quick: {{{}}}]}}",
                send("hold"),
                send("echo")
            ),
        ),
        case(
            "kept",
            Completed,
            format!(
                "do: [post: {{{}}}, get: {{call: http, with: {{method: get, endpoint: HOME/kept}}}}]",
                send("keep")
            ),
        ),
        case("function", Completed, "call: tell, with: {a: '${ . }'}".to_owned()),
        case(
            "announced",
            Completed,
            format!(
                "do: [post: {{{}}}, tell: {{emit: {{event: {{with: {{type: hunt.told, data: '${{ . }}'}}}}}}}}]",
                send("echo")
            ),
        ),
        case(
            "passed-on",
            Completed,
            format!(
                "do: [post: {{{}}}, child: {{run: {{workflow: {{namespace: hunt, name: text, version: latest, input: '${{ . }}'}}}}}}]",
                send("echo")
            ),
        ),
    ]
}
