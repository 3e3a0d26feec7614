//! The read-only view of what an expression says.

use serde_json::json;
use tenon_expr::tree::{Operator, Part, Tree};

#[track_caller]
fn check(source: &str, same: &str) {
    let parse = |source: &str| Tree::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(parse(source), parse(same), "{source}");
}

#[test]
fn shorthands_are_written_out() {
    check("{a}", "{a: .a}");
    check("{\"a\", $b}", "{\"a\": .a, \"b\": $b}");
    check(".a.b", ".[\"a\"][\"b\"]");
    check("\"x\\u0041\"", "\"xA\"");
    check("(1, 2), 3", "1, 2, 3");
}

#[test]
fn terms_say_what_they_are() {
    let parse = |source: &str| Tree::parse(source).expect("it is jq");
    assert_eq!(parse("true"), Tree::Literal(json!(true)));
    assert_eq!(parse("-1"), Tree::Negate(Box::new(Tree::Literal(json!(1)))));
    let Tree::Path(head, steps) = parse("$a.b[0][]?") else { panic!("a path") };
    assert_eq!(*head, Tree::Variable("a".to_owned()));
    assert_eq!(steps[0].part, Part::Member("b".to_owned()));
    assert_eq!(steps[1].part, Part::Index(Tree::Literal(json!(0))));
    assert!(steps[2].part == Part::Each && steps[2].optional);
    let Tree::Pair(operator, ..) = parse(".a = 1") else { panic!("a pair") };
    assert_eq!(operator, Operator::Assign);
    let Tree::Bind(_, names, _) = parse(". as [$a, {b: $c, $d}] | $a") else { panic!("a binding") };
    assert_eq!(names, ["a", "c", "d"]);
}

#[test]
fn children_are_all_there() {
    fn count(tree: &Tree) -> usize {
        1 + tree.children().into_iter().map(count).sum::<usize>()
    }
    let source =
        "def f: 1; reduce .[] as $x (0; . + $x) | if . then try f catch [., {a: \"\\(.)\"}] else -(1, 2) end";
    assert_eq!(count(&Tree::parse(source).expect("it is jq")), 25);
}

#[test]
fn faults_of_syntax_are_errors() {
    for source in ["", ".a =", "(", "'x'"] {
        assert!(Tree::parse(source).is_err(), "{source}");
    }
}
