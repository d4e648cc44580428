//! `depends` logic. The facts are those of Argo's documentation and of its dependency expansion.

use argosy_expr::{Depends, TaskResult, named};

/// Whether the logic holds when the tasks have these results: `A.Succeeded B.Failed`, where a task
/// that isn't named has none.
fn eval(depends: &Depends, state: &str) -> Result<bool, String> {
    depends.expr().eval(&mut |task, result| {
        let wanted = format!("{}.{}", depends.tasks()[task].name, result.name());
        state.split(' ').any(|s| s == wanted)
    })
}

#[track_caller]
fn check(cases: &[(&str, &str, bool)]) {
    for (logic, state, expect) in cases {
        let depends = Depends::parse(logic).unwrap_or_else(|e| panic!("{logic}: {e}"));
        assert_eq!(eval(&depends, state), Ok(*expect), "{logic} with {state}");
    }
}

#[test]
fn logic() {
    let yes = true;
    let no = false;
    check(&[
        ("A", "A.Succeeded", yes),
        ("A", "A.Skipped", yes),
        ("A", "A.Daemoned", yes),
        ("A", "A.Failed", no),
        ("A", "A.Omitted", no),
        ("A.Failed", "A.Failed", yes),
        ("A.Errored", "A.Failed", no),
        ("A.Omitted", "A.Omitted", yes),
        ("A.AnySucceeded", "A.AnySucceeded", yes),
        ("A.AllFailed", "A.AllFailed", yes),
        ("A && B", "A.Succeeded B.Succeeded", yes),
        ("A && B", "A.Succeeded B.Failed", no),
        ("A || B", "A.Failed B.Succeeded", yes),
        ("A and not B.Failed", "A.Succeeded B.Succeeded", yes),
        ("A or B", "A.Failed B.Failed", no),
        ("task || task-2.Failed", "task.Failed task-2.Failed", yes),
        (
            "(task-2.Succeeded || task-2.Skipped) && !task-3.Failed",
            "task-2.Skipped task-3.Succeeded",
            yes,
        ),
        (
            "(task-2.Succeeded || task-2.Skipped) && !task-3.Failed",
            "task-2.Skipped task-3.Failed",
            no,
        ),
        (
            "task-1.AnySucceeded || task-2.AllFailed",
            "task-2.AllFailed",
            yes,
        ),
        ("A || B && C", "A.Succeeded", yes),
        ("(A || B) && C", "A.Succeeded", no),
        ("!A", "A.Failed", yes),
        ("!!A", "A.Succeeded", yes),
        ("!(A && B)", "A.Succeeded", yes),
        ("  A\n&&\tB ", "A.Succeeded B.Succeeded", yes),
        ("A&&B", "A.Succeeded B.Succeeded", yes),
        ("1-a", "1-a.Succeeded", yes),
        ("android", "android.Succeeded", yes),
        ("or-1 || not-2", "not-2.Succeeded", yes),
        ("true && A", "A.Succeeded", yes),
    ]);
}

#[test]
fn tasks_are_named_in_order() {
    let depends = Depends::parse("b.Failed || (a && b.AnySucceeded) || c-1").expect("logic");
    let tasks: Vec<_> = depends
        .tasks()
        .iter()
        .map(|task| (task.name.as_str(), task.offset, task.items))
        .collect();
    assert_eq!(
        tasks,
        [("b", 0, true), ("a", 13, false), ("c-1", 37, false)]
    );
}

#[test]
fn continue_on_widens_a_bare_name() {
    let accepts = |name: &str| match name {
        "A" => vec![TaskResult::Failed],
        _ => Vec::new(),
    };
    let depends = Depends::parse_with("A && B", accepts).expect("logic");
    assert_eq!(eval(&depends, "A.Failed B.Succeeded"), Ok(true));
    assert_eq!(eval(&depends, "A.Succeeded B.Failed"), Ok(false));
    let depends = Depends::all(["A", "B"], accepts);
    assert_eq!(eval(&depends, "A.Failed B.Succeeded"), Ok(true));
    assert_eq!(eval(&Depends::all([], accepts), ""), Ok(true));
}

#[test]
fn bad_logic() {
    let cases = [
        ("", 0, "expected a task"),
        ("A &&", 4, "expected a task"),
        ("A B", 2, "unexpected"),
        ("A.Foo", 2, "task result 'Foo' for task 'A' is invalid"),
        ("A.", 2, "task result '' for task 'A' is invalid"),
        ("(A", 2, "expected ')'"),
        ("A)", 1, "unexpected"),
        ("A == B", 2, "unexpected"),
        ("&& A", 0, "expected a task"),
        ("-a", 0, "expected a task"),
        ("A & B", 2, "unexpected"),
    ];
    for (logic, offset, part) in cases {
        let error = Depends::parse(logic).expect_err(logic);
        assert_eq!(error.offset, offset, "{logic}: {error}");
        assert!(error.message.contains(part), "{logic}: {error}");
    }
}

#[test]
fn finds_names() {
    type Names = &'static [(&'static str, Option<&'static str>)];
    let cases: [(&str, Names); 6] = [
        ("A", &[("A", None)]),
        (
            "A.Succeeded && !b-1.Failed",
            &[("A", Some("Succeeded")), ("b-1", Some("Failed"))],
        ),
        (
            "(A || B.failed)",
            &[("A", None), ("B", None), ("failed", None)],
        ),
        ("'5A'", &[("5A", None)]),
        ("A_b", &[("A", None), ("b", None)]),
        ("", &[]),
    ];
    for (logic, expected) in cases {
        let found: Vec<_> = named(logic)
            .map(|named| (named.task, named.result))
            .collect();
        assert_eq!(found, expected, "{logic}");
    }
}

#[test]
fn other_operators() {
    let cases: [(&str, &str, Result<bool, &str>); 9] = [
        (
            "A.Succeeded == B.Succeeded",
            "A.Succeeded B.Failed",
            Ok(false),
        ),
        ("A.Succeeded == B.Succeeded", "A.Failed B.Failed", Ok(true)),
        ("A != b-1.Failed", "A.Succeeded", Ok(true)),
        ("A.Failed ? B : C", "A.Failed B.Skipped", Ok(true)),
        ("A.Failed ? B : C", "A.Succeeded B.Skipped", Ok(false)),
        ("A.Succeeded ?? B.Failed", "B.Failed", Ok(false)),
        (
            "A.Succeeded &&",
            "",
            Err("unable to evaluate expression 'A.Succeeded &&': "),
        ),
        (
            "[b-1.Failed]",
            "",
            Err("unable to evaluate expression '[b_1.Failed]': "),
        ),
        (
            "(A",
            "",
            Err("unable to evaluate expression '((A.Succeeded || A.Skipped || A.Daemoned)': "),
        ),
    ];
    for (logic, state, expect) in cases {
        let depends = Depends::read(logic, |_| Vec::new());
        match (eval(&depends, state), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect, "{logic} with {state}"),
            (Err(found), Err(expect)) => assert!(found.starts_with(expect), "{logic}: {found}"),
            (found, expect) => panic!("{logic}: {found:?}, not {expect:?}"),
        }
    }
}
