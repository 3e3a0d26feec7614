@rule-10
Feature: Where flow goes
  `then` is `continue`, `exit` (leaves the current scope), `end` (ends the workflow), or a task name in the same
  scope; anything else is refused at deploy. After a jump, flow continues with the next sibling of the target.

  Scenario: `continue` is what happens anyway
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: continue, version: '1.0.0' }
    do:
      - one: { set: { path: [ one ] }, then: continue }
      - two: { set: { path: '${ .path + ["two"] }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    path: [ one, two ]
    """

  Scenario: `exit` leaves the list and goes on behind it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: exit, version: '1.0.0' }
    do:
      - block:
          do:
            - one: { set: { path: [ one ] }, then: exit }
            - never: { set: { path: [ never ] } }
      - two: { set: { path: '${ .path + ["two"] }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    path: [ one, two ]
    """
    And never should not run

  Scenario: `exit` in the outermost list ends the workflow
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: exit-outermost, version: '1.0.0' }
    do:
      - one: { set: { n: 1 }, then: exit }
      - never: { set: { n: 2 } }
    output: { as: '${ {ended: .n} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ended: 1
    """

  Scenario: `end` ends the workflow from any depth, and its output is still made
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: end, version: '1.0.0' }
    do:
      - outer:
          do:
            - inner:
                do:
                  - one: { set: { n: 1 }, then: end }
                  - never: { set: { n: 2 } }
            - neverEither: { set: { n: 3 } }
      - neverAtAll: { set: { n: 4 } }
    output: { as: '${ {ended: .n} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ended: 1
    """
    And never should not run
    And neverEither should not run
    And neverAtAll should not run

  Scenario: After a jump flow goes on with the next sibling of the target
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: jump, version: '1.0.0' }
    do:
      - one: { set: { path: [ one ] }, then: three }
      - two: { set: { path: '${ .path + ["two"] }' }, then: end }
      - three: { set: { path: '${ .path + ["three"] }' } }
      - four: { set: { path: '${ .path + ["four"] }' }, then: two }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    path: [ one, three, four, two ]
    """

  Scenario: A jump back visits a task again
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: back, version: '1.0.0' }
    do:
      - count: { set: { n: '${ (.n // 0) + 1 }' } }
      - again: { switch: [ { more: { when: .n < 3, then: count } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 3
    """
    And count should run 3 times

  Scenario Outline: A name that is not in the same list is refused: <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: refused, version: '1.0.0' }
    do:
      - first: { <first> }
      - block:
          do:
            - inner: { set: { n: 1 }, then: <inner> }
      - last: { set: { n: 2 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1102' at '<place>'

    Examples:
      | what              | first                                            | inner    | place                       |
      | into a block      | set: { n: 1 }, then: inner                       | continue | /do/0/first/then            |
      | out of a block    | set: { n: 1 }                                    | last     | /do/1/block/do/0/inner/then |
      | nobody            | set: { n: 1 }, then: nobody                      | continue | /do/0/first/then            |
      | from a case       | switch: [ { x: { when: '.n == 1', then: inner } } ] | continue | /do/0/first/switch/0/x/then |

  Scenario: Two tasks of one name in one list are refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-10, name: twice, version: '1.0.0' }
    do:
      - same: { set: { n: 1 } }
      - same: { set: { n: 2 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1101' at '/do/1/same'
