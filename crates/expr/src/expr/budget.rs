//! What functions are given beside their arguments: the context, and what is left of the budget.

use std::cell::{Cell, RefCell};

use regex::Regex;

use crate::context::EvalContext;
use crate::pattern;
use crate::value::{Oversized, Value};

/// Why a function gave no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was given what it can't use.
    Message(String),
    /// The budget is used up.
    Budget(&'static str),
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::Message(message.to_owned())
    }
}

impl From<Oversized> for Failure {
    fn from(_: Oversized) -> Self {
        Self::Budget("the value nests too deep or is too large")
    }
}

/// How many bytes of a text are looked at in one step.
const BYTES_A_STEP: u64 = 32;

/// How many patterns are kept, so that one in a loop is compiled once.
const KEPT_PATTERNS: usize = 8;

/// The context of an evaluation, and what is left of its budget.
pub(crate) struct Tools<'a> {
    pub(crate) context: &'a EvalContext,
    steps: Cell<u64>,
    memory: Cell<u64>,
    patterns: RefCell<Vec<(String, Regex)>>,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(context: &'a EvalContext) -> Self {
        Self {
            context,
            steps: Cell::new(context.limits.steps),
            memory: Cell::new(context.limits.memory),
            patterns: RefCell::default(),
        }
    }

    /// Takes this many steps.
    pub(crate) fn work(&self, steps: u64) -> Result<(), Failure> {
        let left = self
            .steps
            .get()
            .checked_sub(steps)
            .ok_or(Failure::Budget("the expression takes too many steps"))?;
        self.steps.set(left);
        Ok(())
    }

    /// Takes the steps for looking at this many bytes.
    pub(crate) fn look_at(&self, bytes: usize) -> Result<(), Failure> {
        self.work(bytes as u64 / BYTES_A_STEP)
    }

    /// A compiled pattern, for as many steps as it takes to compile it.
    pub(crate) fn pattern(&self, text: &str) -> Result<Regex, Failure> {
        let mut patterns = self.patterns.borrow_mut();
        if let Some((_, pattern)) = patterns.iter().find(|(known, _)| known == text) {
            return Ok(pattern.clone());
        }
        self.work(pattern::cost(text))?;
        let compiled = pattern::compile(text)?;
        if patterns.len() == KEPT_PATTERNS {
            patterns.remove(0);
        }
        patterns.push((text.to_owned(), compiled.clone()));
        Ok(compiled)
    }

    /// Takes this many bytes.
    pub(crate) fn grow(&self, bytes: u64) -> Result<(), Failure> {
        let left = self
            .memory
            .get()
            .checked_sub(bytes)
            .ok_or(Failure::Budget("memory budget exceeded"))?;
        self.memory.set(left);
        Ok(())
    }

    /// Takes `count` times `size` bytes, before they are made.
    pub(crate) fn grow_by(&self, count: usize, size: usize) -> Result<(), Failure> {
        self.grow((count as u64).saturating_mul(size as u64))
    }

    /// Takes what a value that was just made occupies by itself.
    pub(crate) fn made(&self, value: &Value) -> Result<(), Failure> {
        match value {
            Value::String(text) => self.grow(text.len() as u64),
            Value::Bytes(bytes) => self.grow(bytes.len() as u64),
            Value::List(list) => self.grow_by(list.items().len(), size_of::<Value>()),
            Value::Map(map) => self.grow_by(map.len(), 3 * size_of::<Value>()),
            _ => Ok(()),
        }
    }
}
