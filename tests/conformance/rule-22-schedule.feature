@rule-22
Feature: Started by events
  `schedule.on` starts a job with an array of the triggering events as its input (one element for `one`), each read as
  `schedule.read` says: `data` (default), `envelope` or `raw`. With `all`, or `any` with `until`, several events start
  one job. `$event` is the first triggering event's envelope, null
  for jobs started otherwise. A job started by a call gets the call's body as its input.

  Scenario: An event that fits starts an instance with an array as its input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: one, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.one } } } }
    do:
      - see: { set: { input: '${ . }', raw: '${ $workflow.input }' } }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.one, data: { n: 1 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    input: [ { n: 1 } ]
    raw: [ { n: 1 } ]
    """

  Scenario: An event that does not fit starts nothing
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: not-this, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.this, data: .n > 10 } } } }
    do:
      - see: { set: { n: '${ .[0].n }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.that, data: { n: 50 } }
    - { type: com.acme.schedule.this, data: { n: 5 } }
    - { type: com.acme.schedule.this, data: { m: 5 } }
    """
    Then the workflow should be started 0 times

  Scenario: Any of several filters, each event on its own
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: any, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: com.acme.schedule.left, source: 'https://a.schedule.example' }
          - with: { type: 'com\.acme\.schedule\.(right|wrong)' }
    do:
      - see: { set: { type: '${ $event.type }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.left, source: 'https://a.schedule.example' }
    - { type: com.acme.schedule.left, source: 'https://b.schedule.example' }
    - { type: com.acme.schedule.right }
    - { type: com.acme.schedule.rightly }
    """
    Then the workflow should be started 2 times

  Scenario: An event that fits two filters starts one instance
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: both-fit, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: com.acme.schedule.twice }
          - with: { subject: 'twice-.*' }
    do:
      - see: { set: { n: 1 } }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.twice, subject: twice-1 }
    """
    Then the workflow should be started 1 time

  Scenario: The events may be read with their envelopes
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: envelope, version: '1.0.0' }
    schedule:
      on: { one: { with: { type: com.acme.schedule.envelope } } }
      read: envelope
    do:
      - see: { set: { input: '${ map({id, source, type, subject, data}) }' } }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.envelope, id: e-7, source: 'https://shop.schedule.example', subject: s, data: { n: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    input:
      - { id: e-7, source: 'https://shop.schedule.example', type: com.acme.schedule.envelope, subject: s, data: { n: 1 } }
    """

  Scenario: The events may be read raw
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: raw, version: '1.0.0' }
    schedule:
      on: { one: { with: { type: com.acme.schedule.raw } } }
      read: raw
    do:
      - see: { set: { input: '${ . }' } }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.raw, data: { n: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    input: [ { n: 1 } ]
    """

  Scenario: How events are read cannot be said where there are none
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: read-alone, version: '1.0.0' }
    schedule: { read: envelope }
    do:
      - see: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1015' at '/schedule'

  Scenario: The triggering event is known in every expression
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: event, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.event } } } }
    do:
      - first: { set: { type: '${ $event.type }', data: '${ $event.data }', source: '${ $event.source }' } }
      - second: { if: '$event.subject == "s"', set: '${ . + {subject: $event.subject} }' }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.event, subject: s, data: { n: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    type: com.acme.schedule.event
    data: { n: 1 }
    source: https://conformance.example
    subject: s
    """

  Scenario: A workflow that is called gets the call's body, and no event
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: called, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.called } } } }
    do:
      - see: { set: { input: '${ . }', event: '${ $event }' } }
    """
    And given the workflow input is:
    """yaml
    { n: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    input: { n: 1 }
    event: null
    """

  Scenario: What one workflow emits starts another
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: emits, version: '1.0.0' }
    do:
      - tell: { emit: { event: { with: { type: com.acme.schedule.emitted, data: { n: '${ .n }' } } } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: started, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.emitted } } } }
    do:
      - see: { set: { got: '${ .[0].n }', event: '${ $event.type }' } }
    """
    And given the workflow input is:
    """yaml
    n: 7
    """
    When the workflow is executed
    Then the workflow 'rule-22/started' should complete with output:
    """yaml
    got: 7
    event: com.acme.schedule.emitted
    """

  Scenario: The same event again starts nothing
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: again, version: '1.0.0' }
    schedule: { on: { one: { with: { type: com.acme.schedule.again } } } }
    do:
      - see: { set: { n: 1 } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.again, id: one-of-a-kind }
    - { type: com.acme.schedule.again, id: one-of-a-kind }
    """
    Then the workflow should be started 1 time

  @needs-gathering
  Scenario: All of several events start one instance, in the order in which they came
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: all, version: '1.0.0' }
    schedule:
      on: { all: [ { with: { type: com.acme.schedule.packed } }, { with: { type: com.acme.schedule.paid } } ] }
    do:
      - see: { set: { input: '${ . }', event: '${ $event.type }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.paid, data: { n: 1 } }
    - { type: com.acme.schedule.paid, data: { n: 2 } }
    """
    Then the workflow should be started 0 times
    When this event is published:
    """yaml
    { type: com.acme.schedule.packed, data: { n: 3 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    input: [ { n: 1 }, { n: 3 } ]
    event: com.acme.schedule.paid
    """

  @needs-gathering
  Scenario: The next events are gathered for the next instance
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: next, version: '1.0.0' }
    schedule:
      on: { all: [ { with: { type: com.acme.schedule.left-shoe } }, { with: { type: com.acme.schedule.right-shoe } } ] }
    do:
      - tell: { emit: { event: { with: { type: com.acme.schedule.pair, data: { pair: '${ map(.n) }' } } } } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.left-shoe, data: { n: 1 } }
    - { type: com.acme.schedule.right-shoe, data: { n: 2 } }
    - { type: com.acme.schedule.right-shoe, data: { n: 3 } }
    - { type: com.acme.schedule.left-shoe, data: { n: 4 } }
    """
    Then the workflow should be started 2 times
    And the events of type 'com.acme.schedule.pair' should satisfy:
    """jq
    (map(.data.pair) | sort) == [[1, 2], [3, 4]]
    """

  @needs-gathering
  Scenario: Events are gathered by what they correlate by
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: correlated, version: '1.0.0' }
    schedule:
      on:
        all:
          - with: { type: com.acme.schedule.ordered }
            correlate: { customer: { from: .subject } }
          - with: { type: com.acme.schedule.delivered }
            correlate: { customer: { from: .data.customer } }
    do:
      - see: { set: { input: '${ map(.n) }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.ordered, subject: Ada, data: { n: 1 } }
    - { type: com.acme.schedule.ordered, subject: Bob, data: { n: 2 } }
    - { type: com.acme.schedule.delivered, data: { customer: Cleo, n: 3 } }
    - { type: com.acme.schedule.delivered, data: { customer: Bob, n: 4 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    input: [ 2, 4 ]
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.delivered, data: { customer: Ada, n: 5 } }
    """
    Then the workflow should be started 2 times

  @needs-gathering
  Scenario: Events are gathered until a condition holds
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: until, version: '1.0.0' }
    schedule: { on: { any: [ { with: { type: com.acme.schedule.reading } } ], until: length == 3 } }
    do:
      - see: { set: { readings: '${ map(.n) }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.reading, data: { n: 1 } }
    - { type: com.acme.schedule.reading, data: { n: 2 } }
    - { type: com.acme.schedule.reading, data: { n: 3 } }
    - { type: com.acme.schedule.reading, data: { n: 4 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    readings: [ 1, 2, 3 ]
    """

  @needs-gathering
  Scenario: Events are gathered until another one comes, which is no part of the input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: until-event, version: '1.0.0' }
    schedule:
      on:
        any: [ { with: { type: com.acme.schedule.line } } ]
        until: { one: { with: { type: com.acme.schedule.checkout } } }
    do:
      - see: { set: { lines: '${ map(.n) }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.line, data: { n: 1 } }
    - { type: com.acme.schedule.line, data: { n: 2 } }
    - { type: com.acme.schedule.checkout, data: { n: 3 } }
    - { type: com.acme.schedule.line, data: { n: 4 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    lines: [ 1, 2 ]
    """

  @needs-gathering
  Scenario: Where nothing is gathered, nothing ends
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: nothing-to-end, version: '1.0.0' }
    schedule:
      on:
        any: [ { with: { type: com.acme.schedule.guest } } ]
        until: { all: [ { with: { type: com.acme.schedule.last-order } }, { with: { type: com.acme.schedule.lights-off } } ] }
      read: envelope
    do:
      - see: { set: { guests: '${ map(.subject) }', event: '${ $event.subject }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.lights-off }
    - { type: com.acme.schedule.guest, subject: Ada }
    - { type: com.acme.schedule.last-order }
    - { type: com.acme.schedule.last-order }
    - { type: com.acme.schedule.guest, subject: Bob }
    """
    Then the workflow should be started 0 times
    When this event is published:
    """yaml
    { type: com.acme.schedule.lights-off }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    guests: [ Ada, Bob ]
    event: Ada
    """

  @needs-gathering
  Scenario: A condition that fails does not hold, and each value has a condition of its own
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: per-value, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: com.acme.schedule.step }
            correlate: { walk: { from: .subject }, kind: { from: .data.kind, expect: long } }
        until: 'if length < 2 then error("too few") else map(.n) | add > 10 end'
    do:
      - see: { set: { steps: '${ map(.n) }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.schedule.step, subject: a, data: { kind: long, n: 50 } }
    - { type: com.acme.schedule.step, subject: b, data: { kind: long, n: 60 } }
    - { type: com.acme.schedule.step, subject: a, data: { kind: short, n: 70 } }
    - { type: com.acme.schedule.step, data: { kind: long, n: 80 } }
    """
    Then the workflow should be started 0 times
    When this event is published:
    """yaml
    { type: com.acme.schedule.step, subject: a, data: { kind: long, n: 1 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    steps: [ 50, 1 ]
    """

  @needs-gathering
  Scenario: Filters that gather for one instance correlate by the same keys
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: other-keys, version: '1.0.0' }
    schedule:
      on:
        all:
          - { with: { type: com.acme.schedule.here }, correlate: { who: { from: .subject } } }
          - { with: { type: com.acme.schedule.there } }
    do:
      - see: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1015' at '/schedule/on/all/1'

  @needs-gathering @restart
  Scenario: What was gathered outlives a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: crash, version: '1.0.0' }
    schedule:
      on: { all: [ { with: { type: com.acme.schedule.key } }, { with: { type: com.acme.schedule.lock } } ] }
    do:
      - see: { set: { input: '${ map(.n) }' } }
    """
    When this event is published:
    """yaml
    { type: com.acme.schedule.key, data: { n: 1 } }
    """
    And the runtime is killed and started again
    And this event is published:
    """yaml
    { type: com.acme.schedule.lock, data: { n: 2 } }
    """
    Then the workflow should be started 1 time
    And the workflow should complete with output:
    """yaml
    input: [ 1, 2 ]
    """

  @needs-lifecycle
  Scenario: The end of another workflow is an event, too
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: ends, version: '1.0.0' }
    do:
      - one: { set: { n: 1 } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: watches, version: '1.0.0' }
    schedule:
      on:
        one:
          with:
            type: io.serverlessworkflow.workflow.completed.v1
            data: '${ .name | endswith(".rule-22") and startswith("ends") }'
    do:
      - see: { set: { name: '${ .[0].name | type }', at: '${ .[0].completedAt | type }' } }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow 'rule-22/watches' should be started 1 time
    And the workflow 'rule-22/watches' should complete with output:
    """yaml
    name: string
    at: string
    """

  @needs-lifecycle
  Scenario: The fault of a task is an event with its error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: stumbles, version: '1.0.0' }
    do:
      - attempt:
          try: [ { fail: { raise: { error: { type: 'https://schedule.example/late', status: 418 } } } } ]
          catch: { errors: { with: { status: 418 } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-22, name: cares, version: '1.0.0' }
    schedule:
      on:
        one:
          with:
            type: io.serverlessworkflow.task.faulted.v1
            data: '${ (.workflow | startswith("stumbles")) and .task == "/do/0/attempt/try/0/fail" }'
    do:
      - see: { set: { status: '${ .[0].error.status }', at: '${ .[0].faultedAt | type }' } }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow 'rule-22/cares' should complete with output:
    """yaml
    status: 418
    at: string
    """
