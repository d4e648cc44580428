//! Whatever the text, reading and evaluating it ends, soon, and without exhausting the stack. Each
//! test runs in a thread of the size that Rust gives by default.

use argosy_expr::{
    Depends, EvalContext, ExprErrorKind, JsonPath, MapScope, Program, Template, Unresolved, Value,
    ValueScope, evaluate_when,
};

fn evaluate(source: &str) -> Result<Value, ExprErrorKind> {
    Program::compile(source)
        .and_then(|program| program.eval(&MapScope::default(), &EvalContext::new(0, 0, 0)))
        .map_err(|error| error.kind)
}

const MANY: usize = 100_000;

#[test]
fn deep_expressions_are_refused() {
    for source in [
        "(".repeat(MANY),
        "(".repeat(MANY) + "1" + &")".repeat(MANY),
        "[".repeat(MANY) + &"]".repeat(MANY),
        "{a:".repeat(MANY) + "1" + &"}".repeat(MANY),
        "!".repeat(MANY) + "true",
        "-".repeat(MANY) + "1",
        "not ".repeat(MANY) + "true",
        "1 ** ".repeat(MANY) + "1",
        "true ? ".repeat(MANY) + "1",
        "true ? 1 : ".repeat(MANY) + "1",
        "if true {".repeat(MANY),
        "let x = 1; ".repeat(MANY),
        "map([1], {".repeat(MANY),
        "len(".repeat(MANY) + "1" + &")".repeat(MANY),
        "[1][".repeat(MANY) + "0" + &"]".repeat(MANY),
        "a?.".repeat(MANY) + "b",
        "1 | ".repeat(MANY) + "len()",
        "[0]".to_owned() + &" | first()".repeat(MANY),
    ] {
        let error = Program::compile(&source).expect_err("too deep or wrong");
        assert!(
            matches!(error.kind, ExprErrorKind::Budget | ExprErrorKind::Syntax),
            "{error}"
        );
    }
}

#[test]
fn long_expressions_are_refused_or_work() {
    let error = Program::compile(&("1 + ".repeat(MANY) + "1")).expect_err("too long");
    assert_eq!(error.kind, ExprErrorKind::Budget);
    let error = Program::compile(&" ".repeat(2 << 20)).expect_err("too long");
    assert_eq!(error.kind, ExprErrorKind::Budget);
    // A long chain of operators or members is no deep tree.
    assert_eq!(
        evaluate(&("1 + ".repeat(4_000) + "1")),
        Ok(Value::Int(4_001))
    );
    let path = "a".to_owned() + &".b".repeat(4_000);
    let scope: MapScope = [(path.as_str(), "deep")].into_iter().collect();
    let program = Program::compile(&path).expect("a path");
    assert_eq!(
        program.eval(&scope, &EvalContext::new(0, 0, 0)),
        Ok("deep".into())
    );
    // The map above it would nest too deep, though.
    let program = Program::compile("a").expect("a name");
    let error = program
        .eval(&scope, &EvalContext::new(0, 0, 0))
        .expect_err("too deep");
    assert_eq!(error.kind, ExprErrorKind::Budget);
}

#[test]
fn as_deep_as_is_allowed_fits_on_the_stack() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        evaluate(&(open.repeat(depth) + inner + &close.repeat(depth)))
    };
    assert_eq!(nested("(", "1", ")", 90), Ok(Value::Int(1)));
    assert_eq!(nested("!", "true", "", 90), Ok(Value::Bool(true)));
    assert_eq!(nested("len(string(", "1", "))", 45), Ok(Value::Int(1)));
    assert_eq!(nested("true ? ", "1", " : 2", 90), Ok(Value::Int(1)));
    assert_eq!(nested("false ? 2 : ", "1", "", 90), Ok(Value::Int(1)));
    assert_eq!(nested("(1 + ", "1", ")", 45), Ok(Value::Int(46)));
    assert_eq!(nested("(nil ?? ", "1", ")", 45), Ok(Value::Int(1)));
    assert_eq!(nested("first([", "1", "])", 45), Ok(Value::Int(1)));
    assert_eq!(nested("{a: ", "1", "}.a", 45), Ok(Value::Int(1)));
    assert_eq!(nested("[1][", "0", "] - 1", 45), Ok(Value::Int(0)));
    assert!(nested("map([1], {", "#", "})", 45).is_ok());
    assert!(nested("sum(map([1], {", "#", "}))", 30).is_ok());
    assert!(nested("if true { ", "1", " } else { 2 }", 45).is_ok());
}

