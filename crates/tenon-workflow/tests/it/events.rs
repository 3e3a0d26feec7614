//! `listen`, `fork`, `run: workflow` and extensions: what they become.

use serde_json::{Value, json};
use tenon_workflow::{
    Action, BlockId, EventTypes, Extends, Listen, ListenFilter, Match, Program, ReadAs, Strategy, Task, Then,
    Until,
};

use crate::documents::{accepted, program, refused, says};

fn task(fields: &str) -> String {
    format!("do:\n  - a:\n      {}\n", fields.replace('\n', "\n      "))
}

fn first(program: &Program) -> &Task {
    program.task(program.block(program.body).tasks[0])
}

#[track_caller]
fn listen(program: &Program) -> &Listen {
    match &first(program).action {
        Action::Listen(listen) => listen,
        other => panic!("not a listen: {other:?}"),
    }
}

fn types(filters: &[ListenFilter]) -> Vec<EventTypes> {
    filters.iter().map(|filter| filter.filter.event_types()).collect()
}

fn exact(name: &str) -> EventTypes {
    EventTypes::Exact(name.to_owned())
}

fn names(program: &Program, block: BlockId) -> Vec<&str> {
    program.block(block).tasks.iter().map(|task| program.task(*task).name.as_str()).collect()
}

// --- listen ---

#[test]
fn strategies() {
    let one = program(&task("listen: {to: {one: {with: {type: x}}}, read: envelope}"));
    assert!(matches!(&listen(&one).to, Strategy::One(filter) if filter.filter.event_types() == exact("x")));
    assert_eq!(listen(&one).read, ReadAs::Envelope);
    assert!(listen(&one).until.is_none() && listen(&one).foreach.is_none());
    let all = program(&task("listen: {to: {all: [{with: {type: x}}, {with: {source: y}}]}}"));
    let Strategy::All(filters) = &listen(&all).to else { panic!("not all") };
    assert_eq!(types(filters), [exact("x"), EventTypes::Any]);
    assert_eq!(listen(&all).read, ReadAs::Data);
    let any = program(&task("listen: {to: {any: []}}"));
    assert!(matches!(&listen(&any).to, Strategy::Any(filters) if filters.is_empty()));
}

#[test]
fn until() {
    let condition = program(&task("listen: {to: {any: [], until: '( . | length ) > 3'}}"));
    let Some(Until::Condition(expr)) = &listen(&condition).until else { panic!("not a condition") };
    assert_eq!(expr.source(), "( . | length ) > 3");
    let consumed =
        program(&task("listen: {to: {any: [{with: {type: x}}], until: {one: {with: {type: y}}}}}"));
    let Some(Until::Consumed(Strategy::One(filter))) = &listen(&consumed).until else { panic!("not one") };
    assert_eq!(filter.filter.event_types(), exact("y"));
    refused(&task("listen: {to: {one: {with: {type: x}}, until: .x}}"), &["8 /do/0/a/listen/to TN1015"]);
    refused(
        &task("listen: {to: {any: [], until: {any: [], until: .x}}}"),
        &["8 /do/0/a/listen/to/until/until TN1010"],
    );
}

#[test]
fn attributes_can_be_computed_where_there_is_a_job() {
    let program = program(&task(
        "listen:\n  to:\n    one:\n      with: {type: x, subject: '${ .order.id }', priority: 5, data: '${ .total > 5 }'}\n      correlate:\n        room: {from: .roomid, expect: '${ .room }'}\n        floor: {from: .data.floor}",
    ));
    let Strategy::One(filter) = &listen(&program).to else { panic!("not one") };
    let attributes = &filter.filter.attributes;
    assert!(matches!(&attributes[0], (name, Match::Equals(wanted)) if name == "type" && wanted == "x"));
    assert!(matches!(&attributes[1], (name, Match::Computed(_)) if name == "subject"));
    assert!(matches!(&attributes[2], (_, Match::Equals(wanted)) if *wanted == json!(5)));
    assert_eq!(filter.filter.data.as_ref().map(tenon_expr::Expr::source), Some(".total > 5"));
    let keys: Vec<_> = filter
        .correlate
        .iter()
        .map(|key| (key.name.as_str(), key.from.source(), key.expect.is_some()))
        .collect();
    assert_eq!(keys, [("room", ".roomid", true), ("floor", ".data.floor", false)]);
    let envelope = json!({"type": "x", "subject": "7", "priority": 5, "data": {"total": 6}});
    let matches = |input: Value| {
        filter.filter.matches(&envelope, &input, &Nothing, &tenon_expr::Limits::default()).expect("no error")
    };
    assert!(matches(json!({"order": {"id": "7"}})));
    assert!(!matches(json!({"order": {"id": "8"}})));
}

