@rule-16
Feature: Errors
  Errors are RFC 7807 with the standard types under `https://open-workflow-specification.org/spec/1.0.0/errors/…`.
  In `errors.with`, `https://serverlessworkflow.io/spec/1.0.0/errors/<name>` and the kit's
  `…/dsl/errors/types/<name>` mean the same type for the standard names. `instance` is the JSON Pointer with
  indexes.

  Scenario Outline: A standard type may be meant by <whose> name
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: aliases, version: '1.0.0' }
    do:
      - attempt:
          try:
            - fail: { raise: { error: { type: 'https://open-workflow-specification.org/spec/1.0.0/errors/communication', status: 503 } } }
          catch:
            errors: { with: { type: '<type>' } }
            do: [ { handle: { set: { type: '${ $error.type }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    """

    Examples:
      | whose              | type                                                                         |
      | its own            | https://open-workflow-specification.org/spec/1.0.0/errors/communication      |
      | its older          | https://serverlessworkflow.io/spec/1.0.0/errors/communication                |
      | the kit's          | https://open-workflow-specification.org/dsl/errors/types/communication       |

  Scenario Outline: Other types are equal only to themselves: <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: no-alias, version: '1.0.0' }
    do:
      - attempt:
          try: [ { fail: { raise: { error: { type: '<raised>', status: 503 } } } } ]
          catch: { errors: { with: { type: '<wanted>' } }, do: [ { handle: { set: { caught: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: <raised>
    """

    Examples:
      | what                | raised                                                                  | wanted                                                             |
      | another standard    | https://open-workflow-specification.org/spec/1.0.0/errors/communication | https://serverlessworkflow.io/spec/1.0.0/errors/timeout            |
      | not a standard name | https://open-workflow-specification.org/spec/1.0.0/errors/sleepy        | https://serverlessworkflow.io/spec/1.0.0/errors/sleepy             |
      | one's own           | https://errors.example/communication                                    | https://serverlessworkflow.io/spec/1.0.0/errors/communication      |

  Scenario: An error has a type, a status, a title and the place where it came from
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: members, version: '1.0.0' }
    do:
      - outer:
          do:
            - first: { set: { list: [ a, b ] } }
            - loop:
                for: { in: .list }
                do:
                  - attempt:
                      try:
                        - broken: { set: { n: '${ $item + 1 }' } }
                      catch: { errors: { with: { status: 418 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/outer/do/1/loop/do/0/attempt/try/0/broken
    """
    And the workflow error should satisfy:
    """jq
    (.title | type) == "string" and (.detail | type) == "string"
    """

  Scenario: A schema that is broken is a validation error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: validation, version: '1.0.0' }
    do:
      - strict: { set: { n: x }, output: { schema: { format: json, document: { required: [m] } } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    instance: /do/0/strict
    """

  Scenario: A callee that refuses is a communication error with its status
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: communication, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: https://errors.example/teapot } }
    """
    And given calls to 'GET https://errors.example/teapot' are answered with:
    """yaml
    - { status: 418, text: short and stout }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/communication
    status: 418
    instance: /do/0/ask
    """
    And the workflow error should satisfy:
    """jq
    .detail | contains("short and stout")
    """

  Scenario: An address that must not be called is a configuration error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: configuration, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: 'http://169.254.169.254/latest/meta-data' } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    instance: /do/0/ask
    """

  Scenario: What takes too long is a timeout error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: timeout, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H, timeout: { after: PT0.05S } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    instance: /do/0/sleep
    """

  Scenario: What goes beyond a bound of the runtime is a runtime error: events that cause one another for ever
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: runtime, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.errors.circle } } } }
    do:
      - again: { emit: { event: { with: { type: com.acme.errors.circle, data: { n: '${ (.[0].n // 0) + 1 }' } } } } }
    """
    When this event is published:
    """yaml
    { type: com.acme.errors.circle }
    """
    Then the workflow instances should satisfy:
    """jq
    any(.[]; .state == "faulted" and .error.type == "https://open-workflow-specification.org/spec/1.0.0/errors/runtime" and .error.status == 500)
    """

  Scenario: A definition under `use` may be raised by name, with computed texts
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-16, name: reusable, version: '1.0.0' }
    use:
      errors:
        unpaid: { type: 'https://errors.example/unpaid', status: 402, title: Unpaid, detail: '${ "order \(.id) is not paid" }' }
    do:
      - check: { raise: { error: unpaid } }
    """
    And given the workflow input is:
    """yaml
    id: A-7
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://errors.example/unpaid
    status: 402
    title: Unpaid
    detail: order A-7 is not paid
    instance: /do/0/check
    """
