Feature: Extensions
  Tasks before and after every task of a kind. `when` decides, `$task` tells of the extended task. What they give is
  dropped, except that `then: exit` in `before` leaves the extended task with that output. Their errors are the task's.

  Scenario: Before and after, from the outside to the inside and back
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: order, version: '1.0.0' }
    use:
      extensions:
        - outer:
            extend: set
            before: [ { outerBefore: { call: http, with: { method: post, endpoint: https://log.example/order, body: { at: outer before } } } } ]
            after: [ { outerAfter: { call: http, with: { method: post, endpoint: https://log.example/order, body: { at: outer after } } } } ]
        - inner:
            extend: all
            before: [ { innerBefore: { call: http, with: { method: post, endpoint: https://log.example/order, body: { at: inner before } } } } ]
            after: [ { innerAfter: { call: http, with: { method: post, endpoint: https://log.example/order, body: { at: inner after } } } } ]
    do:
      - one: { set: { n: 1 } }
    """
    And given calls to 'POST https://log.example/order' are answered with:
    """yaml
    - body: dropped
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 1
    """
    And the calls to 'POST https://log.example/order' should satisfy:
    """jq
    map(.body.at) == ["outer before", "inner before", "inner after", "outer after"]
    """

  Scenario: They know the task that they extend
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: task, version: '1.0.0' }
    use:
      extensions:
        - logging:
            extend: all
            before: [ { sendLog: { call: http, with: { method: post, endpoint: https://log.example/task, body: { message: '${ "Executing task \($task.reference)" }' } } } } ]
            after: [ { sendLog: { call: http, with: { method: post, endpoint: https://log.example/task, body: { message: '${ "Executed task \($task.reference)" }' } } } } ]
    do:
      - one: { set: { n: 1 } }
      - two: { do: [ { three: { set: { n: 3 } } } ] }
    """
    And given calls to 'POST https://log.example/task' are answered with:
    """yaml
    - body: ok
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 3
    """
    And the calls to 'POST https://log.example/task' should satisfy:
    """jq
    map(.body.message) == ["Executing task /do/0/one", "Executed task /do/0/one", "Executing task /do/1/two",
      "Executing task /do/1/two/do/0/three", "Executed task /do/1/two/do/0/three", "Executed task /do/1/two"]
    """

  Scenario: A condition chooses among the tasks of the kind
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: when, version: '1.0.0' }
    use:
      extensions:
        - mock:
            extend: call
            when: $task.call == "http" and ($task.with.endpoint | startswith("https://mocked.log.example"))
            before: [ { answer: { set: { mocked: true }, then: exit } } ]
    do:
      - mocked: { call: http, with: { method: get, endpoint: https://mocked.log.example/never } }
      - real: { call: http, with: { method: get, endpoint: https://log.example/real } }
      - last: { set: { mocked: '${ $steps.mocked }', real: '${ $steps.real }' } }
    """
    And given calls to 'GET https://log.example/real' are answered with:
    """yaml
    - body: { real: true }
    """
    And given calls to 'GET https://mocked.log.example/never' are answered with:
    """yaml
    - body: { real: true }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    mocked: { mocked: true }
    real: { real: true }
    """
    And 'GET https://mocked.log.example/never' should be called 0 times

  Scenario: The output of a task that is left is what the extension gave, transformed as the task says
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: exit, version: '1.0.0' }
    use:
      extensions:
        - mock:
            extend: call
            before: [ { answer: { set: { content: 7 }, then: exit } } ]
            after: [ { never: { raise: { error: { type: 'https://log.example/never', status: 500 } } } } ]
    do:
      - ask:
          call: http
          with: { method: get, endpoint: 'https://log.example/nowhere' }
          output: { as: .content }
          export: { as: '${ {exported: .} }' }
      - last: { set: { output: '${ . }', context: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    output: 7
    context: { exported: 7 }
    """

  Scenario: A task that is skipped is not extended, and what extensions give is dropped
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: skipped, version: '1.0.0' }
    use:
      extensions:
        - change:
            extend: set
            before: [ { change: { set: { changed: true } } } ]
            after: [ { changeAgain: { set: { changed: true } } } ]
    do:
      - skipped: { if: .never == true, set: { n: 0 } }
      - one: { set: { got: '${ . }' } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { n: 1 }
    """
    And change should run 1 time

  Scenario: An error of an extension is the error of the task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: extensions, name: error, version: '1.0.0' }
    use:
      extensions:
        - guard:
            extend: call
            before: [ { check: { raise: { error: { type: 'https://log.example/forbidden', status: 403 } } } } ]
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://log.example/guarded } } } ]
          catch: { errors: { with: { status: 403 } }, do: [ { handle: { set: { caught: '${ $error.type }' } } } ] }
    """
    And given calls to 'GET https://log.example/guarded' are answered with:
    """yaml
    - body: reached
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: https://log.example/forbidden
    """
    And 'GET https://log.example/guarded' should be called 0 times
