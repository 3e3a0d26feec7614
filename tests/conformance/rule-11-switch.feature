@rule-11
Feature: Switch
  The first matching case, else the case without `when`, else the switch's own `then`. No fall-through.

  Scenario: The first case that matches decides
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: first-match, version: '1.0.0' }
    do:
      - size:
          switch:
            - huge: { when: .n > 1000, then: huge }
            - big: { when: .n > 10, then: big }
            - some: { when: .n > 0, then: some }
      - huge: { set: { was: huge }, then: end }
      - big: { set: { was: big }, then: end }
      - some: { set: { was: some }, then: end }
    """
    And given the workflow input is:
    """yaml
    n: 50
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: big
    """
    And some should not run

  Scenario: A case without a condition is for what matches nothing, wherever it stands
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: default-first, version: '1.0.0' }
    do:
      - each:
          for: { in: '${ [1, 50] }' }
          do:
            - size:
                switch:
                  - usual: { then: usual }
                  - big: { when: $item > 10, then: big }
            - usual: { set: { was: '${ (.was // []) + ["usual"] }' }, then: exit }
            - big: { set: { was: '${ (.was // []) + ["big"] }' }, then: exit }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: [ usual, big ]
    """

  Scenario: Without a default the switch's own `then` decides
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: own-then, version: '1.0.0' }
    do:
      - size: { switch: [ { big: { when: .n > 10, then: end } } ], then: last }
      - never: { set: { was: never } }
      - last: { set: { was: last } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: last
    """

  Scenario: Without any of these flow continues with the next task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: next, version: '1.0.0' }
    do:
      - size: { switch: [ { big: { when: .n > 10, then: end } } ] }
      - next: { set: { was: next } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: next
    """

  Scenario: Later cases are not looked at
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: no-fall-through, version: '1.0.0' }
    do:
      - size:
          switch:
            - one: { when: .n == 1, then: continue }
            - broken: { when: .n + "x" == 1, then: end }
            - usual: { then: end }
      - next: { set: { was: next } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: next
    """

  Scenario: A switch passes its input on
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: passes, version: '1.0.0' }
    do:
      - size:
          input: { from: .inner }
          switch: [ { big: { when: .n > 10, then: continue } } ]
          output: { as: '${ {out: .} }' }
    """
    And given the workflow input is:
    """yaml
    inner: { n: 50 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    out: { n: 50 }
    """

  Scenario: A condition that fails is an expression error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: broken, version: '1.0.0' }
    do:
      - size: { switch: [ { broken: { when: '.n + 1 > 1', then: end } } ] }
    """
    And given the workflow input is:
    """yaml
    n: text
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    instance: /do/0/size
    """

  Scenario: Two cases without a condition are refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-11, name: two-defaults, version: '1.0.0' }
    do:
      - size: { switch: [ { one: { then: continue } }, { other: { then: end } } ] }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1015' at '/do/0/size/switch/1/other'