#[test]
fn what_grows_is_stopped() {
    for source in [
        "repeat('x', 1000000000)",
        "repeat(repeat('x', 1000000), 1000000)",
        "sprig.repeat(1000000000000, 'x')",
        "1..1000000000",
        "-9223372036854775807..9223372036854775807",
        "sprig.until(1000000000)",
        "sprig.untilStep(0, 9223372036854775807, 1)",
        "sprig.seq(1000000000)",
        "sprig.randAlphaNum(1000000000000)",
        "sprig.indent(1000000000000, 'x')",
        "replace(repeat('a', 100000), '', repeat('b', 100000))",
        "sprig.replace('', repeat('b', 100000), repeat('a', 100000))",
        "join(map(1..100000, 'x'), repeat('y', 100000))",
        "sprig.join(repeat('y', 100000), sprig.until(100000))",
        "sprig.regexReplaceAll('a', repeat('a', 100000), repeat('b', 100000))",
        "sprig.wrapWith(1, repeat('b', 100000), repeat('a', 100000))",
        "reduce(1..100000, #acc + #acc, 'x')",
        "reduce(1..100000, [#acc], 0)",
        "reduce(1..100000, {{a: #acc}}, 0)",
        "reduce(1..64, [#acc, #acc], 'x')",
        "reduce(1..64, concat(#acc, #acc), ['x'])",
        "reduce(1..64, {{a: #acc, b: #acc}}, 'x')",
        "map(1..100000, map(1..100000, #))",
        "count(1..100000, any(1..100000, # < 0))",
        "uniq(1..100000)",
        "sprig.uniq(1..100000)",
    ] {
        assert_eq!(evaluate(source), Err(ExprErrorKind::Budget), "{source}");
    }
}

#[test]
fn work_that_makes_little_is_counted() {
    // Each goes through much, many times, and makes next to nothing of it.
    for each in [
        "sprig.sha256sum(x)",
        "sprig.upper(x)",
        "sprig.nospace(x)",
        "sprig.adler32sum(x)",
        "sprig.contains('zz', x)",
        "sprig.regexMatch('(a+)+$', x)",
        "x contains 'zz'",
        "x == y",
        "x < y",
        "x matches '^(a+)+$'",
        "x matches '(a+)+' + string(#)",
        "'a' matches '[a-z]{500}' + string(#)",
        "indexOf(x, 'zz')",
        "len(x)",
        "sum(list)",
        "list | all(true)",
        "fromJSON(toJSON(x))",
        "sprig.merge({}, {a: deep}, {a: deep})",
        "sprig.bcrypt('a')",
        "jsonpath('[[[[1, 2], 3], 4], 5]', '$..[*]..[*]..[*]')",
    ] {
        let source = format!(
            "let x = repeat('aab ', 100000); let y = repeat('aab ', 99999) + 'aab '; \
             let list = 1..100000; let deep = groupBy(list, string(#)); \
             count(1..1000000, {{{each}; false}})"
        );
        let program = Program::compile(&source).expect(each);
        let mut context = EvalContext::new(0, 0, 0);
        context.limits.steps /= 20;
        let result = program.eval(&MapScope::default(), &context);
        let kind = result.map_err(|error| error.kind);
        assert_eq!(kind, Err(ExprErrorKind::Budget), "{each}");
    }
    let patterns: Vec<String> = (0..2_000)
        .map(|n| format!("'a' matches '[a-z{n}]{{999}}'"))
        .collect();
    let error = Program::compile(&patterns.join(" || ")).expect_err("too much");
    assert_eq!(error.kind, ExprErrorKind::Budget);
}

#[test]
fn a_pattern_in_a_loop_is_compiled_once() {
    let source = "let p = '^[a-z]{900}$'; count(1..100000, 'abc' matches p)";
    assert_eq!(evaluate(source), Ok(Value::Int(0)));
    let source = "count(1..100000, sprig.regexMatch('^a{3}$', 'aaa'))";
    assert_eq!(evaluate(source), Ok(Value::Int(100_000)));
}

