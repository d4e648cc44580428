//! A `depends` logic with more operators than `&&`, `||` and `!`: as Argo evaluates any, as an
//! expression over structs of flags. Argo: `workflow/common/ancestry.go`, `evaluateDependsLogic` in
//! `workflow/controller/dag.go`.

use super::TaskResult;
use crate::context::EvalContext;
use crate::expr::{Program, evaluate_bool};
use crate::scope::ValueScope;
use crate::value::Value;

/// A name in a `depends` logic: whatever looks like one, as Argo's pattern has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'t> {
    /// The task.
    pub task: &'t str,
    /// The result that is asked for, if one is.
    pub result: Option<&'t str>,
    /// Where it begins, in bytes.
    pub offset: usize,
}

/// The names in a `depends` logic.
pub fn named(logic: &str) -> impl Iterator<Item = Named<'_>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let bytes = logic.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        at += bytes[at..].iter().position(u8::is_ascii_alphanumeric)?;
        let offset = at;
        at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
        let task = &logic[offset..at];
        let result = bytes[at..].strip_prefix(b".").and_then(|rest| {
            let letters = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            (letters >= 2 && rest[0].is_ascii_uppercase())
                .then_some(&logic[at + 1..at + 1 + letters])
        });
        at += result.map_or(0, |result| result.len() + 1);
        Some(Named {
            task,
            result,
            offset,
        })
    })
}

/// The text of such a logic, and the tasks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logic {
    text: String,
    tasks: Vec<String>,
}

impl Logic {
    /// The logic with each bare name spelt out; `tasks` are the names in the order of their numbers.
    pub(super) fn new<'t>(
        text: &str,
        tasks: impl IntoIterator<Item = &'t str>,
        mut accepts: impl FnMut(&str) -> Vec<TaskResult>,
    ) -> Self {
        let mut spelt = String::new();
        let mut done = 0;
        for name in named(text).filter(|name| name.result.is_none()) {
            spelt.push_str(&text[done..name.offset]);
            spelt.push_str(&proceeding(name.task, accepts(name.task)));
            done = name.offset + name.task.len();
        }
        spelt.push_str(&text[done..]);
        Self {
            text: spelt.replace('-', "_"),
            tasks: tasks
                .into_iter()
                .map(|name| name.replace('-', "_"))
                .collect(),
        }
    }

    /// Whether it is an expression at all.
    pub(super) fn is_expression(&self) -> bool {
        Program::compile(&self.text).is_ok()
    }

    /// Whether it holds, given whether a task has a result.
    ///
    /// # Errors
    /// If it is no expression, or gives something else than true or false: Argo's words.
    pub(super) fn eval(
        &self,
        is: &mut dyn FnMut(usize, TaskResult) -> bool,
    ) -> Result<bool, String> {
        let mut scope = ValueScope::default();
        for (index, task) in self.tasks.iter().enumerate() {
            for result in TaskResult::ALL {
                let flag = Value::Bool(is(index, result));
                scope.0.insert(format!("{task}.{}", result.name()), flag);
            }
        }
        let context = EvalContext::new(0, 0, 0);
        // Argo tells the expression once more than for other conditions.
        evaluate_bool(&self.text, &scope, &context)
            .map_err(|error| format!("unable to evaluate expression '{}': {error}", self.text))
    }
}

/// What a bare name stands for. Argo: `expandDependency`.
fn proceeding(task: &str, more: Vec<TaskResult>) -> String {
    let usual = [
        TaskResult::Succeeded,
        TaskResult::Skipped,
        TaskResult::Daemoned,
    ];
    let results: Vec<_> = usual
        .into_iter()
        .chain(more)
        .map(|result| format!("{task}.{}", result.name()))
        .collect();
    format!("({})", results.join(" || "))
}
