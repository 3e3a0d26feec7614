Feature: Settings beside the language
  `document.metadata.tenon`: jobs of one ordering key run one at a time in the order of capture; one job per dedup key;
  so many jobs of a workflow at once; what a lane does when a job faults.

  Scenario: Jobs of one key run one after another, those of different keys do not wait
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: settings, name: lanes, version: '1.0.0', metadata: { tenon: { orderingKey: '${ .data.customer }' } } }
    timeout: { after: PT1H }
    schedule: { on: { one: { with: { type: com.acme.settings.lanes } } } }
    do:
      - book:
          call: http
          with: { method: post, endpoint: https://settings.example/lanes, body: { n: '${ .[0].n }' } }
          timeout: { after: PT20S }
    """
    And given calls to 'POST https://settings.example/lanes' are answered with:
    """yaml
    - { body: ok, after: PT0.4S }
    """
    When these events are published:
    """yaml
    - { type: com.acme.settings.lanes, data: { customer: Ada, n: 1 } }
    - { type: com.acme.settings.lanes, data: { customer: Ada, n: 2 } }
    - { type: com.acme.settings.lanes, data: { customer: Bob, n: 3 } }
    """
    And 'POST https://settings.example/lanes' has been called 3 times
    Then the calls to 'POST https://settings.example/lanes' should satisfy:
    """jq
    (map({key: (.body.n | tostring), value: .at}) | from_entries) as $at | $at["2"] - $at["1"] >= 395 and $at["3"] < $at["2"]
    """

  Scenario: One job per dedup key
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: settings, name: dedup, version: '1.0.0', metadata: { tenon: { dedupKey: '${ .data.order }' } } }
    schedule: { on: { one: { with: { type: com.acme.settings.dedup } } } }
    do:
      - see: { set: { order: '${ .[0].order }' } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.settings.dedup, data: { order: 1 } }
    - { type: com.acme.settings.dedup, data: { order: 2 } }
    - { type: com.acme.settings.dedup, data: { order: 1 } }
    """
    Then the workflow should be started 2 times

  Scenario: So many at once
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: settings, name: concurrency, version: '1.0.0', metadata: { tenon: { concurrency: 1 } } }
    schedule: { on: { one: { with: { type: com.acme.settings.concurrency } } } }
    do:
      - book: { call: http, with: { method: post, endpoint: https://settings.example/concurrency }, timeout: { after: PT20S } }
    """
    And given calls to 'POST https://settings.example/concurrency' are answered with:
    """yaml
    - { body: ok, after: PT0.3S }
    """
    When these events are published:
    """yaml
    - { type: com.acme.settings.concurrency }
    - { type: com.acme.settings.concurrency }
    - { type: com.acme.settings.concurrency }
    """
    And 'POST https://settings.example/concurrency' has been called 3 times
    Then the calls to 'POST https://settings.example/concurrency' should satisfy:
    """jq
    map(.at) | sort | .[1] - .[0] >= 295 and .[2] - .[1] >= 295
    """

  Scenario: A fault stops its lane where that is asked for
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: settings, name: park, version: '1.0.0', metadata: { tenon: { orderingKey: '${ .data.customer }', onFailure: park } } }
    timeout: { after: PT1H }
    schedule: { on: { one: { with: { type: com.acme.settings.park } } } }
    do:
      - check: { if: '.[0].broken == true', raise: { error: { type: 'https://settings.example/broken', status: 500 } } }
      - tell: { emit: { event: { with: { type: com.acme.settings.parked, data: { n: '${ .[0].n }' } } } } }
    """
    When these events are published:
    """yaml
    - { type: com.acme.settings.park, data: { customer: Ada, n: 1, broken: true } }
    - { type: com.acme.settings.park, data: { customer: Ada, n: 2 } }
    """
    Then the workflow instances should satisfy:
    """jq
    any(.[]; .state == "suspended")
    """
    When this event is published:
    """yaml
    { type: com.acme.settings.park, data: { customer: Bob, n: 3 } }
    """
    Then the events of type 'com.acme.settings.parked' should satisfy:
    """jq
    map(.data.n) == [3]
    """
    And the workflow instances should satisfy:
    """jq
    (map(.state) | sort) == ["completed", "pending", "suspended"]
    """

  Scenario: A setting that is none is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: settings, name: unknown, version: '1.0.0', metadata: { tenon: { orderKey: '${ .data.customer }' } } }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1010' at '/document/metadata/tenon/orderKey'
