//! Fields, types, and what must hold between them.

use crate::documents::{accepted, findings, lines, place, refused, says, workflow};

#[test]
fn unknown_fields_have_a_suggestion() {
    says(
        "use:\n  retires: {}\ndo: []\n",
        "unknown field `retires`, did you mean `retries`?",
        Some("did you mean `retries`?"),
    );
    refused("use:\n  retires: {}\ndo: []\n", &["7 /use/retires TN1010"]);
    refused("do:\n  - a:\n      set: {x: 1}\n      foo: bar\n", &["9 /do/0/a/foo TN1010"]);
    refused("do:\n  - a:\n      Set: {x: 1}\n", &["8 /do/0/a/Set TN1010"]);
    refused("do: []\nnonsense: 1\n", &["7 /nonsense TN1010"]);
    says(
        "do: []\nxyzzy: 1\n",
        "unknown field `xyzzy` in a workflow",
        Some("possible: `input`, `use`, `timeout`, `output`, `schedule`, `evaluate`"),
    );
}

#[test]
fn everything_is_allowed_below_metadata() {
    accepted("do:\n  - a:\n      set: {x: 1}\n      metadata: {anything: {goes: [1, null]}, title: T}\n");
}

#[test]
fn metadata_of_tenon_is_checked() {
    let parts =
        |tenon: &str| format!("do:\n  - a:\n      wait: PT1S\n      metadata:\n        tenon: {tenon}\n");
    refused(&parts("{untill: .x}"), &["10 /do/0/a/metadata/tenon/untill TN1010"]);
    accepted(&parts("{until: .x}"));
    refused(
        "do:\n  - a:\n      set: {x: 1}\n      metadata: {tenon: {until: .x}}\n",
        &["9 /do/0/a/metadata/tenon/until TN1013"],
    );
    let source = workflow("do: []\n")
        .replace("  version:", "  metadata: {tenon: {priority: 10, orderKey: .x}, other: {}}\n  version:");
    let found: Vec<String> = findings(&source).iter().map(place).collect();
    assert_eq!(
        found,
        ["5 /document/metadata/tenon/priority TN1016", "5 /document/metadata/tenon/orderKey TN1010"]
    );
}

#[test]
fn required_fields() {
    refused("input: {}\n", &["1 / TN1011"]);
    refused("do:\n  - a:\n      call: http\n", &["7 /do/0/a TN1011"]);
    refused(
        "do:\n  - a:\n      call: http\n      with: {}\n",
        &["9 /do/0/a/with TN1011", "9 /do/0/a/with TN1011"],
    );
    refused("do:\n  - a:\n      try: []\n", &["7 /do/0/a TN1011"]);
    refused("do:\n  - a:\n      for: {each: x}\n", &["7 /do/0/a TN1011", "8 /do/0/a/for TN1011"]);
    refused("do:\n  - a:\n      emit: {event: {with: {source: x}}}\n", &["8 /do/0/a/emit/event/with TN1011"]);
    let found = findings("do: []\n");
    assert_eq!(found[0].message, "a workflow needs `document`");
    let found = findings("document: {dsl: 1.0.3}\ndo: []\n");
    assert_eq!(found.len(), 3, "{}", lines(&found));
}

#[test]
fn types() {
    refused("do:\n", &["6 /do TN1012"]);
    refused("do: {}\n", &["6 /do TN1012"]);
    refused("do:\n  - a: 1\n", &["7 /do/0/a TN1012"]);
    refused("do:\n  - a:\n      if: true\n      set: {x: 1}\n", &["8 /do/0/a/if TN1012"]);
    refused("do:\n  - a:\n      set: 1\n", &["8 /do/0/a/set TN1012"]);
    refused("do:\n  - a:\n      set: [1]\n", &["8 /do/0/a/set TN1012"]);
    refused("do:\n  - a:\n      wait: 30\n", &["8 /do/0/a/wait TN1012"]);
    refused(
        "do:\n  - a:\n      raise: {error: {type: x, status: 4.5}}\n",
        &["8 /do/0/a/raise/error/status TN1012"],
    );
    let call = |with: &str| {
        format!("do:\n  - a:\n      call: http\n      with: {{method: get, endpoint: 'http://x', {with}}}\n")
    };
    refused(&call("redirect: 'yes'"), &["9 /do/0/a/with/redirect TN1012"]);
    refused(&call("headers: {x: {}}"), &["9 /do/0/a/with/headers/x TN1012"]);
    refused(&call("headers: {x: [a]}"), &["9 /do/0/a/with/headers/x TN1012"]);
    refused(&call("query: {x: [{}]}"), &["9 /do/0/a/with/query/x/0 TN1012"]);
    accepted(&call("query: {x: [a, 1]}, headers: {y: 1, z: true}"));
    says(
        "output:\n  as: 1.5\ndo: []\n",
        "must be an expression (text) or an object, not a number",
        Some("put it into quotes to make it text: \"1.5\""),
    );
}

