//! Calls of every kind, authentication, and what is run.

use insta::assert_snapshot;

use super::{tasks, told};

#[test]
fn http() {
    assert_snapshot!(tasks("
  - full:
      call: http
      with:
        method: post
        endpoint: 'https://crm.example.com/customers/{id}'
        query: { expand: [address, orders], q: '${ .q }' }
        headers: { Accept: application/json }
        body: { text: seen, by: '${ $workflow.id }' }
        output: raw
        redirect: false
  - computed:
      call: http
      with: { method: '${ .method }', endpoint: '${ .url }', query: '${ .query }', headers: '${ .headers }', body: '${ . }', output: content }
  - variable:
      call: http
      with: { method: get, endpoint: { $variable: crm }, headers: { X: { $variable: tenant } } }
"), @r#"
    1. full: POST https://crm.example.com/customers/{id}
       - query: expand = ["address", "orders"], q = `.q`
       - headers: Accept = "application/json"
       - body: text = "seen", by = `$workflow.id`
       - gives the body's bytes, in base64
       - redirects are followed
    2. computed: call `.url` with the method `.method`
       - query: `.query`
       - headers: `.headers`
       - body: `.`
       - gives the decoded body
    3. variable: GET the variable crm
       - headers: X = the variable tenant
    "#);
}

#[test]
fn authentication() {
    assert_snapshot!(told("
use:
  secrets: [key, other]
  authentications:
    named: { basic: { username: ada, password: '${ $secrets.key }' } }
    unused: { bearer: { use: other } }
do:
  - byName: { call: http, with: { method: get, endpoint: { uri: 'https://x.example', authentication: { use: named } } } }
  - literal: { call: http, with: { method: get, endpoint: { uri: 'https://x.example', authentication: { basic: { username: ada, password: hunter2 } } } } }
  - digest: { call: http, with: { method: get, endpoint: { uri: 'https://x.example', authentication: { digest: { use: key } } } } }
  - bearer: { call: http, with: { method: get, endpoint: { uri: 'https://x.example', authentication: { bearer: { token: abc } } } } }
  - oauth2:
      call: http
      with:
        method: get
        endpoint:
          uri: https://x.example
          authentication:
            oauth2:
              authority: https://login.example
              grant: password
              client: { id: me, secret: '${ $secrets.key }', assertion: abc, authentication: client_secret_post }
              request: { encoding: application/json }
              issuers: [https://a.example]
              scopes: [read, '${ .scope }']
              audiences: [crm]
              username: ada
              password: hunter2
              subject: { token: '${ $secrets.key }', type: jwt }
              actor: { token: abc, type: jwt }
              endpoints: { token: /t, revocation: /r }
  - oidc: { call: http, with: { method: get, endpoint: { uri: 'https://x.example', authentication: { oidc: { authority: 'https://login.example', grant: client_credentials, client: { id: me } } } } } }
"), @r#"
    When somebody or another workflow starts it
    - may read these secrets: key, other

    1. byName: GET https://x.example
       - authenticates by the policy named: basic authentication as the user ada with a password (`$secrets.key`)
    2. literal: GET https://x.example
       - authenticates by basic authentication as the user ada with a password that the document spells out
    3. digest: GET https://x.example
       - authenticates by digest authentication as the secret key says
    4. bearer: GET https://x.example
       - authenticates by a bearer token that the document spells out
    5. oauth2: GET https://x.example
       - authenticates by OAuth 2 at https://login.example with the grant password as the user ada with a password that the document spells out, as the client me, with a secret (`$secrets.key`), with an assertion that the document spells out, shown by client_secret_post, for the scopes read, `.scope`, for the audiences crm, trusting the issuers https://a.example, on behalf of a token (`$secrets.key`) of the type jwt, acting with a token that the document spells out of the type jwt, at the endpoints token = "/t", revocation = "/r", asking in application/json
    6. oidc: GET https://x.example
       - authenticates by OpenID Connect at https://login.example with the grant client_credentials, as the client me

    Defined, but used nowhere:
    - the authentication policy unused: a bearer token as the secret other says
    "#);
}

#[test]
fn credentials_that_the_document_spells_out_are_not_shown() {
    let told = tasks(
        "
  - all:
      call: http
      with:
        method: get
        endpoint: https://ada:hunter2@x.example/a
        headers: { Authorization: Bearer hunter2, Cookie: '${ \"hunter2\" }', X-Plain: shown }
        query: { api_key: hunter2 }
  - token: { set: { x: 'xoxb-hunter2-0123456789-0123456789' } }
  - run:
      run: { shell: { command: ls, environment: { PASSWORD: hunter2 } } }
",
    );
    assert!(!told.contains("hunter2"), "{told}");
    assert_snapshot!(told, @r#"
    1. all: GET a credential that the document spells out
       - query: api_key = a credential that the document spells out
       - headers: Authorization = a credential that the document spells out, Cookie = a credential that the document spells out, X-Plain = "shown"
    2. token: set the data to x = a credential that the document spells out
    3. run: run a shell command and wait for its end
       - the command: "ls"
       - environment: PASSWORD = a credential that the document spells out
    "#);
}

#[test]
fn openapi_and_grpc() {
    assert_snapshot!(tasks("
  - operation:
      call: openapi
      with:
        document: { name: the store, endpoint: { uri: 'https://x.example/openapi.json' } }
        operationId: findPets
        parameters: { status: available, tag: '${ .tag }' }
        authentication: { bearer: { token: '${ .token }' } }
        output: response
        redirect: true
  - method:
      call: grpc
      with:
        proto: { endpoint: 'https://x.example/greet.proto' }
        service: { name: a.Greeter, host: '${ .host }', port: 443, authentication: { basic: { username: a, password: '${ .b }' } } }
        method: SayHello
        arguments: { name: '${ .name }' }
"), @r#"
    1. operation: call the operation findPets of https://x.example/openapi.json (the store)
       - authenticates by a bearer token (`.token`)
       - parameters: status = "available", tag = `.tag`
       - gives the whole response: request, status, headers and content
       - an answer that redirects (3xx) is a result and is not followed
    2. method: call SayHello of the gRPC service a.Greeter at `.host`, port 443
       - authenticates by basic authentication as the user a with a password (`.b`)
       - as defined in https://x.example/greet.proto
       - arguments: name = `.name`
    "#);
}

#[test]
fn asyncapi() {
    assert_snapshot!(told("
do:
  - send:
      call: asyncapi
      with:
        document: { endpoint: 'https://x.example/asyncapi.json' }
        channel: /notices
        server: { name: staging, variables: { region: eu } }
        protocol: kafka
        message: { payload: { a: '${ .a }' }, headers: { h: 1 } }
  - receive:
      call: asyncapi
      with:
        document: { endpoint: 'https://x.example/asyncapi.json' }
        operation: getNotices
        subscription:
          filter: ${ .ok }
          consume: { while: .more, for: PT1M }
          foreach:
            item: notice
            at: place
            do: [{ keep: { set: { x: '${ $notice }' } } }]
            output: { as: .x }
            export: { as: . }
"), @r#"
    When somebody or another workflow starts it

    1. send: publish a message to the channel /notices of https://x.example/asyncapi.json on the server staging over kafka
       - the server's variables: region = "eu"
       - payload: a = `.a`
       - headers: h = 1
    2. receive: consume messages by the operation getNotices of https://x.example/asyncapi.json
       - only messages with `.ok`
       - consumes messages while `.more`, for at most 1 min
       - for each message, as `$notice` (counted by `$place`), one after another:
         2.1 keep: set the data to x = `$notice`
         - its output becomes `.x`
         - the context becomes `.`
    "#);
}

#[test]
fn agents_and_context_servers() {
    assert_snapshot!(told("
do:
  - agent: { call: a2a, with: { agentCard: { endpoint: 'https://a.example/card.json' }, method: message/send, parameters: { text: hello } } }
  - server: { call: a2a, with: { server: 'https://a.example', method: tasks/get, parameters: '${ .p }' } }
  - remote:
      call: mcp
      with:
        protocolVersion: '2025-06-18'
        method: tools/call
        parameters: { name: search }
        timeout: PT10S
        transport: { http: { endpoint: 'https://m.example', headers: { A: b } }, options: { x: 'y' } }
        client: { name: me, version: '1.0' }
  - process: { call: mcp, with: { method: tools/list, transport: { stdio: { command: npx, arguments: [a], environment: { B: c } } } } }
"), @r#"
    When somebody or another workflow starts it

    1. agent: ask the agent of the agent card https://a.example/card.json for message/send
       - parameters: text = "hello"
    2. server: ask the agent at https://a.example for tasks/get
       - parameters: `.p`
    3. remote: ask the model context server at https://m.example for tools/call (protocol 2025-06-18), for at most 10 s
       - headers: A = "b"
       - options: x = "y"
       - parameters: name = "search"
       - as the client: name = "me", version = "1.0"
    4. process: ask the model context server that runs as the command npx for tools/list
       - the command's arguments: ["a"]
       - its environment: B = "c"
    "#);
}

#[test]
fn what_is_run() {
    assert_snapshot!(told("
do:
  - child: { run: { workflow: { namespace: shop, name: bill, version: 1.0.0, input: '${ .order }' } } }
  - detached: { run: { await: false, workflow: { namespace: shop, name: bill, version: latest } } }
  - container:
      run:
        container:
          image: alpine
          name: ${ .name }
          command: echo hello
          ports: { '8080': 80 }
          volumes: { /a: /b }
          environment: { A: b }
          stdin: in
          arguments: [x]
          pullPolicy: ifNotPresent
          lifetime: { cleanup: eventually, after: PT30M }
        return: all
  - kept: { run: { container: { image: alpine, pullPolicy: never, lifetime: { cleanup: never } }, return: none } }
  - script: { run: { script: { language: js, source: { endpoint: 'https://x.example/a.js' }, arguments: [one] }, return: code } }
  - code: { run: { script: { language: python, code: print(1) }, await: false, return: stderr } }
  - shell: { run: { shell: { command: ls -l, arguments: [a], environment: { A: b } }, return: stdout } }
"), @r#"
    When somebody or another workflow starts it

    1. child: run the workflow shop/bill, version 1.0.0, and wait for its end
       - its input: `.order`
    2. detached: start the workflow shop/bill, version latest, and do not wait for its end
    3. container: run the container image alpine as `.name` and wait for its end
       - the command in it: "echo hello"
       - ports: 8080 = 80
       - volumes: /a = "/b"
       - the image is pulled if it is not there
       - the container is removed 30 min after its end
       - arguments: ["x"]
       - standard input: "in"
       - environment: A = "b"
       - gives its exit code, standard output and standard error
    4. kept: run the container image alpine and wait for its end
       - the image is never pulled
       - the container is never removed
       - gives nothing
    5. script: run a script in js from https://x.example/a.js and wait for its end
       - arguments: ["one"]
       - gives its exit code
    6. code: start a script in python and do not wait for its end
       - the script: "print(1)"
       - gives its standard error
    7. shell: run a shell command and wait for its end
       - the command: "ls -l"
       - arguments: ["a"]
       - environment: A = "b"
       - gives its standard output
    "#);
}

#[test]
fn catalogs() {
    assert_snapshot!(told("
use: { catalogs: { ours: { endpoint: { uri: 'https://x.example', authentication: { bearer: { token: '${ .t }' } } } } } }
do:
  - remote: { call: 'log:1.0.0@ours', with: { message: hello } }
"), @r#"
    When somebody or another workflow starts it

    1. remote: call the function log:1.0.0@ours with message = "hello"

    Catalogs of functions:
    - ours at https://x.example
      - authenticates by a bearer token (`.t`)
    "#);
}
