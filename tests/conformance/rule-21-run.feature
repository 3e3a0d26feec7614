@rule-21 @needs-run
Feature: Running another workflow
  `run: workflow` starts a child job linked to its parent; `await: false` returns at once. Cancelling a parent cancels
  awaited children.

  Scenario: The output of the child is the output of the task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: parent, version: '1.0.0' }
    do:
      - price:
          run: { workflow: { namespace: rule-21, name: price, version: '1.0.0', input: { count: '${ .order.count }' } } }
      - last: { set: { price: '${ . }' } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: price, version: '1.0.0' }
    input: { schema: { format: json, document: { required: [count] } } }
    do:
      - multiply: { set: { total: '${ .count * 3 }' } }
    """
    And given the workflow input is:
    """yaml
    order: { count: 4 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    price: { total: 12 }
    """
    And the workflow 'rule-21/price' should complete with output:
    """yaml
    total: 12
    """
    And the workflow 'rule-21/price' instance should satisfy:
    """jq
    (.parent | type) == "string"
    """

  Scenario: The version may be the latest, and there may be no input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: latest, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: newest, version: latest } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: newest, version: '2.5.0' }
    do:
      - see: { set: { input: '${ . }', version: '${ $workflow.definition.document.version }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    input: {}
    version: 2.5.0
    """

  Scenario: A child that is not awaited does not hold up its parent
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: not-awaited, version: '1.0.0' }
    do:
      - child:
          input: { from: '${ {kept: .n} }' }
          run: { workflow: { namespace: rule-21, name: slow, version: '1.0.0' }, await: false }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: slow, version: '1.0.0' }
    do:
      - nap: { wait: PT0.5S }
      - done: { set: { done: true } }
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    kept: 1
    """
    And the workflow 'rule-21/slow' should complete with output:
    """yaml
    done: true
    """

  Scenario: The fault of a child is the error of the task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: faulting, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: broken, version: '1.0.0' } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: broken, version: '1.0.0' }
    do:
      - check: { raise: { error: { type: 'https://run.example/broken', status: 418, title: Broken, detail: in two } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://run.example/broken
    status: 418
    title: Broken
    detail: in two
    instance: /do/0/child
    """

  Scenario: The fault of a child can be caught
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: catching, version: '1.0.0' }
    do:
      - attempt:
          try: [ { child: { run: { workflow: { namespace: rule-21, name: fragile, version: '1.0.0' } } } } ]
          catch: { errors: { with: { status: 418 } }, do: [ { handle: { set: { caught: '${ $error.title }' } } } ] }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: fragile, version: '1.0.0' }
    do:
      - check: { raise: { error: { type: 'https://run.example/broken', status: 418, title: Broken } } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    caught: Broken
    """

  Scenario: A workflow that is not there is a configuration error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: nobody, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: not-deployed, version: '1.0.0' } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/configuration
    status: 400
    instance: /do/0/child
    """

  Scenario: Cancelling a parent cancels the child it awaits
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: cancelled, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: sleeper, version: '1.0.0' } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: sleeper, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H }
    """
    When the workflow is executed
    And the workflow 'rule-21/sleeper' is waiting
    And the workflow is cancelled
    Then the workflow should cancel
    And the workflow 'rule-21/sleeper' should cancel

  Scenario: A timeout around the task cancels the child, too
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: impatient, version: '1.0.0' }
    do:
      - child:
          run: { workflow: { namespace: rule-21, name: dawdler, version: '1.0.0' } }
          timeout: { after: PT0.3S }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: dawdler, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/timeout
    instance: /do/0/child
    """
    And the workflow 'rule-21/dawdler' should cancel

  Scenario: Cancelling a parent leaves a child that it does not await alone
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: leaves, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: independent, version: '1.0.0' }, await: false } }
      - sleep: { wait: PT1H }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: independent, version: '1.0.0' }
    do:
      - nap: { wait: PT0.7S }
      - done: { set: { done: true } }
    """
    When the workflow is executed
    And the workflow 'rule-21/independent' is waiting
    And the workflow is cancelled
    Then the workflow should cancel
    And the workflow 'rule-21/independent' should complete with output:
    """yaml
    done: true
    """

  Scenario: A cancelled child is a runtime error of the task
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: bereaved, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: victim, version: '1.0.0' } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: victim, version: '1.0.0' }
    do:
      - sleep: { wait: PT1H }
    """
    When the workflow is executed
    And the workflow 'rule-21/victim' is waiting
    And the workflow 'rule-21/victim' is cancelled
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/runtime
    status: 500
    instance: /do/0/child
    """

  @restart
  Scenario: A child is started once, also across a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: crash, version: '1.0.0' }
    do:
      - child: { run: { workflow: { namespace: rule-21, name: only-once, version: '1.0.0' } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-21, name: only-once, version: '1.0.0' }
    do:
      - nap: { wait: PT1.2S }
      - done: { set: { done: true } }
    """
    When the workflow is executed
    And the workflow 'rule-21/only-once' is waiting
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    done: true
    """
    And the workflow 'rule-21/only-once' should be started 1 time
