//! Expressions: the language of the Go library expr-lang (1.17), as Argo uses it.
//!
//! It is read once and evaluated as a tree. Variables are looked up when they are read, by their
//! dotted path ([`Scope`]). Types are checked as far as they are known before anything
//! is evaluated. A difference from the Go library: `map`, `keys` and the like see maps in sorted order.

mod ast;
pub(crate) mod budget;
mod check;
mod eval;
pub(crate) mod functions;
mod iterate;
mod lexer;
mod methods;
mod mistakes;
pub(crate) mod operators;
mod parser;
mod power;
mod references;

use std::sync::Arc;

use ast::{Arena, NodeId};
pub use mistakes::{Mistake, function_names};

use crate::context::EvalContext;
use crate::error::{ExprError, ExprErrorKind};
use crate::render;
use crate::scope::Scope;
use crate::value::Value;
use references::References;

/// An expression, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Program {
    source: Arc<str>,
    arena: Arena,
    root: NodeId,
    references: References,
    /// What is wrong where all variables are maps, and at which node that shows.
    fault: Option<Box<(NodeId, ExprError)>>,
}

impl Program {
    /// Reads an expression.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let (arena, root) =
            parser::parse(source).map_err(|error| error.within(source).before_evaluation())?;
        let references = references::of(&arena);
        // Nearly all variables stand below a map.
        let fault = check::fault(source, &arena, |_| check::Kind::Map);
        Ok(Self {
            fault: fault.map(|(node, error)| Box::new((node, error.within(source)))),
            source: Arc::from(source),
            arena,
            root,
            references,
        })
    }

    /// Reads an expression, and refuses one with a mistake that can be told without its variables,
    /// also where Argo only finds that when it evaluates it.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(source: &str) -> Result<Self, Mistake> {
        match mistakes::first(source) {
            Some(mistake) => Err(mistake),
            None => Self::compile(source).map_err(|error| Mistake {
                message: error.message,
                help: None,
                offset: error.offset,
                length: error.length,
                unknown_function: None,
            }),
        }
    }

    /// Evaluates it. As in Argo, a variable whose root (`tasks` in `tasks.a.outputs.result`) the
    /// scope doesn't know is an error wherever it stands in the expression; a path that ends below
    /// a root that it knows is nil.
    ///
    /// # Errors
    /// If that fails, or takes more than the context's limits allow.
    pub fn eval(&self, scope: &dyn Scope, context: &EvalContext) -> Result<Value, ExprError> {
        let typed;
        let fault = match self.has_only_maps(scope) {
            true => self.fault.as_deref(),
            false => {
                typed = self.typed_fault(scope);
                typed.as_ref()
            }
        };
        let before = |node: &NodeId| fault.is_none_or(|fault| node.0 < fault.0.0);
        for (name, value, declaration) in &self.references.declared {
            if before(value) && render::exists(scope, name) {
                let (offset, length) = self.arena.place(*declaration);
                let message = format!("cannot redeclare {name}");
                let error = ExprError::new(ExprErrorKind::Syntax, message, offset, length);
                return Err(error.within(&self.source).before_evaluation());
            }
        }
        for (root, node) in &self.references.roots {
            if before(node) && !render::exists(scope, root) {
                let (offset, length) = self.arena.place(*node);
                let message = format!("unknown name {root}");
                let kind = ExprErrorKind::UnknownName;
                let error = ExprError::new(kind, message, offset, length);
                return Err(error.within(&self.source).before_evaluation());
            }
        }
        if let Some(fault) = fault {
            return Err(fault.1.clone().before_evaluation());
        }
        eval::evaluate(&self.arena, self.root, scope, context)
            .map_err(|error| error.within(&self.source))
    }

    /// Whether it uses variables only by what is below them.
    fn has_only_maps(&self, scope: &dyn Scope) -> bool {
        let is_value = |root: &str| {
            let found = scope.lookup(root).is_some() || scope.value(root).is_some();
            found && !scope.has_names_below(root)
        };
        let mut roots = self.references.roots.iter();
        !self.references.whole && !roots.any(|(root, _)| is_value(root))
    }

    /// What the types of the variables show to be wrong.
    fn typed_fault(&self, scope: &dyn Scope) -> Option<(NodeId, ExprError)> {
        let fault = check::fault(&self.source, &self.arena, |root| {
            if scope.has_names_below(root) {
                check::Kind::Map
            } else if let Some(value) = scope.value(root) {
                check::Kind::of(&value)
            } else if scope.lookup(root).is_some() {
                check::Kind::String
            } else {
                check::Kind::Any
            }
        });
        fault.map(|(node, error)| (node, error.within(&self.source)))
    }

    /// Whether it holds, for where Argo wants a condition: `retryStrategy.expression`, hooks.
    ///
    /// # Errors
    /// If evaluating it fails, or gives something else than true or false.
    pub fn eval_bool(&self, scope: &dyn Scope, context: &EvalContext) -> Result<bool, ExprError> {
        match self.eval(scope, context)? {
            Value::Bool(holds) => Ok(holds),
            other => {
                let (offset, length) = self.arena.place(self.root);
                Err(ExprError::new(
                    ExprErrorKind::Evaluation,
                    format!("unable to cast expression result '{other}' to bool"),
                    offset,
                    length,
                ))
            }
        }
    }

    /// The dotted paths of the variables that it reads, each as far as its keys are known.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.references.paths.iter().map(String::as_str)
    }

    /// The paths without which it is not evaluated while tags may stay: each variable's root, and
    /// each step of its path, but for those that `??` or `?.` guards.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.references.required.iter().map(String::as_str)
    }

    /// The longest of the required paths: if all of these are there, all required ones are.
    pub(crate) fn required_ends(&self) -> impl Iterator<Item = &str> {
        let ends = self.references.required_ends.iter();
        ends.map(|(path, _)| path.as_str())
    }

    /// The longest of the required paths, and where the last step of each stands, in bytes.
    pub fn required_places(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        let ends = self.references.required_ends.iter();
        ends.map(|(path, node)| {
            let (offset, length) = self.arena.place(*node);
            (path.as_str(), offset..offset + length)
        })
    }
}

/// Whether an expression holds, for where Argo wants a condition: `retryStrategy.expression`, hooks,
/// `depends`. Argo: `argoexpr.EvalBool`.
///
/// # Errors
/// In Argo's words: it tells the expression again where evaluating it fails.
pub fn evaluate_bool(
    source: &str,
    scope: &dyn Scope,
    context: &EvalContext,
) -> Result<bool, String> {
    let value = Program::compile(source).and_then(|program| program.eval(scope, context));
    condition_of(source, value)
}

/// What the value of an expression, or that it has none, says where Argo wants a condition.
///
/// # Errors
/// As [`evaluate_bool`].
pub fn condition_of(source: &str, value: Result<Value, ExprError>) -> Result<bool, String> {
    match value {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(other) => Err(format!(
            "unable to cast expression result '{}' to bool",
            crate::json::go_verb_s(&other)
        )),
        Err(error) if error.before_evaluation => Err(error.to_string()),
        Err(error) => Err(format!("unable to evaluate expression '{source}': {error}")),
    }
}
