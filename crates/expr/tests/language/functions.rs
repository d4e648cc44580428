//! expr-lang's functions, and methods of times. The facts are those of expr-lang's documentation
//! and of its behaviour in version 1.17.

use argosy_expr::{EvalContext, MapScope, Program};

use crate::cases::{check, check_errors};

#[test]
fn texts() {
    check(&[
        ("trim('  Hello  ')", "\"Hello\""),
        ("trim('__Hello__', '_')", "\"Hello\""),
        ("trimPrefix('HelloWorld', 'Hello')", "\"World\""),
        ("trimPrefix(' x')", "\"x\""),
        ("trimSuffix('HelloWorld', 'World')", "\"Hello\""),
        ("upper('hello')", "\"HELLO\""),
        ("lower('HELLO')", "\"hello\""),
        (
            "split('apple,orange,grape', ',')",
            r#"["apple","orange","grape"]"#,
        ),
        (
            "split('apple,orange,grape', ',', 2)",
            r#"["apple","orange,grape"]"#,
        ),
        ("split('abc', '')", r#"["a","b","c"]"#),
        ("split('', ',')", r#"[""]"#),
        ("split('a,b', ',', 0)", "[]"),
        (
            "splitAfter('apple,orange,grape', ',')",
            r#"["apple,","orange,","grape"]"#,
        ),
        (
            "splitAfter('apple,orange,grape', ',', 2)",
            r#"["apple,","orange,grape"]"#,
        ),
        (
            "replace('Hello World', 'World', 'Universe')",
            "\"Hello Universe\"",
        ),
        ("replace('aaa', 'a', 'b', 2)", "\"bba\""),
        ("replace('ab', '', '-')", "\"-a-b-\""),
        ("repeat('Hi', 3)", "\"HiHiHi\""),
        ("indexOf('apple pie', 'pie')", "6"),
        ("indexOf('a', 'x')", "-1"),
        ("lastIndexOf('apple pie apple', 'apple')", "10"),
        ("hasPrefix('HelloWorld', 'Hello')", "true"),
        ("hasSuffix('HelloWorld', 'World')", "true"),
        ("join(['apple', 'orange'], ',')", "\"apple,orange\""),
        ("join(['apple', 'orange'])", "\"appleorange\""),
        ("len('äö')", "2"),
        ("toBase64('Hello World')", "\"SGVsbG8gV29ybGQ=\""),
        ("fromBase64('SGVsbG8gV29ybGQ=')", "\"Hello World\""),
        (
            "toJSON({name: 'John', age: 30})",
            r#""{\n  \"age\": 30,\n  \"name\": \"John\"\n}""#,
        ),
        ("toJSON([])", "\"[]\""),
        ("toJson('<&>')", r#""\"\\u003c\\u0026\\u003e\"""#),
        (
            "fromJSON('{\"name\": \"John\", \"age\": 30}')",
            r#"{"age":30,"name":"John"}"#,
        ),
        ("type(fromJSON('1'))", "\"float\""),
    ]);
    check_errors(&[
        (
            "upper(1)",
            "cannot use int as argument (type string) to call upper ",
        ),
        ("join([1])", "invalid argument for join"),
        ("repeat('a', -1)", "expected positive integer, got -1"),
        ("fromBase64('!')", "illegal base64 data at input byte 0"),
        ("fromJSON('{')", "unexpected end of JSON input"),
        ("trim()", "not enough arguments to call trim"),
        ("trim('a', 'b', 'c')", "too many arguments to call trim"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("max(5, 7)", "7"),
        ("max([5, 7, 1.5])", "7"),
        ("min(5, 7)", "5"),
        ("min([1, [0.5]], 3)", "0.5"),
        ("max([])", "null"),
        ("abs(-5)", "5"),
        ("abs(-5.5)", "5.5"),
        ("ceil(1.5)", "2"),
        ("ceil(2)", "2"),
        ("floor(1.5)", "1"),
        ("round(1.5)", "2"),
        ("round(-1.5)", "-2"),
        ("mean([1, 2, 3])", "2"),
        ("mean([])", "0"),
        ("mean(1, 2)", "1.5"),
        ("median([1, 2, 3])", "2"),
        ("median([3, 1, 2, 4])", "2.5"),
        ("median([])", "0"),
        ("int('123')", "123"),
        ("int(1.9)", "1"),
        ("int(-1.9)", "-1"),
        ("float('123.45')", "123.45"),
        ("float(1)", "1"),
        ("string(123)", "\"123\""),
        ("string(1.0)", "\"1\""),
        ("string(1e21)", "\"1e+21\""),
        ("string(0.00001)", "\"1e-05\""),
        ("string(nil)", "\"\\u003cnil\\u003e\""),
        ("string([1, 'a'])", "\"[1 a]\""),
        ("string({b: 1, a: 2})", "\"map[a:2 b:1]\""),
        ("string(true)", "\"true\""),
        ("type(42)", "\"int\""),
        ("type('hello')", "\"string\""),
        ("type([1])", "\"array\""),
        ("type({a: 1})", "\"map\""),
        ("type(nil)", "\"nil\""),
        ("type(true)", "\"bool\""),
        ("type(now())", "\"time.Time\""),
        ("type(duration('1s'))", "\"time.Duration\""),
        ("bitand(0b1010, 0b1100)", "8"),
        ("bitor(0b1010, 0b1100)", "14"),
        ("bitxor(0b1010, 0b1100)", "6"),
        ("bitnand(0b1010, 0b1100)", "2"),
        ("bitnot(0b1010)", "-11"),
        ("bitshl(0b101101, 2)", "180"),
        ("bitshr(0b101101, 2)", "11"),
        ("bitshr(-8, 100)", "-1"),
        ("bitushr(-1, 60)", "15"),
        ("bitshl(1, 100)", "0"),
    ]);
    check_errors(&[
        ("int('abc')", "invalid operation: int(abc)"),
        ("int('1.5')", "invalid operation: int(1.5)"),
        ("int(nil)", "invalid argument for int (type %!s(<nil>))"),
        ("float('x')", "invalid operation: float(x)"),
        ("max('a', 1)", "invalid argument for max (type string)"),
        (
            "bitand(1.5, 1)",
            "cannot use float64 as argument (type int) to call bitand",
        ),
        ("bitshl(1, -1)", "negative shift count -1"),
        ("abs('a')", "invalid argument for abs (type string)"),
    ]);
}

#[test]
fn collections() {
    check(&[
        ("len([1, 2, 3])", "3"),
        ("len({a: 1})", "1"),
        ("first([1, 2, 3])", "1"),
        ("first([])", "null"),
        ("last([1, 2, 3])", "3"),
        ("get([1, 2, 3], 1)", "2"),
        ("get([1], 5)", "null"),
        ("get({'name': 'John'}, 'name')", "\"John\""),
        ("get(fromJSON('null'), 'a')", "null"),
        ("take([1, 2, 3, 4], 2)", "[1,2]"),
        ("take([1], 2)", "[1]"),
        ("keys({'name': 'John', 'age': 30})", r#"["age","name"]"#),
        ("values({'name': 'John', 'age': 30})", r#"[30,"John"]"#),
        (
            "toPairs({'name': 'John', 'age': 30})",
            r#"[["age",30],["name","John"]]"#,
        ),
        (
            "fromPairs([['name', 'John'], ['age', 30]])",
            r#"{"age":30,"name":"John"}"#,
        ),
        ("fromPairs([[1, 'a']])[1]", "\"a\""),
        ("reverse([3, 1, 4])", "[4,1,3]"),
        ("sort([3, 1, 4])", "[1,3,4]"),
        ("sort([3, 1, 4], 'desc')", "[4,3,1]"),
        ("sort(['b', 'a'])", r#"["a","b"]"#),
        ("sort([2, 1.5])", "[1.5,2]"),
        ("uniq([3, 1, 3.0, 1])", "[3,1]"),
        ("concat([1, 2], [3])", "[1,2,3]"),
        ("flatten([1, 2, [3, [4]]])", "[1,2,3,4]"),
    ]);
    check_errors(&[
        ("sort([1, 'a'])", "invalid operation: int < string"),
        ("sort([1], 'up')", "invalid order up"),
        ("take([1], -1)", "expected positive integer"),
        ("keys([1])", "cannot get keys from []interface {}"),
        ("fromPairs([[1]])", "invalid pair length 1"),
        ("fromPairs([1])", "invalid pair"),
        ("flatten('a')", "cannot flatten string"),
        ("toJson(fromPairs([[1, 'a']]))", "unsupported type"),
    ]);
}

#[test]
fn times() {
    check(&[
        ("now()", "\"2023-11-14T22:13:20.123456789Z\""),
        ("now().Unix()", "1700000000"),
        ("now().UnixMilli()", "1700000000123"),
        (
            "now().Format('2006-01-02 15:04:05')",
            "\"2023-11-14 22:13:20\"",
        ),
        (
            "now().Format('Mon Jan _2 3:04PM 06')",
            "\"Tue Nov 14 10:13PM 23\"",
        ),
        (
            "now().Format('Monday, January 2 2006 .000 -0700 MST')",
            "\"Tuesday, November 14 2023 .123 +0000 UTC\"",
        ),
        ("now().Year()", "2023"),
        ("now().Month()", "11"),
        ("now().Weekday()", "2"),
        ("now().YearDay()", "318"),
        ("now().Add(duration('1h')).Hour()", "23"),
        ("now().AddDate(0, 1, 0).Month()", "12"),
        (
            "date('2024-01-31').AddDate(0, 1, 0).Format('01-02')",
            "\"03-02\"",
        ),
        ("(now() + duration('24h')).Day()", "15"),
        ("now() - now()", "0"),
        (
            "string(now() - date('2023-11-14'))",
            "\"22h13m20.123456789s\"",
        ),
        ("now() > date('2023-01-01')", "true"),
        ("now() == now()", "true"),
        ("duration('1h30m').Minutes()", "90"),
        ("string(duration('90m'))", "\"1h30m0s\""),
        ("string(duration('1.5ms'))", "\"1.5ms\""),
        ("string(duration('-2s'))", "\"-2s\""),
        ("string(duration('0'))", "\"0s\""),
        ("duration('1h') == duration('60m')", "true"),
        ("duration('1h') * 2 == duration('2h')", "true"),
        ("duration('1s')", "1000000000"),
        ("date('2023-08-14')", "\"2023-08-14T00:00:00Z\""),
        ("date('15:04:05')", "\"0000-01-01T15:04:05Z\""),
        ("date('2023-08-14 00:00:00')", "\"2023-08-14T00:00:00Z\""),
        (
            "date('2023-08-14T10:00:00+02:00')",
            "\"2023-08-14T10:00:00+02:00\"",
        ),
        (
            "date('Mon, 02 Jan 2006 15:04:05 GMT')",
            "\"2006-01-02T15:04:05Z\"",
        ),
        (
            "date('14/08/2023', '02/01/2006')",
            "\"2023-08-14T00:00:00Z\"",
        ),
        (
            "date('2023-08-14 12:00', '2006-01-02 15:04', 'America/New_York')",
            "\"2023-08-14T12:00:00-04:00\"",
        ),
        (
            "date('2023-08-14 12:00:00', '2006-01-02 15:04:05', 'Europe/Zurich').Format('MST -07:00')",
            "\"CEST +02:00\"",
        ),
        (
            "now().In(timezone('Asia/Kathmandu')).Format('15:04 -0700')",
            "\"03:58 +0545\"",
        ),
        ("now(timezone('Europe/Zurich')).Hour()", "23"),
        ("string(timezone('Europe/Zurich'))", "\"Europe/Zurich\""),
        (
            "date(timezone('Europe/Zurich'), '2023-08-14').Unix()",
            "1691964000",
        ),
        (
            "string(date('2023-08-14'))",
            "\"2023-08-14 00:00:00 +0000 UTC\"",
        ),
    ]);
    check_errors(&[
        ("date('nonsense')", "invalid date nonsense"),
        ("date('2023-13-01')", "invalid date 2023-13-01"),
        ("duration('1x')", "unknown unit \"x\" in duration \"1x\""),
        ("duration('1')", "missing unit in duration \"1\""),
        ("duration('')", "invalid duration"),
        ("timezone('Mars/Base')", "unknown time zone Mars/Base"),
        ("now().Nope()", "time.Time has no method Nope"),
        ("'a'.Unix()", "string has no method Unix"),
        (
            "now() < 1",
            "invalid operation: < (mismatched types time.Time and int)",
        ),
        ("now().AddDate(999999999, 0, 0)", "out of range"),
        (
            "date('2023-08-14', '2006-01-02', 'Nope/Zone')",
            "unknown time zone Nope/Zone",
        ),
    ]);
}

#[test]
fn the_same_context_gives_the_same_result() {
    let program = Program::compile("sprig.uuidv4() + sprig.randAlphaNum(8) + string(now())")
        .expect("an expression");
    let scope = MapScope::default();
    let run = |seed| {
        program
            .eval(&scope, &EvalContext::new(1, 2, seed))
            .expect("a value")
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
