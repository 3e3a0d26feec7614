@rule-23
Feature: Idempotency
  Every HTTP call carries `Idempotency-Key` unless the document sets it; it is the same for every attempt and after a
  crash; `Tenon-Attempt` tells attempts apart.

  Scenario: Every attempt has the same key and a number of its own
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-23, name: attempts, version: '1.0.0' }
    do:
      - attempt:
          try: [ { book: { call: http, with: { method: post, endpoint: https://book.example/flaky, body: { n: 1 } } } } ]
          catch: { retry: { delay: PT0.02S, limit: { attempt: { count: 5 } } } }
    """
    And given calls to 'POST https://book.example/flaky' are answered with:
    """yaml
    - status: 503
    - closes: true
    - body: booked
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    booked
    """
    And the calls to 'POST https://book.example/flaky' should satisfy:
    """jq
    (map(.headers["idempotency-key"]) | unique | length == 1 and (.[0] | length) > 0)
      and map(.headers["tenon-attempt"]) == ["1", "2", "3"]
    """

  Scenario: Two calls have two keys, also in a loop
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-23, name: two-calls, version: '1.0.0' }
    do:
      - first: { call: http, with: { method: post, endpoint: https://book.example/many } }
      - second: { call: http, with: { method: post, endpoint: https://book.example/many } }
      - loop:
          for: { in: '${ [1, 2] }' }
          do: [ { third: { call: http, with: { method: post, endpoint: https://book.example/many } } } ]
    """
    And given calls to 'POST https://book.example/many' are answered with:
    """yaml
    - body: booked
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://book.example/many' should satisfy:
    """jq
    map(.headers["idempotency-key"]) | length == 4 and (unique | length) == 4
    """

  Scenario: Two instances have keys of their own
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-23, name: two-instances, version: '1.0.0' }
    do:
      - book: { call: http, with: { method: post, endpoint: https://book.example/twice } }
    """
    And given calls to 'POST https://book.example/twice' are answered with:
    """yaml
    - body: booked
    """
    When the workflow is executed
    Then the workflow should complete
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://book.example/twice' should satisfy:
    """jq
    map(.headers["idempotency-key"]) | length == 2 and (unique | length) == 2
    """

  Scenario: A key that the document sets is kept
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-23, name: own-key, version: '1.0.0' }
    do:
      - book:
          call: http
          with:
            method: post
            endpoint: https://book.example/own
            headers: { Idempotency-Key: '${ "order-" + .id }' }
    """
    And given the workflow input is:
    """yaml
    id: A-7
    """
    And given calls to 'POST https://book.example/own' are answered with:
    """yaml
    - body: booked
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://book.example/own' should satisfy:
    """jq
    map(.headers["idempotency-key"]) == ["order-A-7"]
    """

  @restart
  Scenario: A call that a crash interrupts is made again with the same key
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-23, name: crash, version: '1.0.0' }
    do:
      - book: { call: http, with: { method: post, endpoint: https://book.example/interrupted } }
    """
    And given calls to 'POST https://book.example/interrupted' are answered with:
    """yaml
    - after: never
    - body: booked
    """
    When the workflow is executed
    And 'POST https://book.example/interrupted' has been called
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    booked
    """
    And the calls to 'POST https://book.example/interrupted' should satisfy:
    """jq
    length == 2 and (map(.headers["idempotency-key"]) | unique | length) == 1
    """
