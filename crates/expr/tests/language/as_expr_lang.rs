//! What expr-lang does where one would guess otherwise: cases that its own tests brought up.

use argosy_expr::{EvalContext, Program, Value, ValueScope};

use crate::cases::{check, check_errors};

#[test]
fn what_stands_beside_a_known_truth_is_not_evaluated() {
    check(&[
        ("{a: nil}.a.b.c || true", "true"),
        ("{a: nil}.a.b.c && false", "false"),
        ("fromJSON('1') && true", "1"),
        ("fromJSON('\"x\"') || false", "\"x\""),
        ("true || {a: nil}.a.b", "true"),
    ]);
    check_errors(&[(
        "{a: nil}.a.b || fromJSON('true')",
        "cannot fetch b from <nil>",
    )]);
}

#[test]
fn sums_of_written_lists_are_additions() {
    check(&[
        ("sum([item, item])", "\"itit\""),
        ("sum([item, 'a', 'b'])", "\"itab\""),
        ("sum([1, 2.5, 3])", "6.5"),
        ("sum([int(item == 'it' ? '1' : '2'), 2])", "3"),
    ]);
    check_errors(&[
        ("sum(['a', 'b'])", "invalid operation: string + int"),
        ("sum([item])", "invalid operation: string + int"),
    ]);
}

#[test]
fn texts_are_gone_through_by_bytes() {
    check(&[
        ("filter(inputs.parameters.count, # > 50)", "[51]"),
        ("map(workflow.name, #)", "[119,102]"),
        ("count(workflow.name, # == 119)", "1"),
        ("sum(inputs.parameters.count)", "51"),
        ("reduce(workflow.name, #acc + #)", "221"),
        ("all(fromJSON('{}'), false)", "true"),
    ]);
    check_errors(&[
        ("map('ab', #)", "builtin map takes only array (got string)"),
        (
            "map(workflow.labels, #)",
            "reflect: call of reflect.Value.Index on map Value",
        ),
        (
            "map(fromJSON('1'), #)",
            "reflect: call of reflect.Value.Len on float64 Value",
        ),
        (
            "map(workflow.nope, #)",
            "reflect: call of reflect.Value.Len on zero Value",
        ),
    ]);
}

#[test]
fn types_are_known_inside_of_predicates_and_variables() {
    check_errors(&[
        (
            "1..3 | filter(# == 'a')",
            "invalid operation: == (mismatched types int and string)",
        ),
        (
            "1..3 | map('a') | filter(# > 1)",
            "invalid operation: > (mismatched types string and int)",
        ),
        (
            "let x = 1; x + 'a'",
            "invalid operation: + (mismatched types int and string)",
        ),
        (
            "let x = 'a'; map(x, #)",
            "builtin map takes only array (got string)",
        ),
        (
            "true ? 1 : nope(if 2 { 3 } else { 4 })",
            "unknown name nope",
        ),
        (
            "'a' ? nope : 2",
            "non-bool expression (type string) used as condition",
        ),
        (
            "any('a', nope)",
            "builtin any takes only array (got string)",
        ),
        ("1 % 0", "integer divide by zero"),
    ]);
    check(&[
        ("[1, 'a'] | filter(# == 'a')", "[\"a\"]"),
        ("let x = fromJSON('\"a\"'); x + 'b'", "\"ab\""),
        ("map([[1], [2]], #[0] + 1)", "[2,3]"),
    ]);
}

#[test]
fn names_that_are_taken_cannot_be_declared() {
    check_errors(&[
        ("let inputs = 1; inputs", "cannot redeclare inputs"),
        ("let sprig = 1; sprig", "cannot redeclare sprig"),
        ("let asInt = 1; asInt", "cannot redeclare asInt"),
        ("let len = 1; len", "cannot redeclare builtin len"),
        ("let a = 1; let a = 2; a", "cannot redeclare variable a"),
        ("item()", "string is not callable"),
        ("inputs()", "map[string]interface {} is not callable"),
        ("$env()", "map[string]interface {} is not callable"),
        ("let f = nil; f()", "f is nil; cannot call nil as function"),
    ]);
}

#[test]
fn the_environment_has_the_types_of_its_variables() {
    check(&[
        ("$env.item", "\"it\""),
        ("$env['workflow'].name", "\"wf\""),
        ("$env?.nope", "null"),
        ("$env?.nope ?? 1", "1"),
    ]);
    check_errors(&[
        ("$env.nope", "unknown name nope"),
        ("$env['no such name']", "unknown name no such name"),
        (
            "$env.item + 1",
            "invalid operation: + (mismatched types string and int)",
        ),
        ("$env.item.name", "type string has no field name"),
    ]);
}

