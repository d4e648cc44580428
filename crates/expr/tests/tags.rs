//! Texts with tags. The facts are those of Argo's template package and its tests.

use argosy_expr::{
    EvalContext, Layered, MapScope, Scope, TagError, Template, Unresolved, Value, ValueScope,
};

type Pairs = &'static [(&'static str, &'static str)];

fn context() -> EvalContext {
    EvalContext::new(1_700_000_000, 0, 7)
}

fn scope(pairs: &[(&str, &str)]) -> MapScope {
    pairs.iter().copied().collect()
}

fn render(text: &str, scope: &dyn Scope, unresolved: Unresolved<'_>) -> Result<String, TagError> {
    let rendered = Template::parse(text)?.render(scope, unresolved, &context())?;
    Ok(rendered.text)
}

const MESSAGE: Pairs = &[("inputs.parameters.message", "hello world")];

#[test]
fn one_pass_with_tags_that_may_stay() {
    let cases: &[(&str, Pairs, &str)] = &[
        ("plain", &[], "plain"),
        ("", &[], ""),
        ("a } b { c }} d", &[], "a } b { c }} d"),
        ("{{foo}}", &[("foo", "bar")], "bar"),
        ("{{ foo }}", &[("foo", "bar")], "bar"),
        ("{{\tfoo\n}}", &[("foo", "bar")], "bar"),
        ("a{{foo}}b{{foo}}c", &[("foo", "-")], "a-b-c"),
        ("{{foo}}{{bar}}", &[("foo", "1")], "1{{bar}}"),
        ("{{foo}}", &[("foo", "")], ""),
        ("{{foo}}", &[], "{{foo}}"),
        ("{{ foo }}", &[], "{{ foo }}"),
        ("{{}}", &[], "{{}}"),
        ("{{foo}}", &[("foo", "{{bar}}"), ("bar", "x")], "{{bar}}"),
        (
            "{{foo}}",
            &[("foo", "a \"quote\" and \n line")],
            "a \"quote\" and \n line",
        ),
        // A tag within a tag: the inner one first, a later pass sees the rest.
        (
            "{{outer-{{inner}}}}",
            &[("inner", "suffix"), ("outer-suffix", "x")],
            "{{outer-suffix}}",
        ),
        ("{{A {{B {{C}}}}}}", &[("C", "valC")], "{{A {{B valC}}}}"),
        ("{{a-{{ inner }}}}", &[("inner", "x")], "{{a-{{ inner }}}}"),
        ("{{{{x}}", &[("x", "1")], "{{{{x}}"),
        ("{{{x}}", &[("x", "1")], "{{{x}}"),
        (
            "{{- with secret \"{{inputs.parameters.message}}\" -}}\n {{ .Data.data.gitcreds }}\n{{- end }}",
            MESSAGE,
            "{{- with secret \"hello world\" -}}\n {{ .Data.data.gitcreds }}\n{{- end }}",
        ),
        (
            "{{- with {{ secret \"{{inputs.parameters.message}}\" -}} }}\n{{- end }}",
            MESSAGE,
            "{{- with {{ secret \"hello world\" -}} }}\n{{- end }}",
        ),
        (
            "{{- with {{ {{ }} secret \"{{inputs.parameters.message}}\" -}} }}",
            MESSAGE,
            "{{- with {{ {{ }} secret \"hello world\" -}} }}",
        ),
        (
            "{{- with {{ {{ }} secret \"{{does-not-exist}}\" -}} }}",
            MESSAGE,
            "{{- with {{ {{ }} secret \"{{does-not-exist}}\" -}} }}",
        ),
        // Expressions.
        ("{{=foo}}", &[("foo", "bar")], "bar"),
        ("{{='test'}}", &[], "test"),
        ("{{=\"test\"}}", &[], "test"),
        ("{{='some\\\\path'}}", &[], "some\\path"),
        ("{{='a\\nb'}}", &[], "a\nb"),
        ("{{=1 + \n1}}", &[], "2"),
        ("{{=toJson('test')}}", &[], "\"test\""),
        ("{{=toJson({test: 1})}}", &[], "{\"test\":1}"),
        (
            "{{=toJson([1, '2', {an: 'object'}])}}",
            &[],
            "[1,\"2\",{\"an\":\"object\"}]",
        ),
        ("{{=\"'\"}}", &[], "'"),
        ("{{='\"'}}", &[], "\""),
        ("{{=true == false}}", &[], "false"),
        ("{{=7 / 2}}", &[], "3.5"),
        ("{{=4 / 2}}", &[], "2"),
        ("{{=[1, 'a', nil]}}", &[], "[1,\"a\",null]"),
        ("{{={b: 1, a: '<'} }}", &[], "{\"a\":\"\\u003c\",\"b\":1}"),
        ("{{=duration('1s')}}", &[], "1000000000"),
        ("{{=date('2024-01-02')}}", &[], "2024-01-02T00:00:00Z"),
        (
            "{{=sprig.dig('status', nil, workflow)}}",
            &[("workflow.status", "Succeeded")],
            "Succeeded",
        ),
        (
            "test {{= sprig.trunc(5, inputs.parameters.message) }}",
            MESSAGE,
            "test hello",
        ),
        (
            "test {{= sprig.trunc(-5, inputs.parameters.message) }}",
            MESSAGE,
            "test world",
        ),
        (
            "{{=workflow.status == \"Succeeded\" ? \"SUCCESSFUL\" : \"FAILED\"}}",
            &[("workflow.status", "Failed")],
            "FAILED",
        ),
        (
            "{{=jsonpath('{\"employees\": [{\"name\": \"Baris\", \"age\":43},{\"name\": \"Mo\"}]}', '$.employees[*].name')}}",
            &[],
            "[\"Baris\",\"Mo\"]",
        ),
        (
            "{{=jsonpath('{\"employees\": [{\"name\": \"Baris\", \"age\":43}]}', '$.employees[0]')}}",
            &[],
            "{\"age\":43,\"name\":\"Baris\"}",
        ),
        // Expressions that stay: a variable is missing, comes late, or the value is nil.
        ("{{=foo}}", &[], "{{=foo}}"),
        ("{{= foo + 1 }}", &[], "{{= foo + 1 }}"),
        ("{{=nil}}", &[], "{{=nil}}"),
        ("{{=sprig.int(retries)}}", &[], "{{=sprig.int(retries)}}"),
        ("{{=sprig.int(retries)}}", &[("retries", "2")], "2"),
        ("{{=item ?? 'x'}}", &[], "{{=item ?? 'x'}}"),
        (
            "{{=workflow.status == 'Succeeded' ? 'a' : 'b'}}",
            &[("workflow.name", "wf")],
            "{{=workflow.status == 'Succeeded' ? 'a' : 'b'}}",
        ),
        (
            "{{=lastRetry.message == 'x' ? 'a' : 'b'}}",
            &[("lastRetry.status", "Failed")],
            "{{=lastRetry.message == 'x' ? 'a' : 'b'}}",
        ),
        ("{{=asInt(foo)}}", &[("foo", "x")], "{{=asInt(foo)}}"),
        (
            "{{=tasks.a.outputs.result ?? 'x'}}",
            &[("tasks.b.status", "ok")],
            "{{=tasks.a.outputs.result ?? 'x'}}",
        ),
        (
            "{{=tasks.a.outputs.result ?? 'x'}}",
            &[("tasks.a.outputs.other", "ok")],
            "x",
        ),
        // `workflow.nope` is nil, which is no error within `??`.
        ("{{=workflow.nope ?? 'x'}}", &[("workflow.name", "wf")], "x"),
    ];
    let mut wrong = Vec::new();
    for (text, pairs, expect) in cases {
        let result = render(text, &scope(pairs), Unresolved::Keep);
        if result.as_deref() != Ok(*expect) {
            wrong.push(format!("{text}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_when_no_tag_may_stay() {
    let cases: &[(&str, Pairs, &str)] = &[
        ("{{foo}}", &[], "failed to resolve {{foo}}"),
        ("{{ foo }}", &[], "failed to resolve {{ foo }}"),
        (
            "{{=foo}}",
            &[],
            "failed to evaluate expression: foo is missing",
        ),
        (
            "{{=tasks.a.outputs.result}}",
            &[],
            "failed to evaluate expression: tasks is missing",
        ),
        (
            "{{=tasks.a.outputs.result}}",
            &[("tasks.b.x", "1")],
            "failed to evaluate expression: tasks.a is missing",
        ),
        (
            "{{=asInt(foo)}}",
            &[("foo", "x")],
            "failed to evaluate expression: invalid operation: int(x) (1:1)\n | asInt(foo)\n | ^",
        ),
        ("{{=nil}}", &[], "failed to evaluate expression \"nil\""),
        (
            "{{=1 / 0}}",
            &[],
            "failed to marshal evaluated expression: json: unsupported value: +Inf",
        ),
    ];
    for (text, pairs, message) in cases {
        let error = render(text, &scope(pairs), Unresolved::Error).expect_err(text);
        assert_eq!(error.to_string(), *message, "{text}");
    }
}

#[test]
fn errors_in_any_case() {
    for (text, offset, message) in [
        (
            "a {{",
            2,
            "Cannot find end tag=\"}}\" in the template=\"a {{\" starting from \"\"",
        ),
        ("{{a}} {{b", 6, "Cannot find end tag"),
        (
            "{{=!}}",
            3,
            "failed to evaluate expression: unexpected token EOF (1:1)\n | !\n | ^",
        ),
        (
            "{{=foo +}}",
            7,
            "failed to evaluate expression: unexpected token EOF (1:5)",
        ),
        // Two braces end the tag, wherever they stand.
        (
            "{{={a: {b: 1}}}}",
            11,
            "failed to evaluate expression: unexpected token EOF (1:9)",
        ),
        (
            "x {{= foo == '{{bar}}' }}",
            19,
            "failed to evaluate expression: literal not terminated (1:15)",
        ),
    ] {
        let error = render(text, &scope(&[("foo", "x")]), Unresolved::Keep).expect_err(text);
        assert!(error.to_string().contains(message), "{text}: {error}");
        assert_eq!(error.offset(), offset, "{text}: {error}");
    }
}

#[test]
fn errors_only_under_some_roots() {
    let strict = Unresolved::ErrorUnder(&["tasks", "steps"]);
    let known = scope(&[("tasks.other.outputs.parameters.msg", "real")]);
    for (text, expect) in [
        (
            "{{tasks.a.outputs.result}}",
            Err("failed to resolve {{tasks.a.outputs.result}}"),
        ),
        ("{{tasksA.outputs.result}}", Ok("{{tasksA.outputs.result}}")),
        ("{{inputs.parameters.x}}", Ok("{{inputs.parameters.x}}")),
        (
            "{{tasks.a.outputs.artifacts.x}}",
            Ok("{{tasks.a.outputs.artifacts.x}}"),
        ),
        (
            "{{=tasks.a.x}}",
            Err("failed to evaluate expression: tasks.a is missing"),
        ),
        ("{{=tasks.other.outputs.parameters.msg ?? 'x'}}", Ok("real")),
        ("{{=inputs.x}}", Ok("{{=inputs.x}}")),
        ("{{=item}}", Ok("{{=item}}")),
        (
            "{{=asInt('x')}}",
            Err(
                "failed to evaluate expression: invalid operation: int(x) (1:1)\n | asInt('x')\n | ^",
            ),
        ),
    ] {
        let result = render(text, &known, strict).map_err(|error| error.to_string());
        assert_eq!(result.as_deref().map_err(String::as_str), expect, "{text}");
    }
}

#[test]
fn a_known_absence_is_nil_in_expressions_and_an_error_in_tags() {
    let name = "tasks.producer.outputs.parameters.msg";
    let absent: ValueScope = [
        (name, Value::Nil),
        ("tasks.other.outputs.parameters.msg", "real".into()),
    ]
    .into_iter()
    .collect();
    let strict = Unresolved::ErrorUnder(&["tasks", "steps"]);
    let render = |text: &str| render(text, &absent, strict).map_err(|error| error.to_string());
    assert_eq!(
        render(&format!("{{{{= {name} ?? 'fallback'}}}}")).as_deref(),
        Ok("fallback")
    );
    assert!(render(&format!("{{{{= {name}}}}}")).is_err());
    let error = render(&format!("pre-{{{{{name}}}}}-post")).expect_err("absent");
    assert!(error.contains("absent optional"), "{error}");
    let error = render(&format!("{{{{outer-{{{{{name}}}}}}}}}")).expect_err("absent");
    assert!(error.contains("unable to substitute nested tag"), "{error}");
    assert!(render("{{= tasks.unknown.outputs.parameters.msg}}").is_err());
}

#[test]
fn items_that_are_maps() {
    let item = |json: serde_json::Value| -> ValueScope {
        let value = Value::from_json(&json).expect("a value");
        [("item", value)].into_iter().collect()
    };
    let present = item(serde_json::json!({"name": "a", "optionalKey": "value", "n": 3}));
    let missing = item(serde_json::json!({"name": "b"}));
    let strict = Unresolved::ErrorUnder(&["item"]);
    for text in [
        "{{= item.optionalKey ?? 'fallback' }}",
        "{{= item['optionalKey'] ?? 'fallback' }}",
        "{{= item?.optionalKey ?? 'fallback' }}",
    ] {
        assert_eq!(
            render(text, &present, strict).as_deref(),
            Ok("value"),
            "{text}"
        );
        assert_eq!(
            render(text, &missing, strict).as_deref(),
            Ok("fallback"),
            "{text}"
        );
        let error = render(text, &MapScope::default(), strict).expect_err(text);
        assert_eq!(
            error.to_string(),
            "failed to evaluate expression: item is missing"
        );
    }
    assert_eq!(
        render("{{=item.n + 1}}", &present, strict).as_deref(),
        Ok("4")
    );
    assert_eq!(
        render("{{=item}}", &missing, strict).as_deref(),
        Ok("{\"name\":\"b\"}")
    );
}

#[test]
fn layers() {
    let upper = scope(&[("a", "upper"), ("t.x", "1")]);
    let lower = scope(&[("a", "lower"), ("b", "lower"), ("t.y", "2")]);
    let layers: [&dyn Scope; 2] = [&upper, &lower];
    let layered = Layered(&layers);
    let text = "{{a}} {{b}} {{=a + b}} {{=toJson(t)}}";
    assert_eq!(
        render(text, &layered, Unresolved::Error).as_deref(),
        Ok("upper lower upperlower {\"x\":\"1\",\"y\":\"2\"}")
    );
    // An absence above hides a value below.
    let absent: ValueScope = [("b", Value::Nil)].into_iter().collect();
    let layers: [&dyn Scope; 2] = [&absent, &lower];
    assert_eq!(
        render("{{=b ?? 'none'}}", &Layered(&layers), Unresolved::Error).as_deref(),
        Ok("none")
    );
}

#[test]
fn a_variable_with_others_below_it_gives_way_to_them() {
    let scope = scope(&[
        ("a", "3"),
        ("a.b", "1"),
        ("a.c.d", "2"),
        ("ab", "4"),
        ("a-b", "5"),
    ]);
    for (text, expect) in [
        ("{{=toJson(a)}}", "{\"b\":\"1\",\"c\":{\"d\":\"2\"}}"),
        ("{{a}}", "3"),
        ("{{=ab}}", "4"),
        ("{{=a.c.d}}", "2"),
    ] {
        assert_eq!(
            render(text, &scope, Unresolved::Error).as_deref(),
            Ok(expect),
            "{text}"
        );
    }
}

#[test]
fn complete_tells_whether_tags_are_left() {
    let known = scope(&[("a", "1"), ("b", "{{c}}")]);
    for (text, complete) in [
        ("plain", true),
        ("{{a}}", true),
        ("{{b}}", true),
        ("{{nope}}", false),
        ("{{=nope}}", false),
        ("{{a}} {{nope}}", false),
        ("{{x-{{a}}}}", false),
    ] {
        let rendered = Template::parse(text)
            .and_then(|template| template.render(&known, Unresolved::Keep, &context()))
            .expect(text);
        assert_eq!(rendered.complete, complete, "{text}");
    }
}

#[test]
fn references_of_a_text() {
    for (text, expect) in [
        ("plain", &[] as &[&str]),
        ("{{ a.b }} and {{c}}", &["a.b", "c"]),
        (
            "{{=steps['x-y'].outputs.result + item}}",
            &["steps.x-y.outputs.result", "item"],
        ),
        ("{{outer-{{inner}}}}", &["inner"]),
        ("{{=broken +}}", &[]),
    ] {
        let template = Template::parse(text).expect(text);
        assert_eq!(template.references().collect::<Vec<_>>(), expect, "{text}");
        assert_eq!(template.is_literal(), !text.contains("{{"), "{text}");
        assert_eq!(template.source(), text);
    }
    let template = Template::parse("ab {{=broken +}}").expect("a template");
    let (offset, error) = template.errors().next().expect("an error");
    assert_eq!((offset, error.offset), (6, 7));
}
