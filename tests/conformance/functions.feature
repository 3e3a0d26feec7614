Feature: Functions
  `call: <name>` runs the task that `use.functions` defines under that name, with `with` as its input. It has a schema,
  an output and a timeout of its own, shares `$context`, and sees no `$steps` or loop variables of its caller.

  Scenario: A function is called with different arguments
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: twice, version: '1.0.0' }
    use:
      functions:
        double: { set: { result: '${ .n * 2 }' }, output: { as: .result } }
    do:
      - one: { call: double, with: { n: '${ .start }' } }
      - two: { call: double, with: { n: '${ $steps.one }' } }
      - last: { set: { one: '${ $steps.one }', two: '${ $steps.two }' } }
    """
    And given the workflow input is:
    """yaml
    start: 3
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    one: 6
    two: 12
    """

  Scenario: Without arguments the input is empty
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: no-arguments, version: '1.0.0' }
    use: { functions: { see: { set: { got: '${ . }' } } } }
    do:
      - one: { call: see }
    """
    And given the workflow input is:
    """yaml
    hidden: true
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: {}
    """

  Scenario: A function's schema is about its arguments
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: schema, version: '1.0.0' }
    use:
      functions:
        strict:
          input: { schema: { format: json, document: { required: [petId] } } }
          set: { got: '${ .petId }' }
    do:
      - attempt:
          try: [ { ask: { call: strict, with: { pet: 1 } } } ]
          catch: { do: [ { handle: { set: { type: '${ $error.type }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/validation
    """

  Scenario: A function shares the context and sees no steps of its caller
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: scope, version: '1.0.0' }
    use:
      functions:
        look:
          set: { context: '${ $context }', before: '${ $steps.before }' }
          export: { as: '${ $context + {looked: true} }' }
    do:
      - before: { set: { n: 1 }, export: { as: '${ {n: .n} }' } }
      - ask: { call: look }
      - last: { set: { function: '${ $steps.ask }', context: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    function: { context: { n: 1 }, before: null }
    context: { n: 1, looked: true }
    """

  Scenario: A function may be a block with tasks of any kind, and call another function
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: block, version: '1.0.0' }
    use:
      functions:
        inner: { set: { n: '${ .n + 1 }' } }
        outer:
          do:
            - nap: { wait: PT0.05S }
            - loop:
                for: { each: i, in: '${ [1, 2, 3] }' }
                do: [ { add: { call: inner, with: { n: '${ .n }' } } } ]
    do:
      - ask: { call: outer, with: { n: 10 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 13
    """

  Scenario: The caller's output and timeout are around the function's
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: around, version: '1.0.0' }
    use:
      functions:
        slow: { wait: PT1H }
        quick: { set: { n: 1 }, output: { as: '${ {own: .n} }' } }
    do:
      - first: { call: quick, output: { as: '${ {callers: .} }' } }
      - attempt:
          try: [ { ask: { call: slow, timeout: { after: PT0.1S } } } ]
          catch: { do: [ { handle: { set: '${ {first: $steps.first, at: $error.instance} }' } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    first: { callers: { own: 1 } }
    at: /do/1/attempt/try/0/ask
    """

  Scenario: A function that nobody has defined is refused, with a suggestion
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: unknown, version: '1.0.0' }
    use: { functions: { double: { set: { n: 1 } } } }
    do:
      - ask: { call: duoble }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1103' at '/do/0/ask/call'
    And the refusal should say 'did you mean `double`?'

  Scenario: A function that calls itself is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: functions, name: circle, version: '1.0.0' }
    use:
      functions:
        ping: { call: pong }
        pong: { call: ping }
    do:
      - ask: { call: ping }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1105' at '/use/functions/pong/call'
