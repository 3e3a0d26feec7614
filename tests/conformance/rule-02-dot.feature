@rule-2
Feature: What the dot is
  `.` is the transformed input in a task's body, the raw output in `output.as`, and the transformed output in
  `export.as`.

  Scenario: In the body it is the transformed input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-02, name: body, version: '1.0.0' }
    do:
      - see:
          input: { from: .inner }
          set: { dot: '${ . }', input: '${ $input }' }
    """
    And given the workflow input is:
    """yaml
    inner: { n: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    dot: { n: 1 }
    input: { n: 1 }
    """

  Scenario: In `output.as` it is the raw output, and `$input` is still the transformed input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-02, name: output, version: '1.0.0' }
    do:
      - see:
          input: { from: .inner }
          set: { made: '${ .n + 1 }' }
          output: { as: '${ {dot: ., input: $input} }' }
    """
    And given the workflow input is:
    """yaml
    inner: { n: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    dot: { made: 2 }
    input: { n: 1 }
    """

  Scenario: In `export.as` it is the transformed output, as is `$output`
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-02, name: export, version: '1.0.0' }
    do:
      - see:
          set: { made: 2 }
          output: { as: .made }
          export: { as: '${ {dot: ., output: $output, input: $input} }' }
      - last: { set: '${ $context }' }
    """
    And given the workflow input is:
    """yaml
    { n: 1 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    dot: 2
    output: 2
    input: { n: 1 }
    """

  Scenario: In `if` and `input.from` it is the raw input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-02, name: raw, version: '1.0.0' }
    do:
      - before: { set: { made: 5 } }
      - see:
          if: .made == 5
          input: { from: '${ {raw: .} }' }
          set: '${ . }'
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    raw: { made: 5 }
    """

  Scenario: In the workflow's `output.as` it is the last task's transformed output
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-02, name: workflow-output, version: '1.0.0' }
    do:
      - last: { set: { made: 5 }, output: { as: .made } }
    output: { as: '${ {result: .} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    result: 5
    """
