//! The names that an expression reads, and expressions as Argo's users write them.

use argosy_expr::{EvalContext, Program, Value, ValueScope};

use crate::cases::{check, check_errors};

#[test]
fn variables_come_from_flat_names() {
    check(&[
        ("inputs.parameters.message", "\"hello world\""),
        ("inputs['parameters']['message']", "\"hello world\""),
        ("inputs.parameters['mess' + 'age']", "\"hello world\""),
        ("steps['flip-coin'].outputs.result", "\"heads\""),
        ("steps['flip-coin']['outputs']", r#"{"result":"heads"}"#),
        (
            "tasks",
            r#"{"a":{"outputs":{"parameters":{"x":"1"}}},"b":{"outputs":{"parameters":{"x":"2"}}}}"#,
        ),
        ("keys(tasks)", r#"["a","b"]"#),
        ("workflow.labels['app']", "\"demo\""),
        ("workflow.labels['nope']", "null"),
        ("workflow.nope ?? 'x'", "\"x\""),
        ("workflow?.nope?.deeper ?? 'x'", "\"x\""),
        ("'name' in workflow", "true"),
        ("'nope' in workflow", "false"),
        ("item", "\"it\""),
        ("$env['item-2']", "\"other\""),
        ("$env.item", "\"it\""),
        ("'item' in $env", "true"),
        ("'foo' in $env", "false"),
        ("asInt(inputs.parameters.count) + 1", "4"),
        ("int(inputs.parameters.count) * 2", "6"),
        ("asFloat(inputs.parameters.count)", "3"),
        ("fromJSON(inputs.parameters.json).a[2].b", "\"c\""),
        ("jsonpath(inputs.parameters.json, '$.a[2].b')", "\"c\""),
        (
            "jsonpath(inputs.parameters.json, '$.a')",
            r#"[1,2,{"b":"c"}]"#,
        ),
        ("sprig.trim(' a ')", "\"a\""),
        ("sprig.dig('labels', 'app', 'none', workflow)", "\"demo\""),
        ("true ? item : item", "\"it\""),
    ]);
    check_errors(&[
        ("foo", "unknown name foo"),
        ("true ? 1 : foo", "unknown name foo"),
        ("null == nil", "unknown name null"),
        ("workflow.nope.deeper", "cannot fetch deeper from <nil>"),
        ("foo(1)", "unknown name foo"),
        ("item(1)", "string is not callable"),
        ("sprig.nope(1)", "invalid operation: cannot call nil"),
        ("len()", "invalid number of arguments (expected 1, got 0)"),
        ("jsonpath('{}', '$.a')", "key 'a' not found"),
        ("jsonpath('{', '$.a')", "unexpected end of JSON input"),
    ]);
}

#[test]
fn references_are_the_paths_it_reads() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "inputs.parameters.x",
            &["inputs.parameters.x"],
            &["inputs", "inputs.parameters", "inputs.parameters.x"],
        ),
        (
            "steps[\"a-b\"].outputs.result",
            &["steps.a-b.outputs.result"],
            &[
                "steps",
                "steps.a-b",
                "steps.a-b.outputs",
                "steps.a-b.outputs.result",
            ],
        ),
        ("steps[item].x", &["steps", "item"], &["steps", "item"]),
        (
            "item.requiredKey",
            &["item.requiredKey"],
            &["item", "item.requiredKey"],
        ),
        (
            "item.optionalKey ?? 'fallback'",
            &["item.optionalKey"],
            &["item"],
        ),
        (
            "item['optionalKey'] ?? ''",
            &["item.optionalKey"],
            &["item"],
        ),
        ("item?.optionalKey", &["item.optionalKey"], &["item"]),
        ("item.a?.b", &["item.a.b"], &["item"]),
        (
            "item.requiredKey + (item.optionalKey ?? 'x')",
            &["item.requiredKey", "item.optionalKey"],
            &["item", "item.requiredKey"],
        ),
        (
            "tasks.a.outputs.result ?? 'default'",
            &["tasks.a.outputs.result"],
            &["tasks"],
        ),
        ("sprig.trim(item)", &["item"], &["item"]),
        ("asInt(retries) + 1", &["retries"], &["retries"]),
        ("'workflow.status' == 'a'", &[], &[]),
        ("let x = item; x", &["item"], &["item"]),
        ("map(fromJSON(items), .name)", &["items"], &["items"]),
        ("item + item", &["item"], &["item"]),
        ("now().Unix()", &[], &[]),
        ("$env['a-b']", &["a-b"], &[]),
    ];
    for (source, paths, required) in cases {
        let program = Program::compile(source).expect(source);
        assert_eq!(program.references().collect::<Vec<_>>(), *paths, "{source}");
        assert_eq!(
            program.required().collect::<Vec<_>>(),
            *required,
            "{source}"
        );
    }
}

