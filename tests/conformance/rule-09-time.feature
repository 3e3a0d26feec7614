@rule-9
Feature: Time
  `now` and `$task.startedAt` are the time of the newest journal entry, at first the time of capture; they never
  go back.

  Scenario: At first it is the time of capture
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-09, name: capture, version: '1.0.0' }
    do:
      - first: { set: { now: '${ now * 1000 | floor }' } }
      - second:
          set:
            same: '${ (now * 1000 | floor) == .now }'
            capture: '${ .now == $workflow.startedAt.epoch.milliseconds }'
            task: '${ .now == $task.startedAt.epoch.milliseconds }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    same: true
    capture: true
    task: true
    """

  Scenario: It goes on with what happens
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-09, name: goes-on, version: '1.0.0' }
    do:
      - first: { set: { before: '${ now }' } }
      - pause: { wait: PT0.2S }
      - second:
          set:
            waited: '${ now - .before >= 0.2 }'
            started: '${ $task.startedAt.epoch.milliseconds >= (.before * 1000 | floor) + 200 }'
            workflow: '${ $workflow.startedAt.epoch.milliseconds == (.before * 1000 | floor) }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    waited: true
    started: true
    workflow: true
    """

  Scenario: It never goes back
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-09, name: never-back, version: '1.0.0' }
    do:
      - start: { set: { moments: [ '${ now }' ] } }
      - loop:
          for: { in: '${ [1, 2, 3, 4, 5] }' }
          do:
            - pause: { wait: PT0.01S }
            - note: { set: { moments: '${ .moments + [now] }' } }
      - check: { set: { sorted: '${ .moments == (.moments | sort) }', count: '${ .moments | unique | length }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sorted: true
    count: 6
    """

  Scenario: An answer's time is when it was recorded
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-09, name: answers, version: '1.0.0' }
    do:
      - before: { set: { at: '${ now }' } }
      - ask: { call: http, with: { method: get, endpoint: https://clock.example/slow } }
      - after: { set: { waited: '${ now - $steps.before.at >= 0.3 }' } }
    """
    And given calls to 'GET https://clock.example/slow' are answered with:
    """yaml
    - { body: late, after: PT0.3S }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    waited: true
    """
