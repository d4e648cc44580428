//! Typical mistakes: where they are, what they are called, and what to do about them.

use argosy_expr::{Program, function_names};

#[test]
fn mistakes_are_told_where_they_are_with_what_to_do() {
    // The expression, what of it is in question, what is wrong, and a part of the help.
    let cases: &[(&str, &str, &str, &str)] = &[
        ("a = 'x'", "=", "'=' can't stand here", "write =="),
        ("a === 'x'", "=", "'=' can't stand here", "== or !="),
        ("a !== 'x'", "=", "'=' can't stand here", "== or !="),
        ("a <> 'x'", ">", "'>' can't stand here", "write !="),
        (
            "a =~ 'x'",
            "=",
            "'=' can't stand here",
            "text matches 'pattern'",
        ),
        ("a & b", "&", "'&' can't stand here", "&& or 'and'"),
        (
            "a && && b",
            "&&",
            "'&&' can't stand here",
            "missing before it",
        ),
        (
            "a and and b",
            "and",
            "'and' can't stand here",
            "missing before it",
        ),
        ("a not 'x'", "'x'", "''x'' can't stand here", "!= or 'not"),
        (
            "a == \"x",
            "\"x",
            "the text that begins with \" has no end",
            "close it",
        ),
        (
            "'a\nb'",
            "'a\nb'",
            "the text that begins with ' has no end",
            "same line",
        ),
        (
            "a == ‘x’",
            "‘",
            "unrecognized character: U+2018 '‘'",
            "between ' or",
        ),
        (
            "steps.foo-bar.x",
            "foo-bar",
            "'foo-bar' is read as 'foo' minus 'bar'",
            "write steps['foo-bar']",
        ),
        (
            "steps.a-b-c.x",
            "a-b-c",
            "'a-b-c' is read as 'a' minus 'b-c'",
            "write steps['a-b-c']",
        ),
        (
            "tasks.step-1.outputs",
            "step-1",
            "'step-1' is read as 'step' minus '1'",
            "write tasks['step-1']",
        ),
        (
            "a | true",
            "true",
            "the expression breaks off",
            "for 'or' write ||",
        ),
        ("a | upper", "upper", "the expression breaks off", "upper()"),
        (".Values.x", ".", "'.' can't stand here", "no Go templates"),
        (
            "if eq a 'x'",
            "a",
            "'a' can't stand here",
            "no Go templates",
        ),
        ("toJson a", "a", "'a' can't stand here", "toJson(…)"),
        (
            "f'{a}'",
            "'{a}'",
            "''{a}'' can't stand here",
            "put together with +",
        ),
        ("a b", "b", "'b' can't stand here", "an operator is missing"),
        (
            "({{a}} == 1)",
            "{",
            "'{' can't be the key of a map",
            "without braces",
        ),
        (
            "filter(a, x => x > 1)",
            "=",
            "'=' can't stand here",
            "without an arrow",
        ),
        ("a['b'", "[", "the '[' is not closed", ""),
        ("len(a", "(", "the '(' is not closed", ""),
        ("{a: 1", "{", "the '{' is not closed", ""),
        (
            "1 / ",
            "/",
            "the expression breaks off",
            "missing after '/'",
        ),
        ("a ? 'x'", "'x'", "the expression breaks off", "two ends"),
        ("let x = 1", "1", "the expression breaks off", "stand a ;"),
        (
            "let inputs = 1; inputs",
            "inputs",
            "inputs is a variable already",
            "another name",
        ),
        ("  ", "  ", "the expression is empty", ""),
        ("upperr(a)", "upperr", "there is no function upperr", ""),
        (
            "sprig.upperr(a)",
            "upperr",
            "there is no function sprig.upperr",
            "",
        ),
        (
            "toUpper(a)",
            "toUpper",
            "there is no function toUpper",
            "write upper",
        ),
        (
            "fromJson(a)",
            "fromJson",
            "there is no function fromJson",
            "write fromJSON",
        ),
        (
            "jsonPath(a, '$')",
            "jsonPath",
            "there is no function jsonPath",
            "write jsonpath",
        ),
        (
            "default('a', b)",
            "default",
            "there is no function default",
            "write sprig.default",
        ),
        (
            "a.toUpper()",
            "toUpper",
            "there is no method toUpper",
            "write upper(…)",
        ),
        (
            "a.nope()",
            "nope",
            "there is no method nope",
            "have methods",
        ),
        (
            "sprig.genCA('a', 1)",
            "genCA",
            "sprig.genCA is not supported",
            "step of the workflow",
        ),
        (
            "len()",
            "len",
            "invalid number of arguments (expected 1, got 0)",
            "takes 1 argument",
        ),
        (
            "replace('a', 'b')",
            "replace",
            "not enough arguments to call replace",
            "takes 3 to 4",
        ),
        (
            "sprig.trunc(3)",
            "trunc",
            "invalid number of arguments: expected 2, got 1",
            "takes 2",
        ),
        (
            "trimPrefix(1)",
            "1",
            "cannot use int as argument (type string) to call trimPrefix ",
            "",
        ),
        (
            "'a' == 1",
            "==",
            "invalid operation: == (mismatched types string and int)",
            "int(x)",
        ),
        (
            "'a' + 1",
            "+",
            "invalid operation: + (mismatched types string and int)",
            "string(x)",
        ),
        (
            "true && 'x'",
            "&&",
            "invalid operation: && (mismatched types bool and string)",
            "compare it",
        ),
        (
            "a matches '[a'",
            "matches",
            "error parsing regexp: missing closing ]: `[a`",
            "",
        ),
        (
            "null == a",
            "null",
            "there is no variable null",
            "write nil",
        ),
        (
            "a == None",
            "None",
            "there is no variable None",
            "write nil",
        ),
        (
            "a == True",
            "True",
            "there is no variable True",
            "write true",
        ),
        ("now > a", "now", "now is a function", "now(…)"),
    ];
    for (source, part, message, help) in cases {
        let mistake = Program::check(source).expect_err(source);
        let found = &source[mistake.offset..mistake.offset + mistake.length];
        assert_eq!(
            (found, mistake.message.as_str()),
            (*part, *message),
            "{source}"
        );
        match (&mistake.help, *help) {
            (None, "") => {}
            (Some(told), help) if !help.is_empty() && told.contains(help) => {}
            (told, help) => panic!("{source}: expected {help:?}, got {told:?}"),
        }
    }
}

#[test]
fn what_is_right_is_no_mistake() {
    for source in [
        "a - b",
        "a.b-1",
        "a-1",
        "inputs.x-inputs.y",
        "inputs.x -workflow.y",
        "a ? 1 : 2",
        "now().Format('2006')",
        "sprig.semver(a).Major()",
        "let x = 1; x-1",
        "steps['a-b'].x",
        "map(a, {#.name})",
        "a.b == nil",
        "item + 1",
        "item.a ?? 'x'",
        "true ? inputs : nil",
        "duration('1h').Hours()",
    ] {
        let checked = Program::check(source);
        assert!(checked.is_ok(), "{source}: {:?}", checked.err());
    }
}

#[test]
fn functions_have_the_names_that_they_are_called_by() {
    let names: Vec<String> = function_names().collect();
    for name in [
        "len",
        "asInt",
        "filter",
        "sprig.trim",
        "sprig.getHostByName",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(names.len() > 250, "{}", names.len());
}
