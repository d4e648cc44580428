//! `when` conditions. The facts are those of govaluate, and of what Argo does around it.

use argosy_expr::{WhenError, evaluate_cron_when, evaluate_when};

#[track_caller]
fn check(cases: &[(&str, bool)]) {
    let mut wrong = Vec::new();
    for (when, expect) in cases {
        let result = evaluate_when(when);
        if result.as_ref() != Ok(expect) {
            wrong.push(format!("{when}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[track_caller]
fn check_errors(cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (when, expect) in cases {
        let result = evaluate_when(when).map_err(|error| error.to_string());
        if result.as_ref() != Err(&(*expect).to_owned()) {
            wrong.push(format!("{when}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn conditions_of_the_documentation() {
    check(&[
        ("", true),
        ("heads == heads", true),
        ("heads == tails", false),
        (
            "( heads == heads && tails == tails ) || ( heads == tails && tails == tails )",
            true,
        ),
        ("heads =~ hea", true),
        ("heads =~ tai", false),
        ("tails !~ hea", true),
        ("Succeeded == Succeeded", true),
        ("False == True", false),
        ("false", false),
        ("true", true),
        ("\"true\" == \"true\"", true),
        ("\"a b\" == 'a b'", true),
        ("3 > 2", true),
        ("10 > 9", true),
        ("\"10\" > \"9\"", false),
        ("1 == 1.0", true),
        ("1 == '1'", false),
        ("[a-b] == 'a-b'", true),
        ("a\\-b == 'a-b'", true),
    ]);
}

#[test]
fn operators() {
    check(&[
        ("1 + 2 * 3 == 7", true),
        ("(1 + 2) * 3 == 9", true),
        ("7 - 3 - 2 == 2", true),
        ("12 / 3 / 2 == 2", true),
        ("2 ** 3 ** 2 == 64", true),
        ("7 % 4 == 3", true),
        ("6 & 3 == 2", true),
        ("6 | 3 == 7", true),
        ("6 ^ 3 == 5", true),
        ("1 << 4 == 16", true),
        ("16 >> 2 == 4", true),
        ("~5 == -6", true),
        ("-3 < 2", true),
        ("-2 ** 2 == 4", true),
        ("!true", false),
        ("!(1 == 2)", true),
        ("true && !false", true),
        ("true || false && false", true),
        ("false && 1", false),
        ("true || 1", true),
        ("a < b", true),
        ("a + b == ab", true),
        ("1 + a == '1a'", true),
        ("a in (a, b)", true),
        ("c in (a, b)", false),
        ("1 in (1, 2)", true),
        ("'1' in (1, 2)", false),
        ("a IN (b, a)", true),
        ("(true ? 1 : 2) == 1", true),
        ("(false ? 1 : 2) == 2", true),
        ("(false ? 1 : true ? 2 : 3) == 2", true),
        ("(1 ?? 2) == 1", true),
        ("true ? true : false", true),
        ("abc =~ '^a.c$'", true),
    ]);
    check(&[
        ("0x1F == 31", true),
        ("1 != 2 && 'x' != 'y'", true),
        ("((true))", true),
        ("(((1))) == 1", true),
        ("true == true", true),
        ("(1 == 1) == true", true),
        ("1 > 2 == false", true),
    ]);
}

#[test]
fn texts_in_quotes_that_are_times_compare_as_times() {
    check(&[
        ("'2014-01-02' > '2014-01-01'", true),
        ("'2014-01-02 14:12:22' > '2014-01-02 14:12:21'", true),
        ("'2014-01-02T00:00:00Z' == '2014-01-02'", true),
        (
            "'2014-01-02T00:00:00+02:00' == '2014-01-02T00:00:00Z'",
            false,
        ),
        ("'2014-01-02' == 1388620800", true),
        ("'2014-01-02' == word", false),
        ("'Thu Jan  2 00:00:00 2014' == '2014-01-02'", true),
        ("2014-01-02 == 2011", true),
    ]);
    check_errors(&[(
        "'2014-01-02' - '2014-01-01' == 86400",
        "Invalid 'when' expression ''2014-01-02' - '2014-01-01' == 86400': Cannot transition token types from MODIFIER [-] to TIME [2014-01-01 00:00:00 +0000 UTC]",
    )]);
}

#[test]
fn errors_are_argos() {
    check_errors(&[
        (
            "a == $b",
            "Invalid 'when' expression 'a == $b': Invalid token: '$' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "a ==-1",
            "Invalid 'when' expression 'a ==-1': Invalid token: '==-' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "true &&!false",
            "Invalid 'when' expression 'true &&!false': Invalid token: '&&!' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "!!true",
            "Invalid 'when' expression '!!true': Invalid token: '!!' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "_a == 1",
            "Invalid 'when' expression '_a == 1': Invalid token: '_' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "{{x}} == 1",
            "Invalid 'when' expression '{{x}} == 1': Invalid token: '{{' (hint: try wrapping the affected expression in quotes (\"))",
        ),
        (
            "a b == c",
            "Invalid 'when' expression 'a b == c': Cannot transition token types from VARIABLE [a] to VARIABLE [b]",
        ),
        (
            "1a == 1",
            "Invalid 'when' expression '1a == 1': Cannot transition token types from NUMERIC [1] to VARIABLE [a]",
        ),
        (
            " == a",
            "Invalid 'when' expression ' == a': Cannot transition token types from UNKNOWN [<nil>] to COMPARATOR [==]",
        ),
        (
            "a ==",
            "Invalid 'when' expression 'a ==': Unexpected end of expression",
        ),
        (
            "(a == a",
            "Invalid 'when' expression '(a == a': Unbalanced parenthesis",
        ),
        (
            "'a",
            "Invalid 'when' expression ''a': Unclosed string literal",
        ),
        (
            "[a",
            "Invalid 'when' expression '[a': Unclosed parameter bracket",
        ),
        (
            "f(a)",
            "Invalid 'when' expression 'f(a)': Undefined function f",
        ),
        (
            "1.2.3 == 1",
            "Invalid 'when' expression '1.2.3 == 1': Unable to parse numeric value '1.2.3' to float64\n",
        ),
        (
            "v.x == 1",
            "Invalid 'when' expression 'v.x == 1': Unable to access unexported field 'x' in token 'v.x'",
        ),
        (
            "v. == 1",
            "Invalid 'when' expression 'v. == 1': Hanging accessor on token 'v.'",
        ),
        (
            "v1.2 == 1",
            "Failed to evaluate 'when' expresion 'v1.2 == 1': No parameter 'v1' found.",
        ),
        (
            "!foo",
            "Failed to parse 'when' expression '!foo': Cannot transition token types from PREFIX [!] to STRING [foo]",
        ),
        (
            "a > 1",
            "Failed to evaluate 'when' expresion 'a > 1': Value 'a' cannot be used with the comparator '>', it is not a number",
        ),
        (
            "a && true",
            "Failed to evaluate 'when' expresion 'a && true': Value 'a' cannot be used with the logical operator '&&', it is not a bool",
        ),
        (
            "a - 1 == 1",
            "Failed to evaluate 'when' expresion 'a - 1 == 1': Value 'a' cannot be used with the modifier '-', it is not a number",
        ),
        (
            "a in (a)",
            "Failed to evaluate 'when' expresion 'a in (a)': Value 'a' cannot be used with the comparator 'in', it is not a number",
        ),
        ("a", "Expected boolean evaluation for 'a'. Got a"),
        ("1 + 1", "Expected boolean evaluation for '1 + 1'. Got 2"),
        ("()", "Expected boolean evaluation for '()'. Got <nil>"),
        (
            "(1, a)",
            "Expected boolean evaluation for '(1, a)'. Got [1 a]",
        ),
    ]);
}

#[test]
fn a_cron_workflow_knows_no_bare_words() {
    assert_eq!(evaluate_cron_when("3 > 2"), Ok(true));
    assert_eq!(evaluate_cron_when("\"a\" == 'a'"), Ok(true));
    assert!(matches!(
        evaluate_cron_when("a == a"),
        Err(WhenError::Evaluation { message, .. }) if message == "No parameter 'a' found."
    ));
}
