//! The language itself. The facts are those of expr-lang's language definition and of its behaviour in
//! version 1.17.

use argosy_expr::{EvalContext, MapScope, evaluate_bool};

use crate::cases::{check, check_errors};

#[test]
fn literals() {
    check(&[
        ("true", "true"),
        ("false", "false"),
        ("nil", "null"),
        ("42", "42"),
        ("0x2A", "42"),
        ("0o52", "42"),
        ("0b101010", "42"),
        ("1_000_000", "1000000"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1.5e-7", "1.5e-7"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("\"foo\"", "\"foo\""),
        ("'bar'", "\"bar\""),
        ("'it\\'s'", "\"it's\""),
        ("\"a\\nb\\t\\u00e9\\x41\\101\"", "\"a\\nb\\téAA\""),
        ("'\\u{1F600}'", "\"😀\""),
        ("`raw \\n`", "\"raw \\\\n\""),
        ("`a``b`", "\"a`b\""),
        ("b\"hi\"", "\"aGk=\""),
        ("b'\\xff\\x00'", "\"/wA=\""),
        ("[1, 2, 3]", "[1,2,3]"),
        ("[1, 2, 3,]", "[1,2,3]"),
        ("[]", "[]"),
        ("{}", "{}"),
        (
            "{a: 1, 'b c': 2, 3: 4, (\"d\" + \"e\"): 5}",
            r#"{"3":4,"a":1,"b c":2,"de":5}"#,
        ),
        ("1 // one", "1"),
        ("/* two */ 2 /* three */", "2"),
        ("// first\n 3", "3"),
    ]);
}

#[test]
fn arithmetic_keeps_integers_and_floats_apart() {
    check(&[
        ("1 + 2", "3"),
        ("1 + 2.5", "3.5"),
        ("1.0 + 2", "3"),
        ("type(1.0 + 2)", "\"float\""),
        ("type(1 + 2)", "\"int\""),
        ("7 / 2", "3.5"),
        ("type(4 / 2)", "\"float\""),
        ("4 / 2", "2"),
        ("7 % 3", "1"),
        ("-7 % 3", "-1"),
        ("2 ** 3", "8"),
        ("2 ^ 3", "8"),
        ("2 ** 3 ** 2", "512"),
        ("type(2 ** 3)", "\"float\""),
        ("-2 ** 2", "-4"),
        ("2 ** -1", "0.5"),
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("+5", "5"),
        ("-5", "-5"),
        ("- -5", "5"),
        ("9223372036854775807 + 1", "-9223372036854775808"),
        ("1 / 0 > 1", "true"),
        ("'a' + 'b'", "\"ab\""),
    ]);
    check_errors(&[
        (
            "'a' + 1",
            "invalid operation: + (mismatched types string and int)",
        ),
        ("1 % 0", "integer divide by zero"),
        (
            "1.5 % 2",
            "invalid operation: % (mismatched types float64 and int)",
        ),
        ("-'a'", "invalid operation: - (mismatched type string)"),
        ("1 / 0", "unsupported value"),
        ("9223372036854775808", "invalid integer literal"),
    ]);
}

#[test]
fn comparison_and_logic() {
    check(&[
        ("1 == 1.0", "true"),
        ("fromJSON('1') == '1'", "false"),
        ("'a' == 'a'", "true"),
        ("[1, 2] == [1.0, 2]", "true"),
        ("[1, 2] == [2, 1]", "false"),
        ("{a: 1} == {a: 1}", "true"),
        ("{a: 1} == {b: 1}", "false"),
        ("nil == nil", "true"),
        ("nil != 1", "true"),
        ("1 < 2", "true"),
        ("2 <= 2.0", "true"),
        ("'b' > 'a'", "true"),
        ("1 < 2 < 3", "true"),
        ("1 < 3 < 2", "false"),
        ("3 > 2 >= 2", "true"),
        ("true && false", "false"),
        ("true and not false", "true"),
        ("false || true", "true"),
        ("false or false", "false"),
        ("!true", "false"),
        ("not true", "false"),
        ("!true == false", "true"),
        ("not false and false", "false"),
        ("true or fromJSON('1') == 'x'", "true"),
        ("true and fromJSON('\"x\"')", "\"x\""),
        ("false or fromJSON('\"x\"')", "\"x\""),
        ("true ? 1 : 2", "1"),
        ("false ? 1 : 2", "2"),
        ("true ?: 2", "true"),
        ("false ? 1 : true ? 2 : 3", "2"),
        ("nil ?? 'x'", "\"x\""),
        ("'y' ?? 'x'", "\"y\""),
        ("nil ?? nil ?? 3", "3"),
        ("if 1 > 2 { 'a' } else { 'b' }", "\"b\""),
        ("if false {1} else if true {2} else {3}", "2"),
    ]);
    check_errors(&[
        ("!'a'", "invalid operation: ! (mismatched type string)"),
        (
            "'a' && true",
            "invalid operation: && (mismatched types string and bool)",
        ),
        (
            "1 ? 2 : 3",
            "non-bool expression (type int) used as condition",
        ),
        (
            "1 < 'a'",
            "invalid operation: < (mismatched types int and string)",
        ),
        ("nil ?? 1 + 2", "cannot be mixed"),
        ("if true {1}", "unexpected token EOF"),
    ]);
}

