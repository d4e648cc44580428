//! The `depends` logic of a DAG task: which results of which tasks it waits for.
//!
//! Argo evaluates it as an expression over structs of flags. What has no operators but `&&`, `||`
//! and `!` becomes a tree ([`DependsExpr`]); all else (`A.Succeeded == B.Succeeded`, `? :`) is
//! evaluated as Argo does it ([`Logic`]).
//! A task name that begins with a digit is accepted, which in Argo fails when it is evaluated.

mod logic;

use std::sync::Arc;

pub use logic::{Logic, Named, named};

use crate::error::DependsError;

/// How deep parentheses and negations may nest.
const MAX_DEPTH: usize = 100;

/// How many operands and operators there may be: enough to depend on every task of a large DAG.
const MAX_TERMS: usize = 100_000;

/// A result of a task that another may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskResult {
    /// It ended well.
    Succeeded,
    /// It ended with an exit code that is not 0.
    Failed,
    /// It ended in another error.
    Errored,
    /// Its `when` was false.
    Skipped,
    /// Its own `depends` was false.
    Omitted,
    /// It is a daemon and no longer pending.
    Daemoned,
    /// It is a loop of which at least one item succeeded.
    AnySucceeded,
    /// It is a loop of which all items failed.
    AllFailed,
}

impl TaskResult {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::Failed,
        Self::Errored,
        Self::Skipped,
        Self::Omitted,
        Self::Daemoned,
        Self::AnySucceeded,
        Self::AllFailed,
    ];

    /// The result of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Errored" => Self::Errored,
            "Skipped" => Self::Skipped,
            "Omitted" => Self::Omitted,
            "Daemoned" => Self::Daemoned,
            "AnySucceeded" => Self::AnySucceeded,
            "AllFailed" => Self::AllFailed,
            _ => return None,
        })
    }

    /// Whether only loops have it.
    fn is_of_items(self) -> bool {
        matches!(self, Self::AnySucceeded | Self::AllFailed)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Errored => "Errored",
            Self::Skipped => "Skipped",
            Self::Omitted => "Omitted",
            Self::Daemoned => "Daemoned",
            Self::AnySucceeded => "AnySucceeded",
            Self::AllFailed => "AllFailed",
        }
    }
}

/// A `depends` logic as a tree. `And` and `Or` hold all operands of a chain, so the tree is only as
/// deep as the parentheses in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependsExpr {
    /// All of these.
    And(Vec<DependsExpr>),
    /// At least one of these.
    Or(Vec<DependsExpr>),
    /// Not this.
    Not(Box<DependsExpr>),
    /// The task (an index in [`Depends::tasks`]) has this result.
    Is(usize, TaskResult),
    /// Written out as `true` or `false`.
    Constant(bool),
    /// An expression with other operators: the whole logic.
    Logic(Arc<Logic>),
}

impl DependsExpr {
    /// Whether it holds, given whether a task has a result.
    ///
    /// # Errors
    /// If it is an expression that can't be evaluated.
    pub fn eval(&self, is: &mut dyn FnMut(usize, TaskResult) -> bool) -> Result<bool, String> {
        Ok(match self {
            Self::Constant(value) => *value,
            Self::Is(task, result) => is(*task, *result),
            Self::Not(inner) => !inner.eval(is)?,
            Self::And(operands) => {
                for operand in operands {
                    if !operand.eval(is)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(operands) => {
                for operand in operands {
                    if operand.eval(is)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Logic(logic) => logic.eval(is)?,
        })
    }
}

/// A task that a `depends` logic names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependsTask {
    /// Its name.
    pub name: String,
    /// Where it is named first, in bytes.
    pub offset: usize,
    /// Whether `.AnySucceeded` or `.AllFailed` is asked of it, which only loops have.
    pub items: bool,
}

/// A `depends` logic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depends {
    tasks: Vec<DependsTask>,
    expr: DependsExpr,
}

impl Depends {
    /// Reads it.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn parse(text: &str) -> Result<Self, DependsError> {
        Self::parse_with(text, |_| Vec::new())
    }

    /// Reads it, where a bare task name also accepts these further results: those that the task's
    /// `continueOn` allows.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn parse_with(
        text: &str,
        accepts: impl FnMut(&str) -> Vec<TaskResult>,
    ) -> Result<Self, DependsError> {
        let mut parser = Parser {
            text,
            position: 0,
            terms: 0,
            tasks: Vec::new(),
            index: std::collections::BTreeMap::new(),
            accepts,
        };
        let expr = parser.any_of(0)?;
        parser.skip_space();
        if parser.position < text.len() {
            return Err(parser.error(format!("unexpected {:?}", parser.rest())));
        }
        Ok(Self {
            tasks: parser.tasks,
            expr,
        })
    }

