@rule-6
Feature: What is an expression
  Strict mode only: an expression is `${ … }` as the whole string; `when, if, while, in, from, as, until` may be
  bare. `{name}` in URIs is filled from the transformed input's top-level names, percent-encoded; a missing name
  is an error of type *expression* that names it.

  Scenario: Only a text that is wholly `${ … }` is an expression
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: whole, version: '1.0.0' }
    do:
      - see:
          set:
            whole: '${ .n }'
            part: 'n is ${ .n }'
            bare: .n
            spaced: '  ${ .n } '
    """
    And given the workflow input is:
    """yaml
    n: 1
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should satisfy:
    """jq
    .whole == 1 and .part == "n is ${ .n }" and .bare == ".n"
    """

  Scenario: Conditions and transformations may be bare
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: bare, version: '1.0.0' }
    do:
      - choose: { switch: [ { yes: { when: .list | length == 3, then: loop } } ], then: end }
      - loop:
          if: .list != null
          input: { from: '{list: .list, sum: 0}' }
          for: { each: n, in: .list }
          while: .sum < 3
          do:
            - add: { set: { list: '${ .list }', sum: '${ .sum + $n }' } }
          output: { as: .sum }
          export: { as: '{sum: .}' }
      - last: { set: { sum: '${ $context.sum }' } }
    """
    And given the workflow input is:
    """yaml
    list: [1, 2, 4]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    sum: 3
    """

  Scenario: The same may be wrapped
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: wrapped, version: '1.0.0' }
    do:
      - choose: { switch: [ { yes: { when: '${ .list | length == 3 }', then: loop } } ], then: end }
      - loop:
          if: '${ .list != null }'
          input: { from: '${ {list: .list, sum: 0} }' }
          for: { each: n, in: '${ .list }' }
          while: '${ .sum < 3 }'
          do:
            - add: { set: { list: '${ .list }', sum: '${ .sum + $n }' } }
          output: { as: '${ .sum }' }
    """
    And given the workflow input is:
    """yaml
    list: [1, 2, 4]
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    3
    """

  Scenario: A transformation may be an object with expressions in it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: objects, version: '1.0.0' }
    do:
      - see:
          input: { from: { id: '${ .order.id }', fixed: text } }
          set: '${ . }'
          output: { as: { got: '${ . }', deep: { id: '${ .id }' } } }
    """
    And given the workflow input is:
    """yaml
    order: { id: 7 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: { id: 7, fixed: text }
    deep: { id: 7 }
    """

  Scenario: Loose mode is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: loose, version: '1.0.0' }
    evaluate: { mode: loose }
    do:
      - see: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1020' at '/evaluate/mode'

  Scenario: Names in a URI are filled from the transformed input and percent-encoded
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: uri, version: '1.0.0' }
    do:
      - ask:
          input: { from: .order }
          call: http
          with: { method: get, endpoint: 'https://uri.example/items/{item}?q={q}&n={n}&flag={flag}' }
    """
    And given the workflow input is:
    """yaml
    order: { item: 'a b/c', q: 'ä&?', n: 7, flag: true }
    """
    And given calls to 'GET https://uri.example/items/*' are answered with:
    """yaml
    - body: found
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://uri.example/items/*' should satisfy:
    """jq
    .[0].address == "https://uri.example/items/a%20b%2Fc" and .[0].query == {q: "ä&?", n: "7", flag: "true"}
    """

  Scenario: Names in a URI are taken as they are written
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: verbatim, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: 'https://uri.example/pets/{pet.id}' } }
    """
    And given the workflow input is:
    """yaml
    pet: { id: inner }
    pet.id: outer
    """
    And given calls to 'GET https://uri.example/pets/*' are answered with:
    """yaml
    - body: found
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'GET https://uri.example/pets/*' should satisfy:
    """jq
    .[0].address == "https://uri.example/pets/outer"
    """

  Scenario: A name that is missing is an expression error that names it
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: missing, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: 'https://uri.example/pets/{petId}' } }
    """
    And given the workflow input is:
    """yaml
    pet: 1
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    instance: /do/0/ask
    """
    And the workflow error should satisfy:
    """jq
    .detail | contains("petId")
    """

  Scenario: A name whose value is an object is an expression error
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: object-in-uri, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: 'https://uri.example/pets/{pet}' } }
    """
    And given the workflow input is:
    """yaml
    pet: { id: 1 }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/expression
    status: 400
    """

  Scenario: An endpoint may be computed as a whole
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: computed-uri, version: '1.0.0' }
    do:
      - ask: { call: http, with: { method: get, endpoint: '${ "https://uri.example/computed/\(.pet.id)" }' } }
    """
    And given the workflow input is:
    """yaml
    pet: { id: 9 }
    """
    And given calls to 'GET https://uri.example/computed/9' are answered with:
    """yaml
    - body: { found: true }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    found: true
    """

  Scenario: An expression that does not compile is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-06, name: broken, version: '1.0.0' }
    do:
      - see: { set: { n: '${ .a + }' } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1201' at '/do/0/see/set/n'