#[test]
fn texts_and_membership() {
    check(&[
        ("'foobar' contains 'oba'", "true"),
        ("'foobar' not contains 'oba'", "false"),
        ("'foobar' startsWith 'foo'", "true"),
        ("'foobar' not startsWith 'foo'", "false"),
        ("'foobar' endsWith 'bar'", "true"),
        ("'foobar' matches '^f.*r$'", "true"),
        ("'foobar' not matches 'x'", "true"),
        ("'a1' matches `\\d`", "true"),
        ("'é' matches `\\w`", "false"),
        ("fromJSON('null') contains 'a'", "false"),
        ("fromJSON('null') matches 'a'", "false"),
        ("'a' matches fromJSON('null')", "false"),
        ("'John' in ['John', 'Jane']", "true"),
        ("'x' not in ['John', 'Jane']", "true"),
        ("'name' in {'name': 'John'}", "true"),
        ("1 in [1.0]", "true"),
        ("1 in fromJSON('null')", "false"),
        ("not (1 in [2])", "true"),
        ("[1,2,3][0]", "1"),
        ("[1,2,3][-1]", "3"),
        ("[1,2,3,4,5][1:4]", "[2,3,4]"),
        ("[1,2,3,4,5][1:-1]", "[2,3,4]"),
        ("[1,2,3,4,5][:3]", "[1,2,3]"),
        ("[1,2,3,4,5][3:]", "[4,5]"),
        ("[1,2,3,4,5][:]", "[1,2,3,4,5]"),
        ("[1,2][5:9]", "[]"),
        ("'hello'[1:3]", "\"el\""),
        ("fromJSON('\"abc\"')[0]", "97"),
        ("{a: {b: 1}}.a.b", "1"),
        ("{a: {b: 1}}['a']['b']", "1"),
        ("{a: 1}.b", "null"),
        ("{a: 1}?.b?.c", "null"),
        ("{a: nil}.a?.b.c.d", "null"),
        ("{a: nil}.a?.b ?? 'x'", "\"x\""),
        ("{a: nil}.a?.[0]", "null"),
    ]);
    check(&[
        ("1..3", "[1,2,3]"),
        ("3..1", "[]"),
        ("(1..3)[1]", "2"),
        ("1..2 == [1, 2]", "true"),
        ("{'not': 1}.not", "1"),
        ("{'matches': 1}.matches", "1"),
    ]);
    check_errors(&[
        ("{not: 1}", "a map key must be"),
        ("[1][3]", "index out of range"),
        ("(nil).a", "type nil has no field a"),
        ("{a: nil}.a.b", "cannot fetch b from <nil>"),
        ("nil.a", "unexpected token"),
        ("(1)[0]", "type int[int] is undefined"),
        (
            "'a' in 'abc'",
            "invalid operation: in (mismatched types string and string)",
        ),
        ("'a' matches '('", "error parsing regexp"),
        ("'a' contains 1", "invalid operation"),
    ]);
}