struct Nothing;

impl tenon_expr::Scope for Nothing {
    fn variable(&self, _: &str) -> Option<std::borrow::Cow<'_, Value>> {
        None
    }

    fn now(&self) -> f64 {
        0.0
    }
}

#[test]
fn foreach() {
    let all = program(&task(
        "listen: {to: {any: []}}\nforeach:\n  item: e\n  at: i\n  do:\n    - b: {set: '${ [$e, $i] }', then: c}\n    - c: {set: {x: 1}}\n  output: {as: '${ [., $e] }'}\n  export: {as: '${ $context + {i: $i} }'}",
    ));
    let foreach = listen(&all).foreach.as_ref().expect("a foreach");
    assert_eq!((foreach.item.as_str(), foreach.at.as_str()), ("e", "i"));
    assert_eq!(names(&all, foreach.body.expect("tasks")), ["b", "c"]);
    assert!(foreach.output.r#as.is_some() && foreach.export.is_some());
    let none = program(&task("listen: {to: {any: []}}\nforeach: {output: {as: $item.x}}"));
    let foreach = listen(&none).foreach.as_ref().expect("a foreach");
    assert_eq!((foreach.item.as_str(), foreach.at.as_str(), foreach.body), ("item", "index", None));
    refused(
        &task("listen: {to: {any: []}}\nforeach:\n  item: e\n  do:\n    - b:\n        set: '${ $x }'"),
        &["13 /do/0/a/foreach/do/0/b/set TN1201"],
    );
    refused(
        &task("listen: {to: {any: []}}\nforeach: {item: e}\noutput: {as: $e}"),
        &["10 /do/0/a/output/as TN1201"],
    );
}

// --- fork ---

#[test]
fn branches() {
    let program = program(&task(
        "fork:\n  compete: true\n  branches:\n    - b: {set: {x: 1}, then: exit}\n    - c: {do: [{d: {set: {y: 1}}}]}",
    ));
    let Action::Fork(fork) = &first(&program).action else { panic!("not a fork") };
    assert!(fork.compete);
    let branches: Vec<_> = fork
        .branches
        .iter()
        .map(|branch| {
            let [task] = program.block(*branch).tasks[..] else { panic!("not one task") };
            let task = program.task(task);
            assert_eq!((task.block, task.position), (*branch, 0));
            (task.pointer.as_str(), task.then)
        })
        .collect();
    let expected = [("/do/0/a/fork/branches/0/b", Then::Exit), ("/do/0/a/fork/branches/1/c", Then::Continue)];
    assert_eq!(branches, expected);
}

#[test]
fn branches_cannot_jump() {
    let branches = |then: &str| {
        task(&format!(
            "fork:\n  branches:\n    - b: {{set: {{x: 1}}, then: {then}}}\n    - c: {{set: {{y: 1}}}}"
        ))
    };
    for then in ["continue", "exit", "end"] {
        accepted(&branches(then));
    }
    refused(&branches("c"), &["10 /do/0/a/fork/branches/0/b/then TN1102"]);
    says(
        &branches("c"),
        "`c` is another branch, which runs at the same time",
        Some(
            "`then` of a branch is `continue`, `exit` or `end`; put tasks that follow one another into a `do`",
        ),
    );
    refused(&branches("a"), &["10 /do/0/a/fork/branches/0/b/then TN1102"]);
    refused(
        &task("fork:\n  branches:\n    - b: {switch: [{x: {then: c}}]}\n    - c: {set: {y: 1}}"),
        &["10 /do/0/a/fork/branches/0/b/switch/0/x/then TN1102"],
    );
    accepted(&task("fork:\n  branches:\n    - b: {do: [{c: {set: {x: 1}, then: d}}, {d: {set: {x: 1}}}]}"));
    refused(&task("fork: {branches: []}"), &["8 /do/0/a/fork/branches TN1016"]);
}

// --- run: workflow ---

#[test]
fn other_workflows() {
    let run = |fields: &str| {
        let program =
            program(&task(&format!("run: {{workflow: {{namespace: n, name: w, version: latest{fields}")));
        match &program.tasks[0].action {
            Action::RunWorkflow(run) => (
                format!("{}/{}:{}", run.namespace, run.name, run.version),
                run.input.is_some(),
                run.is_awaited,
            ),
            other => panic!("not a run: {other:?}"),
        }
    };
    let name = || "n/w:latest".to_owned();
    assert_eq!(run("}}"), (name(), false, true));
    assert_eq!(run(", input: {x: '${ .y }'}}, await: false}"), (name(), true, false));
    assert_eq!(run(", input: '${ . }'}, await: true}"), (name(), true, true));
    refused(
        &task("run: {workflow: {namespace: n, name: w, version: 1.0.0}, return: stdout}"),
        &["8 /do/0/a/run TN1015"],
    );
}

// --- extensions ---

const EXTENDED: &str = "\
use:
  extensions:
    - log: {extend: all, before: [{l: {call: f}}]}
    - mock: {extend: call, when: '$task.with.x != null', before: [{m: {set: {x: 1}, then: exit}}], after: [{n: {set: {x: 1}}}]}
  functions:
    f: {do: [{g: {call: h}}]}
    h: {set: {x: 1}}
do:
  - a: {call: f}
  - b: {set: {x: 1}}
  - c: {fork: {branches: [{d: {set: {x: 1}}}]}}
";

#[test]
fn extensions_surround_tasks() {
    let program = program(EXTENDED);
    let extensions: Vec<_> = program
        .extensions
        .iter()
        .map(|extension| (extension.name.as_str(), extension.extends, extension.when.is_some()))
        .collect();
    assert_eq!(extensions, [("log", Extends::All, false), ("mock", Extends::Call, true)]);
    let [log, mock] = &program.extensions[..] else { panic!("not two") };
    assert_eq!((names(&program, log.before.expect("tasks")), log.after), (vec!["l"], None));
    assert_eq!(names(&program, mock.after.expect("tasks")), ["n"]);
    let of = |pointer: &str| -> Vec<&[usize]> {
        let tasks = program.tasks.iter().filter(|task| task.pointer == pointer);
        tasks.map(|task| task.extensions.as_slice()).collect()
    };
    assert_eq!(of("/do/0/a"), [[0, 1]]);
    assert_eq!(of("/do/1/b"), [[0]]);
    assert_eq!(of("/do/2/c"), [[0]]);
    assert_eq!(of("/do/2/c/fork/branches/0/d"), [[0]]);
    // Functions that both tasks and extensions call are there twice: extended, and not.
    assert_eq!(of("/use/functions/f"), [&[0][..], &[]]);
    assert_eq!(of("/use/functions/f/do/0/g"), [&[0, 1][..], &[]]);
    assert_eq!(of("/use/extensions/0/log/before/0/l"), [&[] as &[usize]]);
    assert_eq!(of("/use/extensions/1/mock/before/0/m"), [&[] as &[usize]]);
}

#[test]
fn an_extension_that_its_own_tasks_call_for_ends() {
    // `log` surrounds calls and calls a function that calls: without a rule, that would never end.
    let program = program(
        "use:\n  extensions:\n    - log: {extend: call, before: [{l: {call: f}}], after: [{m: {call: f}}]}\n  functions:\n    f: {call: g}\n    g: {set: {x: 1}}\ndo:\n  - a: {call: f}\n",
    );
    assert_eq!(program.tasks.len(), 7);
    refused(
        "use:\n  extensions:\n    - log: {extend: call, before: [{l: {call: f}}]}\n  functions:\n    f: {call: f}\ndo: []\n",
        &["10 /use/functions/f/call TN1105"],
    );
}

#[test]
fn every_kind_can_be_extended() {
    for (extend, fields) in [
        ("call", "call: http\nwith: {method: get, endpoint: 'http://x'}"),
        ("composite", "do: []"),
        ("composite", "fork: {branches: [{b: {set: {x: 1}}}]}"),
        ("emit", "emit: {event: {with: {type: x}}}"),
        ("for", "for: {in: .x}\ndo: []"),
        ("listen", "listen: {to: {any: []}}"),
        ("raise", "raise: {error: {type: x, status: 400}}"),
        ("run", "run: {workflow: {namespace: n, name: w, version: latest}}"),
        ("set", "set: {x: 1}"),
        ("switch", "switch: [{x: {then: exit}}]"),
        ("try", "try: []\ncatch: {}"),
        ("wait", "wait: PT1S"),
    ] {
        let extensions = |extend: &str| {
            let parts = format!("use: {{extensions: [{{e: {{extend: {extend}}}}}]}}\n{}", task(fields));
            first(&program(&parts)).extensions.clone()
        };
        assert_eq!(extensions(extend), [0], "{fields}");
        assert_eq!(extensions("all"), [0], "{fields}");
        let other = if extend == "set" { "wait" } else { "set" };
        assert!(extensions(other).is_empty(), "{fields}");
    }
}
