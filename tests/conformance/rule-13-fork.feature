@rule-13 @needs-fork
Feature: Fork
  The output is the array of branch outputs in declaration order; each branch gets the fork's input and context;
  afterwards the keys of `$context` that a branch changed since the fork are merged in declaration order.
  `compete: true` gives the winner's output and context and cancels the rest (timers, listens and retries stop; an
  in-flight call is aborted and its late result dropped); a branch that faults drops out, and the fork faults when
  all have. Without `compete` a fault cancels the other branches and faults the fork. `then: end` in a branch ends
  the workflow.

  Scenario: Outputs are in the order of declaration, whoever is first
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: order, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - slow: { do: [ { sleep: { wait: PT0.2S } }, { done: { set: { was: slow } } } ] }
              - fast: { set: { was: fast } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { was: slow }
    - { was: fast }
    """

  Scenario: Each branch gets the fork's input and context
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: input, version: '1.0.0' }
    do:
      - before: { set: { n: 1 }, export: { as: '${ {kept: true} }' } }
      - both:
          input: { from: '${ {m: .n} }' }
          fork:
            branches:
              - left: { set: { sees: '${ . }', context: '${ $context }' } }
              - right: { do: [ { inner: { set: { sees: '${ . }', context: '${ $context }' } } } ] }
          output: { as: '${ {branches: .} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    branches:
      - { sees: { m: 1 }, context: { kept: true } }
      - { sees: { m: 1 }, context: { kept: true } }
    """

  Scenario: Branches run at the same time
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: at-once, version: '1.0.0' }
    do:
      - three:
          fork:
            branches:
              - one: { call: http, with: { method: get, endpoint: 'https://fork.example/slow?n=1' } }
              - two: { call: http, with: { method: get, endpoint: 'https://fork.example/slow?n=2' } }
              - three: { call: http, with: { method: get, endpoint: 'https://fork.example/slow?n=3' } }
    """
    And given calls to 'GET https://fork.example/slow' are answered with:
    """yaml
    - { body: ok, after: PT1S }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    [ ok, ok, ok ]
    """
    And the workflow should take less than 'PT2.9S'

  Scenario: What branches export is merged by key, in the order of declaration
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: merge, version: '1.0.0' }
    do:
      - before: { set: { n: 0 }, export: { as: '${ {a: 0, b: 0, c: 0} }' } }
      - both:
          fork:
            branches:
              - slow:
                  do:
                    - sleep: { wait: PT0.1S }
                    - done: { set: { n: 1 }, export: { as: '${ $context + {a: "slow", b: "slow"} }' } }
              - fast: { set: { n: 2 }, export: { as: '${ $context + {b: "fast", d: "fast"} }' } }
      - last: { set: '${ $context }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    { a: slow, b: fast, c: 0, d: fast }
    """

  Scenario: A branch does not see what another exports
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: isolated, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - writer: { set: { n: 1 }, export: { as: '${ {seen: true} }' } }
              - reader: { do: [ { sleep: { wait: PT0.1S } }, { look: { set: { context: '${ $context }' } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { n: 1 }
    - { context: {} }
    """

  Scenario: In a race the winner's output and context are what counts
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: race, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - slow:
                  do:
                    - early: { set: { n: 1 }, export: { as: '${ {slow: true} }' } }
                    - sleep: { wait: PT1H }
              - fast:
                  do:
                    - nap: { wait: PT0.1S }
                    - done: { set: { was: fast }, export: { as: '${ $context + {fast: true} }' } }
      - last: { set: { output: '${ . }', context: '${ $context }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    output: { was: fast }
    context: { fast: true }
    """
    And sleep should cancel
    And slow should cancel
    And fast should complete

  Scenario: The end of a race stops timers, listens and retries
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: race-stops, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - sleeper: { wait: PT1H }
              - listener: { listen: { to: { one: { with: { type: example.fork.never } } } } }
              - retrier:
                  try: [ { ask: { call: http, with: { method: get, endpoint: https://fork.example/down } } } ]
                  catch: { retry: { delay: PT1H } }
              - winner: { do: [ { nap: { wait: PT0.3S } }, { done: { set: { won: true } } } ] }
    """
    And given calls to 'GET https://fork.example/down' are answered with:
    """yaml
    - status: 503
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    won: true
    """
    And sleeper should cancel
    And listener should cancel
    And retrier should cancel
    And 'GET https://fork.example/down' should be called 1 time

  Scenario: A call that is under way when the race ends does not hold it up
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: race-aborts, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - slow: { call: http, with: { method: get, endpoint: https://fork.example/never } }
              - fast: { call: http, with: { method: get, endpoint: https://fork.example/soon } }
      - last: { set: '${ . }' }
    """
    And given calls to 'GET https://fork.example/never' are answered with:
    """yaml
    - after: never
    """
    And given calls to 'GET https://fork.example/soon' are answered with:
    """yaml
    - { body: { was: fast }, after: PT0.3S }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: fast
    """
    And slow should cancel
    And 'GET https://fork.example/never' should be called 1 time
    And the workflow should take less than 'PT10S'

  Scenario: A branch that faults drops out of the race
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: drops-out, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - broken: { raise: { error: { type: 'https://fork.example/broken', status: 500 } } }
              - slow: { do: [ { nap: { wait: PT0.1S } }, { done: { set: { was: slow } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    was: slow
    """
    And broken should fault

  Scenario: A race faults when every branch has, with the last fault
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: all-fault, version: '1.0.0' }
    do:
      - race:
          fork:
            compete: true
            branches:
              - later:
                  do:
                    - nap: { wait: PT0.1S }
                    - broken: { raise: { error: { type: 'https://fork.example/later', status: 501 } } }
              - first: { raise: { error: { type: 'https://fork.example/first', status: 500 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://fork.example/later
    status: 501
    instance: /do/0/race/fork/branches/0/later/do/1/broken
    """

  Scenario: Without a race one fault cancels the other branches and faults the fork
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: fault, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - sleeper: { wait: PT1H }
              - broken: { raise: { error: { type: 'https://fork.example/broken', status: 500 } } }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://fork.example/broken
    status: 500
    instance: /do/0/both/fork/branches/1/broken
    """
    And sleeper should cancel
    And both should fault

  Scenario: The fault of a fork can be caught
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: caught, version: '1.0.0' }
    do:
      - attempt:
          try:
            - both:
                fork:
                  branches:
                    - sleeper: { wait: PT1H }
                    - broken: { raise: { error: { type: 'https://fork.example/broken', status: 418 } } }
          catch:
            do: [ { handle: { set: { status: '${ $error.status }' } } } ]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    status: 418
    """

  Scenario: An error that a branch catches itself does not touch the others
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: own-catch, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - careful:
                  try: [ { broken: { raise: { error: { type: 'https://fork.example/broken', status: 500 } } } } ]
                  catch: { do: [ { handle: { set: { handled: true } } } ] }
              - other: { do: [ { nap: { wait: PT0.1S } }, { done: { set: { done: true } } } ] }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    - { handled: true }
    - { done: true }
    """

  Scenario: `end` in a branch ends the workflow
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: end, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - sleeper: { wait: PT1H }
              - ender: { do: [ { done: { set: { ended: true }, then: end } }, { never: { set: { n: 1 } } } ] }
      - neverAtAll: { set: { n: 2 } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    ended: true
    """
    And sleeper should cancel
    And neverAtAll should not run

  Scenario: A branch cannot jump to another
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: jump, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - left: { set: { n: 1 }, then: right }
              - right: { set: { n: 2 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1102' at '/do/0/both/fork/branches/0/left/then'

  Scenario: A branch may wait for events while others go on
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: listens, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - approval: { listen: { to: { one: { with: { type: example.fork.approved } } } } }
              - payment: { listen: { to: { one: { with: { type: example.fork.paid } } } } }
    """
    When the workflow is executed
    And the workflow is waiting
    And these events are published:
    """yaml
    - { type: example.fork.paid, data: { amount: 5 } }
    - { type: example.fork.approved, data: { by: Ada } }
    """
    Then the workflow should complete with output:
    """yaml
    - [ { by: Ada } ]
    - [ { amount: 5 } ]
    """

  Scenario: Forks may be inside of each other and of loops
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: nested, version: '1.0.0' }
    do:
      - loop:
          for: { each: n, in: '${ [1, 2] }' }
          do:
            - both:
                fork:
                  branches:
                    - one: { set: { n: '${ $n }' } }
                    - two: { fork: { branches: [ { a: { set: { n: '${ $n * 10 }' } } }, { b: { wait: PT0.02S } } ] } }
                output: { as: '${ {seen: (($input.seen // []) + [.[0].n, .[1][0].n])} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    seen: [ 1, 10, 2, 20 ]
    """

  @restart
  Scenario: A fork goes on where it was after a crash
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-13, name: crash, version: '1.0.0' }
    do:
      - both:
          fork:
            branches:
              - called: { call: http, with: { method: post, endpoint: https://fork.example/once } }
              - sleeper: { do: [ { nap: { wait: PT1.5S } }, { done: { set: { slept: true } } } ] }
    """
    And given calls to 'POST https://fork.example/once' are answered with:
    """yaml
    - body: { called: true }
    """
    When the workflow is executed
    And the workflow is waiting
    And the runtime is killed and started again
    Then the workflow should complete with output:
    """yaml
    - { called: true }
    - { slept: true }
    """
    And 'POST https://fork.example/once' should be called 1 time
