//! sprig's functions of numbers, lists, dicts and times. The facts are those of its documentation and of
//! its own tests.

use crate::sprig::{check, check_errors};

#[test]
fn numbers() {
    check(&[
        ("~int('123')", "123"),
        ("~int('x')", "0"),
        ("~int(nil)", "0"),
        ("~int(1.9)", "1"),
        ("~int('0x1F')", "31"),
        ("~int('5.0')", "5"),
        ("~int64('-7')", "-7"),
        ("~float64('1.5')", "1.5"),
        ("~atoi('12')", "12"),
        ("~atoi('a')", "0"),
        ("~toDecimal('777')", "511"),
        ("~add(1, 2, '3')", "6"),
        ("~add1('2')", "3"),
        ("~sub(3, 2)", "1"),
        ("~div(7, 2)", "3"),
        ("~mod(7, 3)", "1"),
        ("~mul(1, 2, 3)", "6"),
        ("~max(1, 2, 3)", "3"),
        ("~biggest(1, 2)", "2"),
        ("~min(1, 2, 3)", "1"),
        ("~maxf(1.5, 3, 2)", "3"),
        ("~minf(1.5, 3, 2)", "1.5"),
        ("~floor(123.9999)", "123"),
        ("~ceil(123.001)", "124"),
        ("~round(123.555555, 3)", "123.556"),
        ("~round(123.4999, 0)", "123"),
        ("~round(123.5, 0)", "124"),
        ("~addf(0.1, 0.2)", "0.3"),
        ("~addf(1.5, 2, '3')", "6.5"),
        ("~add1f(1.5)", "2.5"),
        ("~subf(7.5, 2, 3)", "2.5"),
        ("~mulf(1.5, 2, 2)", "6"),
        ("~mulf(0.1, 3)", "0.3"),
        ("~divf(10, 2, 4)", "1.25"),
        ("~divf(1, 3)", "0.3333333333333333"),
        ("~until(5)", "[0,1,2,3,4]"),
        ("~until(-3)", "[0,-1,-2]"),
        ("~untilStep(3, 6, 2)", "[3,5]"),
        ("~untilStep(6, 3, -2)", "[6,4]"),
        ("~untilStep(0, 5, 0)", "[]"),
        ("~seq(5)", "\"1 2 3 4 5\""),
        ("~seq(-3)", "\"1 0 -1 -2 -3\""),
        ("~seq(0, 2)", "\"0 1 2\""),
        ("~seq(2, -2)", "\"2 1 0 -1 -2\""),
        ("~seq(0, 2, 10)", "\"0 2 4 6 8 10\""),
        ("~seq(0, -2, -5)", "\"0 -2 -4\""),
        ("~randInt(12, 13)", "12"),
    ]);
    check_errors(&[
        ("~div(1, 0)", "integer divide by zero"),
        ("~mod(1, 0)", "integer divide by zero"),
        ("~divf(1, 0)", "division by 0"),
        ("~randInt(5, 5)", "invalid argument to Intn"),
    ]);
}

#[test]
fn lists() {
    check(&[
        ("~list(1, 'a')", "[1,\"a\"]"),
        ("~tuple(1)", "[1]"),
        ("~first([1, 2])", "1"),
        ("~first([])", "null"),
        ("~rest([1, 2, 3])", "[2,3]"),
        ("~last([1, 2])", "2"),
        ("~initial([1, 2, 3])", "[1,2]"),
        ("~append([1], 2)", "[1,2]"),
        ("~push([1], 2)", "[1,2]"),
        ("~prepend([1], 0)", "[0,1]"),
        ("~concat([1], [2, 3])", "[1,2,3]"),
        ("~reverse([1, 2, 3])", "[3,2,1]"),
        ("~uniq([1, 1, 2])", "[1,2]"),
        ("~without([1, 2, 3, 4, 5], 1, 3, 5)", "[2,4]"),
        ("~has(4, [1, 4])", "true"),
        ("~has(4, nil)", "false"),
        ("~compact([1, 'a', 'foo', '', 0, nil])", "[1,\"a\",\"foo\"]"),
        ("~slice([1, 2, 3, 4, 5], 1, 3)", "[2,3]"),
        ("~slice([1, 2, 3], 1)", "[2,3]"),
        ("~slice([], 1)", "null"),
        ("~chunk(3, [1, 2, 3, 4, 5, 6, 7])", "[[1,2,3],[4,5,6],[7]]"),
    ]);
    check_errors(&[
        ("~first('a')", "Cannot find first on type string"),
        ("~mustAppend('a', 1)", "Cannot push on type string"),
        ("~slice([1], 2)", "slice bounds out of range"),
        ("~slice(1)", "list should be type of slice or array but int"),
        ("~concat([1], 2)", "Cannot concat type int as list"),
        ("~first(nil)", "nil pointer dereference"),
        ("~chunk(0, [1])", "must not be 0"),
    ]);
}

