@rule-20 @needs-listen
Feature: Nothing is missed before a listen
  When a job reaches a `listen`, events of its workspace captured since the job's own event are looked through first,
  then it waits; an event that came early is found. The ids of consumed events are journaled per `listen`, so none is
  consumed twice by it. Correlation without `expect` takes the first event's value. How far back and how many events
  are looked at is bounded.

  Scenario: An event that came before the listen was reached is found
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: early, version: '1.0.0' }
    do:
      - ready: { listen: { to: { one: { with: { type: com.acme.inbox.ready } } } } }
      - hear: { listen: { to: { one: { with: { type: com.acme.inbox.early } } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.inbox.early, data: { n: 1 } }
    - { type: com.acme.inbox.ready, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 1 }
    """

  Scenario: An event that was captured before the job began is not looked at
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: before, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.inbox.before } } } } }
    """
    And given these events are published:
    """yaml
    - { type: com.acme.inbox.before, data: { n: 1 } }
    """
    When the workflow is executed
    And the workflow is waiting
    And this event is published:
    """yaml
    { type: com.acme.inbox.before, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 2 }
    """

  Scenario: One listen consumes an event once, another listen may consume it again
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: once, version: '1.0.0' }
    do:
      - two: { listen: { to: { any: [ { with: { type: com.acme.inbox.once } } ], until: 'length == 2' } } }
      - again: { listen: { to: { one: { with: { type: com.acme.inbox.once } } } } }
      - last: { set: { two: '${ $steps.two }', again: '${ $steps.again }' } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.inbox.once, id: same, data: { n: 1 } }
    - { type: com.acme.inbox.once, id: same, data: { n: 1 } }
    - { type: com.acme.inbox.once, id: other, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    two: [ { n: 1 }, { n: 2 } ]
    again: [ { n: 1 } ]
    """

  Scenario: A correlation without expectation takes the first event's value
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: first-value, version: '1.0.0' }
    do:
      - hear:
          listen:
            to:
              all:
                - with: { type: com.acme.inbox.order }
                  correlate: { customer: { from: .subject } }
                - with: { type: com.acme.inbox.payment }
                  correlate: { customer: { from: .data.customer } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.inbox.order, subject: Ada, data: { n: 1 } }
    - { type: com.acme.inbox.payment, data: { customer: Bob, n: 2 } }
    - { type: com.acme.inbox.order, subject: Bob, data: { n: 3 } }
    - { type: com.acme.inbox.payment, data: { customer: Ada, n: 4 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 1 }
    - { customer: Ada, n: 4 }
    """

  Scenario: Two jobs that listen both get the event
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: both, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.inbox.start } } } }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.inbox.both } } } } }
      - tell: { emit: { event: { with: { type: com.acme.inbox.heard, data: { heard: '${ .[0] }' } } } } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.inbox.start }
    - { type: com.acme.inbox.start }
    - { type: com.acme.inbox.both, data: { n: 1 } }
    """
    Then the workflow should be started 2 times
    And the events of type 'com.acme.inbox.heard' should satisfy:
    """jq
    map(.data) == [{heard: {n: 1}}, {heard: {n: 1}}]
    """

  Scenario: What one workflow emits, another one hears
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: hears, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.inbox.emitted } } } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: tells, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.inbox.tell } } } }
    do:
      - tell: { emit: { event: { with: { type: com.acme.inbox.emitted, data: { n: 7 } } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And this event is published:
    """yaml
    { type: com.acme.inbox.tell }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 7 }
    """

  Scenario: An iteration does not make the listen miss events
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: busy, version: '1.0.0' }
    do:
      - hear:
          listen: { to: { any: [ { with: { type: com.acme.inbox.busy } } ], until: 'length == 3' } }
          foreach:
            do: [ { nap: { wait: PT0.1S } } ]
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.inbox.busy, data: { n: 1 } }
    - { type: com.acme.inbox.busy, data: { n: 2 } }
    - { type: com.acme.inbox.busy, data: { n: 3 } }
    - { type: com.acme.inbox.busy, data: { n: 4 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { n: 1 }, { n: 2 }, { n: 3 } ]
    """

  @restart
  Scenario: What was consumed stays consumed after a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-20, name: crash, version: '1.0.0' }
    do:
      - hear: { listen: { to: { any: [ { with: { type: com.acme.inbox.crash } } ], until: 'length == 3' } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And this event is published:
    """yaml
    { type: com.acme.inbox.crash, data: { n: 1 } }
    """
    And the runtime is killed and started again
    And these events are published:
    """yaml
    - { type: com.acme.inbox.crash, data: { n: 2 } }
    - { type: com.acme.inbox.crash, data: { n: 3 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ { n: 1 }, { n: 2 }, { n: 3 } ]
    """
