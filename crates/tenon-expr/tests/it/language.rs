//! What expressions give, as data: source, input, result.

use crate::evaluate;
use serde_json::{Value, json};
use tenon_expr::EvalError;

#[track_caller]
fn check(source: &str, input: &str, expected: &str) {
    let input: Value = serde_json::from_str(input).expect("the test's input is JSON");
    let expected: Value = serde_json::from_str(expected).expect("the test's result is JSON");
    match evaluate(source, &input) {
        // as text, so that 1 and 1.0, and the order of keys, are told apart
        Ok(value) => assert_eq!(value.to_string(), expected.to_string(), "`{source}`"),
        Err(error) => panic!("`{source}` failed: {error}"),
    }
}

#[track_caller]
fn fails(source: &str, input: &str, part: &str) {
    let input: Value = serde_json::from_str(input).expect("the test's input is JSON");
    match evaluate(source, &input) {
        Ok(value) => panic!("`{source}` gave {value}"),
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains(part), "`{source}` failed with: {message}");
        }
    }
}

#[test]
fn paths_and_literals() {
    check(".", r#"{"b":1,"a":[1.0,2]}"#, r#"{"b":1,"a":[1.0,2]}"#);
    check(".a.b[1]", r#"{"a":{"b":[1,2]}}"#, "2");
    check(".a.b[-1]", r#"{"a":{"b":[1,2]}}"#, "2");
    check(".a.b[5]", r#"{"a":{"b":[1,2]}}"#, "null");
    check(r#".["x-y"]."z w""#, r#"{"x-y":{"z w":3}}"#, "3");
    check(".a.b.c", "null", "null");
    check("$steps.lookUp.id", "null", "7");
    check(r#"$steps["lookUp"].tags[1]"#, "null", r#""b""#);
    check("$steps.never.id", "null", "null");
    check("$context", "null", r#"{"total":12}"#);
    check("$steps | keys", "null", r#"["lookUp","x-y"]"#);
    check("true", "null", "true");
    check("[null, 1, 2.5, \"a\\n\\u0041\"]", "null", r#"[null,1,2.5,"a\nA"]"#);
}

#[test]
fn path_errors() {
    fails(".a", "5", "cannot index a number with \"a\"");
    fails(".a", r#""text""#, "cannot index a string with \"a\"");
    fails(".a", "[1]", "cannot index an array with \"a\"");
    fails(".[0]", r#"{"a":1}"#, "cannot index an object with a number");
    fails("$gone", "null", "undefined variable `$gone`");
    fails("$gone.x", "null", "undefined variable `$gone`");
    fails("[$gone]", "null", "undefined variable `$gone`");
    fails(".[]", "5", "cannot iterate over a number");
}

#[test]
fn exactly_one() {
    assert_eq!(evaluate("empty", &Value::Null), Err(EvalError::None));
    assert_eq!(evaluate("1, 2", &Value::Null), Err(EvalError::Several));
    assert_eq!(evaluate(".[]", &json!([])), Err(EvalError::None));
    assert_eq!(evaluate(".[]", &json!([1])), Ok(json!(1)));
}

#[test]
fn operators() {
    check("1 + 2 * 3 - 4", "null", "3");
    check("10 / 2, 0 | select(. > 0)", "null", "5");
    check("7 / 2", "null", "3.5");
    check("-7 % 3", "null", "-1");
    check("[.a + null, null + .a]", r#"{"a":1}"#, "[1,1]");
    check(r#""a" + "b" * 3"#, "null", r#""abbb""#);
    check(r#""a" * 0"#, "null", "null");
    check("[1,2,3] - [2]", "null", "[1,3]");
    check("[1] + [2]", "null", "[1,2]");
    check("{a:1,c:3} + {a:2,b:1}", "null", r#"{"a":2,"c":3,"b":1}"#);
    check("{a:{b:1}} * {a:{c:2}}", "null", r#"{"a":{"b":1,"c":2}}"#);
    check(r#""a,b" / ",""#, "null", r#"["a","b"]"#);
    check(".a // \"none\"", r#"{"a":null}"#, r#""none""#);
    check("[(1, null, 2) // 3]", "null", "[1,2]");
    check("1 == 1.0 and ([] | not | not) or false", "null", "true");
    check("[1 < 2, \"a\" < 1, null < false, [] < {}, [1] < [1, 0]]", "null", "[true,false,true,true,true]");
    check(r#"{"a":1,"b":2} == {"b":2,"a":1}"#, "null", "true");
    check("[(1, 2) + (10, 20)]", "null", "[11,21,12,22]");
    fails("{} + 1", "null", "cannot add an object and a number");
    fails("1 % 0", "null", "division by zero");
}

#[test]
fn numbers() {
    check(".", "18446744073709551615", "18446744073709551615");
    check("{id: .id}", r#"{"id":18446744073709551615}"#, r#"{"id":18446744073709551615}"#);
    check(".id + 0 > 9000000000000000000", r#"{"id":18446744073709551615}"#, "true");
    check("9223372036854775807 + 1", "null", "9223372036854775807.0");
    check("-9223372036854775807 - 2 | floor", "null", "-9223372036854775808");
    check("0.1 + 0.2", "null", "0.30000000000000004");
    check("nan", "null", "null");
    check("[infinite, -infinite, nan]", "null", "[null,null,null]");
    check("[nan] | sort | length", "null", "1");
    check("[.[] | tojson]", "[1, 1.0, 1e100, -0.5]", r#"["1","1.0","1e+100","-0.5"]"#);
    check("[3.7, -3.2] | map(floor, ceil, round)", "null", "[3,4,4,-4,-3,-3]");
    check("[16 | sqrt, pow(2; 10), (8 | log2)]", "null", "[4.0,1024.0,3.0]");
    check("\"12\" | tonumber", "null", "12");
    check("1e1000", "null", "1.7976931348623157e308");
}

#[test]
fn construction_of_objects() {
    check(
        r#".id as $x | {id, "k": .name, (.name): 1, $x, @base64 "b": 2}"#,
        r#"{"id":4,"name":"n"}"#,
        r#"{"id":4,"k":"n","n":1,"x":4,"b":2}"#,
    );
    check("[{a: (1, 2), b: (3, 4)}] | length", "null", "4");
    check("[range(3)] | {n: length, s: add}", "null", r#"{"n":3,"s":3}"#);
    check(r#""a\(1 + 1)b\("c")\([1])""#, "null", r#""a2bc[1]""#);
    check(r#"["\(1, 2)-\(3, 4)"] | length"#, "null", "4");
    check(r#"@uri "q=\("a b&c")""#, "null", r#""q=a%20b%26c""#);
    check("[.[] as {a: $x, b: [$y, $z]} | $x + $y + $z]", r#"[{"a":1,"b":[2,3]}]"#, "[6]");
    fails("{(1): 2}", "null", "object keys must be strings");
}

#[test]
fn control() {
    check("if .a then 1 elif .b then 2 else 3 end", r#"{"b":1}"#, "2");
    check("if false then 1 end", "5", "5");
    check("[.[] | if (. > 1, . > 2) then 1 else 0 end]", "[2]", "[1,0]");
    check("try error(\"x\") catch .", "null", r#""x""#);
    check("[.[] | try (if . > 1 then error(\"big\") else . end) catch \"c\"]", "[1,2]", r#"[1,"c"]"#);
    check("[.[] | .a?]", r#"[1,{"a":2}]"#, "[2]");
    check("[try (1, error(\"x\"), 3) catch .]", "null", r#"[1,"x"]"#);
    check("reduce .[] as $x (0; . + $x)", "[1,2,3]", "6");
    check("[foreach .[] as $x (0; . + $x)]", "[1,2,3]", "[1,3,6]");
    check("[foreach .[] as [$a, $b] (0; . + $a; [., $b])]", "[[1,2],[3,4]]", "[[1,2],[4,4]]");
    check("[label $out | 1, break $out, 2]", "null", "[1]");
    check("def f(g; $x): g + $x; def h: f(. * 2; 1); h", "5", "11");
    check("def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; fac", "10", "3628800");
    check("def f(x): def g: x; g; f(.a)", r#"{"a":3}"#, "3");
    check("def f: def g: 1; g; def g: 2; [f, g]", "null", "[1,2]");
    // an error downstream of `try` is not the body's
    fails("try 1 catch 2 | error(\"later\")", "null", "later");
    fails("(1 | try . catch 5) as $x | error(\"later\")", "null", "later");
    fails("error({a: 1})", "null", r#"{"a":1}"#);
}

#[test]
fn generators() {
    check(
        "[range(3)], [range(1; 3)], [range(0; 10; 4)], [range(3; 0; -1)] | select(length == 2)",
        "null",
        "[1,2]",
    );
    check("[limit(3; repeat(1))]", "null", "[null,1,1]");
    check("[limit(4; repeat(. * 2))]", "1", "[1,2,4,8]");
    check("[first(range(1000000000)), last(range(5)), nth(2; range(10))]", "null", "[0,4,2]");
    check("[skip(2; range(5))]", "null", "[2,3,4]");
    check("until(. > 100; . * 2)", "1", "128");
    check("until(. >= 20000; . + 1)", "0", "20000");
    check("[while(. < 20; . * 2)]", "1", "[1,2,4,8,16]");
    check("[recurse(if . < 3 then . + 1 else empty end)]", "0", "[0,1,2,3]");
    check("[recurse(. + 1; . < 3)]", "0", "[0,1,2]");
    check("[..]", "[[1]]", "[[[1]],[1],1]");
    check("[.. | numbers]", r#"{"a":[1,{"b":2}]}"#, "[1,2]");
    check("[[1,2],[3,4]] | [combinations]", "null", "[[1,3],[1,4],[2,3],[2,4]]");
    check("[[0,1] | combinations(2)] | length", "null", "4");
    check("[isempty(empty), isempty(1, error(\"x\"))]", "null", "[true,false]");
    check("[any(.[]; . > 2), all(.[]; . > 2), any, all]", "[1,3]", "[true,false,true,true]");
}

#[test]
fn collections() {
    check("map(select(. > 1)) | add", "[1,2,3]", "5");
    check("[length, (keys | length), has(\"a\"), (to_entries | length)]", r#"{"a":1,"b":2}"#, "[2,2,true,2]");
    check("with_entries(.value += 1)", r#"{"a":1,"b":2}"#, r#"{"a":2,"b":3}"#);
    check("from_entries", r#"[{"name":"a","value":1},{"k":"b","v":2}]"#, r#"{"a":1,"b":2}"#);
    check(
        "sort_by(.a, .b)",
        r#"[{"a":2,"b":1},{"a":1,"b":2},{"a":1,"b":1}]"#,
        r#"[{"a":1,"b":1},{"a":1,"b":2},{"a":2,"b":1}]"#,
    );
    check("group_by(.a) | map(length)", r#"[{"a":2},{"a":1},{"a":2}]"#, "[1,2]");
    check("unique_by(.a)", r#"[{"a":2,"n":1},{"a":1},{"a":2}]"#, r#"[{"a":1},{"a":2,"n":1}]"#);
    check("[unique, min, max, sort, reverse]", "[3,1,3]", "[[1,3],1,3,[1,3,3],[3,1,3]]");
    check("[min_by(.a), max_by(.a)]", r#"[{"a":2},{"a":1}]"#, r#"[{"a":1},{"a":2}]"#);
    check("[flatten, flatten(1)]", "[1,[2,[3]]]", "[[1,2,3],[1,2,[3]]]");
    check("[index(\",\"), rindex(\",\"), indices(\",\")]", r#""a,b,c""#, "[1,3,[1,3]]");
    check("[.[1:], .[:-1], .[1:2], (\"äbc\" | .[1:2])]", "[1,2,3]", r#"[[2,3],[1,2],[2],"b"]"#);
    check("transpose", "[[1,2],[3]]", "[[1,3],[2,null]]");
    check("[contains({a:[1]}), inside({a:[1,2],b:3,c:4})]", r#"{"a":[1,2],"b":3}"#, "[true,true]");
    check("[bsearch(2), bsearch(4)]", "[1,2,3]", "[1,-4]");
    check("add(.[].a)", r#"[{"a":1},{"a":2}]"#, "3");
    check("map_values(. + 1)", r#"{"a":1}"#, r#"{"a":2}"#);
    check("pick(.a.b, .c)", r#"{"a":{"b":1,"x":2},"c":3,"d":4}"#, r#"{"a":{"b":1},"c":3}"#);
    check("walk(if type == \"number\" then . + 1 else . end)", r#"[1,{"a":2}]"#, r#"[2,{"a":3}]"#);
    check("[first, last, nth(1)]", "[1,2,3]", "[1,3,2]");
}

#[test]
fn updates() {
    check(".a = 1", "null", r#"{"a":1}"#);
    check(".a.b |= . + 1", r#"{"a":{"b":1,"c":2}}"#, r#"{"a":{"b":2,"c":2}}"#);
    check(".a += 1 | .b //= 5 | .a -= 3", r#"{"a":1}"#, r#"{"a":-1,"b":5}"#);
    check(".[] |= . * 2", "[1,2]", "[2,4]");
    check("[.[] |= empty, (.[1] |= empty)]", "[1,2,3]", "[[],[1,3]]");
    check(".[2] = 1", "[0]", "[0,null,1]");
    check(".[-1] = 9", "[0,1]", "[0,9]");
    check(".[1:] = [7,8,9]", "[1,2]", "[1,7,8,9]");
    check("del(.a, .b[0, 1])", r#"{"a":1,"b":[1,2,3]}"#, r#"{"b":[3]}"#);
    check("del(.[] | select(. > 1))", "[1,2,3]", "[1]");
    check("(.[] | select(.a == 1) | .b) = 2", r#"[{"a":1},{"a":2}]"#, r#"[{"a":1,"b":2},{"a":2}]"#);
    check("[paths]", r#"{"a":[1]}"#, r#"[["a"],["a",0]]"#);
    check("[paths(type == \"number\")]", r#"{"a":[1]}"#, r#"[["a",0]]"#);
    check("[path(..)] | length", r#"{"a":[1]}"#, "3");
    check("path(.a[0].b?)", "null", r#"["a",0,"b"]"#);
    check("setpath([\"a\", 0]; 1) | getpath([\"a\", 0])", "null", "1");
    check("delpaths([[\"a\"], [\"b\", 0]])", r#"{"a":1,"b":[1,2]}"#, r#"{"b":[2]}"#);
    check("first(.[] | select(. > 1)) |= 0", "[1,2,3]", "[1,0,3]");
    check("limit(2; .[]) |= 0", "[1,2,3]", "[0,0,3]");
    check("getpath([\"a\",\"b\"]) |= 5", "null", r#"{"a":{"b":5}}"#);
    check("to_entries | from_entries", r#"{"z":1,"a":2}"#, r#"{"z":1,"a":2}"#);
    fails("path(1)", "null", "not part of the input");
    fails(".[-5] = 1", "[0]", "before its first item");
    fails(".a = 1", "[0]", "cannot index an array");
}

#[test]
fn strings() {
    check("[ascii_downcase, ascii_upcase, length, utf8bytelength]", r#""äB""#, r#"["äb","äB",2,3]"#);
    check(
        "[ltrimstr(\"a\"), rtrimstr(\"c\"), startswith(\"a\"), endswith(\"x\")]",
        r#""abc""#,
        r#"["bc","ab",true,false]"#,
    );
    check("[trim, ltrim, rtrim]", r#"" a ""#, r#"["a","a "," a"]"#);
    check("split(\",\") | join(\"-\")", r#""a,b""#, r#""a-b""#);
    check("[1,null,\"a\",true] | join(\",\")", "null", r#""1,,a,true""#);
    check("[explode, (explode | implode)]", r#""aä""#, r#"[[97,228],"aä"]"#);
    check("[.[] | tostring]", r#"["a",1,[1,"b"],null]"#, r#"["a","1","[1,\"b\"]","null"]"#);
    check("fromjson.a", r#""{\"a\":[1]}""#, "[1]");
    check("tojson | fromjson", r#"{"a":[1,"\"\\\u0001"]}"#, r#"{"a":[1,"\"\\\u0001"]}"#);
    check("[@base64, (@base64 | @base64d)]", r#""hé""#, r#"["aMOp","hé"]"#);
    check(
        "[@html, @uri, @json, @text, @sh]",
        r#""<a b>'""#,
        r#"["&lt;a b&gt;&apos;","%3Ca%20b%3E%27","\"<a b>'\"","<a b>'","'<a b>'\\'''"]"#,
    );
    check("[@csv, @tsv]", r#"["a\"b", 1, null, true]"#, r#"["\"a\"\"b\",1,,true","a\"b\t1\t\ttrue"]"#);
    fails("fromjson", r#""{""#, "not JSON");
    fails("ascii_downcase", "1", "a string is needed, not a number");
}

#[test]
fn regular_expressions() {
    check("test(\"^a.c$\")", r#""abc""#, "true");
    check("[test(\"B\"), test(\"B\"; \"i\")]", r#""abc""#, "[false,true]");
    check(
        "[match(\"b(?<x>c)?\"; \"g\") | [.offset, .length, .string, (.captures | length)]]",
        r#""äbcb""#,
        r#"[[1,2,"bc",1],[3,1,"b",0]]"#,
    );
    check("capture(\"(?<y>[0-9]{4})-(?<m>[0-9]{2})\")", r#""on 2024-05""#, r#"{"y":"2024","m":"05"}"#);
    check("[scan(\"[a-z]+\")]", r#""ab 1 cd""#, r#"["ab","cd"]"#);
    check("gsub(\"[0-9]\"; \"#\")", r#""a1b22""#, "\"a#b##\"");
    check("sub(\"(?<l>[a-z])\"; \"<\\(.l)>\")", r#""ab""#, r#""<a>b""#);
    check("[splits(\", *\")]", r#""a, b,c""#, r#"["a","b","c"]"#);
    check("gsub(\"\"; \"-\")", r#""ab""#, r#""-a-b-""#);
    check("[match(\"a*?\"; \"g\").length]", r#""aa""#, "[0,0,0]");
    check("[match(\"(a|ab)(c|bcd)\").captures[].string]", r#""abcd""#, r#"["a","bcd"]"#);
    check("test(\"\\\\bä\\\\w+\")", r#""x äöü""#, "true");
    fails("test(\"(\")", r#""a""#, "regular expression is invalid");
    fails("test(\"a\"; \"q\")", r#""a""#, "is not a flag");
}

#[test]
fn dates() {
    check("now", "null", "1700000000.5");
    check("now | floor | todate", "null", r#""2023-11-14T22:13:20Z""#);
    check("fromdate", r#""2023-11-14T22:13:20Z""#, "1700000000");
    check("strftime(\"%Y-%m-%d\")", "1700000000", r#""2023-11-14""#);
    check("strptime(\"%Y-%m-%d\") | mktime", r#""2023-11-14""#, "1699920000");
    check("gmtime | mktime", "1700000000", "1700000000");
    fails("gmtime", "1e300", "too far away");
    fails("mktime", "[2023,127,1,0,0,0]", "not a date");
    fails("strptime(\"%Q\")", r#""Europe/Berlin""#, "time zone names");
}
