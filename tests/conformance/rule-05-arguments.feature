@rule-5
Feature: Arguments of expressions
  `$input, $output, $context, $steps, $event, $secrets, $authorization, $task, $workflow, $runtime`, loop and
  catch variables, scoped as the specification's table says. `$secrets` and `$authorization` are readable only in
  the arguments of effects (`call`, `run`) and in authentication. With `output: response` the echoed request has
  its credentials redacted. Variables of kind `config` are read as `{"$variable": "name"}` in the arguments of
  effects; the version used is part of the outcome.

  Scenario: The workflow, the task and the runtime describe themselves
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: descriptors, version: '1.2.3' }
    input: { from: .order }
    do:
      - see:
          input: { from: .id }
          set:
            task: '${ {name: $task.name, reference: $task.reference, input: $task.input, kind: ($task.definition | keys)} }'
            workflow: '${ {version: $workflow.definition.document.version, input: $workflow.input} }'
            hasId: '${ ($workflow.id | type) == "string" }'
            hasRuntime: '${ ($runtime.name | type) == "string" and ($runtime.version | type) == "string" }'
            moments: '${ [$workflow.startedAt, $task.startedAt] | map((.iso8601 | type) == "string" and (.epoch.seconds | type) == "number" and (.epoch.milliseconds | type) == "number") | all }'
    """
    And given the workflow input is:
    """yaml
    order: { id: 7 }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    task: { name: see, reference: /do/0/see, input: { id: 7 }, kind: [ input, set ] }
    workflow: { version: 1.2.3, input: { order: { id: 7 } } }
    hasId: true
    hasRuntime: true
    moments: true
    """

  Scenario: A task's raw output is `$task.output`
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: raw-output, version: '1.0.0' }
    do:
      - see:
          set: { n: 1 }
          output: { as: '${ {raw: $task.output, dot: .} }' }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    raw: { n: 1 }
    dot: { n: 1 }
    """

  Scenario: Loop variables have a value inside their loop
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: loop-variables, version: '1.0.0' }
    do:
      - loop:
          for: { each: letter, in: '${ ["a", "b"] }', at: place }
          do:
            - note: { set: { text: '${ (.text // "") + $letter + ($place | tostring) }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    text: a0b1
    """

  Scenario Outline: A variable has no value elsewhere: <where>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: elsewhere, version: '1.0.0' }
    do:
      - see: { <task> }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1202' at '/do/0/see/<place>'

    Examples:
      | where                            | task                                            | place      |
      | the output in the body           | set: { n: '${ $output }' }                      | set/n      |
      | the output in output.as          | set: { n: 1 }, output: { as: '${ $output }' }   | output/as  |
      | the transformed input in if      | if: '${ $input.n }', set: { n: 1 }              | if         |
      | the transformed input in from    | input: { from: '${ $input }' }, set: { n: 1 }   | input/from |

  Scenario Outline: A variable that nothing has declared is refused: <what>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: undeclared, version: '1.0.0' }
    do:
      - see: { set: { n: '${ <variable> }' } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1201' at '/do/0/see/set/n'

    Examples:
      | what                            | variable |
      | a loop's item outside of a loop | $item    |
      | an error outside of a catch     | $error   |
      | the environment                 | $ENV     |

  Scenario: The event is null in a workflow that was started otherwise
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: no-event, version: '1.0.0' }
    do:
      - see: { set: { event: '${ $event }', type: '${ $event.type }' } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    event: null
    type: null
    """

  Scenario Outline: A secret cannot enter the data: <where>
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: no-secrets, version: '1.0.0' }
    use: { secrets: [token] }
    do:
      - see: { <task> }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1203' at '/do/0/see/<place>'

    Examples:
      | where               | task                                                   | place      |
      | set                 | set: { n: '${ $secrets.token }' }                      | set/n      |
      | if                  | if: '${ $secrets.token == "x" }', set: { n: 1 }        | if         |
      | input.from          | input: { from: '${ $secrets }' }, set: { n: 1 }        | input/from |
      | output.as           | set: { n: 1 }, output: { as: '${ $secrets.token }' }   | output/as  |
      | export.as           | set: { n: 1 }, export: { as: '${ $secrets }' }         | export/as  |
      | authorization       | set: { n: '${ $authorization.parameter }' }            | set/n      |

  @needs-secrets
  Scenario: A secret is read in the arguments of a call, and is shown nowhere
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: secret-header, version: '1.0.0' }
    use: { secrets: [shopToken] }
    do:
      - ask:
          call: http
          with:
            method: post
            endpoint: https://shop.arguments.example/orders
            headers: { X-Token: '${ $secrets.shopToken }' }
            body: { token: '${ "<" + $secrets.shopToken + ">" }' }
    """
    And given the secret 'shopToken' is:
    """yaml
    s3cr3t-of-the-shop
    """
    And given calls to 'POST https://shop.arguments.example/orders' are answered with:
    """yaml
    - body: { echoed: s3cr3t-of-the-shop, ok: true }
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://shop.arguments.example/orders' should satisfy:
    """jq
    .[0].headers["x-token"] == "s3cr3t-of-the-shop" and .[0].body.token == "<s3cr3t-of-the-shop>"
    """
    And the workflow output should satisfy:
    """jq
    .ok and (tostring | contains("s3cr3t") | not)
    """
    And ask should satisfy:
    """jq
    tostring | contains("s3cr3t") | not
    """

  @needs-secrets
  Scenario: A new value of a secret is used by the next call
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: new-secret, version: '1.0.0' }
    use: { secrets: [doorCode] }
    do:
      - knock:
          call: http
          with:
            method: get
            endpoint: https://door.arguments.example/
            headers: { X-Code: '${ $secrets.doorCode }' }
      - pause: { listen: { to: { one: { with: { type: example.arguments.go } } } } }
      - again:
          call: http
          with:
            method: get
            endpoint: https://door.arguments.example/
            headers: { X-Code: '${ $secrets.doorCode }' }
    """
    And given the secret 'doorCode' is:
    """yaml
    first-code
    """
    And given calls to 'GET https://door.arguments.example/' are answered with:
    """yaml
    - body: open
    """
    When the workflow is executed
    And the workflow is waiting
    And given the secret 'doorCode' is:
    """yaml
    second-code
    """
    And this event is published:
    """yaml
    type: example.arguments.go
    """
    Then the workflow should complete
    And the calls to 'GET https://door.arguments.example/' should satisfy:
    """jq
    map(.headers["x-code"]) == ["first-code", "second-code"]
    """

  @needs-secrets
  Scenario: A secret that nobody has set is an authorization error of the call
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: missing-secret, version: '1.0.0' }
    use: { secrets: [neverSet] }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: https://shop.arguments.example/none
            headers: { X-Token: '${ $secrets.neverSet }' }
    """
    When the workflow is executed
    Then the workflow should fault with error:
    """yaml
    type: https://open-workflow-specification.org/spec/1.0.0/errors/authorization
    status: 403
    instance: /do/0/ask
    """

  Scenario: A secret that the document does not list is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: unlisted-secret, version: '1.0.0' }
    use: { secrets: [listed] }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: https://shop.arguments.example/none
            headers: { X-Token: '${ $secrets.unlisted }', X-Listed: '${ $secrets.listed }' }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1103' at '/do/0/ask/with/headers/X-Token'

  @needs-authentication
  Scenario: The resolved authorization is readable in the arguments of its call
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: authorization, version: '1.0.0' }
    use:
      secrets: [robotPassword]
    do:
      - ask:
          call: http
          with:
            method: post
            endpoint:
              uri: https://bank.arguments.example/login
              authentication: { basic: { username: robot, password: '${ $secrets.robotPassword }' } }
            body: { scheme: '${ $authorization.scheme }', parameter: '${ $authorization.parameter }' }
    """
    And given the secret 'robotPassword' is:
    """yaml
    iron-and-oil
    """
    And given calls to 'POST https://bank.arguments.example/login' are answered with:
    """yaml
    - body: welcome
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://bank.arguments.example/login' should satisfy:
    """jq
    .[0].body.scheme == "Basic" and .[0].body.parameter == ("robot:iron-and-oil" | @base64)
      and .[0].headers.authorization == "Basic " + ("robot:iron-and-oil" | @base64)
    """

  @needs-authentication
  Scenario: The echoed request has its credentials redacted
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: redacted, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: get
            endpoint: https://bank.arguments.example/balance
            headers: { Authorization: Bearer abcdef-123456, X-Plain: visible }
            output: response
          output: { as: '${ .request.headers | with_entries(.key |= ascii_downcase) }' }
    """
    And given calls to 'GET https://bank.arguments.example/balance' are answered with:
    """yaml
    - body: 1
    """
    When the workflow is executed
    Then the workflow should complete
    And the workflow output should satisfy:
    """jq
    .["x-plain"] == "visible" and (.authorization | contains("abcdef") | not)
    """

  @needs-variables
  Scenario: A config variable is read in the arguments of a call, and the trace says which version
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: variables, version: '1.0.0' }
    do:
      - ask:
          call: http
          with:
            method: post
            endpoint: https://shop.arguments.example/region
            body: { region: { $variable: shopRegion } }
    """
    And given the variable 'shopRegion' is:
    """yaml
    { name: north, zones: [1, 2] }
    """
    And given calls to 'POST https://shop.arguments.example/region' are answered with:
    """yaml
    - body: ok
    """
    When the workflow is executed
    Then the workflow should complete
    And the calls to 'POST https://shop.arguments.example/region' should satisfy:
    """jq
    .[0].body == {region: {name: "north", zones: [1, 2]}}
    """
    And ask should satisfy:
    """jq
    .attempts[0].used | map([.name, (.version | type)]) == [["shopRegion", "number"]]
    """

  Scenario: A config variable cannot be read elsewhere
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: variable-in-set, version: '1.0.0' }
    do:
      - see: { set: { region: { $variable: shopRegion } } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1206' at '/do/0/see/set/region/$variable'

  @needs-variables
  Scenario: A config variable may be handed to another workflow
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: hands-on, version: '1.0.0' }
    do:
      - child:
          run: { workflow: { namespace: rule-05, name: gets, version: '1.0.0', input: { city: { $variable: shopCity } } } }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: gets, version: '1.0.0' }
    do:
      - see: { set: { got: '${ .city }' } }
    """
    And given the variable 'shopCity' is:
    """yaml
    Ghent
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    got: Ghent
    """

  Scenario: A secret cannot be handed to another workflow, where it would be data
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-05, name: hands-secret-on, version: '1.0.0' }
    use: { secrets: [token] }
    do:
      - child:
          run: { workflow: { namespace: rule-05, name: gets, version: '1.0.0', input: { token: '${ $secrets.token }' } } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1203' at '/do/0/child/run/workflow/input/token'
