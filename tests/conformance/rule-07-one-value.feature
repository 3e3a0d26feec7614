@rule-7
Feature: One value
  An expression yields exactly one value; none or several is an *expression* error. Text found in data is never
  evaluated.

  Scenario Outline: <what> is an expression error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-07, name: not-one, version: '1.0.0' }
    do:
      - see: { set: { value: '${ <expression> }' } }
    """
    And given the workflow input is:
    """yaml
    { list: [1, 2], text: x }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/see
    """

    Examples:
      | what                | expression                              |
      | no value            | .list[] \| select(. > 5)                |
      | several values      | .list[]                                 |
      | a failed evaluation | .text + 1                               |
      | a division by zero  | 6 / (.list \| length - 2)                |
      | an error call       | if .text == "x" then error("no") else 1 end |

  Scenario: An expression that can never yield one value is refused before it runs
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-07, name: never-one, version: '1.0.0' }
    do:
      - see: { set: { value: '${ empty }' } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1534' at '/do/0/see/set/value'

  Scenario: One value out of a list is one value
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-07, name: one, version: '1.0.0' }
    do:
      - see: { set: { first: '${ first(.list[]) }', all: '${ [.list[]] }', none: '${ null }' } }
    """
    And given the workflow input is:
    """yaml
    { list: [1, 2] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { first: 1, all: [1, 2], none: null }
    """

  Scenario: Conditions are held to it, too
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-07, name: condition, version: '1.0.0' }
    do:
      - see: { if: '.list[] | . > 0', set: { n: 1 } }
    """
    And given the workflow input is:
    """yaml
    { list: [1, 2] }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    instance: /do/0/see
    """

  Scenario: Text in data is never evaluated
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-07, name: injection, version: '1.0.0' }
    do:
      - see: { set: { copy: '${ .text }', list: '${ [.text] }', joined: '${ "${ " + "1 + 1" + " }" }' } }
      - pass: { set: '${ . }' }
      - loop:
          for: { in: '${ [.copy] }' }
          do: [ { keep: { set: '${ $input + {item: $item} }' } } ]
    """
    And given the workflow input is:
    """yaml
    text: '${ $workflow.id }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    copy: '${ $workflow.id }'
    list: [ '${ $workflow.id }' ]
    joined: '${ 1 + 1 }'
    item: '${ $workflow.id }'
    """
