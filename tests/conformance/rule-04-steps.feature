@rule-4
Feature: Outputs of earlier tasks by name
  In every expression after a task, `$steps.<task>` is that task's transformed output. Visible are all finished
  tasks of the enclosing scopes; inside a loop the current iteration's, after it the last one's; the innermost
  name wins; a task that has not run is null. Branches of a fork see what ran before the fork and their own
  tasks; after it, all branches' are visible (with `compete`, the winner's).

  Scenario: Any later task reads the transformed output
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: later, version: '1.0.0' }
    do:
      - customer: { set: { name: Ada, secret: x }, output: { as: '${ {name} }' } }
      - between: { set: { n: 1 } }
      - last: { set: { customer: '${ $steps.customer }', n: '${ $steps.between.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    customer: { name: Ada }
    n: 1
    """

  Scenario: A task that has not run is null
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: not-run, version: '1.0.0' }
    do:
      - choose: { switch: [ { never: { when: .never == true, then: other } } ], then: last }
      - other: { set: { n: 1 }, then: last }
      - last: { set: { other: '${ $steps.other }', inside: '${ $steps.other.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    other: null
    inside: null
    """

  Scenario: Tasks of enclosing lists are visible inside, and tasks inside after their block
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: scopes, version: '1.0.0' }
    do:
      - outside: { set: { n: 1 } }
      - block:
          do:
            - inside: { set: { n: '${ $steps.outside.n + 1 }' } }
      - after: { set: { inside: '${ $steps.inside.n }', block: '${ $steps.block }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    inside: 2
    block: { n: 2 }
    """

  Scenario: The innermost task of a name wins
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: innermost, version: '1.0.0' }
    do:
      - price: { set: { n: 1 } }
      - block:
          do:
            - before: { set: { sees: '${ $steps.price.n }' } }
            - price: { set: { n: 2 } }
            - after: { set: { before: '${ $steps.before.sees }', after: '${ $steps.price.n }' } }
      - outside: { set: { block: '${ . }', price: '${ $steps.price.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    block: { before: 1, after: 2 }
    price: 1
    """

  Scenario: In a loop it is the current iteration's, after it the last one's
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: loops, version: '1.0.0' }
    do:
      - start: { set: { seen: [] } }
      - loop:
          for: { each: n, in: '${ [10, 20] }' }
          do:
            - early: { set: { seen: '${ .seen + [$steps.double] }' } }
            - double: { set: { n: '${ $n * 2 }' } }
            - late: { set: { seen: '${ $steps.early.seen + [$steps.double.n] }' } }
      - last: { set: { seen: '${ .seen }', double: '${ $steps.double.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    seen: [ null, 20, null, 40 ]
    double: 40
    """

  @needs-fork
  Scenario: A branch sees what ran before the fork and its own tasks
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: branches, version: '1.0.0' }
    do:
      - before: { set: { n: 1 } }
      - both:
          fork:
            branches:
              - left:
                  do:
                    - one: { set: { n: 2 } }
                    - two: { set: { before: '${ $steps.before.n }', own: '${ $steps.one.n }', other: '${ $steps.three }' } }
              - right:
                  do:
                    - three: { set: { n: 3 } }
                    - four: { set: { before: '${ $steps.before.n }', own: '${ $steps.three.n }', other: '${ $steps.one }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { before: 1, own: 2, other: null }
    - { before: 1, own: 3, other: null }
    """

  @needs-fork
  Scenario: After a fork all branches' tasks are visible
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: after-fork, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - left: { do: [ { one: { set: { n: 1 } } } ] }
              - right: { set: { n: 2 } }
      - last: { set: { left: '${ $steps.left.n }', one: '${ $steps.one.n }', right: '${ $steps.right.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { left: 1, one: 1, right: 2 }
    """

  @needs-fork
  Scenario: After a race only the winner's tasks are visible
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: after-race, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - slow:
                  do:
                    - begun: { set: { n: 1 } }
                    - sleep: { wait: PT1H }
              - fast:
                  do:
                    - nap: { wait: PT0.05S }
                    - done: { set: { n: 2 } }
      - last: { set: { begun: '${ $steps.begun }', slow: '${ $steps.slow }', done: '${ $steps.done.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    begun: null
    slow: null
    done: 2
    """

  Scenario: A name that can never have run is warned about
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-04, name: never, version: '1.0.0' }
    do:
      - see: { set: { n: '${ $steps.nobody.n }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: null
    """
    And the workflow should be warned about with code 'TN1505' at '/do/0/see/set/n'