#[test]
fn pipes_variables_and_predicates() {
    check(&[
        (
            "'Hello World' | lower() | split(' ')",
            r#"["hello","world"]"#,
        ),
        ("'a' | upper() == 'A'", "true"),
        ("let x = 42; x * 2", "84"),
        ("let x = 1; let y = 2; x + y", "3"),
        ("(let x = 1; x) + (let x = 2; x)", "3"),
        ("let x = 5; map([1, 2], # + x)", "[6,7]"),
        ("map([1,2], {let y = # * 2; y + 1})", "[3,5]"),
        ("1; 2; 3", "3"),
        ("1; 2;", "2"),
        ("filter(0..9, {# % 2 == 0})", "[0,2,4,6,8]"),
        ("filter(0..9, # % 2 == 0)", "[0,2,4,6,8]"),
        ("map([{a: 1}, {a: 2}], .a)", "[1,2]"),
        ("map([{a: 1}, {a: 2}], {.a + #.a})", "[2,4]"),
        ("map(['a', 'b'], #index)", "[0,1]"),
        ("map([[1,2],[3]], map(#, # * 10))", "[[10,20],[30]]"),
        ("all([1,2], # > 0)", "true"),
        ("all([], false)", "true"),
        ("any([1,2], # > 1)", "true"),
        ("none([1,2], # > 2)", "true"),
        ("one([1,2], # > 1)", "true"),
        ("count([1,2,3], # > 1)", "2"),
        ("count([true, false, true])", "2"),
        ("sum([1,2,3])", "6"),
        ("sum([1,2.5])", "3.5"),
        ("sum([{n: 1}, {n: 2}], .n)", "3"),
        ("find([1,2,3], # > 1)", "2"),
        ("find([1], # > 1)", "null"),
        ("findIndex([1,2,3], # > 1)", "1"),
        ("findIndex([1], # > 1)", "null"),
        ("findLast([1,2,3], # < 3)", "2"),
        ("findLastIndex([1,2,3], # < 3)", "1"),
        (
            "groupBy(['a', 'bb', 'cc'], string(len(#)))",
            r#"{"1":["a"],"2":["bb","cc"]}"#,
        ),
        ("groupBy([1,2,3], # % 2)[1]", "[1,3]"),
        ("sortBy([{a: 2}, {a: 1}], .a)", r#"[{"a":1},{"a":2}]"#),
        ("sortBy([1,3,2], #, 'desc')", "[3,2,1]"),
        ("reduce(1..4, #acc + #)", "10"),
        ("reduce(1..4, #acc + #, 100)", "110"),
        ("reduce([], #acc, 'x')", "\"x\""),
        ("[1,2,3] | filter(# > 1) | map(# * 2)", "[4,6]"),
        ("::len('abc')", "3"),
    ]);
    check_errors(&[
        ("reduce([], #acc)", "reduce of empty array"),
        ("let x = 1; let x = 2; x", "cannot redeclare variable x"),
        ("let len = 1; len", "cannot redeclare builtin len"),
        ("filter([1], 1; true)", "wrap predicate with brackets"),
        (
            "filter(1, true)",
            "builtin filter takes only array (got int)",
        ),
        ("filter([1])", "expected at least 2 arguments"),
        ("#", "unexpected token"),
        ("map([1], #foo)", "unknown pointer #foo"),
        ("let x 1; x", "unexpected token"),
    ]);
}

#[test]
fn conditions_err_in_the_words_of_argo() {
    let scope: MapScope = [("a.b", "x")].into_iter().collect();
    let context = EvalContext::new(0, 0, 0);
    let cases: [(&str, Result<bool, &str>); 8] = [
        ("a.b == 'x'", Ok(true)),
        ("nope", Err("unknown name nope (1:1)\n | nope\n | ^")),
        ("1 +", Err("unexpected token EOF (1:3)\n | 1 +\n | ..^")),
        (
            "a.c.d",
            Err(
                "unable to evaluate expression 'a.c.d': cannot fetch d from <nil> (1:5)\n | a.c.d\n | ....^",
            ),
        ),
        ("a.b", Err("unable to cast expression result 'x' to bool")),
        (
            "1 + 1",
            Err("unable to cast expression result '%!s(int=2)' to bool"),
        ),
        (
            "[1.5, 'a', nil]",
            Err("unable to cast expression result '[%!s(float64=1.5) a %!s(<nil>)]' to bool"),
        ),
        (
            "{'k': true}",
            Err("unable to cast expression result 'map[k:%!s(bool=true)]' to bool"),
        ),
    ];
    for (source, expect) in cases {
        let found = evaluate_bool(source, &scope, &context);
        assert_eq!(found, expect.map_err(str::to_owned), "{source}");
    }
}