#[test]
fn deep_documents_are_refused() {
    let scope: ValueScope = [("doc", Value::from("[".repeat(MANY)))]
        .into_iter()
        .collect();
    for source in [
        "fromJSON(doc)",
        "jsonpath(doc, '$[0]')",
        "sprig.mustFromJson(doc)",
    ] {
        let program = Program::compile(source).expect(source);
        assert!(program.eval(&scope, &EvalContext::new(0, 0, 0)).is_err());
    }
}

#[test]
fn patterns_take_linear_time_and_bounded_memory() {
    assert_eq!(
        evaluate("repeat('a', 100000) matches '^(a+)+$b'"),
        Ok(Value::Bool(false))
    );
    assert!(evaluate("'a' matches '((a{1000}){1000}){1000}'").is_err());
    let deep = "(".repeat(MANY);
    assert!(evaluate(&format!("'a' matches '{deep}'")).is_err());
}

#[test]
fn other_languages() {
    assert!(Depends::parse(&"(".repeat(MANY)).is_err());
    assert!(Depends::parse(&("!".repeat(MANY) + "A")).is_err());
    let long = vec!["A"; 20_000].join(" && ");
    assert_eq!(Depends::parse(&long).expect("logic").tasks().len(), 1);
    let many: Vec<String> = (0..20_000).map(|n| format!("t-{n}")).collect();
    let depends = Depends::parse(&many.join(" || ")).expect("logic");
    assert_eq!(depends.tasks().len(), 20_000);
    assert_eq!(depends.expr().eval(&mut |_, _| false), Ok(false));

    assert!(evaluate_when(&("(".repeat(MANY) + &")".repeat(MANY))).is_err());
    assert!(evaluate_when(&"!".repeat(MANY)).is_err());
    assert!(evaluate_when(&("! ".repeat(MANY) + "true")).is_err());
    assert!(evaluate_when("true \\").is_err());
    assert_eq!(
        evaluate_when(&("true && ".repeat(10_000) + "true")),
        Ok(true)
    );

    assert!(JsonPath::parse(&"{range .a[*]}".repeat(MANY)).is_err());
    assert!(JsonPath::parse(&("{".to_owned() + &".a[?(".repeat(MANY))).is_err());
    let mut deep = serde_json::json!(1);
    for _ in 0..100 {
        deep = serde_json::json!([deep.clone(), deep]);
        if deep.to_string().len() > 100_000 {
            break;
        }
    }
    let path = JsonPath::parse("{..[*]..[*]..[*]..[*]..[*]..[*]..[*]..[*]}").expect("a path");
    assert!(path.find(&deep).is_err());

    let braces = "{{".repeat(MANY);
    assert!(Template::parse(&braces).is_err());
    let template = Template::parse(&(braces + "}}")).expect("one long tag");
    let rendered = template
        .render(
            &MapScope::default(),
            Unresolved::Keep,
            &EvalContext::new(0, 0, 0),
        )
        .expect("it stays");
    assert!(!rendered.complete);
}

#[test]
fn noise_never_panics() {
    const PIECES: [&str; 48] = [
        "(", ")", "[", "]", "{", "}", "{{", "}}", "{{=", "'", "\"", "`", "\\", ".", "?.", "??",
        "?", ":", ",", ";", "#", "|", "||", "&&", "!", "-", "*", "**", "/", "%", "==", "<", "=~",
        "in", "not ", "let ", "if ", "else ", "a", "map", "len", "1", "0x", "1e", "é", " ", "@",
        "$",
    ];
    let scope: MapScope = [("a", "1")].into_iter().collect();
    let context = EvalContext::new(0, 0, 1);
    for _ in 0..20_000 {
        let length = 1 + context.random_below(12);
        let text: String = (0..length)
            .map(|_| PIECES[context.random_below(PIECES.len() as u64) as usize])
            .collect();
        if let Ok(program) = Program::compile(&text) {
            let _ = program.eval(&scope, &context);
        }
        if let Ok(template) = Template::parse(&text) {
            let _ = template.render(&scope, Unresolved::Keep, &context);
        }
        let _ = evaluate_when(&text);
        let _ = Depends::parse(&text);
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.render(&serde_json::json!({"a": [1, {"b": "x"}]}));
        }
        let source = format!(
            "jsonpath('{{\"a\": [1]}}', '${}')",
            text.replace(['\'', '\\'], "")
        );
        if let Ok(program) = Program::compile(&source) {
            let _ = program.eval(&scope, &context);
        }
        let _ = evaluate(&format!("'a' matches `{}`", text.replace('`', "")));
    }
}
