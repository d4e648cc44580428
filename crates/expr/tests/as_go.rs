//! What Go's libraries make of thousands of calls: the data are results of expr-lang 1.17,
//! sprig 3.3 and govaluate themselves, for arguments of every kind. `null` stands for an error.

use argosy_expr::{EvalContext, MapScope, Program, evaluate_when};
use serde_json::Value;

fn cases(data: &str) -> Vec<(String, Value)> {
    serde_json::from_str(data).expect("the data are JSON")
}

fn run(source: &str) -> Result<String, String> {
    let context = EvalContext::new(1_700_000_000, 0, 7);
    let wrapped = format!("toJson({source})");
    // What follows a `let` can't stand in an argument.
    let program = Program::compile(&wrapped).or_else(|_| Program::compile(source));
    program
        .and_then(|program| program.eval(&MapScope::default(), &context))
        .map(|value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_text().unwrap_or_default(),
        })
        .map_err(|error| error.message)
}

fn check(data: &str, least: usize) {
    let cases = cases(data);
    assert!(cases.len() >= least, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for (source, expected) in cases {
        let found = run(&source);
        let agrees = match (&expected, &found) {
            (Value::Null, Err(_)) => true,
            (Value::String(expected), Ok(found)) => same(expected, found),
            _ => false,
        };
        if !agrees {
            wrong.push(format!("{source}\n  Go: {expected}\n  here: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same JSON, whatever the order of its keys; Go escapes some letters that may stand.
fn same(left: &str, right: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text);
    match (read(left), read(right)) {
        (Ok(left), Ok(right)) => equal(&left, &right),
        _ => left == right,
    }
}

/// Go writes a whole float without a fraction.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, l)| right.get(key).is_some_and(|r| equal(l, r)))
        }
        _ => left == right,
    }
}

#[test]
fn expressions() {
    check(include_str!("data/expressions.json"), 1_000);
}

#[test]
fn dates() {
    check(include_str!("data/dates.json"), 150);
}

#[test]
fn patterns() {
    check(include_str!("data/patterns.json"), 200);
}

#[test]
fn sprig() {
    check(include_str!("data/sprig.json"), 1_000);
}

#[test]
fn conditions() {
    let cases = cases(include_str!("data/when.json"));
    assert!(cases.len() >= 500, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for (when, expected) in cases {
        let found = match evaluate_when(&when) {
            Ok(holds) => Value::Bool(holds),
            Err(error) => Value::String(error.to_string()),
        };
        if found != expected {
            wrong.push(format!("{when}\n  Go: {expected}\n  here: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The texts of errors, with the place and the line.
#[test]
fn errors() {
    let scope: MapScope = [
        ("workflow.parameters.m", "v"),
        ("workflow.name", "wf"),
        ("inputs.parameters.x", "5"),
        ("retries", "1"),
        ("tasks.a.outputs.result", "[1,2]"),
    ]
    .into_iter()
    .collect();
    let context = EvalContext::new(1_700_000_000, 0, 7);
    let mut wrong = Vec::new();
    let cases = cases(include_str!("data/errors.json"));
    assert!(cases.len() > 300, "only {} cases", cases.len());
    for (source, expected) in cases {
        let found = Program::compile(&source).and_then(|program| program.eval(&scope, &context));
        let found = found.map_err(|error| error.to_string());
        if found.as_ref().err().map(String::as_str) != expected.as_str() {
            wrong.push(format!("{source}\n  Go: {expected}\n  here: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