#[test]
fn expressions_of_argos_documentation_and_examples() {
    let scope: ValueScope = [
        ("inputs.parameters.num", "3".into()),
        ("inputs.parameters.my-float-param", "1.5".into()),
        ("steps.flip-coin.outputs.result", "heads".into()),
        ("steps.heads.outputs.result", "it was heads".into()),
        ("steps.step-1.status", "Running".into()),
        (
            "steps.fibonacci-helper.outputs.parameters.result",
            "2".into(),
        ),
        ("lastRetry.exitCode", "2".into()),
        ("lastRetry.status", "Failed".into()),
        ("lastRetry.duration", "45".into()),
        ("lastRetry.message", "imminent node shutdown".into()),
        ("cronworkflow.failed", Value::Int(3)),
        (
            "cronworkflow.lastScheduledTime",
            Value::time(1_699_999_000, 0),
        ),
        (
            "data",
            Value::from_json(&serde_json::json!(["a.pdf", "main.log"])).expect("a value"),
        ),
        ("config.employees", "x".into()),
        (
            "json",
            r#"{"employees": [{"name": "Baris", "age":43}, {"name": "Mo", "age": 42}]}"#.into(),
        ),
    ]
    .into_iter()
    .collect();
    let context = EvalContext::new(1_700_000_000, 0, 7);
    for (source, expect) in [
        ("filter([1, 2], { # > 1})", "[2]"),
        ("map([1, 2], { # * 2 })", "[2,4]"),
        ("asInt(inputs.parameters['num'])", "3"),
        ("asFloat(inputs.parameters['my-float-param'])", "1.5"),
        ("string(1)", "1"),
        ("toJson([1, 2])", "[1,2]"),
        ("filter(data, {# endsWith \".pdf\"})", "[\"a.pdf\"]"),
        (
            "map(data, {# + \".ready\"})",
            "[\"a.pdf.ready\",\"main.log.ready\"]",
        ),
        (
            "asInt(inputs.parameters.num) == 1? 1: asInt(inputs.parameters.num) == 2? 1: steps['fibonacci-helper'].outputs.parameters.result",
            "2",
        ),
        (
            "steps['flip-coin'].outputs.result == 'heads' ? steps.heads.outputs.result : steps.tails.outputs.result",
            "it was heads",
        ),
        ("asInt(lastRetry.duration) < 60", "true"),
        ("asInt(lastRetry.exitCode) > 1", "true"),
        ("lastRetry.exitCode != '2'", "false"),
        (
            "lastRetry.message matches 'imminent node shutdown|pod deleted'",
            "true",
        ),
        ("lastRetry.status != \"Error\"", "true"),
        ("steps[\"step-1\"].status == \"Running\"", "true"),
        ("cronworkflow.failed >= 3", "true"),
        (
            "cronworkflow.lastScheduledTime == nil || (now() - cronworkflow.lastScheduledTime).Seconds() > 360",
            "true",
        ),
        (
            "jsonpath(json, '$.employees[0:1]')",
            "[{\"age\":43,\"name\":\"Baris\"}]",
        ),
        (
            "jsonpath(json, '$.employees[?(@.age>42 && @.age<44)].age')",
            "[43]",
        ),
        (
            "jsonpath(json, '$.employees[?(@.name==\"Baris\")].age')",
            "[43]",
        ),
    ] {
        let result = Program::compile(source)
            .and_then(|program| program.eval(&scope, &context))
            .map_err(|error| error.message)
            .and_then(|value| value.to_text());
        assert_eq!(result.as_deref(), Ok(expect), "{source}");
    }
    let holds = |source: &str| {
        Program::compile(source)
            .and_then(|program| program.eval_bool(&scope, &context))
            .map_err(|error| error.message)
    };
    assert_eq!(holds("lastRetry.status == 'Failed'"), Ok(true));
    assert_eq!(
        holds("lastRetry.status"),
        Err("unable to cast expression result 'Failed' to bool".to_owned())
    );
}
