Feature: What is deployed and what is refused
  A construct that is not supported is refused at deploy with its JSON Pointer, never ignored at run time. Unknown
  fields are errors with a suggestion, except under `metadata`. YAML is 1.2: `on` is a key.

  Scenario Outline: <what> is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: refused, version: '1.0.0' }
    do:
      - first: <task>
    """
    When the workflow is deployed
    Then the workflow should be refused with code '<code>' at '<place>'

    Examples:
      | what                               | task                                                          | code   | place                       |
      | An unknown field                   | { set: { n: 1 }, tehn: end }                                  | TN1010 | /do/0/first/tehn            |
      | An unknown field of a call         | { call: http, with: { method: get, endpoint: 'https://a.example', hedaers: {} } } | TN1010 | /do/0/first/with/hedaers |
      | A task of no kind                  | { if: .n }                                                    | TN1017 | /do/0/first                 |
      | A task of two kinds                | { set: { n: 1 }, wait: PT1S }                                 | TN1017 | /do/0/first/wait            |
      | A field that is missing            | { call: http, with: { method: get } }                         | TN1011 | /do/0/first/with            |
      | A value of the wrong type          | { for: { in: .x }, do: {} }                                   | TN1012 | /do/0/first/do              |
      | An until inside of an until        | { listen: { to: { any: [], until: { any: [], until: .x } } } } | TN1010 | /do/0/first/listen/to/until/until |
      | A script                           | { run: { script: { language: js, code: x } } }                | TN1401 | /do/0/first/run/script      |
      | A shell command                    | { run: { shell: { command: ls } } }                           | TN1401 | /do/0/first/run/shell       |
      | A container                        | { run: { container: { image: x } } }                          | TN1401 | /do/0/first/run/container   |
      | A function of a catalog            | { call: 'log:0.5.2@global', with: { message: x } }            | TN1402 | /do/0/first/call            |

  Scenario: What is refused comes with a suggestion
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: suggestion, version: '1.0.0' }
    use: { retires: {} }
    do:
      - first: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1010' at '/use/retires'
    And the refusal should say 'did you mean `retries`?'

  Scenario: Two tasks in one item of a list are refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: two-in-one, version: '1.0.0' }
    do:
      - first: { set: { n: 1 } }
        second: { set: { n: 2 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1018' at '/do/0/second'

  Scenario: A key that is given twice is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: twice, version: '1.0.0' }
    do:
      - first: { set: { n: 1, n: 2 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1004' at '/do/0/first/set/n'

  Scenario: Another version of the language is refused
    Given a workflow with definition:
    """yaml
    document: { dsl: '2.0.0', namespace: documents, name: version, version: '1.0.0' }
    do:
      - first: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1019' at '/document/dsl'

  Scenario: Under `metadata` everything is allowed
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: metadata, version: '1.0.0', metadata: { owner: { team: blue }, on: call } }
    do:
      - first: { set: { n: 1 }, metadata: { title: One, whatever: [ 1, 2 ] } }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 1
    """

  Scenario: A document may be JSON
    Given a workflow with definition:
    """json
    {
      "document": { "dsl": "1.0.3", "namespace": "documents", "name": "json", "version": "1.0.0" },
      "do": [ { "first": { "set": { "n": "${ 1 + 1 }" } } } ]
    }
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 2
    """

  Scenario: Anchors and aliases are read
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: documents, name: aliases, version: '1.0.0' }
    do:
      - first: &task { set: { n: 1 } }
      - second: *task
    """
    When the workflow is executed
    Then the workflow should complete with output:
    """yaml
    n: 1
    """
