@rule-1
Feature: Order of a task's data
  Raw input, `if`, `input.schema`, `input.from`, the task's body, `output.as`, `output.schema`, `export.as`,
  `export.schema`: in this order. `export.as` sees the transformed output, and its value replaces `$context`.

  Scenario: Each stage gets what the one before it made
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: stages, version: '1.0.0' }
    do:
      - first:
          if: .n == 1
          input: { from: '${ {n: (.n + 1)} }' }
          set: { body: '${ .n }' }
          output: { as: '${ {out: (.body * 10)} }' }
          export: { as: '${ {kept: .out} }' }
      - second:
          set: { input: '${ . }', context: '${ $context }' }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    input: { out: 20 }
    context: { kept: 20 }
    """

  Scenario: A task whose condition does not hold is not asked for the schema of its input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: condition-first, version: '1.0.0' }
    do:
      - strict:
          if: .id != null
          input: { schema: { format: json, document: { type: object, required: [id] } } }
          set: { checked: true }
    """
    And given the workflow input is:
    """yaml
    name: Ada
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    name: Ada
    """
    And strict should be skipped

  Scenario: The input's schema is about the raw input, not about what `input.from` makes of it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: schema-before-from, version: '1.0.0' }
    do:
      - strict:
          input:
            schema: { format: json, document: { type: object, required: [id] } }
            from: .id
          set: { got: '${ . }' }
    """
    And given the workflow input is:
    """yaml
    id: 7
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: 7
    """

  Scenario: An input that breaks its schema never reaches `input.from`
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: schema-stops, version: '1.0.0' }
    do:
      - strict:
          input:
            schema: { format: json, document: { type: object, required: [id] } }
            from: '${ {id: 1} }'
          set: { got: '${ . }' }
    """
    And given the workflow input is:
    """yaml
    name: Ada
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    instance: /do/0/strict
    """

  Scenario: The output's schema is about the transformed output
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: output-schema, version: '1.0.0' }
    do:
      - strict:
          set: { price: 10 }
          output:
            as: .price
            schema: { format: json, document: { type: integer } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    10
    """

  Scenario: A transformed output that breaks its schema is an error, and nothing is exported
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: output-schema-stops, version: '1.0.0' }
    do:
      - attempt:
          try:
            - strict:
                set: { price: 10 }
                output:
                  as: '${ {price: "ten"} }'
                  schema: { format: json, document: { properties: { price: { type: integer } } } }
                export: { as: '${ {exported: true} }' }
          catch:
            do:
              - see: { set: { type: '${ $error.type }', at: '${ $error.instance }', context: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    at: /do/0/attempt/try/0/strict
    context: {}
    """

  Scenario: What is exported replaces the context
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: export-replaces, version: '1.0.0' }
    do:
      - first: { set: { a: 1 }, export: { as: . } }
      - second: { set: { b: 2 }, export: { as: . } }
      - third: { set: { c: 3 }, export: { as: '${ $context + . }' } }
      - last: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { b: 2, c: 3 }
    """

  Scenario: The export's schema is about the new context
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: export-schema, version: '1.0.0' }
    do:
      - first:
          set: { a: 1 }
          export:
            as: '${ {sum: "one"} }'
            schema: { format: json, document: { properties: { sum: { type: integer } } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    instance: /do/0/first
    """

  Scenario: A workflow's own input and output have the same order
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: workflow-order, version: '1.0.0' }
    input:
      schema: { format: json, document: { type: object, required: [order] } }
      from: .order
    do:
      - price: { set: { total: '${ .count * 3 }' } }
    output:
      as: .total
      schema: { format: json, document: { type: integer } }
    """
    And given the workflow input is:
    """yaml
    order: { count: 4 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    12
    """

  Scenario: A workflow's input that breaks its schema ends it before the first task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-01, name: workflow-input, version: '1.0.0' }
    input: { schema: { format: json, document: { type: object, required: [order] } } }
    do:
      - never: { set: { ran: true } }
    """
    And given the workflow input is:
    """yaml
    {}
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    status: 400
    """
    And never should not run