#[test]
fn entries_of_maps_are_no_methods_and_keys_have_types() {
    check(&[
        ("groupBy([1, 2], # % 2)?.['a']", "null"),
        ("fromPairs([[1, 'a']])[1]", "\"a\""),
        ("get(fromJSON('{\"a\": 1}'), 'b')", "null"),
        ("get(fromJSON('\"abc\"'), 7)", "null"),
        ("fromJSON('{\"\": 1}')[nil]", "1"),
    ]);
    check_errors(&[
        (
            "fromJSON('{\"a\": 1}').a()",
            "invalid operation: cannot call non-function of type float64",
        ),
        (
            "fromJSON('{\"a\": 1}').b()",
            "invalid operation: cannot call nil",
        ),
        (
            "fromJSON('{\"a\": 1}')[fromJSON('0')]",
            "reflect.Value.MapIndex: value of type float64 is not assignable to type string",
        ),
        (
            "get(fromJSON('{\"a\": 1}'), fromJSON('0'))",
            "reflect.Value.MapIndex: value of type float64 is not assignable to type string",
        ),
        (
            "fromJSON('0') in fromJSON('{\"a\": 1}')",
            "reflect.Value.MapIndex: value of type float64 is not assignable to type string",
        ),
        (
            "groupBy([1], #)[fromJSON('[]')]",
            "runtime error: hash of unhashable type []interface {}",
        ),
        (
            "get(fromJSON('\"a\"'), 'b')",
            "invalid operation: int(string)",
        ),
    ]);
}

#[test]
fn numbers_are_those_of_go() {
    check(&[
        ("0.5 ** -0.5", "1.414213562373095"),
        ("0.1 ** 3", "0.0010000000000000002"),
        ("2 ** 1023", "8.98846567431158e+307"),
        ("2 ** -1074", "5e-324"),
        ("(-8) ** 3", "-512"),
        ("10 ** 308", "1.0000000000000006e+308"),
        ("int(0 / 0)", "-9223372036854775808"),
        ("int(1 / 0)", "-9223372036854775808"),
        ("int(-1e300)", "-9223372036854775808"),
    ]);
}

#[test]
fn times_know_their_zones() {
    check(&[
        (
            "date('2024-01-02T03:04:05Z').Location().String()",
            "\"UTC\"",
        ),
        (
            "date('24.11.1987 20:30 MSK', '02.01.2006 15:04 MST', 'Europe/Zurich')",
            "\"1987-11-24T20:30:00Z\"",
        ),
        (
            "date('24.11.1987 20:30 CET', '02.01.2006 15:04 MST', 'Europe/Zurich')",
            "\"1987-11-24T20:30:00+01:00\"",
        ),
        (
            "date('24.07.1987 20:30 CET', '02.01.2006 15:04 MST', 'Europe/Zurich')",
            "\"1987-07-24T21:30:00+02:00\"",
        ),
    ]);
    check_errors(&[
        (
            "now(nil)",
            "invalid number of arguments (expected 0, got 1)",
        ),
        (
            "now('UTC')",
            "invalid number of arguments (expected 0, got 1)",
        ),
    ]);
}

#[test]
fn faults_of_reading_stand_where_expr_lang_sees_them() {
    // The message, and where the mark stands.
    let cases = [
        ("a.", "unexpected end of expression", 1),
        ("{a: 1, b: 2, ,}", "unexpected token Operator(\",\")", 13),
        ("'a\\qb'", "invalid char escape", 3),
        ("\"\\'\"", "invalid char escape", 2),
        ("'\\x4Z'", "invalid char escape", 4),
        ("'\\u{110000}'", "unable to unescape string", 11),
        ("'\\477'", "unable to unescape string", 5),
        ("b'\\u0041'", "unable to unescape string", 8),
        ("'abc\\", "invalid char escape", 5),
        ("'abc", "literal not terminated", 4),
        ("a \u{1} b", "unrecognized character: U+0001", 2),
        ("a @ b", "unrecognized character: U+0040 '@'", 2),
        (
            "'a' matches '['",
            "error parsing regexp: missing closing ]: `[`",
            4,
        ),
    ];
    for (source, message, offset) in cases {
        let error = Program::compile(source).expect_err(source);
        let found = (error.message.as_str(), error.offset);
        assert_eq!(found, (message, offset), "{source}");
    }
}

