@rule-14
Feature: Try
  `errors.with` matches by equality of the given members, then `when`, then not `exceptWhen`. With `retry`: retry
  first; after exhaustion `catch.do`, then `catch.then`. Without a match the error goes on up. The caught error is
  `$error` or the `as` name.

  Scenario Outline: An error is caught if <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: match, version: '1.0.0' }
    do:
      - attempt:
          try:
            - fail: { raise: { error: { type: 'https://try.example/errors/late', status: 418, title: Too late, detail: by far } } }
          catch:
            <filter>
            do: [ { handle: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: true
    """

    Examples:
      | what                         | filter                                                                         |
      | nothing is asked for         | as: error                                                                      |
      | the type is equal            | errors: { with: { type: 'https://try.example/errors/late' } }                  |
      | the status is equal          | errors: { with: { status: 418 } }                                              |
      | all given members are equal  | errors: { with: { status: 418, title: Too late, detail: by far } }             |
      | the instance is equal        | errors: { with: { instance: /do/0/attempt/try/0/fail } }                       |
      | the condition holds          | when: $error.status > 400                                                      |
      | the exception does not hold  | exceptWhen: $error.status == 500                                               |

  Scenario Outline: An error goes on up if <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: no-match, version: '1.0.0' }
    do:
      - attempt:
          try:
            - fail: { raise: { error: { type: 'https://try.example/errors/late', status: 418, title: Too late } } }
          catch:
            <filter>
            do: [ { handle: { set: { caught: true } } } ]
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://try.example/errors/late
    status: 418
    title: Too late
    instance: /do/0/attempt/try/0/fail
    """
    And handle should not run

    Examples:
      | what                           | filter                                                                       |
      | the type differs               | errors: { with: { type: 'https://try.example/errors/other' } }               |
      | the type only begins the same  | errors: { with: { type: 'https://try.example/errors/lat' } }                 |
      | one of the members differs     | errors: { with: { status: 418, title: Too early } }                          |
      | a member is not there          | errors: { with: { detail: by far } }                                         |
      | the condition does not hold    | when: $error.status > 500                                                    |
      | the exception holds            | exceptWhen: $error.status == 418                                             |
      | it fits, but the condition not | errors: { with: { status: 418 } }\n        when: 'false'                        |

  Scenario: Without an error the try gives what its tasks give, and nothing is handled
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: no-error, version: '1.0.0' }
    do:
      - attempt:
          try:
            - one: { set: { n: 1 } }
            - two: { set: { n: '${ .n + 1 }' } }
          catch: { do: [ { handle: { set: { caught: true } } } ], then: never }
      - last: { set: '${ . }', then: end }
      - never: { set: { n: 0 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 2
    """

  Scenario: The error has the name that is given
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: as, version: '1.0.0' }
    do:
      - attempt:
          try:
            - fail: { raise: { error: { type: 'https://try.example/errors/late', status: 418 } } }
          catch:
            as: problem
            when: $problem.status == 418
            do: [ { handle: { set: { type: '${ $problem.type }', at: '${ $problem.instance }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    type: https://try.example/errors/late
    at: /do/0/attempt/try/0/fail
    """

  Scenario: The handler gets the input of the try
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: handler-input, version: '1.0.0' }
    do:
      - attempt:
          input: { from: .inner }
          try:
            - change: { set: { n: 2 } }
            - fail: { raise: { error: { type: 'https://try.example/errors/late', status: 418 } } }
          catch: { do: [ { handle: { set: { got: '${ . }' } } } ] }
    """
    And given the workflow input is:
    """yaml
    inner: { n: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { n: 1 }
    """

  Scenario: Without a handler a caught error leaves the input of the try
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: no-handler, version: '1.0.0' }
    do:
      - attempt:
          try:
            - change: { set: { n: 2 } }
            - fail: { raise: { error: { type: 'https://try.example/errors/late', status: 418 } } }
          catch: { errors: { with: { status: 418 } } }
      - last: { set: { got: '${ . }' } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { n: 1 }
    """

  Scenario: First the retries, then the handler, then where `then` leads
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: retries-first, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask: { call: http, with: { method: get, endpoint: https://try.example/down } }
          catch:
            errors: { with: { status: 503 } }
            retry: { delay: PT0.02S, limit: { attempt: { count: 2 } } }
            do: [ { handle: { set: { handled: '${ $error.status }' } } } ]
            then: last
      - never: { set: { never: true } }
      - last: { set: '${ . + {last: true} }' }
    """
    And given calls to 'GET https://try.example/down' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { handled: 503, last: true }
    """
    And 'GET https://try.example/down' should be called 3 times
    And never should not run

  Scenario: A retry that succeeds leaves no trace of the error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: succeeds, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask: { call: http, with: { method: get, endpoint: https://try.example/flaky } }
          catch:
            retry: { delay: PT0.02S, limit: { attempt: { count: 5 } } }
            do: [ { handle: { set: { handled: true } } } ]
            then: end
      - last: { set: { answer: '${ . }' } }
    """
    And given calls to 'GET https://try.example/flaky' are answered with:
      | status | closes | body           |
      | 503    |        |                |
      |        | true   |                |
      | 200    |        | { fine: true } |
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    answer: { fine: true }
    """
    And handle should not run
    And 'GET https://try.example/flaky' should be called 3 times

  Scenario: An error that is not caught is not retried
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: not-retried, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask: { call: http, with: { method: get, endpoint: https://try.example/missing } }
          catch:
            errors: { with: { status: 503 } }
            retry: { delay: PT0.02S, limit: { attempt: { count: 5 } } }
    """
    And given calls to 'GET https://try.example/missing' are answered with:
    """yaml
    - status: 404
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    status: 404
    instance: /do/0/attempt/try/0/ask
    """
    And 'GET https://try.example/missing' should be called 1 time

  Scenario: A retry policy's own conditions decide about retries, not about catching
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: retry-when, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask: { call: http, with: { method: get, endpoint: https://try.example/turns } }
          catch:
            retry: { when: $error.status == 503, exceptWhen: $error.status == 404, delay: PT0.02S }
            do: [ { handle: { set: { status: '${ $error.status }' } } } ]
    """
    And given calls to 'GET https://try.example/turns' are answered with:
    """yaml
    - status: 503
    - status: 503
    - status: 404
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    status: 404
    """
    And 'GET https://try.example/turns' should be called 3 times

  Scenario: An outer try catches what an inner one does not, and what its handler raises
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: nested, version: '1.0.0' }
    do:
      - outer:
          try:
            - inner:
                try: [ { fail: { raise: { error: { type: 'https://try.example/errors/a', status: 400 } } } } ]
                catch:
                  errors: { with: { status: 400 } }
                  do: [ { again: { raise: { error: { type: 'https://try.example/errors/b', status: 402 } } } } ]
          catch: { do: [ { handle: { set: { status: '${ $error.status }', at: '${ $error.instance }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    status: 402
    at: /do/0/outer/try/0/inner/catch/do/0/again
    """

  Scenario: A policy under `use` is meant by its name
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: policy, version: '1.0.0' }
    use:
      retries:
        twice: { delay: PT0.02S, limit: { attempt: { count: 2 } } }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://try.example/policy } } } ]
          catch: { retry: twice, do: [ { handle: { set: { gave: up } } } ] }
    """
    And given calls to 'GET https://try.example/policy' are answered with:
    """yaml
    - status: 500
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    gave: up
    """
    And 'GET https://try.example/policy' should be called 3 times

  Scenario: A policy that `use` does not define is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-14, name: no-policy, version: '1.0.0' }
    do:
      - attempt:
          try: [ { one: { set: { n: 1 } } } ]
          catch: { retry: thrice }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1103' at '/do/0/attempt/catch/retry'
