@rule-12
Feature: For
  Sequential; iteration n+1's input is iteration n's output; the loop's output is the last iteration's, or its
  input if there was none. `while` is checked before each iteration. `in` must be an array (an object or string is
  an *expression* error).

  Scenario: Each iteration gets the output of the one before
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: chain, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: .list }
          do:
            - add: { set: { list: '${ .list }', sums: '${ (.sums // [0]) + [(.sums // [0])[-1] + $n] }' } }
          output: { as: .sums }
    """
    And given the workflow input is:
    """yaml
    list: [ 1, 2, 3 ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ 0, 1, 3, 6 ]
    """

  Scenario: Iterations run one after another
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: sequential, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [1, 2, 3] }' }
          do:
            - ask:
                call: http
                with: { method: post, endpoint: https://loop.example/one-at-a-time, body: { n: '${ $n }' } }
    """
    And given calls to 'POST https://loop.example/one-at-a-time' are answered with:
    """yaml
    - { body: ok, after: PT0.15S }
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://loop.example/one-at-a-time' should satisfy:
    """jq
    map(.body.n) == [1, 2, 3] and .[1].at - .[0].at >= 145 and .[2].at - .[1].at >= 145
    """

  Scenario: A loop over nothing gives its input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: nothing, version: '1.0.0' }
    do:
      - loop:
          for: { in: .list }
          do: [ { never: { set: { ran: true } } } ]
    """
    And given the workflow input is:
    """yaml
    { list: [], kept: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { list: [], kept: 1 }
    """
    And never should not run

  Scenario: Item and index have usual names, or those that are given
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: names, version: '1.0.0' }
    do:
      - usual:
          for: { in: '${ ["a", "b"] }' }
          do: [ { note: { set: { text: '${ (.text // "") + $item + ($index | tostring) }' } } } ]
      - given:
          for: { each: letter, at: place, in: '${ ["c"] }' }
          do: [ { note: { set: { text: '${ .text + $letter + ($place | tostring) }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    text: a0b1c0
    """

  Scenario: The condition is looked at before each iteration
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: while, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [5, 5, 5, 5] }' }
          while: .sum < 10
          do: [ { add: { set: { sum: '${ .sum + $n }', items: '${ .items + [$index] }' } } } ]
    """
    And given the workflow input is:
    """yaml
    { sum: 0, items: [] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { sum: 10, items: [ 0, 1 ] }
    """
    And add should run 2 times

  Scenario: A condition that does not hold at first gives the loop's input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: while-never, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [1, 2] }' }
          while: $n > 1
          do: [ { never: { set: { ran: true } } } ]
    """
    And given the workflow input is:
    """yaml
    kept: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    kept: 1
    """

  Scenario Outline: <what> is not an array
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: not-an-array, version: '1.0.0' }
    do:
      - loop:
          for: { in: .list }
          do: [ { never: { set: { ran: true } } } ]
    """
    And given the workflow input is:
    """yaml
    list: <value>
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/loop
    """

    Examples:
      | what      | value      |
      | an object | { a: 1 }   |
      | a text    | abc        |
      | a number  | 3          |
      | null      | null       |

  Scenario: The array may be written in the document
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: inline, version: '1.0.0' }
    do:
      - loop:
          for: { each: pet, in: [ { name: Milou }, { name: '${ .other }' } ] }
          do: [ { note: { set: { other: '${ .other }', names: '${ (.names // []) + [$pet.name] }' } } } ]
          output: { as: .names }
    """
    And given the workflow input is:
    """yaml
    other: Rex
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ Milou, Rex ]
    """

  Scenario: `exit` ends an iteration, not the loop
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: exit, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [1, 2, 3] }' }
          do:
            - odd: { set: { odd: '${ (.odd // []) + [$n] }' }, then: exit }
            - never: { set: { never: true } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    odd: [ 1, 2, 3 ]
    """

  Scenario: An error ends the loop
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-12, name: error, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [1, "two", 3] }' }
          do: [ { divide: { set: { value: '${ 6 / $n }' } } } ]
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    instance: /do/0/loop/do/0/divide
    """
    And divide should run 2 times
