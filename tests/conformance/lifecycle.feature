Feature: Lifecycle events
  What happens to workflows and tasks is an event that workflows can be started by and listen for, as the
  specification describes it. It is made only where a workflow of the workspace asks for it.

  Scenario: A workflow that starts and completes
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: watched, version: '1.2.3' }
    do:
      - one: { set: { n: 1 } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: sees-workflows, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: io.serverlessworkflow.workflow.started.v1, data: '${ (.name | startswith("watched-")) and .definition.namespace == "lifecycle" }' }
          - with: { type: io.serverlessworkflow.workflow.completed.v1, data: '${ (.name | startswith("watched-")) and (.name | endswith(".lifecycle")) }' }
    do:
      - tell: { emit: { event: { with: { type: com.acme.lifecycle.workflow, data: { type: '${ $event.type }', data: '${ .[0] }' } } } } }
    """
    When the workflow is executed
    Then the workflow should complete
    And the events of type 'com.acme.lifecycle.workflow' should satisfy:
    """jq
    (map(.data.type) | sort) == ["io.serverlessworkflow.workflow.completed.v1", "io.serverlessworkflow.workflow.started.v1"]
      and any(.[]; .data.data.definition == {name: "watched", namespace: "lifecycle", version: "1.2.3"} and (.data.data.startedAt | type) == "string")
      and any(.[]; (.data.data.completedAt | type) == "string")
    """

  Scenario: The tasks of a workflow
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: busy, version: '1.0.0' }
    do:
      - attempt:
          try: [ { ask: { call: http, with: { method: get, endpoint: https://lifecycle.example/flaky } } } ]
          catch: { retry: { delay: PT0.02S, limit: { attempt: { count: 3 } } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: sees-tasks, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: 'io\.serverlessworkflow\.task\.(created|started|retried|completed)\.v1', data: '${ (.workflow | startswith("busy-")) and .task == "/do/0/attempt/try/0/ask" }' }
          - with: { type: 'io\.serverlessworkflow\.task\.retried\.v1', data: '${ (.workflow | startswith("busy-")) }' }
    do:
      - tell: { emit: { event: { with: { type: com.acme.lifecycle.task, data: { type: '${ $event.type | split(".")[3] }', task: '${ .[0].task }' } } } } }
    """
    And given calls to 'GET https://lifecycle.example/flaky' are answered with:
    """yaml
    - status: 503
    - body: fine
    """
    When the workflow is executed
    Then the workflow should complete
    And the events of type 'com.acme.lifecycle.task' should satisfy:
    """jq
    map(.data.type) as $types | ["created", "started", "retried", "completed"] | all(. as $type | $types | index($type) != null)
    """

  Scenario: A workflow that faults, and one that is cancelled
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: cancelled, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: faulting, version: '1.0.0' }
    do:
      - fail: { raise: { error: { type: 'https://lifecycle.example/broken', status: 500, title: Broken } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: sees-ends, version: '1.0.0' }
    schedule:
      on:
        any:
          - with: { type: 'io\.serverlessworkflow\.workflow\.(faulted|cancelled)\.v1', data: '${ .name | endswith(".lifecycle") }' }
    do:
      - tell: { emit: { event: { with: { type: com.acme.lifecycle.end, data: { type: '${ $event.type }', error: '${ .[0].error.title }' } } } } }
    """
    When the workflow 'lifecycle/faulting' is executed
    And the workflow is executed
    And the workflow is waiting
    And the workflow is cancelled
    Then the workflow should cancel
    And the events of type 'com.acme.lifecycle.end' should satisfy:
    """jq
    (map(.data) | sort_by(.type)) == [{type: "io.serverlessworkflow.workflow.cancelled.v1", error: null}, {type: "io.serverlessworkflow.workflow.faulted.v1", error: "Broken"}]
    """

  Scenario: A workflow that is started by such events makes none itself
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle-circle, name: first, version: '1.0.0' }
    do:
      - one: { set: { n: 1 } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle-circle, name: circle, version: '1.0.0' }
    schedule:
      on: { one: { with: { type: io.serverlessworkflow.workflow.completed.v1, data: '${ .name | endswith(".lifecycle-circle") }' } } }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow 'lifecycle-circle/circle' should complete with output:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow 'lifecycle-circle/circle' should be started 2 times

  Scenario: A listen may be for such an event
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: listener, version: '1.0.0' }
    do:
      - hear:
          listen: { to: { one: { with: { type: io.serverlessworkflow.workflow.completed.v1, data: '${ .name | startswith("heard-") }' } } } }
          output: { as: '${ {at: (.[0].completedAt | type)} }' }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: lifecycle, name: heard, version: '1.0.0' }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is executed
    And the workflow is waiting
    And the workflow 'lifecycle/heard' is executed
    Then the workflow should complete with output:
    """yaml
    at: string
    """
