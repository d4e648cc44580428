//! JSONPath: kubectl's dialect by the facts of its own tests, and that of `jsonpath()` by the facts
//! of its library's documentation.

use argosy_expr::{EvalContext, JsonPath, Program, ValueScope};
use serde_json::{Value, json};

fn store() -> Value {
    json!({
        "name": "jsonpath",
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
        ],
        "bicycle": [
            {"color": "red", "price": 19.95, "isNew": true},
            {"color": "green", "price": 20.01, "isNew": false},
        ],
        "labels": {"engieer": 10, "web/html": 15, "k8s-app": 20, "a.b": 1},
        "employees": {"jason": "manager", "dan": "clerk"},
        "empty": [],
        "status": {"phase": "Running", "n": null, "big": 1e21},
    })
}

#[track_caller]
fn check(document: &Value, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (path, expect) in cases {
        let result = JsonPath::parse(path).and_then(|path| path.render(document));
        if result.as_deref() != Ok(*expect) {
            wrong.push(format!("{path}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kubectl_paths() {
    check(
        &store(),
        &[
            ("hello jsonpath", "hello jsonpath"),
            ("{.name}", "jsonpath"),
            ("{$.name}", "jsonpath"),
            ("{@.name}", "jsonpath"),
            ("hello {.name}!", "hello jsonpath!"),
            ("{'{'}", "{"),
            ("{\"a\\tb\"}", "a\tb"),
            ("{.status.phase}", "Running"),
            ("{.status.n}", "null"),
            ("{.status.big}", "1e+21"),
            ("{.status.nope}", ""),
            ("{.nope.nope}", ""),
            ("{.book[0].title}", "Sayings of the Century"),
            ("{.book[-1].price}", "12.99"),
            ("{.book[0:2].price}", "8.95 12.99"),
            ("{.book[1:].price}", "12.99"),
            ("{.book[:1].price}", "8.95"),
            ("{.book[::2].price}", "8.95"),
            ("{.book[*].author}", "Nigel Rees Evelyn Waugh"),
            ("{.book[0,1].price}", "8.95 12.99"),
            ("{.bicycle[0]['color','price']}", "red 19.95"),
            ("{.labels['k8s-app']}", "20"),
            ("{.labels.web/html}", "15"),
            ("{.labels['web/html']}", "15"),
            ("{.labels.a\\.b}", "1"),
            ("{.labels['a\\.b']}", "1"),
            ("{.employees.*}", "clerk manager"),
            ("{..price}", "19.95 20.01 8.95 12.99"),
            ("{.book[?(@.price<10)].title}", "Sayings of the Century"),
            (
                "{.book[?(@.category==\"fiction\")].title}",
                "Sword of Honour",
            ),
            ("{.book[?(@.category=='fiction')].title}", "Sword of Honour"),
            ("{.book[?(@.price>=12.99)].title}", "Sword of Honour"),
            ("{.bicycle[?(@.isNew==true)].color}", "red"),
            ("{.bicycle[?(@.isNew!=true)].color}", "green"),
            ("{.bicycle[?(@.color)].price}", "19.95 20.01"),
            ("{.bicycle[?(@.nope)].price}", ""),
            (
                "{range .bicycle[*]}{.color}={.price};{end}",
                "red=19.95;green=20.01;",
            ),
            (
                "{range .bicycle[*]}{\"{\"}{.color}{\"}\"}{\"\\n\"}{end}",
                "{red}\n{green}\n",
            ),
            ("{range .empty[*]}x{end}y", "y"),
            ("{range .nope[*]}x{end}y", "y"),
            (
                "{range .bicycle[*]}{range .color}{@}{end},{end}",
                "red,green,",
            ),
            (
                "{.book[0]}",
                r#"{"author":"Nigel Rees","category":"reference","price":8.95,"title":"Sayings of the Century"}"#,
            ),
            ("{.empty}", "[]"),
            ("{true}", "true"),
            ("{3}", "3"),
            ("{.empty[0:0]}", ""),
        ],
    );
    let paths = JsonPath::parse("{.book[*].price}").expect("a path");
    assert_eq!(paths.find(&store()), Ok(vec![json!(8.95), json!(12.99)]));
}

#[test]
fn kubectl_errors() {
    for (path, offset, part) in [
        ("{", 1, "unclosed action"),
        ("{.a", 3, "unclosed action"),
        ("{[0}", 1, "unterminated array"),
        ("{.a[x]}", 3, "invalid array index x"),
        ("{\"a}", 1, "unterminated quoted string"),
        ("{foo}", 1, "unrecognized identifier foo"),
        ("{.a....b}", 5, "invalid multiple recursive descent"),
        ("{.a[?(.b}", 3, "unterminated filter"),
        ("{end}", 0, "not in range, nothing to end"),
        ("{;}", 1, "unrecognized character in action"),
    ] {
        let error = JsonPath::parse(path).expect_err(path);
        assert_eq!(error.offset, offset, "{path}: {error}");
        assert!(error.message.contains(part), "{path}: {error}");
    }
    for (path, message) in [
        ("{.book[5]}", "array index out of bounds: index 5, length 2"),
        ("{.name[0]}", "string is not array or slice"),
        (
            "{.book[1:0]}",
            "starting index 1 is greater than ending index 0",
        ),
        ("{.book[0:2:0]}", "step must be > 0"),
        (
            "{.book[?(@.price=='x')]}",
            "incompatible types for comparison",
        ),
        (
            "{.name[?(@.x)]}",
            "string is not array or slice and cannot be filtered",
        ),
    ] {
        let path = JsonPath::parse(path).expect(path);
        let error = path.find(&store()).expect_err(message);
        assert_eq!(error.message, message);
    }
}

fn query(path: &str) -> Result<String, String> {
    let scope: ValueScope = [
        ("doc", store().to_string().as_str().into()),
        ("path", path.into()),
    ]
    .into_iter()
    .collect();
    Program::compile("toJson(jsonpath(doc, path))")
        .and_then(|program| program.eval(&scope, &EvalContext::new(0, 0, 0)))
        .map(|value| value.as_str().unwrap_or_default().to_owned())
        .map_err(|error| error.message)
}

#[test]
fn argos_function() {
    let mut wrong = Vec::new();
    for (path, expect) in [
        ("$.name", "\"jsonpath\""),
        ("$['name']", "\"jsonpath\""),
        ("$[\"name\"]", "\"jsonpath\""),
        ("$.book[0].price", "8.95"),
        ("$.book[-1].price", "12.99"),
        ("$.book[*].price", "[8.95,12.99]"),
        ("$.book.*.price", "[8.95,12.99]"),
        ("$.book[0,1].price", "[8.95,12.99]"),
        ("$.book[0:1].price", "[8.95]"),
        ("$.book[::-1].price", "[12.99,8.95]"),
        ("$.book[(@.length-1)].price", "12.99"),
        ("$.book.length", "2"),
        ("$.bicycle[0]['color','price']", "[\"red\",19.95]"),
        ("$..price", "[19.95,20.01,8.95,12.99]"),
        ("$..book[0].title", "[\"Sayings of the Century\"]"),
        ("$.book[?(@.price > 10)].title", "[\"Sword of Honour\"]"),
        (
            "$.book[?(@.price > 10 && @.category == 'fiction')].author",
            "[\"Evelyn Waugh\"]",
        ),
        ("$.book[?(@.category =~ 'fic.*')].price", "[12.99]"),
        ("$.book[?(@.category in ['fiction'])].price", "[12.99]"),
        ("$.book[?(@.category not in ['fiction'])].price", "[8.95]"),
        ("$.book[?(!(@.price < 10))].price", "[12.99]"),
        ("$.bicycle[?(@.isNew)].color", "[\"red\"]"),
        ("$.book[?(@.nope == 1)]", "[]"),
        (
            "$.book[?(@.price < $.bicycle[0].price)].price",
            "[8.95,12.99]",
        ),
        ("$.labels['web/html']", "15"),
        ("$.labels['it\\'s'] ", "key 'it's' not found"),
        ("$.employees.*", "[\"clerk\",\"manager\"]"),
        ("$.nope", "key 'nope' not found"),
        ("$.book[9]", "index out of range"),
        ("$.name.x", "key 'x' is not in a value of type string"),
        ("name", "expected '$'"),
        ("$.book[", "a '[' without ']'"),
        ("$.book[?(@.a ==)]", "invalid expression"),
        ("$.", "an empty name"),
        ("$.book[0:1:0]", "index out of range"),
    ] {
        let result = query(path);
        let fits = match &result {
            Ok(found) => found == expect,
            Err(message) => message.contains(expect),
        };
        if !fits {
            wrong.push(format!("{path}\n  expected {expect}\n  got {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