    /// Looks whether it can be evaluated.
    ///
    /// # Errors
    /// If it is neither a plain logic nor an expression; the place is where the plain one ends.
    pub fn check(text: &str) -> Result<(), DependsError> {
        let plain = Self::parse(text);
        match Self::read(text, |_| Vec::new()).expr {
            DependsExpr::Logic(logic) if !logic.is_expression() => plain.map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Takes it as Argo does: what is no logic of the plain form is an expression, which may turn out
    /// to be none when it is evaluated.
    pub fn read(text: &str, mut accepts: impl FnMut(&str) -> Vec<TaskResult>) -> Self {
        if let Ok(plain) = Self::parse_with(text, &mut accepts) {
            return plain;
        }
        let mut tasks: Vec<DependsTask> = Vec::new();
        let mut index = std::collections::BTreeMap::new();
        for name in named(text) {
            let place = *index.entry(name.task).or_insert_with(|| {
                tasks.push(DependsTask {
                    name: name.task.to_owned(),
                    offset: name.offset,
                    items: false,
                });
                tasks.len() - 1
            });
            let result = name.result.and_then(TaskResult::from_name);
            tasks[place].items |= result.is_some_and(TaskResult::is_of_items);
        }
        let logic = Logic::new(text, tasks.iter().map(|task| task.name.as_str()), accepts);
        Self {
            tasks,
            expr: DependsExpr::Logic(Arc::new(logic)),
        }
    }

    /// That all these tasks ended in a way that lets dependents go on: what `dependencies` means.
    pub fn all<'a>(
        names: impl IntoIterator<Item = &'a str>,
        mut accepts: impl FnMut(&str) -> Vec<TaskResult>,
    ) -> Self {
        let mut tasks: Vec<DependsTask> = Vec::new();
        let mut operands = Vec::new();
        for name in names {
            operands.push(proceeds(tasks.len(), accepts(name)));
            tasks.push(DependsTask {
                name: name.to_owned(),
                offset: 0,
                items: false,
            });
        }
        Self {
            tasks,
            expr: DependsExpr::And(operands),
        }
    }

    /// The tasks that it names, in the order of their first mention.
    pub fn tasks(&self) -> &[DependsTask] {
        &self.tasks
    }

    /// Its tree.
    pub fn expr(&self) -> &DependsExpr {
        &self.expr
    }

    /// The condition over them, alone.
    pub fn into_expr(self) -> DependsExpr {
        self.expr
    }
}

fn proceeds(task: usize, more: Vec<TaskResult>) -> DependsExpr {
    let usual = [
        TaskResult::Succeeded,
        TaskResult::Skipped,
        TaskResult::Daemoned,
    ];
    DependsExpr::Or(
        usual
            .into_iter()
            .chain(more)
            .map(|result| DependsExpr::Is(task, result))
            .collect(),
    )
}

struct Parser<'a, F> {
    text: &'a str,
    position: usize,
    terms: usize,
    tasks: Vec<DependsTask>,
    index: std::collections::BTreeMap<&'a str, usize>,
    accepts: F,
}

impl<'a, F: FnMut(&str) -> Vec<TaskResult>> Parser<'a, F> {
    fn any_of(&mut self, depth: usize) -> Result<DependsExpr, DependsError> {
        let mut operands = vec![self.all_of(depth)?];
        while self.operator("||", "or") {
            operands.push(self.all_of(depth)?);
        }
        Ok(one_or(operands, DependsExpr::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<DependsExpr, DependsError> {
        let mut operands = vec![self.operand(depth)?];
        while self.operator("&&", "and") {
            operands.push(self.operand(depth)?);
        }
        Ok(one_or(operands, DependsExpr::And))
    }

    fn operand(&mut self, depth: usize) -> Result<DependsExpr, DependsError> {
        self.terms += 1;
        if depth > MAX_DEPTH {
            return Err(self.error("it nests too deep: write it with fewer parentheses".into()));
        }
        if self.terms > MAX_TERMS {
            return Err(self.error("it is too long".into()));
        }
        self.skip_space();
        let start = self.position;
        if self.operator("!", "not") {
            return Ok(DependsExpr::Not(Box::new(self.operand(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any_of(depth + 1)?;
            self.skip_space();
            if !self.take(")") {
                return Err(self.error("expected ')'".into()));
            }
            return Ok(inner);
        }
        let name = self.word();
        if name.is_empty() {
            return Err(self.error(match self.rest().chars().next() {
                None => "unexpected end: expected a task".into(),
                Some(c) => format!("unexpected {c:?}: expected a task"),
            }));
        }
        match name {
            "true" => return Ok(DependsExpr::Constant(true)),
            "false" => return Ok(DependsExpr::Constant(false)),
            _ => {}
        }
        let result = if self.take(".") {
            let result_name = self.word();
            let Some(result) = TaskResult::from_name(result_name) else {
                return Err(DependsError {
                    message: format!("task result '{result_name}' for task '{name}' is invalid"),
                    offset: start + name.len() + 1,
                });
            };
            Some(result)
        } else {
            None
        };
        let task = self.task(name, start);
        Ok(match result {
            Some(result) => {
                self.tasks[task].items |= result.is_of_items();
                DependsExpr::Is(task, result)
            }
            None => {
                let more = (self.accepts)(name);
                proceeds(task, more)
            }
        })
    }

    fn task(&mut self, name: &'a str, offset: usize) -> usize {
        *self.index.entry(name).or_insert_with(|| {
            self.tasks.push(DependsTask {
                name: name.to_owned(),
                offset,
                items: false,
            });
            self.tasks.len() - 1
        })
    }

    /// Takes an operator, by sign or by word.
    fn operator(&mut self, sign: &str, word: &str) -> bool {
        self.skip_space();
        if self.take(sign) {
            return true;
        }
        let start = self.position;
        if self.word() == word && !self.rest().starts_with('.') {
            return true;
        }
        self.position = start;
        false
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
            .unwrap_or(rest.len());
        let end = if rest.starts_with('-') { 0 } else { end };
        self.position += end;
        &rest[..end]
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.position += sign.len();
        }
        found
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn error(&self, message: String) -> DependsError {
        DependsError {
            message,
            offset: self.position,
        }
    }
}

fn one_or(
    mut operands: Vec<DependsExpr>,
    many: fn(Vec<DependsExpr>) -> DependsExpr,
) -> DependsExpr {
    if operands.len() == 1 {
        operands.remove(0)
    } else {
        many(operands)
    }
}
