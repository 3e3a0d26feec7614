//! Events that are emitted and waited for.

use insta::assert_snapshot;

use super::tasks;

#[test]
fn emitting() {
    assert_snapshot!(tasks("
  - tell:
      emit:
        event:
          with: { type: com.acme.shipped, source: 'https://acme.example', subject: '${ .id }', time: '2027-01-01T00:00:00Z', data: { order: '${ .id }' }, weight: 3 }
"), @r#"
    1. tell: emit an event of type com.acme.shipped from https://acme.example
       - subject: `.id`
       - time: "2027-01-01T00:00:00Z"
       - data: order = `.id`
       - weight: 3
    "#);
}

#[test]
fn which_events() {
    assert_snapshot!(tasks("
  - one: { listen: { to: { one: { with: { type: 'com\\.acme\\..*', source: '${ .from }', subject: x, data: .total > 1 } } } } }
  - any: { listen: { to: { any: [{ with: { id: '1' } }, { with: { type: b, data: { a: 1 } } }] } } }
  - only: { listen: { to: { all: [{ with: { type: a, weight: 3, time: 'x|y' } }] } } }
  - none: { listen: { to: { all: [] } } }
"), @r#"
    1. one: wait for an event from `.from` whose type matches `com\.acme\..*`, whose subject is x and whose data satisfies `.total > 1`
    2. any: wait for any of these events:
       - an event whose id is 1
       - an event of type b whose data is a = 1
    3. only: wait for an event of type a whose weight is 3 and whose time matches `x|y`
    4. none: wait for no event
    "#);
}

#[test]
fn until_and_correlation() {
    assert_snapshot!(tasks("
  - condition: { listen: { to: { any: [], until: '${ length == 3 }' }, read: raw } }
  - events:
      listen:
        to:
          any: [{ with: { type: a } }, { with: { type: b } }]
          until: { all: [{ with: { type: c } }, { with: { type: d } }] }
  - correlated:
      listen:
        to:
          all:
            - { with: { type: a }, correlate: { room: { from: .data.room }, floor: { from: .data.floor, expect: '${ .floor }' } } }
            - { with: { type: b }, correlate: { room: { from: .subject } } }
        read: data
"), @r#"
    1. condition: collect any event, until `length == 3`
       - gives each event's data as it came
    2. events: collect any of these events, until an event of type c and an event of type d arrive:
       - an event of type a
       - an event of type b
    3. correlated: wait for all of these events:
       - an event of type a whose room (`.data.room`) is the same in all of them and whose floor (`.data.floor`) is `.floor`
       - an event of type b whose room (`.subject`) is the same in all of them
       - gives each event's data
    "#);
}

#[test]
fn each_event() {
    assert_snapshot!(tasks("
  - each:
      listen: { to: { any: [], until: { one: { with: { type: stop } } } }, read: envelope }
      foreach:
        item: event
        at: place
        do: [{ keep: { set: { x: '${ $event }' }, then: exit } }]
        output: { as: .x }
        export: { as: '${ $context + . }' }
  - plain: { listen: { to: { any: [] } }, foreach: {} }
"), @r#"
    1. each: collect any event, until an event of type stop arrives
       - gives each whole event, with its envelope
       - for each event, as `$event` (counted by `$place`), one after another:
         1.1 keep: set the data to x = `$event`
           - then end this iteration
         - its output becomes `.x`
         - the context becomes `$context + .`
    2. plain: wait for any event
       - for each event, as `$item`, one after another
    "#);
}
