//! Expressions: whether they compile, and what they may read.

use crate::documents::{accepted, findings, lines, many, place, refused, workflow};

#[test]
fn errors_have_a_place() {
    refused("do:\n  - a:\n      if: .x ==\n      set: {x: 1}\n", &["8 /do/0/a/if TN1201"]);
    refused(
        "do:\n  - a:\n      set:\n        fine: ${ .x }\n        bad: ${ .x | }\n        deep:\n          - 1\n          - worse: ${ foo( }\n",
        &["10 /do/0/a/set/bad TN1201", "13 /do/0/a/set/deep/1/worse TN1201"],
    );
    refused(
        "do:\n  - a:\n      output: {as: '$contxt'}\n      set: {x: 1}\n",
        &["8 /do/0/a/output/as TN1201"],
    );
    refused("do:\n  - a:\n      set: ${ }\n", &["8 /do/0/a/set TN1201"]);
    refused("do:\n  - a:\n      set: .x\n", &["8 /do/0/a/set TN1201"]);
}

#[test]
fn where_expressions_may_be_bare() {
    accepted(
        "
input: {from: .order}
output: {as: .total}
do:
  - a:
      if: .x > 1
      input: {from: .x}
      output: {as: .y}
      export: {as: $context + .}
      for: {in: .lines}
      while: .total < 10
      do: []
  - b:
      switch:
        - c: {when: .z, then: end}
  - d:
      try: []
      catch: {when: $error.status == 500, exceptWhen: .never}
  - e:
      wait: {}
      metadata: {tenon: {until: .when}}
",
    );
}

#[track_caller]
fn reads(parts: &str, code: Option<&str>) {
    let found = findings(&workflow(parts));
    let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "\n{parts}\n{}", lines(&found));
}

/// The table "runtime expression arguments".
#[test]
fn variables_of_each_place() {
    let places: [(&str, &[&str]); 8] = [
        ("input: {from: $V}\ndo: []\n", &["workflow", "runtime", "event"]),
        ("output: {as: $V}\ndo: []\n", &["context", "workflow", "runtime", "steps", "event"]),
        (
            "do:\n  - a:\n      if: $V\n      set: {x: 1}\n",
            &["context", "task", "workflow", "runtime", "steps", "event"],
        ),
        (
            "do:\n  - a:\n      input: {from: $V}\n      set: {x: 1}\n",
            &["context", "task", "workflow", "runtime", "steps", "event"],
        ),
        (
            "do:\n  - a:\n      set: '${ $V }'\n",
            &["context", "input", "task", "workflow", "runtime", "steps", "event"],
        ),
        (
            "do:\n  - a:\n      output: {as: $V}\n      set: {x: 1}\n",
            &["context", "input", "task", "workflow", "runtime", "steps", "event"],
        ),
        (
            "do:\n  - a:\n      export: {as: $V}\n      set: {x: 1}\n",
            &["context", "input", "output", "task", "workflow", "runtime", "steps", "event"],
        ),
        ("schedule: {on: {one: {with: {data: $V}}}}\ndo: []\n", &[]),
    ];
    for (parts, readable) in places {
        for name in ["context", "input", "output", "task", "workflow", "runtime", "steps", "event"] {
            let code = (!readable.contains(&name)).then_some("TN1202");
            reads(&parts.replace('V', name), code);
        }
        for secret in ["secrets", "authorization"] {
            reads(&parts.replace('V', secret), Some("TN1203"));
        }
    }
}

#[test]
fn loop_variables() {
    let each = |inside: &str| format!("do:\n  - a:\n      for: {{each: line, at: i, in: .lines}}\n{inside}");
    accepted(&each(
        "      while: $line != null and $i < 3\n      do:\n        - b:\n            set: '${ [$line, $i] }'\n",
    ));
    refused(&each("      do: []\n      output: {as: $line}\n"), &["10 /do/0/a/output/as TN1201"]);
    refused("do:\n  - a:\n      for: {each: line, in: $line}\n      do: []\n", &["8 /do/0/a/for/in TN1201"]);
    accepted(
        "do:\n  - a:\n      for: {in: .lines}\n      do:\n        - b:\n            set: '${ [$item, $index] }'\n",
    );
    accepted(
        "do:\n  - a:\n      for: {in: .lines, each: event}\n      do:\n        - b:\n            set: '${ $event }'\n",
    );
    refused("do:\n  - a:\n      set: '${ $item }'\n", &["8 /do/0/a/set TN1201"]);
}

#[test]
fn caught_errors() {
    let with = |name: &str, read: &str| {
        format!(
            "do:\n  - a:\n      try:\n        - t:\n            set: {{x: 1}}\n      catch:\n        as: {name}\n        when: {read}\n        retry: {{when: {read}, delay: '${{ {read}.x }}'}}\n        do:\n          - h:\n              set: {{x: '${{ {read} }}'}}\n"
        )
    };
    accepted(&with("error", "$error"));
    accepted(&with("problem", "$problem"));
    assert_eq!(findings(&workflow(&with("problem", "$error"))).len(), 4);
    refused(
        "do:\n  - a:\n      try:\n        - t:\n            set: '${ $error }'\n      catch: {}\n",
        &["10 /do/0/a/try/0/t/set TN1201"],
    );
}

#[test]
fn definitions_are_checked_where_they_are_used() {
    let parts = |read: &str| {
        format!(
            "use:\n  retries:\n    r: {{when: {read}}}\ndo:\n  - a:\n      try: []\n      catch: {{as: problem, retry: r}}\n"
        )
    };
    accepted(&parts("$problem.status == 503"));
    refused(&parts("$error.status == 503"), &["8 /use/retries/r/when TN1201"]);
    refused("use: {retries: {unused: {when: '.x =='}}}\ndo: []\n", &["6 /use/retries/unused/when TN1201"]);
    accepted("use: {retries: {unused: {when: $error.status == 5}}}\ndo: []\n");
    refused(
        "use: {timeouts: {t: {after: '${ $context.x }'}}}\ntimeout: t\ndo:\n  - a:\n      timeout: t\n      set: {x: 1}\n",
        &["6 /use/timeouts/t/after TN1202"],
    );
}

#[test]
fn ordering_and_dedup_keys_see_only_the_event() {
    let source = |key: &str| {
        workflow("do: []\n")
            .replace("  version:", &format!("  metadata: {{tenon: {{orderingKey: '{key}'}}}}\n  version:"))
    };
    assert!(findings(&source("${ .data.customer }")).is_empty());
    assert!(findings(&source(".data.customer")).is_empty());
    let found: Vec<String> = findings(&source("${ $event.data }")).iter().map(place).collect();
    assert_eq!(found, ["5 /document/metadata/tenon/orderingKey TN1202"]);
}

#[test]
fn only_whole_texts_are_expressions() {
    accepted("do:\n  - a:\n      set: {x: 'hello ${ broken', y: '{ ]', z: $nothing}\n");
}

#[test]
fn there_is_a_limit() {
    let tasks = |count: usize| {
        let task = |number: usize| format!("  - t{number}:\n      set: {{a: '${{ .a }}'}}\n");
        format!("do:\n{}", many(count, task))
    };
    accepted(&tasks(2_000));
    refused(&tasks(2_001), &["1 / TN1204"]);
}
