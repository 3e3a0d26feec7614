@rule-8
Feature: Set
  `set` replaces the data with its value; nested maps and lists evaluate recursively.

  Scenario: The data is replaced, not merged
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: replaced, version: '1.0.0' }
    do:
      - first: { set: { a: 1, b: 2 } }
      - second: { set: { c: 3 } }
    """
    And given the workflow input is:
    """yaml
    z: 26
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    c: 3
    """

  Scenario: Nested maps and lists are evaluated
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: nested, version: '1.0.0' }
    do:
      - nested:
          set:
            list: [ '${ .n }', two, [ '${ .n + 2 }' ], { four: '${ .n + 3 }' } ]
            map: { deeper: { deepest: '${ .n }' } }
            literal: { number: 1.5, yes: true, nothing: null, text: plain }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    list: [ 1, two, [ 3 ], { four: 4 } ]
    map: { deeper: { deepest: 1 } }
    literal: { number: 1.5, yes: true, nothing: null, text: plain }
    """

  Scenario: The value may be one expression, of any type
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: expression, version: '1.0.0' }
    do:
      - whole: { set: '${ .list | length }' }
    """
    And given the workflow input is:
    """yaml
    list: [ a, b ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    2
    """

  Scenario: Every value sees the same input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: same-input, version: '1.0.0' }
    do:
      - swap: { set: { a: '${ .b }', b: '${ .a }' } }
    """
    And given the workflow input is:
    """yaml
    { a: 1, b: 2 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { a: 2, b: 1 }
    """

  Scenario: The order of keys is kept
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: key-order, version: '1.0.0' }
    do:
      - mixed: { set: { zebra: 1, apple: 2, mango: '${ .n }' } }
      - show: { set: { order: '${ . | to_entries | map(.key) }', text: '${ . | tojson }' } }
    """
    And given the workflow input is:
    """yaml
    n: 3
    """
    When the workflow is executed
    Then the workflow should complete
    And mixed should satisfy:
    """jq
    .output | tojson == "{\"zebra\":1,\"apple\":2,\"mango\":3}"
    """

  Scenario: An empty set is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-08, name: empty, version: '1.0.0' }
    do:
      - nothing: { set: {} }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1016' at '/do/0/nothing/set'
