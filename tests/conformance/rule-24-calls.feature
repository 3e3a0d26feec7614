@rule-24
Feature: Calls
  A status outside 200–299 (200–399 with `redirect: true`) is a *communication* error with that status and, in
  `detail`, the start of the body; network faults are *communication* errors with 502, 504 on timeout of connecting. At
  most 5 redirects are followed. Nothing is retried unless the document says so.

  Scenario Outline: An answer <status> is <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: status, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: 'https://call.example/status/<status>', redirect: <redirect> } } } ]
          catch: { do: [ { handle: { set: { error: '${ $error.status }' } } } ] }
    """
    And given calls to 'GET https://call.example/status/<status>' are answered with:
    """yaml
    - { status: <status>, body: { answer: true } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    <output>
    """

    Examples:
      | status | redirect | what                         | output             |
      | 200    | false    | the result                   | { answer: true }   |
      | 299    | false    | the result                   | { answer: true }   |
      | 304    | false    | an error                     | { error: 304 }     |
      | 302    | true     | the result with redirect     | { answer: true }   |
      | 399    | true     | the result with redirect     | { answer: true }   |
      | 400    | true     | an error, also with redirect | { error: 400 }     |
      | 404    | false    | an error                     | { error: 404 }     |
      | 500    | false    | an error                     | { error: 500 }     |

  Scenario: The detail has the start of the body
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: detail, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: https://call.example/broken } }
    """
    And given calls to 'GET https://call.example/broken' are answered with:
    """yaml
    - { status: 422, text: 'the colour is not known' }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    status: 422
    """
    And the workflow error should satisfy:
    """jq
    .detail | contains("the colour is not known")
    """
    And 'GET https://call.example/broken' should be called 1 time

  Scenario: A network fault is 502
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: fault, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: 'https://nobody-is-there.invalid/' } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    status: 502
    instance: /do/0/ask
    """

  Scenario: A connection that breaks off is 502
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: closes, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: https://call.example/closes } }
    """
    And given calls to 'GET https://call.example/closes' are answered with:
    """yaml
    - closes: true
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    status: 502
    """

  Scenario: Redirects are followed
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: redirect, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: https://call.example/old } }
    """
    And given calls to 'GET https://call.example/old' are answered with:
    """yaml
    - { status: 302, headers: { Location: 'https://call.example/new' } }
    """
    And given calls to 'GET https://call.example/new' are answered with:
    """yaml
    - body: { was: new }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: new
    """

  Scenario: Credentials are not sent on to another host
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: credentials, version: '1.0.0' }
    do:
      - ask:
          call: http
          with: { method: get, endpoint: https://call.example/elsewhere, headers: { Authorization: Bearer abc, X-Plain: yes } }
    """
    And given calls to 'GET https://call.example/elsewhere' are answered with:
    """yaml
    - { status: 307, headers: { Location: 'https://other.call.example/target' } }
    """
    And given calls to 'GET https://other.call.example/target' are answered with:
    """yaml
    - body: ok
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://call.example/elsewhere' should satisfy:
    """jq
    .[0].headers.authorization == "Bearer abc"
    """
    And the calls to 'GET https://other.call.example/target' should satisfy:
    """jq
    .[0].headers | has("authorization") or has("idempotency-key") | not
    """

  Scenario: Redirects that never end are an error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: circle, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: https://call.example/circle } }
    """
    And given calls to 'GET https://call.example/circle' are answered with:
    """yaml
    - { status: 302, headers: { Location: 'https://call.example/circle' } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    instance: /do/0/ask
    """
    And 'GET https://call.example/circle' should be called 6 times

  Scenario: What is sent: method, query, headers and a JSON body
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: sent, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: put
            endpoint: https://call.example/things
            query: { tag: [ a, 'b c' ], n: 1, yes: true }
            headers: { X-Number: 7, X-Text: '${ .text }' }
            body: { text: '${ .text }', list: [ 1, '${ 1 + 1 }' ] }
    """
    And given the workflow input is:
    """yaml
    text: hello
    """
    And given calls to 'PUT https://call.example/things' are answered with:
    """yaml
    - body: ok
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'PUT https://call.example/things' should satisfy:
    """jq
    .[0] | .query == {tag: ["a", "b c"], n: "1", yes: "true"} and .headers["x-number"] == "7"
      and .headers["x-text"] == "hello" and .body == {text: "hello", list: [1, 2]}
      and (.headers["content-type"] | startswith("application/json"))
    """

  Scenario: What comes back: decoded, raw, or the whole exchange
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: output, version: '1.0.0' }
    do:
      - content: { call: http, with: { method: get, endpoint: https://call.example/output, output: content } }
      - text: { call: http, with: { method: get, endpoint: https://call.example/text } }
      - raw: { call: http, with: { method: get, endpoint: https://call.example/text, output: raw } }
      - response: { call: http, with: { method: get, endpoint: https://call.example/output, output: response } }
      - last:
          set:
            content: '${ $steps.content }'
            text: '${ $steps.text }'
            raw: '${ $steps.raw }'
            response: '${ $steps.response | {statusCode, content, method: .request.method, uri: .request.uri, header: .headers["x-answer"]} }'
    """
    And given calls to 'GET https://call.example/output' are answered with:
    """yaml
    - { status: 203, headers: { X-Answer: forty-two }, body: { n: 42 } }
    """
    And given calls to 'GET https://call.example/text' are answered with:
    """yaml
    - { headers: { Content-Type: text/plain }, text: hello }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should satisfy:
    """jq
    .content == {n: 42} and .text == "hello" and .raw == "aGVsbG8=" and .response.statusCode == 203
      and .response.content == {n: 42} and (.response.method | ascii_downcase) == "get"
      and .response.uri == "https://call.example/output" and .response.header == "forty-two"
    """

  @needs-openapi
  Scenario: An operation of an OpenAPI document puts its parameters where they belong
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: openapi, version: '1.0.0' }
    do:
      - change:
          call: openapi
          with:
            document: { endpoint: https://api.call.example/openapi.yaml }
            operationId: changeOrder
            parameters: { id: 'A 7', expand: [ lines, customer ], X-Reason: test, body: { note: '${ .note }' } }
    """
    And given the workflow input is:
    """yaml
    note: hello
    """
    And given the resource 'https://api.call.example/openapi.yaml' is:
    """yaml
    openapi: 3.0.3
    info: { title: Orders, version: '1' }
    servers: [ { url: https://api.call.example/v1 } ]
    paths:
      /orders/{id}:
        patch:
          operationId: changeOrder
          parameters:
            - { name: id, in: path, required: true, schema: { type: string } }
            - { name: expand, in: query, schema: { type: array, items: { type: string } } }
            - { name: X-Reason, in: header, schema: { type: string } }
          requestBody:
            content: { application/json: { schema: { type: object, properties: { note: { type: string } } } } }
          responses: { '200': { description: changed } }
    """
    And given calls to 'PATCH https://api.call.example/v1/orders/*' are answered with:
    """yaml
    - body: { changed: true }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    changed: true
    """
    And the calls to 'PATCH https://api.call.example/v1/orders/*' should satisfy:
    """jq
    .[0] | .address == "https://api.call.example/v1/orders/A%207" and .query.expand == ["lines", "customer"]
      and .headers["x-reason"] == "test" and .body == {note: "hello"}
    """

  @needs-openapi
  Scenario: An operation that the document does not have is a configuration error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: no-operation, version: '1.0.0' }
    do:
      - change:
          call: openapi
          with: { document: { endpoint: https://api.call.example/small.yaml }, operationId: paintOrder }
    """
    And given the resource 'https://api.call.example/small.yaml' is:
    """yaml
    openapi: 3.0.3
    info: { title: Orders, version: '1' }
    servers: [ { url: https://api.call.example/v1 } ]
    paths: { /orders: { get: { operationId: listOrders, responses: { '200': { description: all } } } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    instance: /do/0/change
    """
    And the workflow error should satisfy:
    """jq
    .detail | contains("paintOrder")
    """

  @needs-grpc
  Scenario: A gRPC method is called with one message
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: grpc, version: '1.0.0' }
    do:
      - greet:
          call: grpc
          with:
            proto: { endpoint: https://greeter.example/greeter.proto }
            service: { name: greeter.Greeter, host: greeter.example, port: 443 }
            method: SayHello
            arguments: { name: '${ .name }' }
    """
    And given the workflow input is:
    """yaml
    name: Ada
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    message: Hello Ada
    """

  @needs-grpc
  Scenario: A stream of answers is an array
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: grpc-stream, version: '1.0.0' }
    do:
      - greet:
          call: grpc
          with:
            proto: { endpoint: https://greeter.example/greeter.proto }
            service: { name: greeter.Greeter, host: greeter.example, port: 443 }
            method: SayHelloOften
            arguments: { name: Ada }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { message: Hello Ada 1 }
    - { message: Hello Ada 2 }
    - { message: Hello Ada 3 }
    """

  @needs-grpc
  Scenario: A gRPC status other than OK is a communication error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: grpc-status, version: '1.0.0' }
    do:
      - greet:
          call: grpc
          with:
            proto: { endpoint: https://greeter.example/greeter.proto }
            service: { name: greeter.Greeter, host: greeter.example, port: 443 }
            method: SayHello
            arguments: { name: nobody }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    status: 404
    instance: /do/0/greet
    """
    And the workflow error should satisfy:
    """jq
    .detail | contains("nobody is not here")
    """

  @needs-authentication
  Scenario: Basic authentication
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: basic, version: '1.0.0' }
    use: { authentications: { robot: { basic: { username: robot, password: 'iron oil' } } } }
    do:
      - ask: { call: http, with: { method: get, endpoint: { uri: https://call.example/basic, authentication: { use: robot } } } }
    """
    And given calls to 'GET https://call.example/basic' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://call.example/basic' should satisfy:
    """jq
    .[0].headers.authorization == "Basic " + ("robot:iron oil" | @base64)
    """

  @needs-authentication
  Scenario: Bearer authentication with a secret
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: bearer, version: '1.0.0' }
    use: { secrets: [callToken] }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: { uri: https://call.example/bearer, authentication: { bearer: { token: '${ $secrets.callToken }' } } }
    """
    And given the secret 'callToken' is:
    """yaml
    token-of-the-caller
    """
    And given calls to 'GET https://call.example/bearer' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://call.example/bearer' should satisfy:
    """jq
    .[0].headers.authorization == "Bearer token-of-the-caller"
    """

  @needs-authentication
  Scenario: Digest authentication answers the challenge
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: digest, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: { uri: https://call.example/digest, authentication: { digest: { username: robot, password: oil } } }
    """
    And given calls to 'GET https://call.example/digest' are answered with:
    """yaml
    - status: 401
      headers: { WWW-Authenticate: 'Digest realm="robots", nonce="abc123", qop="auth", algorithm=SHA-256' }
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    welcome
    """
    And the calls to 'GET https://call.example/digest' should satisfy:
    """jq
    length == 2 and (.[1].headers.authorization | startswith("Digest ") and contains("username=\"robot\"") and contains("nonce=\"abc123\"") and contains("uri=\"/digest\"") and (contains("oil") | not))
    """

  @needs-authentication
  Scenario: OAuth 2.0 gets a token first, and keeps it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: oauth2, version: '1.0.0' }
    use:
      authentications:
        shop:
          oauth2:
            authority: https://login.call.example
            grant: client_credentials
            client: { id: robot, secret: oil }
            scopes: [ read, write ]
    do:
      - first: { call: http, with: { method: get, endpoint: { uri: https://call.example/oauth2, authentication: { use: shop } } } }
      - second: { call: http, with: { method: get, endpoint: { uri: https://call.example/oauth2, authentication: { use: shop } } } }
    """
    And given calls to 'POST https://login.call.example/oauth2/token' are answered with:
    """yaml
    - body: { access_token: token-of-the-robot, token_type: Bearer, expires_in: 3600 }
    """
    And given calls to 'GET https://call.example/oauth2' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://login.call.example/oauth2/token' should satisfy:
    """jq
    length == 1 and (.[0].body | contains("grant_type=client_credentials") and contains("client_id=robot") and contains("scope=read+write"))
    """
    And the calls to 'GET https://call.example/oauth2' should satisfy:
    """jq
    map(.headers.authorization) == ["Bearer token-of-the-robot", "Bearer token-of-the-robot"]
    """

  @needs-authentication
  Scenario: OpenID Connect finds where tokens are given
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: oidc, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint:
              uri: https://call.example/oidc
              authentication:
                oidc:
                  authority: https://oidc.call.example/realm/.well-known/openid-configuration
                  grant: client_credentials
                  client: { id: robot, secret: oil }
    """
    And given calls to 'GET https://oidc.call.example/realm/.well-known/openid-configuration' are answered with:
    """yaml
    - body: { issuer: 'https://oidc.call.example/realm', token_endpoint: 'https://oidc.call.example/tokens' }
    """
    And given calls to 'POST https://oidc.call.example/tokens' are answered with:
    """yaml
    - body: { access_token: token-of-oidc, token_type: Bearer, expires_in: 3600 }
    """
    And given calls to 'GET https://call.example/oidc' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://call.example/oidc' should satisfy:
    """jq
    .[0].headers.authorization == "Bearer token-of-oidc"
    """

  @needs-authentication
  Scenario: Who cannot get a token does not call
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: no-token, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint:
              uri: https://call.example/never
              authentication:
                oauth2:
                  authority: https://refusing.call.example
                  grant: client_credentials
                  client: { id: robot, secret: wrong-oil }
    """
    And given calls to 'POST https://refusing.call.example/oauth2/token' are answered with:
    """yaml
    - { status: 401, body: { error: invalid_client } }
    """
    And given calls to 'GET https://call.example/never' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/authentication
    status: 401
    instance: /do/0/ask
    """
    And the workflow error should satisfy:
    """jq
    tostring | contains("wrong-oil") | not
    """
    And 'GET https://call.example/never' should be called 0 times

  Scenario Outline: A call that this version does not make is refused: <call>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-24, name: later, version: '1.0.0' }
    do:
      - ask: { call: <call>, with: { <with> } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1402' at '/do/0/ask/call'

    Examples:
      | call     | with                                                                              |
      | asyncapi | document: { endpoint: 'https://call.example/x' }, operation: x, message: {}       |
      | a2a      | server: 'https://call.example/x', method: tasks/get                               |
      | mcp      | protocolVersion: x, method: tools/list, transport: { stdio: { command: x } }      |
