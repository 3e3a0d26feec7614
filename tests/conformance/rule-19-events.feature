@rule-19 @needs-listen
Feature: Raise, emit and listen
  `raise`, `emit`, `listen` as specified; filters under `with` compare attributes by equality or full-string regular
  expression, `data` by expression. `listen` gives an array, even for `one`; `any: []` with `until` collects until
  true; `foreach` handles one event at a time in order.

  Scenario: An error that is raised has the members it was given, and its place
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: raise, version: '1.0.0' }
    do:
      - check:
          raise:
            error: { type: 'https://listen.example/unpaid', status: 402, title: '${ "order \(.id)" }', detail: not paid }
    """
    And given the workflow input is:
    """yaml
    id: A-7
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://listen.example/unpaid
    status: 402
    title: order A-7
    detail: not paid
    instance: /do/0/check
    """

  Scenario: An event is emitted with the attributes it was given, and the rest is added
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: emit, version: '1.0.0' }
    do:
      - tell:
          emit:
            event:
              with: { type: com.acme.listen.told, subject: '${ .id }', data: { order: '${ .id }' }, shop: north }
      - kept: { set: { id: '${ $steps.tell.id }', source: '${ $steps.tell.source }', shop: '${ $steps.tell.shop }', time: '${ $steps.tell.time | type }' } }
    """
    And given the workflow input is:
    """yaml
    id: A-7
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should satisfy:
    """jq
    (.id | length) > 0 and (.source | contains("rule-19") and contains("emit")) and .shop == "north" and .time == "string"
    """
    And the events of type 'com.acme.listen.told' should satisfy:
    """jq
    length == 1 and .[0].subject == "A-7" and .[0].data == {order: "A-7"} and .[0].attributes.shop == "north"
    """

  Scenario: A listen for one event gives an array of one
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: one, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.listen.one } } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.other, data: { n: 0 } }
    - { type: com.acme.listen.one, data: { n: 1 } }
    - { type: com.acme.listen.one, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 1 }
    """

  Scenario: A listen for any of several ends with the first
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: any, version: '1.0.0' }
    do:
      - hear:
          listen:
            to: { any: [ { with: { type: com.acme.listen.left } }, { with: { type: com.acme.listen.right } } ] }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.right, data: { was: right } }
    - { type: com.acme.listen.left, data: { was: left } }
    """
    Then the workflow should complete with output:
    """yaml
    - { was: right }
    """

  Scenario: A listen for all gives them in the order in which they came
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: all, version: '1.0.0' }
    do:
      - hear:
          listen:
            to: { all: [ { with: { type: com.acme.listen.paid } }, { with: { type: com.acme.listen.packed } } ] }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.packed, data: { n: 1 } }
    - { type: com.acme.listen.packed, data: { n: 2 } }
    - { type: com.acme.listen.paid, data: { n: 3 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 1 }
    - { n: 3 }
    """

  Scenario Outline: A filter compares <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: filter, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { <filter> } } } } }
    """
    And given the workflow input is:
    """yaml
    { customer: C-1 }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.filter.a, source: 'https://a.listen.example', subject: C-10, data: { n: 5, no: 1 } }
    - { type: com.acme.listen.filter.abc, source: 'https://b.listen.example', subject: C-1, data: { n: 50, yes: 1 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 50, yes: 1 }
    """

    Examples:
      | what                                 | filter                                                                   |
      | an attribute by equality             | source: 'https://b.listen.example'                                       |
      | an attribute with a computed value   | type: 'com\\.acme\\.listen\\.filter\\..*', subject: '${ .customer }'     |
      | an attribute by regular expression   | type: 'com\\.acme\\.listen\\.filter\\.(abc\|xyz)'                        |
      | the whole text, not a part of it     | type: 'com\\.acme\\.listen\\.filter\\.[a-z]+', subject: 'C-[0-9]'        |
      | the data by an expression            | type: 'com\\.acme\\.listen\\.filter\\..*', data: '${ .n > 10 }'          |
      | the data by its value                | type: 'com\\.acme\\.listen\\.filter\\..*', data: { n: 50, yes: 1 }       |
      | everything that is given             | source: 'https://.*', type: 'com.acme.listen.filter.abc', data: '.n > 1' |

  Scenario: A dot alone is a dot
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: dot, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.listen.dot } } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com-acme-listen-dot, data: { n: 1 } }
    - { type: com.acme.listen.dot, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { n: 2 }
    """

  Scenario: Events are read as data, or with their envelope
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: read, version: '1.0.0' }
    do:
      - data: { listen: { to: { one: { with: { type: com.acme.listen.read, subject: one } } } } }
      - envelope:
          listen: { to: { one: { with: { type: com.acme.listen.read, subject: two } } }, read: envelope }
          output: { as: '${ map({id, type, subject, data}) }' }
      - last: { set: { data: '${ $steps.data }', envelope: '${ $steps.envelope }' } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.read, id: e-1, subject: one, data: { n: 1 } }
    - { type: com.acme.listen.read, id: e-2, subject: two, data: { n: 2 } }
    """
    Then the workflow should complete with output:
    """yaml
    data: [ { n: 1 } ]
    envelope: [ { id: e-2, type: com.acme.listen.read, subject: two, data: { n: 2 } } ]
    """

  Scenario: Any event is collected until a condition holds
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: until, version: '1.0.0' }
    do:
      - hear:
          listen: { to: { any: [], until: 'any(.[]; (type == "object") and .last == "until-1")' } }
          output: { as: '${ map(select((type == "object") and .of == "until-1") | .n) }' }
    """
    When the workflow is executed
    And these events are published:
    """yaml
    - { type: com.acme.listen.until.a, data: { of: until-1, n: 1 } }
    - { type: com.acme.listen.until.b, data: { of: until-1, n: 2 } }
    - { type: com.acme.listen.until.c, data: { of: until-1, n: 3, last: until-1 } }
    - { type: com.acme.listen.until.d, data: { of: until-1, n: 4 } }
    """
    Then the workflow should complete with output:
    """yaml
    [ 1, 2, 3 ]
    """

  Scenario: Events are collected until another one comes, which is no part of the output
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: until-event, version: '1.0.0' }
    do:
      - hear:
          listen:
            to:
              any: [ { with: { type: com.acme.listen.temperature, data: '${ .degrees > 38 }' } } ]
              until: { one: { with: { type: com.acme.listen.left-hospital } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.temperature, data: { degrees: 39 } }
    - { type: com.acme.listen.temperature, data: { degrees: 37 } }
    - { type: com.acme.listen.temperature, data: { degrees: 40 } }
    - { type: com.acme.listen.left-hospital, data: { by: taxi } }
    - { type: com.acme.listen.temperature, data: { degrees: 41 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { degrees: 39 }
    - { degrees: 40 }
    """

  Scenario: Each event is handled on its own, in order
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: foreach, version: '1.0.0' }
    do:
      - hear:
          listen:
            to:
              any: [ { with: { type: com.acme.listen.reading } } ]
              until: 'any(.[]; .n >= 30)'
          foreach:
            item: reading
            at: place
            do:
              - tell:
                  call: http
                  with: { method: post, endpoint: https://listen.example/readings, body: { n: '${ $reading.n }', place: '${ $place }' } }
            output: { as: '${ {n: ($reading.n * 10), place: $place} }' }
            export: { as: '${ {last: .n} }' }
      - last: { set: { readings: '${ . }', context: '${ $context }' } }
    """
    And given calls to 'POST https://listen.example/readings' are answered with:
    """yaml
    - { body: ok, after: PT0.2S }
    - { body: ok }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.reading, data: { n: 1 } }
    - { type: com.acme.listen.reading, data: { n: 2 } }
    - { type: com.acme.listen.reading, data: { n: 3 } }
    - { type: com.acme.listen.reading, data: { n: 4 } }
    """
    Then the workflow should complete with output:
    """yaml
    readings: [ { n: 10, place: 0 }, { n: 20, place: 1 }, { n: 30, place: 2 } ]
    context: { last: 30 }
    """
    And the calls to 'POST https://listen.example/readings' should satisfy:
    """jq
    map(.body) == [{n: 1, place: 0}, {n: 2, place: 1}, {n: 3, place: 2}] and .[1].at - .[0].at >= 195
    """

  Scenario: An error in the handling of an event is the listen's error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: foreach-error, version: '1.0.0' }
    do:
      - attempt:
          try:
            - hear:
                listen: { to: { any: [ { with: { type: com.acme.listen.broken } } ], until: 'false' } }
                foreach: { do: [ { check: { raise: { error: { type: 'https://listen.example/broken', status: 400 } } } } ] }
          catch: { do: [ { handle: { set: { at: '${ $error.instance }' } } } ] }
    """
    When the workflow is executed
    And the workflow is waiting
    And this event is published:
    """yaml
    { type: com.acme.listen.broken }
    """
    Then the workflow should complete with output:
    """yaml
    at: /do/0/attempt/try/0/hear/foreach/do/0/check
    """

  Scenario: A listen has a timeout like any task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: timeout, version: '1.0.0' }
    do:
      - hear: { listen: { to: { one: { with: { type: com.acme.listen.never } } } }, timeout: { after: PT0.2S } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    status: 408
    instance: /do/0/hear
    """

  Scenario: Events that belong together are told by a correlation
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-19, name: correlate, version: '1.0.0' }
    do:
      - hear:
          listen:
            to:
              all:
                - with: { type: com.acme.listen.room.temperature }
                  correlate: { room: { from: .data.room } }
                - with: { type: com.acme.listen.room.humidity }
                  correlate: { room: { from: .data.room, expect: '${ .room }' } }
    """
    And given the workflow input is:
    """yaml
    room: kitchen
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: com.acme.listen.room.humidity, data: { room: attic, n: 1 } }
    - { type: com.acme.listen.room.humidity, data: { room: kitchen, n: 2 } }
    - { type: com.acme.listen.room.temperature, data: { room: kitchen, n: 3 } }
    """
    Then the workflow should complete with output:
    """yaml
    - { room: kitchen, n: 2 }
    - { room: kitchen, n: 3 }
    """
