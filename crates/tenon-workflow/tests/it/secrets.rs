//! Secrets and configuration: where they can be read, and by which names.

use tenon_workflow::{Action, CONFIGURATION};

use crate::documents::{accepted, program, refused, says};

fn call(with: &str) -> String {
    format!(
        "use: {{secrets: [crm, 'a-b']}}\ndo:\n  - a:\n      call: http\n      with:\n        {}\n",
        with.replace('\n', "\n        ")
    )
}

fn body(read: &str) -> String {
    call(&format!("method: post\nendpoint: http://x\nbody: {{key: '${{ {read} }}'}}"))
}

#[test]
fn secrets_are_readable_in_calls() {
    for read in [
        "$secrets.crm",
        "$secrets.crm.password",
        "$secrets[\"a-b\"]",
        "\"x \\($secrets.crm)\"",
        "$secrets[.name]",
        "$secrets | .crm",
        "$authorization.parameter",
    ] {
        accepted(&body(read));
    }
    for with in [
        "method: '${ $secrets.crm }'\nendpoint: http://x",
        "method: get\nendpoint: '${ $secrets.crm }'",
        "method: get\nendpoint: http://x\nheaders: {key: '${ $secrets.crm }'}",
        "method: get\nendpoint: http://x\nquery: '${ $secrets.crm }'",
        "method: get\nendpoint: {uri: http://x, authentication: {bearer: {token: '${ $secrets.crm }'}}}",
    ] {
        accepted(&call(with));
    }
    assert_eq!(program(&body("$secrets.crm")).secrets, ["a-b", "crm"]);
}

#[test]
fn secrets_are_declared() {
    let place = "13 /do/0/a/with/body/key TN1103";
    refused(&body("$secrets.crn"), &[place]);
    says(&body("$secrets.crn"), "`use.secrets` does not define `crn`", Some("did you mean `crm`?"));
    refused(&body("$secrets.crm + $secrets[\"x\"] + $secrets.y"), &[place, place]);
    let without = "do:\n  - a:\n      call: http\n      with: {method: post, endpoint: 'http://x', body: '${ $secrets.x }'}\n";
    says(without, "`use.secrets` does not define `x`", Some("define it under `use.secrets`"));
}

#[test]
fn secrets_never_enter_the_data() {
    for (parts, place) in [
        (
            "do:\n  - a:\n      emit: {event: {with: {type: x, data: '${ $secrets.x }'}}}\n",
            "emit/event/with/data",
        ),
        ("do:\n  - a:\n      wait: ${ $secrets.x }\n", "wait"),
        ("do:\n  - a:\n      set: {ok: '${ .x }', bad: '${ $authorization }'}\n", "set/bad"),
        (
            "use: {functions: {f: {set: {x: 1}}}}\ndo:\n  - a: {call: f, with: {x: '${ $secrets.x }'}}\n",
            "with/x",
        ),
        (
            "do:\n  - a:\n      run: {workflow: {namespace: n, name: w, version: latest, input: {x: '${ $secrets.x }'}}}\n",
            "run/workflow/input/x",
        ),
        (
            "do:\n  - a:\n      listen: {to: {one: {with: {type: x, subject: '${ $secrets.x }'}}}}\n",
            "listen/to/one/with/subject",
        ),
        ("do:\n  - a:\n      if: $secrets.x == 1\n      set: {x: 1}\n", "if"),
        ("do:\n  - a:\n      set: {x: 1}\n      output: {as: $secrets}\n", "output/as"),
    ] {
        let found = crate::documents::findings(&crate::documents::workflow(parts));
        let places: Vec<_> = found.iter().map(|finding| (finding.pointer.as_str(), finding.code)).collect();
        assert_eq!(places, [(format!("/do/0/a/{place}").as_str(), "TN1203")], "{parts}");
    }
}

// --- configuration ---

#[test]
fn configuration_is_readable_in_the_arguments_of_effects() {
    for with in [
        "method: {$variable: m}\nendpoint: http://x",
        "method: get\nendpoint: {$variable: m}",
        "method: get\nendpoint: {uri: {$variable: m}}",
        "method: get\nendpoint: http://x\nheaders: {$variable: m}",
        "method: get\nendpoint: http://x\nheaders: {a: {$variable: m}, b: '${ .c }'}",
        "method: get\nendpoint: http://x\nquery: {a: [{$variable: m}]}",
        "method: get\nendpoint: http://x\nbody: {$variable: m}",
        "method: get\nendpoint: http://x\nbody: {a: [1, {b: {$variable: m}}]}",
        "method: get\nendpoint: {uri: http://x, authentication: {basic: {username: {$variable: m}, password: p}}}",
        "method: get\nendpoint: {uri: http://x, authentication: {oauth2: {authority: {$variable: m}, grant: password}}}",
    ] {
        assert_eq!(program(&call(with)).variables, ["m"], "{with}");
    }
    let child = "do:\n  - a:\n      run: {workflow: {namespace: n, name: w, version: latest, input: {x: {$variable: y}}}}\n";
    assert_eq!(program(child).variables, ["y"]);
    let two = program(&call(
        "method: get\nendpoint: http://x\nbody: [{$variable: z}, {$variable: 'a b\"c'}, {$variable: z}]",
    ));
    assert_eq!(two.variables, ["a b\"c", "z"]);
    let Action::CallHttp(call) = &two.tasks[0].action else { panic!("not an HTTP call") };
    let reads: Vec<_> = call
        .body
        .as_ref()
        .expect("a body")
        .expressions()
        .into_iter()
        .flat_map(|expr| expr.reads().map(|(name, member)| (name.to_owned(), member.map(str::to_owned))))
        .collect();
    let read = |name: &str| (CONFIGURATION.to_owned(), Some(name.to_owned()));
    assert_eq!(reads, [read("z"), read("a b\"c"), read("z")]);
}

#[test]
fn configuration_stands_alone_and_nowhere_else() {
    let body = |body: &str| call(&format!("method: get\nendpoint: http://x\nbody: {body}"));
    for wrong in ["{$variable: x, y: 1}", "{$variable: 7}", "{$variable: '${ .x }'}", "{$variable: ''}"] {
        refused(&body(wrong), &["13 /do/0/a/with/body/$variable TN1206"]);
    }
    refused("do:\n  - a:\n      set: {x: {$variable: y}}\n", &["8 /do/0/a/set/x/$variable TN1206"]);
    refused(
        "use: {functions: {f: {set: {x: 1}}}}\ndo:\n  - a: {call: f, with: {x: {$variable: y}}}\n",
        &["8 /do/0/a/with/x/$variable TN1206"],
    );
    refused(
        "do:\n  - a:\n      emit: {event: {with: {type: x, data: {$variable: y}}}}\n",
        &["8 /do/0/a/emit/event/with/data/$variable TN1206"],
    );
}

#[test]
fn nobody_can_name_what_holds_it() {
    let body = |body: &str| call(&format!("method: get\nendpoint: http://x\nbody: {body}"));
    refused(&body(&format!("'${{ ${CONFIGURATION}.x }}'")), &["13 /do/0/a/with/body TN1201"]);
    // Not even beside a reference, where it exists.
    refused(
        &body(&format!("[{{$variable: y}}, '${{ ${CONFIGURATION}.x }}']")),
        &["13 /do/0/a/with/body/1 TN1201"],
    );
    refused(
        &format!("do:\n  - a:\n      for: {{each: '{CONFIGURATION}', in: .x}}\n      do: []\n"),
        &["8 /do/0/a/for/each TN1104"],
    );
}
