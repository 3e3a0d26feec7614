@rule-3
Feature: The context at first, and tasks that are skipped
  `$context` starts as `{}`. A task whose `if` does not hold passes its raw input on; its `output`, `export` and
  `then` do not apply: flow continues with the next task.

  Scenario: The context is empty at first
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-03, name: empty-context, version: '1.0.0' }
    do:
      - see: { set: { context: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    context: {}
    """

  Scenario: A skipped task passes its raw input on
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-03, name: raw-input, version: '1.0.0' }
    do:
      - before: { set: { n: 1 } }
      - skipped:
          if: .n > 1
          input: { from: .n }
          set: { never: true }
          output: { as: '${ {never: .} }' }
          export: { as: '${ {never: .} }' }
      - after: { set: { input: '${ . }', context: '${ $context }', step: '${ $steps.skipped }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    input: { n: 1 }
    context: {}
    step: null
    """
    And skipped should be skipped

  Scenario: Flow goes on with the next task, whatever the skipped one's `then` says
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-03, name: then, version: '1.0.0' }
    do:
      - placeBet: { if: .bet, set: { placed: true }, then: end }
      - jump: { if: .bet, set: { placed: true }, then: last }
      - next: { set: { next: true } }
      - last: { set: '${ . + {last: true} }' }
    """
    And given the workflow input is:
    """yaml
    bet: false
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    next: true
    last: true
    """

  Scenario: A task whose condition holds is as any other
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-03, name: holds, version: '1.0.0' }
    do:
      - placeBet: { if: '${ .bet }', set: { placed: true }, then: end }
      - never: { set: { never: true } }
    """
    And given the workflow input is:
    """yaml
    bet: true
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    placed: true
    """
    And never should not run

  Scenario: A block is skipped with everything in it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-03, name: block, version: '1.0.0' }
    do:
      - block:
          if: .go == true
          do:
            - inner: { set: { never: true } }
    """
    And given the workflow input is:
    """yaml
    stay: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    stay: 1
    """
    And inner should not run
