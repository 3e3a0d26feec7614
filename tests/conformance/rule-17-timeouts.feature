@rule-17
Feature: Timeouts
  `timeout` on a task raises *timeout* (408) in it; on the workflow ends the job. Timeouts are durable.

  Scenario: A task that takes too long faults
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: task, version: '1.0.0' }
    do:
      - ask:
          call: http
          with: { method: get, endpoint: https://slow.example/never }
          timeout: { after: PT0.3S }
    """
    And given calls to 'GET https://slow.example/never' are answered with:
    """yaml
    - after: never
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    instance: /do/0/ask
    """
    And the workflow should take at least 'PT0.3S'

  Scenario: A task that ends in time is not touched
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: in-time, version: '1.0.0' }
    do:
      - nap: { wait: PT0.05S, timeout: { after: PT30S } }
      - after: { wait: PT0.05S }
      - last: { set: { fine: true } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    fine: true
    """

  Scenario: The timeout of a task can be caught around it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: caught, version: '1.0.0' }
    do:
      - attempt:
          try:
            - slow: { timeout: { after: PT0.1S }, do: [ { sleep: { wait: PT1H } }, { never: { set: { n: 1 } } } ] }
          catch:
            errors: { with: { type: 'https://open-workflow-specification.org/spec/1.0.0/errors/timeout' } }
            do: [ { handle: { set: { at: '${ $error.instance }', status: '${ $error.status }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    at: /do/0/attempt/try/0/slow
    status: 408
    """
    And sleep should cancel
    And never should not run

  Scenario: A try whose own timeout passes does not catch it itself
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: own, version: '1.0.0' }
    do:
      - attempt:
          timeout: { after: PT0.1S }
          try: [ { sleep: { wait: PT1H } } ]
          catch: { do: [ { handle: { set: { caught: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    instance: /do/0/attempt
    """
    And handle should not run

  Scenario: A task's timeout covers its retries
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: retries, version: '1.0.0' }
    do:
      - attempt:
          timeout: { after: PT0.3S }
          try: [ { fail: { raise: { error: { type: 'https://slow.example/x', status: 500 } } } } ]
          catch: { retry: { delay: PT1H } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    instance: /do/0/attempt
    """

  Scenario: The workflow's timeout ends it, and nothing catches that
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: workflow, version: '1.0.0' }
    timeout: { after: PT0.2S }
    do:
      - attempt:
          try: [ { sleep: { wait: PT1H } } ]
          catch: { do: [ { handle: { set: { caught: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    instance: /timeout
    """
    And sleep should cancel
    And handle should not run

  Scenario: A definition under `use` is meant by its name, for tasks and the workflow
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: reusable, version: '1.0.0' }
    use: { timeouts: { short: { after: { milliseconds: 100 } }, long: { after: PT1H } } }
    timeout: long
    do:
      - sleep: { wait: PT1H, timeout: short }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    instance: /do/0/sleep
    """

  Scenario: The time may be computed
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: computed, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H, timeout: { after: '${ .patience }' } }
    """
    And given the workflow input is:
    """yaml
    patience: PT0.1S
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    instance: /do/0/sleep
    """

  Scenario: An answer that comes after the timeout is dropped
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: late, version: '1.0.0' }
    do:
      - attempt:
          try:
            - ask:
                call: http
                with: { method: get, endpoint: https://slow.example/late }
                timeout: { after: PT0.2S }
          catch: { do: [ { gaveUp: { set: { gaveUp: true } } } ] }
      - nap: { wait: PT0.6S }
    """
    And given calls to 'GET https://slow.example/late' are answered with:
    """yaml
    - { body: late, after: PT0.5S }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    gaveUp: true
    """

  @restart
  Scenario: A timeout outlives a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-17, name: durable, version: '1.0.0' }
    do:
      - attempt:
          try: [ { sleep: { wait: PT1H, timeout: { after: PT1.2S } } } ]
          catch: { do: [ { handle: { set: { status: '${ $error.status }' } } } ] }
    """
    When the workflow is executed
    And the workflow is waiting
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    status: 408
    """
    And the workflow should take at least 'PT1.2S'
