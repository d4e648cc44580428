//! Expressions: the language of the Go library expr-lang, as Argo uses it.

use crate::context::EvalContext;
use crate::error::ExprError;
use crate::scope::Scope;
use crate::value::Value;

/// An expression, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Program {}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let _ = source;
        Ok(Self {})
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// If that fails.
    pub fn eval(&self, scope: &dyn Scope, context: &EvalContext) -> Result<Value, ExprError> {
        let _ = (scope, context);
        Ok(Value::Nil)
    }

    /// The dotted paths of the variables that it reads.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }

    /// The same without those that `??` and `?.` guard: if one of these is missing, the expression
    /// can't be evaluated.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }
}
