//! What each construct becomes.

use std::time::Duration;

use serde_json::json;
use tenon_workflow::{
    Action, Backoff, EventTypes, HttpOutput, Match, OnFailure, Program, RateLimit, ReadAs, Span, Task, Then,
    Wait,
};

use crate::documents::{findings, program, workflow};

fn first(program: &Program) -> &Task {
    program.task(program.block(program.body).tasks[0])
}

#[track_caller]
fn task(fields: &str) -> (Program, usize) {
    let program = program(&format!("do:\n  - a:\n      {}\n", fields.replace('\n', "\n      ")));
    let index = first(&program).id.0 as usize;
    (program, index)
}

#[test]
fn a_workflow() {
    let program = program(
        "input: {schema: {document: {type: object}}, from: .a}\noutput: {as: {x: '${ .b }'}, schema: {document: {}}}\ntimeout: {after: PT1M}\ndo: []\n",
    );
    assert_eq!(program.name.namespace, "test");
    assert_eq!(program.name.name, "test");
    assert_eq!(program.name.version, "1.0.0");
    assert_eq!(program.definition["input"]["from"], json!(".a"));
    assert!(program.input.schema.is_some() && program.input.from.is_some());
    assert!(program.output.schema.is_some() && program.output.r#as.is_some());
    assert!(matches!(program.timeout, Some(Span::Fixed(time)) if time == Duration::from_mins(1)));
    assert!(program.block(program.body).tasks.is_empty());
    assert!(program.subscription.is_none());
    assert_eq!(program.settings.priority, 5);
    assert_eq!(program.settings.dedup_for, Duration::from_hours(24));
    assert_eq!(program.settings.keep_jobs, None);
}

#[test]
fn what_all_tasks_have() {
    let (program, index) = task(
        "if: .x\ninput: {from: .y, schema: {document: {}}}\noutput: {as: .z}\nexport: {schema: {document: {}}}\ntimeout: {after: '${ .t }'}\nset: {v: 1}\nthen: end",
    );
    let task = &program.tasks[index];
    assert_eq!((task.name.as_str(), task.pointer.as_str(), task.position), ("a", "/do/0/a", 0));
    assert_eq!(task.block, program.body);
    assert_eq!(program.definition_of(task)["set"], json!({"v": 1}));
    assert!(task.condition.is_some());
    assert!(task.input.from.is_some() && task.input.schema.is_some());
    assert!(task.output.r#as.is_some() && task.output.schema.is_none());
    assert!(task.export.as_ref().is_some_and(|export| export.r#as.is_none() && export.schema.is_some()));
    assert!(matches!(task.timeout, Some(Span::Computed(_))));
    assert_eq!(task.then, Then::End);
    let (program, index) = self::task("set: {v: 1}");
    let plain = &program.tasks[index];
    assert!(plain.condition.is_none() && plain.export.is_none() && plain.timeout.is_none());
    assert_eq!(plain.then, Then::Continue);
}

#[test]
fn blocks_and_jumps() {
    let program = program(
        "do:\n  - a:\n      do:\n        - b: {set: {x: 1}, then: c}\n        - c: {set: {x: 1}, then: exit}\n  - d: {set: {x: 1}, then: a}\n",
    );
    let outer = program.block(program.body);
    assert_eq!(outer.tasks.len(), 2);
    let Action::Do(inner) = program.task(outer.tasks[0]).action else { panic!("not a block") };
    let names: Vec<_> = program
        .block(inner)
        .tasks
        .iter()
        .map(|id| (program.task(*id).name.as_str(), program.task(*id).then))
        .collect();
    assert_eq!(names, [("b", Then::Jump(1)), ("c", Then::Exit)]);
    assert_eq!(program.task(outer.tasks[1]).then, Then::Jump(0));
    assert_eq!(program.task(program.block(inner).tasks[1]).pointer, "/do/0/a/do/1/c");
    for (index, task) in program.tasks.iter().enumerate() {
        assert_eq!(task.id.0 as usize, index);
        assert_eq!(program.block(task.block).tasks[task.position], task.id);
    }
}

#[test]
fn call_http() {
    let (program, index) = task(
        "call: http\nwith:\n  method: POST\n  endpoint: {uri: 'https://x/{id}'}\n  headers: {a: b, c: 1}\n  query: ${ .q }\n  body: {d: '${ .d }'}\n  output: response\n  redirect: true",
    );
    let Action::CallHttp(call) = &program.tasks[index].action else { panic!("not a call") };
    assert!(call.method.is_literal());
    assert_eq!(call.endpoint.source(), "https://x/{id}");
    assert!(call.headers.as_ref().is_some_and(tenon_expr::Template::is_literal));
    assert!(call.query.as_ref().is_some_and(|query| !query.is_literal()));
    assert!(call.body.is_some() && call.redirect);
    assert_eq!(call.output, HttpOutput::Response);
    let (program, index) = task("call: http\nwith: {method: get, endpoint: '${ .url }'}");
    let Action::CallHttp(call) = &program.tasks[index].action else { panic!("not a call") };
    assert!(call.headers.is_none() && call.query.is_none() && call.body.is_none() && !call.redirect);
    assert_eq!(call.output, HttpOutput::Content);
}

#[test]
fn set_and_emit() {
    let (program, index) = task("set: ${ .x }");
    assert!(matches!(&program.tasks[index].action, Action::Set(set) if !set.is_literal()));
    let (program, index) = task("set: {x: {y: [1, '${ .z }']}}");
    assert!(matches!(&program.tasks[index].action, Action::Set(set) if !set.is_literal()));
    let (program, index) =
        task("emit: {event: {with: {type: a.b, subject: '${ .s }', data: {c: '${ .d }'}, ext: 1}}}");
    assert!(matches!(&program.tasks[index].action, Action::Emit(emit) if !emit.event.is_literal()));
}

#[test]
fn for_each() {
    let (program, index) =
        task("for: {each: line, at: i, in: .lines}\nwhile: $i < 3\ndo:\n  - b: {set: {x: '${ $line }'}}");
    let Action::For(each) = &program.tasks[index].action else { panic!("not a loop") };
    assert_eq!((each.each.as_str(), each.at.as_str()), ("line", "i"));
    assert!(each.r#while.is_some() && !each.r#in.is_literal());
    assert_eq!(program.block(each.body).tasks.len(), 1);
    let (program, index) = task("for: {in: [1, {a: '${ .b }'}]}\ndo: []");
    let Action::For(each) = &program.tasks[index].action else { panic!("not a loop") };
    assert_eq!((each.each.as_str(), each.at.as_str()), ("item", "index"));
    assert!(each.r#while.is_none() && !each.r#in.is_literal());
}

#[test]
fn switch() {
    let program = program(
        "do:\n  - s:\n      switch:\n        - one: {when: .x, then: b}\n        - other: {then: exit}\n      then: end\n  - b: {set: {x: 1}}\n",
    );
    let task = first(&program);
    let Action::Switch(cases) = &task.action else { panic!("not a switch") };
    let cases: Vec<_> =
        cases.iter().map(|case| (case.name.as_str(), case.when.is_some(), case.then)).collect();
    assert_eq!(cases, [("one", true, Then::Jump(1)), ("other", false, Then::Exit)]);
    assert_eq!(task.then, Then::End);
}

#[test]
fn try_with_everything() {
    let program = program(
        "
do:
  - a:
      try:
        - t: {set: {x: 1}}
      catch:
        errors: {with: {type: https://x, status: 503}}
        as: problem
        when: $problem.status > 500
        exceptWhen: .never
        retry:
          when: .again
          exceptWhen: .stop
          delay: {seconds: 3}
          backoff: {exponential: {}}
          limit: {attempt: {count: 5, duration: PT10S}, duration: PT1H}
          jitter: {from: PT0S, to: '${ .most }'}
        do:
          - h: {set: {x: '${ $problem }'}}
        then: z
  - z: {set: {x: 1}}
",
    );
    let Action::Try(guarded) = &first(&program).action else { panic!("not a try") };
    assert_eq!(guarded.errors, [("type".to_owned(), json!("https://x")), ("status".to_owned(), json!(503))]);
    assert_eq!(guarded.r#as, "problem");
    assert!(guarded.when.is_some() && guarded.except_when.is_some());
    assert_eq!(program.block(guarded.body).tasks.len(), 1);
    assert_eq!(guarded.handler.map(|block| program.block(block).tasks.len()), Some(1));
    assert_eq!(guarded.then, Some(Then::Jump(1)));
    let retry = guarded.retry.as_ref().expect("it has a retry");
    assert!(retry.when.is_some() && retry.except_when.is_some());
    assert!(matches!(retry.delay, Some(Span::Fixed(delay)) if delay == Duration::from_secs(3)));
    assert_eq!((retry.backoff, retry.count), (Backoff::Exponential, Some(5)));
    assert!(retry.attempt_duration.is_some() && retry.duration.is_some());
    assert!(matches!(&retry.jitter, Some((Span::Fixed(from), Span::Computed(_))) if from.is_zero()));
}

#[test]
fn try_with_nothing() {
    let (program, index) = task("try: []\ncatch: {}");
    let Action::Try(guarded) = &program.tasks[index].action else { panic!("not a try") };
    assert!(guarded.errors.is_empty() && guarded.retry.is_none() && guarded.handler.is_none());
    assert_eq!((guarded.r#as.as_str(), guarded.then), ("error", None));
    for (backoff, expected) in [
        ("", Backoff::Constant),
        ("backoff: {constant: {}}", Backoff::Constant),
        ("backoff: {linear: {}}", Backoff::Linear),
    ] {
        let (program, index) = task(&format!("try: []\ncatch: {{retry: {{{backoff}}}}}"));
        let Action::Try(guarded) = &program.tasks[index].action else { panic!("not a try") };
        assert_eq!(guarded.retry.as_ref().map(|retry| retry.backoff), Some(expected));
    }
}

#[test]
fn definitions_are_put_in_at_each_place() {
    let program = program(
        "
use:
  retries: {r: {when: $error.status == 503, delay: '${ $error.wait }'}}
  errors: {e: {type: https://x, status: 400, title: '${ $task.name }'}}
  timeouts: {t: {after: '${ $runtime.patience }'}, u: {after: PT5S}}
timeout: t
do:
  - a: {try: [], catch: {retry: r}, timeout: u}
  - b: {try: [], catch: {retry: r}, timeout: t}
  - c: {raise: {error: e}}
  - d: {raise: {error: e}}
",
    );
    assert!(matches!(program.timeout, Some(Span::Computed(_))));
    for task in &program.tasks {
        match &task.action {
            Action::Try(guarded) => {
                let retry = guarded.retry.as_ref().expect("it is referred to");
                assert!(retry.when.is_some() && matches!(retry.delay, Some(Span::Computed(_))));
                assert!(task.timeout.is_some());
            }
            Action::Raise(raise) => {
                assert!(raise.r#type.is_literal() && raise.status.is_literal());
                assert!(raise.title.as_ref().is_some_and(|title| !title.is_literal()));
                assert!(raise.detail.is_none() && raise.instance.is_none());
            }
            _ => panic!("unexpected"),
        }
    }
}

#[test]
fn waits() {
    let (program, index) = task("wait: {minutes: 1, seconds: 30}");
    assert!(
        matches!(program.tasks[index].action, Action::Wait(Wait::For(Span::Fixed(time))) if time == Duration::from_secs(90))
    );
    let (program, index) = task("wait: ${ .pause }");
    assert!(matches!(program.tasks[index].action, Action::Wait(Wait::For(Span::Computed(_)))));
    for wait in ["{}", "PT1H"] {
        let (program, index) = task(&format!("wait: {wait}\nmetadata: {{tenon: {{until: .when}}}}"));
        assert!(matches!(program.tasks[index].action, Action::Wait(Wait::Until(_))));
    }
}

#[test]
fn subscriptions() {
    let subscribed =
        |on: &str| program(&format!("schedule:\n  {on}\ndo: []\n")).subscription.expect("it is subscribed");
    let one = subscribed(
        "on: {one: {with: {type: com.acme.order-created.v1, source: 'https://.*', data: .total > 5, ext: 1}}}",
    );
    assert_eq!((one.filters().count(), one.read), (1, ReadAs::Data));
    let filter = &one.to.filters()[0].filter;
    assert_eq!(filter.event_types(), EventTypes::Exact("com.acme.order-created.v1".to_owned()));
    assert!(filter.data.is_some());
    let names: Vec<_> = filter.attributes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["type", "source", "ext"]);
    assert!(
        matches!(&filter.attributes[1].1, Match::Pattern(text, regex) if text == "https://.*" && regex.is_match("https://x") && !regex.is_match("xhttps://x"))
    );
    assert!(matches!(&filter.attributes[2].1, Match::Equals(value) if *value == json!(1)));

    let any = subscribed(
        "on: {any: [{with: {type: a}}, {with: {type: b|c}}, {with: {type: 'a['}}]}\n  read: envelope",
    );
    assert_eq!((any.filters().count(), any.read), (3, ReadAs::Envelope));
    assert_eq!(any.to.filters()[1].filter.event_types(), EventTypes::Any);
    assert_eq!(
        any.to.filters()[2].filter.event_types(),
        EventTypes::Exact("a[".to_owned()),
        "not a pattern, so literal"
    );
    assert!(
        matches!(&any.to.filters()[1].filter.attributes[0].1, Match::Pattern(_, regex) if regex.is_match("b") && !regex.is_match("xc"))
    );

    let every = subscribed("on: {any: []}\n  read: raw");
    assert_eq!((every.filters().count(), every.read), (1, ReadAs::Raw));
    assert!(
        every.to.filters()[0].filter.attributes.is_empty() && every.to.filters()[0].filter.data.is_none()
    );
}

#[test]
fn settings() {
    let tenon = "
  metadata:
    tenon:
      orderingKey: ${ .data.customer }
      dedupKey: .data.id
      dedupFor: PT1H
      concurrency: 10
      rateLimit: { limit: 100, per: PT1S }
      onFailure: park
      priority: 0
      retention: { jobs: P7D, payloads: P1D }
      mask: [/data/card, /data/a~1b]
      respond: { status: 201, headers: { a: b }, body: '${ .x }' }
  version:";
    let source = workflow("do: []\n").replace("\n  version:", tenon);
    let document = tenon_workflow::Document::parse(&source).expect("it is YAML");
    let settings = tenon_workflow::compile(&document).unwrap_or_else(|found| panic!("{found:?}")).settings;
    assert!(settings.ordering_key.is_some() && settings.dedup_key.is_some());
    assert_eq!(settings.dedup_for, Duration::from_hours(1));
    assert_eq!(
        (settings.concurrency, settings.on_failure, settings.priority),
        (Some(10), OnFailure::Park, 0)
    );
    let rate = RateLimit { limit: 100, per: Duration::from_secs(1), burst: 100 };
    assert_eq!(settings.rate_limit, Some(rate));
    assert_eq!(settings.keep_jobs, Some(Duration::from_hours(7 * 24)));
    assert_eq!(settings.mask, ["/data/card", "/data/a~1b"]);
    assert_eq!(settings.keep_payloads, Some(Duration::from_hours(24)));
    let respond = settings.respond.expect("it responds");
    assert!(respond.status.is_some() && respond.headers.is_some() && respond.body.is_some());
}

#[test]
fn json_compiles_like_yaml() {
    let yaml = workflow("do:\n  - a:\n      set: {x: '${ .y }'}\n");
    let json = tenon_workflow::Document::parse(&yaml).expect("it is YAML").to_json();
    assert!(findings(&json).is_empty());
}
