@rule-26
Feature: Started by the clock
  `schedule.cron|every|after` become schedule triggers of the workflow: five or six cron fields, UTC unless
  `metadata.tenon.timeZone`, `missed: latest`, `overlap: allow` unless said otherwise there.

  Scenario Outline: A schedule by <what> starts instances again and again, with an empty input
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: <what>, version: '1.0.0' }
    schedule: { <schedule> }
    do:
      - see: { set: { input: '${ $workflow.input }', event: '${ $event }' } }
    """
    When the workflow is deployed
    Then the workflow instances should satisfy:
    """
    length >= 2
    """
    And the workflow should complete with output:
    """yaml
    { input: {}, event: null }
    """

    Examples:
      | what  | schedule               |
      | cron  | cron: '* * * * * *'    |
      | every | every: PT1S            |
      | after | after: PT1S            |

  Scenario: A pause counts from the end of the instance, and the first one starts at once
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: pause, version: '1.0.0' }
    schedule: { after: PT1H }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be started 1 time

  Scenario: With `overlap: skip` no instance starts while another one is at work
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: skip, version: '1.0.0', metadata: { tenon: { overlap: skip } } }
    schedule: { every: PT1S }
    do:
      - pause: { wait: PT3S }
    """
    And given another workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: skip-time, version: '1.0.0' }
    do:
      - pause: { wait: PT4S }
    """
    When the workflow is deployed
    And the workflow is waiting
    And the workflow 'rule-26/skip-time' is executed
    Then the workflow 'rule-26/skip-time' should complete
    And the workflow instances should satisfy:
    """
    map(select(.state != "completed")) | length <= 1
    """

  Scenario Outline: <what> is a mistake
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: mistake, version: '1.0.0', metadata: { tenon: { <settings> } } }
    schedule: { <schedule> }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code '<code>' at '<place>'
    And the refusal should say '<says>'

    Examples:
      | what                         | settings                | schedule             | code   | place                             | says                           |
      | A schedule that is none      | priority: 5             | evry: PT5M           | TN1010 | /schedule/evry                    | did you mean `every`?          |
      | A time that never comes      | priority: 5             | cron: '0 0 30 2 *'   | TN1309 | /schedule/cron                    | never happens                  |
      | Too few fields               | priority: 5             | cron: '* * * *'      | TN1309 | /schedule/cron                    | it has 4 fields                |
      | An unknown time zone         | timeZone: Europe/Berlni | cron: '0 5 * * *'    | TN1310 | /document/metadata/tenon/timeZone | did you mean `Europe/Berlin`?  |
      | A time zone of an interval   | timeZone: Europe/Berlin | every: PT1H          | TN1015 | /document/metadata/tenon/timeZone | has no effect without          |
      | Too short an interval        | priority: 5             | every: PT0.5S        | TN1016 | /schedule/every                   | at least one second            |
      | Two at once                  | priority: 5             | every: PT1H, after: PT1H | TN1015 | /schedule                     | write a trigger of             |