#[test]
fn combinations() {
    refused("schedule: {}\ndo: []\n", &["6 /schedule TN1015"]);
    refused("schedule: {read: data, cron: '* * * * *'}\ndo: []\n", &["6 /schedule TN1015"]);
    refused("schedule: {on: {one: {with: {type: x}}, any: []}}\ndo: []\n", &["6 /schedule/on TN1015"]);
    refused("schedule: {on: {one: {with: {}}}}\ndo: []\n", &["6 /schedule/on/one/with TN1015"]);
    refused(
        "do:\n  - a:\n      listen: {to: {one: {with: {type: x}}, until: .x}}\n",
        &["8 /do/0/a/listen/to TN1015"],
    );
    refused(
        "do:\n  - a:\n      listen: {to: {any: [], until: {any: [], until: .x}}}\n",
        &["8 /do/0/a/listen/to/until/until TN1010"],
    );
    refused("input: {schema: {}}\ndo: []\n", &["6 /input/schema TN1015"]);
    refused("do:\n  - a:\n      run: {}\n", &["8 /do/0/a/run TN1015"]);
    refused(
        "do:\n  - a:\n      run: {container: {image: x, lifetime: {cleanup: eventually}}}\n",
        &["8 /do/0/a/run/container/lifetime TN1015"],
    );
    refused(
        "do:\n  - a:\n      run: {container: {image: x, lifetime: {cleanup: never, after: PT1S}}}\n",
        &["8 /do/0/a/run/container/lifetime TN1015"],
    );
    refused("use: {retries: {r: {backoff: {}}}}\ndo: []\n", &["6 /use/retries/r/backoff TN1015"]);
    refused(
        "use: {retries: {r: {backoff: {linear: {}, constant: {}}}}}\ndo: []\n",
        &["6 /use/retries/r/backoff TN1015"],
    );
    refused(
        "do:\n  - a:\n      try: []\n      catch: {errors: {with: {}}}\n",
        &["9 /do/0/a/catch/errors/with TN1015"],
    );
    refused(
        "use: {authentications: {x: {basic: {username: y}}}}\ndo: []\n",
        &["6 /use/authentications/x/basic TN1015"],
    );
    refused(
        "do:\n  - a:\n      call: asyncapi\n      with: {document: {endpoint: http://x}, operation: y}\n",
        &["9 /do/0/a/with TN1015"],
    );
}

#[test]
fn choices_and_ranges() {
    let call = |with: &str| {
        format!("do:\n  - a:\n      call: http\n      with: {{method: get, endpoint: 'http://x', {with}}}\n")
    };
    refused(&call("output: contents"), &["9 /do/0/a/with/output TN1013"]);
    says(&call("output: contents"), "`contents` is not possible here", Some("did you mean `content`?"));
    refused(
        "do:\n  - a:\n      raise: {error: {type: x, status: 99}}\n",
        &["8 /do/0/a/raise/error/status TN1016"],
    );
    refused("do:\n  - a:\n      set: {}\n", &["8 /do/0/a/set TN1016"]);
    refused("do:\n  - a:\n      switch: []\n", &["8 /do/0/a/switch TN1016"]);
    refused(
        "use: {retries: {r: {limit: {attempt: {count: -1}}}}}\ndo: []\n",
        &["6 /use/retries/r/limit/attempt/count TN1016"],
    );
}

#[test]
fn kinds_of_tasks() {
    refused("do:\n  - a:\n      then: end\n", &["7 /do/0/a TN1017"]);
    refused("do:\n  - a: {}\n", &["7 /do/0/a TN1017"]);
    refused("do:\n  - a:\n      set: {x: 1}\n      wait: PT1S\n", &["9 /do/0/a/wait TN1017"]);
    refused("do:\n  - a:\n      cal: http\n", &["8 /do/0/a/cal TN1010"]);
    says(
        "do:\n  - a:\n      cal: http\n",
        "unknown field `cal`, did you mean `call`?",
        Some("did you mean `call`?"),
    );
    accepted("do:\n  - a:\n      for: {in: .x}\n      do: []\n");
}

#[test]
fn items_have_one_name() {
    refused("do:\n  - a:\n      set: {x: 1}\n    b:\n      set: {x: 1}\n", &["9 /do/0/b TN1018"]);
    refused("do:\n  - {}\n", &["7 /do/0 TN1018"]);
    refused("do:\n  - text\n", &["7 /do/0 TN1018"]);
    refused(
        "do:\n  - a:\n      switch:\n        - when: .x\n          then: end\n",
        &["9 /do/0/a/switch/0/when TN1012", "10 /do/0/a/switch/0/then TN1018"],
    );
}

#[test]
fn the_language_and_its_version() {
    for (dsl, code) in [
        ("1.0.0", None),
        ("1.0.3", None),
        ("1.1.0", Some("TN1019")),
        ("0.9.0", Some("TN1019")),
        ("1.0.x", Some("TN1019")),
    ] {
        let found = findings(&workflow("do: []\n").replace("1.0.3", dsl));
        assert_eq!(found.first().map(|finding| finding.code), code, "{dsl}");
    }
    refused("evaluate: {language: javascript}\ndo: []\n", &["6 /evaluate/language TN1020"]);
    refused("evaluate: {mode: loose}\ndo: []\n", &["6 /evaluate/mode TN1020"]);
    accepted("evaluate: {mode: strict, language: jq}\ndo: []\n");
}

#[test]
fn every_finding_is_reported_in_the_order_of_the_text() {
    refused(
        "do:\n  - a:\n      wait: x\n  - a:\n      foo: 1\n      set: {}\n      then: nowhere\nextra: 1\n",
        &[
            "8 /do/0/a/wait TN1301",
            "9 /do/1/a TN1101",
            "10 /do/1/a/foo TN1010",
            "11 /do/1/a/set TN1016",
            "12 /do/1/a/then TN1102",
            "13 /extra TN1010",
        ],
    );
}

#[test]
fn findings_read_well() {
    let found = findings(&workflow("do:\n  - a/b:\n      set: {x: 1}\n      foo: bar\n"));
    assert_eq!(found[0].to_string(), "line 9: /do/0/a~1b/foo: unknown field `foo` in a `set` task (TN1010)");
    assert_eq!(found[0].column, 12);
}
