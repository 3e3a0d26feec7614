//! Names: of tasks, jumps, definitions and variables.

use crate::documents::{accepted, refused, says};

#[test]
fn tasks_of_one_list_have_different_names() {
    refused("do:\n  - a:\n      set: {x: 1}\n  - a:\n      set: {x: 1}\n", &["9 /do/1/a TN1101"]);
    says(
        "do:\n  - a:\n      set: {x: 1}\n  - a:\n      set: {x: 1}\n",
        "the name `a` is taken, on line 7",
        Some("names are unique in a list; rename one"),
    );
    accepted("do:\n  - a:\n      do:\n        - a:\n            set: {x: 1}\n");
}

#[test]
fn jumps_stay_in_their_list() {
    accepted("do:\n  - a:\n      set: {x: 1}\n      then: b\n  - b:\n      set: {x: 1}\n      then: a\n");
    accepted(
        "do:\n  - a:\n      set: {x: 1}\n      then: exit\n  - b:\n      set: {x: 1}\n      then: end\n  - c:\n      set: {x: 1}\n      then: continue\n",
    );
    refused(
        "do:\n  - first:\n      set: {x: 1}\n      then: secnd\n  - second:\n      set: {x: 1}\n",
        &["9 /do/0/first/then TN1102"],
    );
    says(
        "do:\n  - first:\n      set: {x: 1}\n      then: secnd\n  - second:\n      set: {x: 1}\n",
        "there is no task `secnd` in this list to jump to",
        Some("did you mean `second`?"),
    );
    let inward = "do:\n  - a:\n      set: {x: 1}\n      then: inner\n  - b:\n      do:\n        - inner:\n            set: {x: 1}\n";
    refused(inward, &["9 /do/0/a/then TN1102"]);
    let outward = "do:\n  - a:\n      do:\n        - inner:\n            set: {x: 1}\n            then: later\n  - later:\n      set: {x: 1}\n";
    refused(outward, &["11 /do/0/a/do/0/inner/then TN1102"]);
    says(
        outward,
        "`later` is not in the same list of tasks, so it cannot be jumped to",
        Some("possible: `inner`, `continue`, `exit`, `end`"),
    );
}

#[test]
fn jumps_of_switch_and_catch() {
    let switch = |to: &str| {
        format!(
            "do:\n  - a:\n      switch:\n        - x:\n            when: .x\n            then: {to}\n  - b:\n      set: {{x: 1}}\n"
        )
    };
    accepted(&switch("b"));
    refused(&switch("c"), &["11 /do/0/a/switch/0/x/then TN1102"]);
    let catch = |to: &str| {
        format!(
            "do:\n  - a:\n      try:\n        - t:\n            set: {{x: 1}}\n      catch:\n        then: {to}\n        do:\n          - h:\n              set: {{x: 1}}\n  - b:\n      set: {{x: 1}}\n"
        )
    };
    accepted(&catch("b"));
    refused(&catch("t"), &["12 /do/0/a/catch/then TN1102"]);
    refused(&catch("h"), &["12 /do/0/a/catch/then TN1102"]);
}

#[test]
fn definitions_must_exist() {
    refused("timeout: tmie\nuse: {timeouts: {time: {after: PT1S}}}\ndo: []\n", &["6 /timeout TN1103"]);
    says(
        "timeout: tmie\nuse: {timeouts: {time: {after: PT1S}}}\ndo: []\n",
        "`use.timeouts` does not define `tmie`",
        Some("did you mean `time`?"),
    );
    says(
        "timeout: t\ndo: []\n",
        "`use.timeouts` does not define `t`",
        Some("define it under `use.timeouts`"),
    );
    refused("do:\n  - a:\n      raise: {error: x}\n", &["8 /do/0/a/raise/error TN1103"]);
    refused("do:\n  - a:\n      try: []\n      catch: {retry: x}\n", &["9 /do/0/a/catch/retry TN1103"]);
    let auth = "do:\n  - a:\n      call: http\n      with:\n        method: get\n        endpoint: {uri: 'http://x', authentication: ";
    refused(&format!("{auth}{{use: x}}}}\n"), &["11 /do/0/a/with/endpoint/authentication/use TN1103"]);
    refused(
        &format!("{auth}{{basic: {{use: x}}}}}}\n"),
        &["11 /do/0/a/with/endpoint/authentication/basic/use TN1103"],
    );
}

#[test]
fn variables_have_proper_names() {
    let each = |name: &str| format!("do:\n  - a:\n      for: {{each: {name}, in: .x}}\n      do: []\n");
    accepted(&each("line"));
    accepted(&each("_x1"));
    accepted(&each("event"));
    refused(&each("1x"), &["8 /do/0/a/for/each TN1104"]);
    refused(&each("'a b'"), &["8 /do/0/a/for/each TN1104"]);
    refused(&each("input"), &["8 /do/0/a/for/each TN1104"]);
    says(&each("$line"), "`$line` cannot be the name of a variable", Some("write it without `$`: `line`"));
}
