@rule-15
Feature: Delays of retries
  Before the n-th retry (n from 1): constant `delay`, linear `delay·n`, exponential `delay·2ⁿ⁻¹`; jitter adds a
  uniform value of its range; never more than 1 h. `limit.attempt.count` counts retries (10 where no limit of any
  kind is given), `limit.duration` is total time from first failure, `limit.attempt.duration` bounds each attempt.
  Pending retries are timers in the store, not sleeping tasks.

  Scenario Outline: <kind>: the waits are <waits> times the delay
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: backoff, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/<path> } } } ]
          catch:
            retry: { delay: PT0.4S, <backoff>, limit: { attempt: { count: 3 } } }
            do: [ { gave: { set: { gave: up } } } ]
    """
    And given calls to 'GET https://retry.example/<path>' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://retry.example/<path>' should satisfy:
    """jq
    [.[1:], .[:-1]] | transpose | map(.[0].at - .[1].at) as $gaps
      | ($gaps | length) == 3 and ([$gaps, [<waits>]] | transpose | map(.[0] >= .[1] * 400 - 5 and .[0] < .[1] * 400 + 390) | all)
    """

    Examples:
      | kind        | path        | backoff                      | waits   |
      | no backoff  | none        | backoff: { constant: {} }    | 1, 1, 1 |
      | linear      | linear      | backoff: { linear: {} }      | 1, 2, 3 |
      | exponential | exponential | backoff: { exponential: {} } | 1, 2, 4 |

  Scenario: Jitter adds something of its range
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: jitter, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/jitter } } } ]
          catch: { retry: { delay: PT0.1S, jitter: { from: PT0.2S, to: PT0.4S }, limit: { attempt: { count: 2 } } } }
    """
    And given calls to 'GET https://retry.example/jitter' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://retry.example/jitter' should satisfy:
    """jq
    [.[1:], .[:-1]] | transpose | map(.[0].at - .[1].at) | length == 2 and all(. >= 295 and . < 700)
    """

  Scenario: No delay is longer than an hour
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: an-hour, version: '1.0.0' }
    do:
      - attempt:
          try: [ { fail: { raise: { error: { type: 'https://retry.example/late', status: 418 } } } } ]
          catch: { retry: { delay: PT5H, limit: { attempt: { count: 1 } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    Then the workflow instance should satisfy:
    """jq
    [.wakeAt, .createdAt] | map(.[:19] + "Z" | fromdate) | .[0] - .[1] >= 3595 and .[0] - .[1] <= 3605
    """

  Scenario: Ten retries where no limit is given
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: ten, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/ten } } } ]
          catch: { retry: { delay: PT0.001S }, do: [ { gave: { set: { gave: up } } } ] }
    """
    And given calls to 'GET https://retry.example/ten' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    gave: up
    """
    And 'GET https://retry.example/ten' should be called 11 times

  Scenario: A count of nothing means no retry
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: zero, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/zero } } } ]
          catch: { retry: { limit: { attempt: { count: 0 } } }, do: [ { gave: { set: { gave: up } } } ] }
    """
    And given calls to 'GET https://retry.example/zero' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    gave: up
    """
    And 'GET https://retry.example/zero' should be called 1 time

  Scenario: The total time counts from the first failure
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: total, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/total } } } ]
          catch: { retry: { delay: PT1S, limit: { duration: PT1.5S } }, do: [ { gave: { set: { gave: up } } } ] }
    """
    And given calls to 'GET https://retry.example/total' are answered with:
    """yaml
    - { status: 503, after: PT0.7S }
    - { status: 503 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    gave: up
    """
    And 'GET https://retry.example/total' should be called 2 times

  Scenario: Each attempt may be bounded
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: each, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/each } } } ]
          catch: { retry: { delay: PT0.02S, limit: { attempt: { count: 3, duration: PT0.3S } } } }
    """
    And given calls to 'GET https://retry.example/each' are answered with:
    """yaml
    - after: never
    - after: never
    - body: in time
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    in time
    """
    And 'GET https://retry.example/each' should be called 3 times

  Scenario: An attempt that takes too long is a timeout
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: too-long, version: '1.0.0' }
    do:
      - attempt:
          try: [ { sleep: { wait: PT1H } } ]
          catch:
            retry: { limit: { attempt: { count: 1, duration: PT0.1S } } }
            do: [ { gave: { set: { type: '${ $error.type }', status: '${ $error.status }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    """

  @restart
  Scenario: A pending retry is kept in the store
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-15, name: stored, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://retry.example/stored } } } ]
          catch: { retry: { delay: PT1.5S, limit: { attempt: { count: 1 } } } }
    """
    And given calls to 'GET https://retry.example/stored' are answered with:
    """yaml
    - status: 503
    - body: at last
    """
    When the workflow is executed
    And the workflow is waiting
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    at last
    """
    And the calls to 'GET https://retry.example/stored' should satisfy:
    """jq
    length == 2 and .[1].at - .[0].at >= 1495
    """