#[test]
fn dicts() {
    check(&[
        (
            "~dict('name1', 'value1', 'name2', 2)",
            r#"{"name1":"value1","name2":2}"#,
        ),
        ("~dict('a')", r#"{"a":""}"#),
        ("~get({a: 1}, 'a')", "1"),
        ("~get({a: 1}, 'b')", "\"\""),
        ("~set({a: 1}, 'b', 2)", r#"{"a":1,"b":2}"#),
        ("~unset({a: 1, b: 2}, 'a')", r#"{"b":2}"#),
        ("~hasKey({a: 1}, 'a')", "true"),
        ("~pluck('a', {a: 1}, {b: 2}, {a: 3})", "[1,3]"),
        (
            "~dig('user', 'role', 'name', 'guest', {user: {role: {name: 'c'}}})",
            "\"c\"",
        ),
        (
            "~dig('user', 'role', 'name', 'guest', {user: {}})",
            "\"guest\"",
        ),
        (
            "~merge({a: 1, n: {x: 1}}, {a: 2, b: 3, n: {x: 2, y: 2}})",
            r#"{"a":1,"b":3,"n":{"x":1,"y":2}}"#,
        ),
        (
            "~mergeOverwrite({a: 1, n: {x: 1}}, {a: 2, n: {y: 2}})",
            r#"{"a":2,"n":{"x":1,"y":2}}"#,
        ),
        ("~keys({b: 1, a: 2})", r#"["a","b"]"#),
        ("~pick({a: 1, b: 2}, 'a', 'c')", r#"{"a":1}"#),
        ("~omit({a: 1, b: 2}, 'a')", r#"{"b":2}"#),
        ("~values({a: 1, b: 2})", "[1,2]"),
        ("~deepCopy({a: [1]})", r#"{"a":[1]}"#),
    ]);
    check_errors(&[
        (
            "~dig('a', 'b', 'x', {a: 1})",
            "interface conversion: interface {} is int, not map[string]interface {}",
        ),
        (
            "~merge({}, 1)",
            "reflect: cannot use int as type map[string]interface {} in Call",
        ),
        (
            "~round(1.5, 0, 1)",
            "reflect: cannot use int as type float64 in Call",
        ),
        ("~dig('a', 1)", "dig needs at least three arguments"),
        (
            "~get(1, 'a')",
            "reflect: Call using int as type map[string]interface {}",
        ),
    ]);
}

#[test]
fn defaults_types_and_json() {
    check(&[
        ("~default('foo', '')", "\"foo\""),
        ("~default('foo', 'bar')", "\"bar\""),
        ("~default('foo')", "\"foo\""),
        ("~default('foo', 0)", "\"foo\""),
        ("~empty('')", "true"),
        ("~empty([])", "true"),
        ("~empty(1)", "false"),
        ("~coalesce(0, 1, 2)", "1"),
        ("~coalesce('', nil)", "null"),
        ("~all(0, 1, 2)", "false"),
        ("~any(0, 1, 2)", "true"),
        ("~ternary('foo', 'bar', true)", "\"foo\""),
        ("~ternary('foo', 'bar', false)", "\"bar\""),
        ("~fromJson('{\"foo\": 55}').foo", "55"),
        ("~fromJson('nope')", "null"),
        ("~toJson({a: 1})", r#""{\"a\":1}""#),
        ("~toPrettyJson({a: 1})", r#""{\n  \"a\": 1\n}""#),
        ("~toRawJson('<')", r#""\"\u003c\"""#),
        ("~typeOf('a')", "\"string\""),
        ("~kindOf(1.5)", "\"float64\""),
        ("~kindIs('int', 123)", "true"),
        ("~typeIs('string', 'a')", "true"),
        ("~deepEqual([1, 2], [1, 2])", "true"),
        ("~deepEqual(1, 1.0)", "false"),
    ]);
    check_errors(&[
        (
            "~mustFromJson('nope')",
            "invalid character 'o' in literal null (expecting 'u')",
        ),
        (
            "~fail('Please accept the end user license agreement')",
            "Please accept",
        ),
        ("~ternary(1, 2, 3)", "reflect: Call using int as type bool"),
    ]);
}

#[test]
fn dates() {
    check(&[
        ("~date('2006-01-02', ~now())", "\"2023-11-14\""),
        ("~date('2006-01-02', 0)", "\"1970-01-01\""),
        ("~dateInZone('15:04', ~now(), 'Asia/Tokyo')", "\"07:13\""),
        ("~htmlDate(~now())", "\"2023-11-14\""),
        ("~htmlDateInZone(~now(), 'Asia/Tokyo')", "\"2023-11-15\""),
        ("~unixEpoch(~now())", "\"1700000000\""),
        ("~date('15:04', ~dateModify('-1h', ~now()))", "\"21:13\""),
        ("~ago(~dateModify('-90s', ~now()))", "\"1m30s\""),
        ("~duration('95')", "\"1m35s\""),
        ("~durationRound('2h10m5s')", "\"2h\""),
        ("~durationRound('2400h10m5s')", "\"3mo\""),
        ("~toDate('2006-01-02', '2017-12-31').Year()", "2017"),
        ("~toDate('2006-01-02', 'nope').Year()", "1"),
    ]);
    check_errors(&[
        (
            "~mustToDate('2006-01-02', 'nope')",
            "parsing time \"nope\" as \"2006-01-02\"",
        ),
        ("~mustDateModify('x', ~now())", "invalid duration"),
        (
            "~unixEpoch('a')",
            "reflect: Call using string as type time.Time",
        ),
    ]);
}
