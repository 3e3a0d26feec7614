@rule-25 @needs-files
Feature: Files that a workflow refers to
  Documents, schemas, OpenAPI and `.proto` files that a workflow refers to are fetched at deploy (http or https, same
  address rules as calls), pinned by hash with the revision, and refreshed only by a new deploy.

  Scenario: A schema is fetched when the workflow is deployed
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: schema, version: '1.0.0' }
    input: { schema: { format: json, resource: { endpoint: https://files.example/order.schema.json } } }
    do:
      - see: { set: { ok: true } }
    """
    And given the resource 'https://files.example/order.schema.json' is:
    """json
    { "type": "object", "required": ["id"] }
    """
    And given the workflow input is:
    """yaml
    name: Ada
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    """
    And 'GET https://files.example/order.schema.json' should be called 1 time

  Scenario: What was fetched is kept until the next deploy
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: pinned, version: '1.0.0' }
    do:
      - ask:
          call: openapi
          with: { document: { endpoint: https://files.example/pinned.yaml }, operationId: look }
    """
    And given the resource 'https://files.example/pinned.yaml' is:
    """yaml
    openapi: 3.0.3
    info: { title: Pinned, version: '1' }
    servers: [ { url: https://files.example/old } ]
    paths: { /thing: { get: { operationId: look, responses: { '200': { description: it } } } } }
    """
    And given calls to 'GET https://files.example/old/thing' are answered with:
    """yaml
    - body: { was: old }
    """
    And given calls to 'GET https://files.example/new/thing' are answered with:
    """yaml
    - body: { was: new }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: old
    """
    When the resource 'https://files.example/pinned.yaml' is:
    """yaml
    openapi: 3.0.3
    info: { title: Pinned, version: '2' }
    servers: [ { url: https://files.example/new } ]
    paths: { /thing: { get: { operationId: look, responses: { '200': { description: it } } } } }
    """
    And the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: old
    """
    When the workflow is deployed again
    And the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: new
    """

  Scenario: A file that cannot be fetched does not keep the workflow from being deployed, but its call fails
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: missing, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask:
                call: openapi
                with: { document: { endpoint: https://files.example/missing.yaml }, operationId: look }
          catch: { do: [ { handle: { set: { type: '${ $error.type }', detail: '${ $error.detail }' } } } ] }
    """
    And given calls to 'GET https://files.example/missing.yaml' are answered with:
    """yaml
    - status: 404
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should satisfy:
    """jq
    (.type | endswith("/configuration")) and (.detail | contains("https://files.example/missing.yaml"))
    """

  Scenario: A file that cannot be read is a configuration error, too
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: unreadable, version: '1.0.0' }
    do:
      - greet:
          call: grpc
          with:
            proto: { endpoint: https://files.example/broken.proto }
            service: { name: a.B, host: files.example, port: 443 }
            method: Do
    """
    And given the resource 'https://files.example/broken.proto' is:
    """proto
    this is not { a protocol
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    instance: /do/0/greet
    """

  Scenario: A file where calls may not go is not fetched either
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: forbidden, version: '1.0.0' }
    do:
      - ask:
          call: openapi
          with: { document: { endpoint: 'http://169.254.169.254/openapi.yaml' }, operationId: look }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    """

  Scenario: A file that is not on the web is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-25, name: local, version: '1.0.0' }
    do:
      - greet:
          call: grpc
          with:
            proto: { endpoint: 'file://app/greet.proto' }
            service: { name: a.B, host: files.example, port: 443 }
            method: Do
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1406' at '/do/0/greet/with/proto/endpoint'
