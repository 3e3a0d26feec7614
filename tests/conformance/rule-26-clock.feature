@rule-26
Feature: Started by the clock
  `schedule.cron|every|after` become schedule triggers of the workflow: five or six cron fields, UTC unless
  `metadata.tenon.timeZone`, `missed: latest`, `overlap: allow` unless said otherwise there. This version has no
  schedule triggers yet: it refuses such a document and says what to do instead.

  Scenario Outline: A schedule by <what> is refused with a reason
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: clock, version: '1.0.0' }
    schedule: { <schedule> }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1403' at '/schedule/<what>'
    And the refusal should say 'schedule triggers'

    Examples:
      | what  | schedule              |
      | cron  | cron: '*/5 * * * *'   |
      | every | every: PT5M           |
      | after | after: PT5M           |

  Scenario: Its settings are refused, too, rather than ignored
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: zone, version: '1.0.0', metadata: { tenon: { timeZone: Europe/Berlin } } }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1403' at '/document/metadata/tenon/timeZone'

  Scenario: A schedule that is none is a mistake
    Given a workflow with definition:
    """yaml
    document: { dsl: '1.0.3', namespace: rule-26, name: mistake, version: '1.0.0' }
    schedule: { evry: PT5M }
    do:
      - one: { set: { n: 1 } }
    """
    When the workflow is deployed
    Then the workflow should be refused with code 'TN1010' at '/schedule/evry'
    And the refusal should say 'did you mean `every`?'
