//! Expressions with what becomes of them.

use argosy_expr::{EvalContext, MapScope, Program, ValueScope};

fn scope() -> MapScope {
    [
        ("inputs.parameters.message", "hello world"),
        ("inputs.parameters.count", "3"),
        (
            "inputs.parameters.json",
            r#"{"a":[1,2,{"b":"c"}],"n":null}"#,
        ),
        ("steps.flip-coin.outputs.result", "heads"),
        ("tasks.a.outputs.parameters.x", "1"),
        ("tasks.b.outputs.parameters.x", "2"),
        ("workflow.name", "wf"),
        ("workflow.labels.app", "demo"),
        ("item", "it"),
        ("items", "its"),
        ("item-2", "other"),
    ]
    .into_iter()
    .collect()
}

fn run(source: &str) -> Result<String, String> {
    let context = EvalContext::new(1_700_000_000, 123_456_789, 7);
    let value = Program::compile(source)
        .and_then(|program| program.eval(&scope(), &context))
        .map_err(|error| error.message)?;
    let context_free = Program::compile("toJson(value)").map_err(|error| error.message)?;
    let values: ValueScope = [("value", value)].into_iter().collect();
    let json = context_free
        .eval(&values, &context)
        .map_err(|error| error.message)?;
    Ok(json.as_str().unwrap_or_default().to_owned())
}

/// Each of these has this value, as JSON.
#[track_caller]
pub fn check<Source: AsRef<str>>(cases: &[(Source, &str)]) {
    let mut wrong = Vec::new();
    for (source, expect) in cases {
        let source = source.as_ref();
        let result = run(source);
        if result.as_deref() != Ok(*expect) {
            wrong.push(format!("{source}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each of these fails, with this in its message.
#[track_caller]
pub fn check_errors<Source: AsRef<str>>(cases: &[(Source, &str)]) {
    let mut wrong = Vec::new();
    for (source, part) in cases {
        let source = source.as_ref();
        let result = run(source);
        if !result.as_ref().is_err_and(|message| message.contains(part)) {
            wrong.push(format!(
                "{source}\n  expected an error with {part:?}\n  got {result:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