#[test]
fn patterns_are_refused_in_the_words_of_go() {
    let cases = [
        ("a**", "invalid nested repetition operator: `**`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a|+", "missing argument to repetition operator: `+`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,1}", "invalid repeat count: `{3,1}`"),
        ("(a", "missing closing ): `(a`"),
        ("a)b", "unexpected ): `a)b`"),
        ("x[a", "missing closing ]: `[a`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("\\p{Foo}", "invalid character class range: `\\p{Foo}`"),
        ("\\8", "invalid escape sequence: `\\8`"),
        ("[a-\\d]", "invalid escape sequence: `\\d`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?P<1-2>a)", "invalid named capture: `(?P<1-2>`"),
        ("a\\", "trailing backslash at end of expression: ``"),
    ];
    let context = EvalContext::new(0, 0, 0);
    for (pattern, message) in cases {
        let scope: ValueScope = [("p", Value::from(pattern))].into_iter().collect();
        let program = Program::compile("'a' matches p").expect("an expression");
        let error = program.eval(&scope, &context).expect_err(pattern);
        let expected = format!("error parsing regexp: {message}");
        assert_eq!(error.message, expected, "{pattern}");
    }
    check(&[
        ("'\\n' matches `^\\012$`", "true"),
        ("'a{,2}' matches `^a{,2}$`", "true"),
        ("'x' matches `(?)x(?i-s:X)(?P<1a>)`", "false"),
        ("'xx' matches `(?)x(?i-s:X)(?P<1a>)`", "true"),
        ("'é' matches `\\P{^L}`", "true"),
        ("'a-b' matches `^[\\w-]+$`", "true"),
    ]);
}

#[test]
fn json_is_refused_in_the_words_of_go() {
    let cases = [
        ("", "unexpected end of JSON input"),
        (
            "hello",
            "invalid character 'h' looking for beginning of value",
        ),
        ("1 2", "invalid character '2' after top-level value"),
        ("01", "invalid character '1' after top-level value"),
        (
            "{'a': 1}",
            "invalid character '\\'' looking for beginning of object key string",
        ),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        (
            "{\"a\": 1 \"b\"}",
            "invalid character '\"' after object key:value pair",
        ),
        ("[1 2]", "invalid character '2' after array element"),
        (
            "[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            "nul",
            "invalid character ' ' in literal null (expecting 'l')",
        ),
        (
            "1.",
            "invalid character ' ' after decimal point in numeric literal",
        ),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        ("\"a\tb\"", "invalid character '\\t' in string literal"),
        ("é", "invalid character 'Ã' looking for beginning of value"),
        (
            "1e999",
            "json: cannot unmarshal number 1e999 into Go value of type float64",
        ),
    ];
    let context = EvalContext::new(0, 0, 0);
    for (text, message) in cases {
        let scope: ValueScope = [("text", Value::from(text))].into_iter().collect();
        for source in [
            "fromJSON(text)",
            "jsonpath(text, '$')",
            "sprig.mustFromJson(text)",
        ] {
            let program = Program::compile(source).expect(source);
            let error = program.eval(&scope, &context).expect_err(text);
            assert_eq!(error.message, message, "{source} of {text}");
        }
    }
    check(&[
        ("fromJSON(`\"\\ud800\"`)", "\"\u{fffd}\""),
        ("fromJSON(`\"\\ud83d\\ude00\"`)", "\"😀\""),
        ("fromJSON(`\"\\\\ud800\"`)", "\"\\\\ud800\""),
        ("fromBase64('YR==')", "\"a\""),
    ]);
    check_errors(&[
        (
            "fromBase64('string')",
            "illegal base64 data at input byte 4",
        ),
        ("fromBase64('a?')", "illegal base64 data at input byte 1"),
    ]);
}

#[test]
fn nothing_is_known_of_what_sprig_is_given() {
    check(&[
        ("sprig.default('x', nope)", "\"x\""),
        ("sprig.default('x', nope?.deeper)", "\"x\""),
        ("sprig.keys(nope)", "[]"),
        ("sprig.hasKey(nope, 'a')", "false"),
        ("true || sprig.nope(1)", "true"),
        ("true ? 1 : sprig.trim()", "1"),
        ("sprig.seq(1, 2, 3, 4)", "\"\""),
        ("$env[nope ?? 'item']", "\"it\""),
    ]);
    check_errors(&[
        (
            "sprig.default('x', nope.deeper)",
            "cannot fetch deeper from <nil>",
        ),
        ("sprig.trim(1 + 'a')", "invalid operation: int + string"),
        ("sprig.nope(1 + 'a')", "invalid operation: int + string"),
        ("sprig.nope(1)", "invalid operation: cannot call nil"),
        ("trim(nope)", "unknown name nope"),
    ]);
}
