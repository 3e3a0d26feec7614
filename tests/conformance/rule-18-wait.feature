@rule-18
Feature: Wait
  `wait` and everything that waits frees all memory of the job beyond a row. Waiting until a moment: `wait` with
  `metadata.tenon.until: ${ … }` (RFC 3339; in the past = at once).

  Scenario Outline: A wait takes as long as it says: <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: duration, version: '1.0.0' }
    do:
      - nap: { wait: <wait> }
    """
    And given the workflow input is:
    """yaml
    pause: PT0.3S
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    pause: PT0.3S
    """
    And the workflow should take at least 'PT0.3S'
    And the workflow should take less than 'PT10S'

    Examples:
      | what         | wait                    |
      | as text      | PT0.3S                  |
      | as an object | { milliseconds: 300 }   |
      | computed     | '${ .pause }'           |

  Scenario: While it waits there is nothing but a row that says until when
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: row, version: '1.0.0' }
    do:
      - sleep: { wait: { hours: 2 } }
    """
    When the workflow is executed
    And the workflow is waiting
    Then the workflow instance should satisfy:
    """jq
    .state == "waiting" and ([.wakeAt, .createdAt] | map(.[:19] + "Z" | fromdate) | .[0] - .[1] >= 7199 and .[0] - .[1] <= 7201)
    """

  @needs-listen
  Scenario: A workflow that listens is a row, too
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: listens, version: '1.0.0' }
    do:
      - hear:
          listen: { to: { one: { with: { type: com.acme.wait.never } } } }
          timeout: { after: PT1H }
    """
    When the workflow is executed
    And the workflow is waiting
    Then the workflow instance should satisfy:
    """jq
    .state == "waiting" and ([.wakeAt, .createdAt] | map(.[:19] + "Z" | fromdate) | .[0] - .[1] >= 3599 and .[0] - .[1] <= 3601)
    """

  Scenario: Until a moment
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: until, version: '1.0.0' }
    do:
      - sleep:
          wait: PT0S
          metadata: { tenon: { until: '${ .due }' } }
    """
    And given the workflow input is:
    """yaml
    due: '2999-01-01T00:00:00+02:00'
    """
    When the workflow is executed
    And the workflow is waiting
    Then the workflow instance should satisfy:
    """jq
    .wakeAt | startswith("2998-12-31T22:00:00")
    """

  Scenario: A moment in the past is at once
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: past, version: '1.0.0' }
    do:
      - sleep:
          wait: PT0S
          metadata: { tenon: { until: '${ .due }' } }
    """
    And given the workflow input is:
    """yaml
    due: '2020-01-01T00:00:00Z'
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow should take less than 'PT5S'

  Scenario: What is not a moment is an expression error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: no-moment, version: '1.0.0' }
    do:
      - sleep:
          wait: PT0S
          metadata: { tenon: { until: '${ .due }' } }
    """
    And given the workflow input is:
    """yaml
    due: tomorrow
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/sleep
    """

  Scenario Outline: A duration that has no fixed length is refused: <duration>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: no-duration, version: '1.0.0' }
    do:
      - sleep: { wait: <duration> }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1301' at '/do/0/sleep/wait'

    Examples:
      | duration |
      | P1M      |
      | P1Y      |
      | soon     |

  Scenario: A workflow that waits can be cancelled
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: cancelled, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H }
      - never: { set: { n: 1 } }
    """
    When the workflow is executed
    And the workflow is waiting
    And the workflow is cancelled
    Then the workflow should cancel
    And sleep should cancel
    And never should not run

  @restart
  Scenario: A wait outlives a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-18, name: crash, version: '1.0.0' }
    do:
      - first: { set: { n: 1 } }
      - nap: { wait: PT1.2S }
      - last: { set: { n: '${ .n + 1 }' } }
    """
    When the workflow is executed
    And the workflow is waiting
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    n: 2
    """
    And the workflow should take at least 'PT1.2S'
