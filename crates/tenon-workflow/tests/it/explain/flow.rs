//! Flow, data, and what all tasks share.

use insta::assert_snapshot;

use super::{tasks, told};

#[test]
fn what_all_tasks_share() {
    assert_snapshot!(tasks("
  - first:
      metadata: { title: Look up the customer, description: \"Asks the\\n  CRM.\", colour: red }
      if: .id != null
      input:
        schema: { document: { type: object, required: [id, more], properties: { id: { type: [integer, 'null'], minimum: 1 } } } }
        from: { id: '${ .id }' }
      timeout: { after: PT1M30S }
      set: { a: 1 }
      output: { as: .a, schema: { document: { type: integer } } }
      export: { as: '${ {a: .} }', schema: { document: true } }
      then: second
  - second:
      timeout: short
      set: ${ . }
      then: continue
use: { timeouts: { short: { after: { days: 1, hours: 2 } } } }
"), @r#"
    1. Look up the customer (first): if `.id != null`, set the data to a = 1
       - Asks the CRM.
       - its input must be an object with id (a whole number or null, required); required: more; further rules: minimum
       - its input is: id = `.id`
       - gives up with a timeout error after 1 min 30 s
       - its output becomes `.a`
       - its output must be a whole number
       - the context becomes `{a: .}`
       - the context must then be anything
       - then go to second (2)
    2. second: set the data to `.`
       - gives up with a timeout error after 1 day 2 h (the timeout short)
       - then go on with the next task
    "#);
}

#[test]
fn data_that_fits_stands_on_one_line() {
    assert_snapshot!(tasks("
  - short: { set: { a: 1, b: text, c: '${ .x }', d: [1, true, null], e: {}, f: [], g: { h: '${ .y }' } } }
  - long:
      set:
        name: ${ .customer.name }
        quoted: \"a \\\"b\\\" ${ .x }\"
        long: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789
        list: [{ a: '${ .first.element.of.a.list }', b: 0123456789 0123456789 }, '0123456789 0123456789 0123456789 0123456789']
  - expression:
      set: |
        ${
          .a # a comment
          | .b
        }
  - lines:
      set:
        of: |
          ${ .a
             + .b }
"), @r#"
    1. short: set the data to a = 1, b = "text", c = `.x`, d = [1, true, null], e = {}, f = [], g = {h = `.y`}
    2. long: set the data to:
       - name: `.customer.name`
       - quoted: "a \"b\" ${ .x }"
       - long: "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0…"
       - list:
         - 1: a = `.first.element.of.a.list`, b = "0123456789 0123456789"
         - 2: "0123456789 0123456789 0123456789 0123456789"
    3. expression: set the data to `.a # a comment ⏎ | .b`
    4. lines: set the data to of = `.a + .b`
    "#);
}

#[test]
fn nested_tasks_are_numbered() {
    assert_snapshot!(tasks("
  - outer:
      do:
        - a: { set: { x: 1 } }
        - b: { do: [{ c: { set: { x: 2 }, then: exit } }, { d: { set: { x: 3 }, then: c } }], then: a }
      then: exit
  - last: { set: { y: 1 }, then: end }
"), @r#"
    1. outer: one after another:
       1.1 a: set the data to x = 1
       1.2 b: one after another:
         1.2.1 c: set the data to x = 2
           - then leave this list of tasks
         1.2.2 d: set the data to x = 3
           - then go to c (1.2.1)
         - then go to a (1.1)
       - then leave the workflow's tasks, which ends it
    2. last: set the data to y = 1
       - then end the workflow
    "#);
}

#[test]
fn cases() {
    assert_snapshot!(tasks("
  - size:
      switch:
        - big: { when: .total > 1000, then: ask }
        - odd: { when: '${ .total < 0 }', then: end }
        - usual: { then: continue }
  - half: { switch: [{ one: { when: .a, then: exit } }] }
  - other: { switch: [{ one: { when: .a, then: exit } }], then: size }
  - never: { switch: [{ one: { then: exit } }], then: size }
  - ask: { set: { asked: true } }
"), @r#"
    1. size: choose the first that holds:
       - big: if `.total > 1000`, go to ask (5)
       - odd: if `.total < 0`, end the workflow
       - usual: otherwise go on with the next task
    2. half: choose the first that holds:
       - one: if `.a`, leave the workflow's tasks, which ends it
       - otherwise go on with the next task
    3. other: choose the first that holds:
       - one: if `.a`, leave the workflow's tasks, which ends it
       - otherwise go to size (1)
    4. never: choose the first that holds:
       - one: otherwise leave the workflow's tasks, which ends it
       - never reached: then go to size (1)
    5. ask: set the data to asked = true
    "#);
}

#[test]
fn loops() {
    assert_snapshot!(tasks("
  - plain: { for: { in: .lines }, do: [{ one: { set: { x: '${ $item }' }, then: exit } }] }
  - named:
      for: { each: line, at: place, in: '${ .lines[] | select(.ok) }' }
      while: .left > 0
      do: [{ two: { set: { x: '${ $line }' } } }]
  - inline:
      for: { each: day, in: [monday, '${ .other }'] }
      do: [{ three: { wait: PT1S } }]
  - long:
      for: { in: [{ a: '0123456789 0123456789 0123456789 0123456789 0123456789' }, { b: '0123456789 0123456789 0123456789 0123456789 0123456789' }] }
      do: [{ four: { wait: PT1S } }]
"), @r#"
    1. plain: for each `$item` of `.lines`, one after another:
       1.1 one: set the data to x = `$item`
         - then end this iteration
    2. named: for each `$line` (counted by `$place`) of `.lines[] | select(.ok)`, while `.left > 0`, one after another:
       2.1 two: set the data to x = `$line`
    3. inline: for each `$day` of ["monday", `.other`], one after another:
       3.1 three: wait 1 s
    4. long: for each `$item` of the list, one after another:
       - the list:
         - 1: a = "0123456789 0123456789 0123456789 0123456789 0123456789"
         - 2: b = "0123456789 0123456789 0123456789 0123456789 0123456789"
       4.1 four: wait 1 s
    "#);
}

#[test]
fn branches() {
    assert_snapshot!(tasks("
  - both: { fork: { branches: [{ a: { wait: PT1S, then: continue } }, { b: { do: [{ c: { wait: PT2S } }], then: exit } }] } }
  - race: { fork: { compete: true, branches: [{ a: { wait: PT1S } }, { b: { wait: PT2S, then: end } }] } }
"), @r#"
    1. both: all of these at the same time:
       1.1 a: wait 1 s
         - then end this branch
       1.2 b: one after another:
         1.2.1 c: wait 2 s
         - then end this branch
    2. race: all of these at the same time; the first to finish wins, the others are cancelled:
       2.1 a: wait 1 s
       2.2 b: wait 2 s
         - then end the workflow
    "#);
}

#[test]
fn waiting() {
    assert_snapshot!(tasks("
  - time: { wait: { hours: 1, minutes: 30, milliseconds: 250 } }
  - week: { wait: P1W }
  - computed: { wait: '${ .delay }' }
  - moment: { wait: {}, metadata: { tenon: { until: '${ $input.due }' } } }
"), @r#"
    1. time: wait 1 h 30 min 250 ms
    2. week: wait 7 days
    3. computed: wait `.delay`
    4. moment: wait until `$input.due`
    "#);
}

#[test]
fn functions_and_extensions_have_numbers_of_their_own() {
    assert_snapshot!(told("
use:
  functions:
    double: { set: { twice: '${ .n * 2 }' }, then: exit }
    both: { do: [{ one: { call: double, with: { n: 1 } } }, { two: { call: double } }] }
  extensions:
    - logging:
        extend: all
        when: $task.name != null
        before: [{ announce: { set: { x: 1 }, then: exit } }]
        after: [{ report: { emit: { event: { with: { type: done } } } } }, { quiet: { wait: PT1S, then: exit } }]
    - nested: { extend: composite, before: [{ look: { do: [{ closer: { wait: PT1S } }] } }] }
do:
  - go: { call: both }
"), @r#"
    When somebody or another workflow starts it

    1. go: call the function both (F2)

    Functions:
    F1 double: set the data to twice = `.n * 2`
      - then leave the function
    F2 both: one after another:
      F2.1 one: call the function double (F1) with n = 1
      F2.2 two: call the function double (F1)

    Extensions:
    - logging: around every task, if `$task.name != null`:
      - before it:
        E1.1 announce: set the data to x = 1
          - then leave out the task itself; this output takes its place
      - after it:
        E1.2 report: emit an event of type done
        E1.3 quiet: wait 1 s
          - then leave the extension
    - nested: around every do and fork task:
      - before it:
        E2.1 look: one after another:
          E2.1.1 closer: wait 1 s
    "#);
}
