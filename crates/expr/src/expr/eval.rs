//! Evaluating an expression: a walk over its tree, whose depth the parser has limited.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Arena, BinaryOperator, Node, NodeId, Pointer, UnaryOperator};
use super::budget::{Failure, Tools};
use super::functions::Function;
use super::{methods, operators};
use crate::context::EvalContext;
use crate::error::{ExprError, ExprErrorKind};
use crate::scope::{Scope, Visit};
use crate::value::{MAX_DEPTH, Value};

/// Why the walk left a node without a value.
pub(super) enum Stop {
    /// An error.
    Error(Box<ExprError>),
    /// A `?.` met nil: the chain around it is nil.
    Chain,
}

pub(super) type Evaluated<T = Value> = Result<T, Stop>;

/// What `#` means inside a predicate.
pub(super) struct Frame {
    pub(super) item: Value,
    pub(super) index: usize,
    pub(super) accumulator: Value,
}

pub(super) struct Evaluator<'a> {
    pub(super) arena: &'a Arena,
    pub(super) scope: &'a dyn Scope,
    pub(super) tools: Tools<'a>,
    pub(super) locals: Vec<Value>,
    pub(super) frames: Vec<Frame>,
}

/// Where a path over the scope's flat names has come to.
enum Cursor {
    /// At a prefix of names, or at the scope itself if it is empty.
    Names(String),
    Value(Value),
}

pub(super) fn evaluate(
    arena: &Arena,
    root: NodeId,
    scope: &dyn Scope,
    context: &EvalContext,
) -> Result<Value, ExprError> {
    let mut evaluator = Evaluator {
        arena,
        scope,
        tools: Tools::new(context),
        locals: Vec::new(),
        frames: Vec::new(),
    };
    match evaluator.eval(root) {
        Ok(value) => Ok(value),
        Err(Stop::Error(error)) => Err(*error),
        Err(Stop::Chain) => Ok(Value::Nil),
    }
}

impl Evaluator<'_> {
    /// The value of a node. Each case is a function of its own, so that this frame, which is on the
    /// stack once a level, stays small.
    pub(super) fn eval(&mut self, id: NodeId) -> Evaluated {
        let step = self.tools.work(1);
        self.located(id, step)?;
        let arena = self.arena;
        match arena.get(id) {
            Node::Constant(value) => Ok(value.clone()),
            Node::Local { slot, .. } => Ok(self.locals.get(*slot).cloned().unwrap_or(Value::Nil)),
            Node::Pointer { pointer, .. } => self.pointer(id, *pointer),
            Node::Name(_) | Node::Environment | Node::Member { .. } => self.path(id),
            Node::Unary { operator, operand } => self.unary(id, *operator, *operand),
            Node::Binary { .. } => self.binary(id),
            Node::MatchesPattern { text, pattern } => {
                let text = self.eval(*text)?;
                let matched = operators::matches_pattern(&self.tools, &text, pattern);
                self.located(id, matched)
            }
            Node::Chain(inner) => match self.eval(*inner) {
                Err(Stop::Chain) => Ok(Value::Nil),
                result => result,
            },
            Node::Slice { base, from, to } => self.slice(id, *base, *from, *to),
            Node::Call {
                function,
                arguments,
            } => self.call(id, *function, arguments),
            Node::Refused {
                arguments, message, ..
            } => {
                self.eval_all(arguments)?;
                self.located(id, Err(Failure::Message(message.to_string())))
            }
            Node::Method {
                base,
                name,
                optional,
                arguments,
            } => self.method(id, *base, name, *optional, arguments),
            Node::CallName { callee, .. } => self.call_value(id, *callee),
            Node::Iterate {
                iteration,
                list,
                predicate,
                extra,
            } => self.iterate(id, *iteration, *list, *predicate, *extra),
            Node::Conditional { condition, yes, no } => {
                let condition = self.eval(*condition)?;
                let holds = self.truth(id, &condition)?;
                self.eval(if holds { *yes } else { *no })
            }
            Node::Let {
                slot, value, body, ..
            } => self.declaration(*slot, *value, *body),
            Node::Sequence(nodes) => {
                let mut last = Value::Nil;
                for node in nodes {
                    last = self.eval(*node)?;
                }
                Ok(last)
            }
            Node::List(nodes) => self.list(id, nodes),
            Node::Map(pairs) => self.map(id, pairs),
        }
    }

    /// Gives a failure the place of the node that it is about.
    pub(super) fn located<T>(&self, id: NodeId, result: Result<T, Failure>) -> Evaluated<T> {
        result.map_err(|failure| {
            let (offset, length) = self.arena.place(id);
            let (kind, message) = match failure {
                Failure::Message(message) => (ExprErrorKind::Evaluation, message),
                Failure::Budget(message) => (ExprErrorKind::Budget, message.to_owned()),
            };
            Stop::Error(Box::new(ExprError::new(kind, message, offset, length)))
        })
    }

    pub(super) fn truth(&self, id: NodeId, value: &Value) -> Evaluated<bool> {
        match value {
            Value::Bool(b) => Ok(*b),
            _ => self.located(
                id,
                Err(Failure::Message(operators::conversion(value, "bool"))),
            ),
        }
    }

    pub(super) fn eval_all(&mut self, nodes: &[NodeId]) -> Evaluated<Vec<Value>> {
        nodes.iter().map(|node| self.eval(*node)).collect()
    }

    fn pointer(&self, id: NodeId, pointer: Pointer) -> Evaluated {
        let Some(frame) = self.frames.last() else {
            return self.located(id, Err("# is used outside of a predicate".into()));
        };
        Ok(match pointer {
            Pointer::Item => frame.item.clone(),
            Pointer::Index => Value::Int(i64::try_from(frame.index).unwrap_or(i64::MAX)),
            Pointer::Accumulator => frame.accumulator.clone(),
        })
    }

    #[inline(never)]
    fn call(&mut self, id: NodeId, function: Function, arguments: &[NodeId]) -> Evaluated {
        let arguments = self.eval_all(arguments)?;
        let result = function
            .run(&self.tools, &arguments)
            .and_then(|value| self.tools.made(&value).map(|()| value));
        self.located(id, result)
    }

    /// A call of a variable: none is a function.
    #[inline(never)]
    fn call_value(&mut self, id: NodeId, callee: NodeId) -> Evaluated {
        let message = match self.eval(callee)? {
            Value::Nil => "invalid operation: cannot call nil".into(),
            callee => format!(
                "invalid operation: cannot call non-function of type {}",
                callee.go_type()
            ),
        };
        self.located(id, Err(Failure::Message(message)))
    }

    #[inline(never)]
    fn declaration(&mut self, slot: usize, value: NodeId, body: NodeId) -> Evaluated {
        let value = self.eval(value)?;
        self.locals.truncate(slot);
        self.locals.push(value);
        let result = self.eval(body);
        self.locals.truncate(slot);
        result
    }

    #[inline(never)]
    fn unary(&mut self, id: NodeId, operator: UnaryOperator, operand: NodeId) -> Evaluated {
        let value = self.eval(operand)?;
        match operator {
            UnaryOperator::Not => self.truth(id, &value).map(|b| Value::Bool(!b)),
            UnaryOperator::Plus => Ok(value),
            UnaryOperator::Minus => self.located(id, operators::negate(&value)),
        }
    }

    /// A run of operators that leans to the left, `a + b + c + …`, without recursion.
    #[inline(never)]
    fn binary(&mut self, id: NodeId) -> Evaluated {
        let arena = self.arena;
        let mut spine = Vec::new();
        let mut leftmost = id;
        while let Node::Binary {
            operator,
            left,
            right,
        } = arena.get(leftmost)
        {
            match (operator, arena.get(*right)) {
                // expr-lang does not look at what stands before these.
                (BinaryOperator::And, Node::Constant(Value::Bool(false)))
                | (BinaryOperator::Or, Node::Constant(Value::Bool(true))) => {
                    leftmost = *right;
                    break;
                }
                // Nor does it look at the value before these.
                (BinaryOperator::And, Node::Constant(Value::Bool(true)))
                | (BinaryOperator::Or, Node::Constant(Value::Bool(false))) => {}
                _ => spine.push((leftmost, *operator, *right)),
            }
            leftmost = *left;
        }
        let mut value = self.eval(leftmost)?;
        for (id, operator, right) in spine.into_iter().rev() {
            value = match operator {
                BinaryOperator::Coalesce => match value {
                    Value::Nil => self.eval(right)?,
                    _ => value,
                },
                BinaryOperator::And | BinaryOperator::Or => {
                    let left = self.truth(id, &value)?;
                    if left == (operator == BinaryOperator::Or) {
                        Value::Bool(left)
                    } else {
                        // expr-lang gives the right side as it is.
                        self.eval(right)?
                    }
                }
                _ => {
                    let right = self.eval(right)?;
                    let step = self.tools.work(1);
                    self.located(id, step)?;
                    self.located(id, operators::apply(&self.tools, operator, &value, &right))?
                }
            };
        }
        Ok(value)
    }

    #[inline(never)]
    fn slice(
        &mut self,
        id: NodeId,
        base: NodeId,
        from: Option<NodeId>,
        to: Option<NodeId>,
    ) -> Evaluated {
        let base = self.eval(base)?;
        let from = from.map(|from| self.eval(from)).transpose()?;
        let to = to.map(|to| self.eval(to)).transpose()?;
        let result = operators::slice(&base, from.as_ref(), to.as_ref())
            .and_then(|value| self.tools.made(&value).map(|()| value));
        self.located(id, result)
    }

    #[inline(never)]
    fn method(
        &mut self,
        id: NodeId,
        base: NodeId,
        name: &str,
        optional: bool,
        arguments: &[NodeId],
    ) -> Evaluated {
        // Go's months and weekdays are numbers that know their name.
        let (base, name) = match self.arena.get(base) {
            Node::Method {
                base: inner,
                name: of,
                arguments: none,
                ..
            } if name == "String" && arguments.is_empty() && none.is_empty() => {
                match methods::name_of(of) {
                    Some(name_of) => (*inner, name_of),
                    None => (base, name),
                }
            }
            _ => (base, name),
        };
        let base = self.eval(base)?;
        if optional && base == Value::Nil {
            return Err(Stop::Chain);
        }
        let arguments = self.eval_all(arguments)?;
        self.located(id, methods::call(&base, name, &arguments))
    }

    #[inline(never)]
    fn list(&mut self, id: NodeId, nodes: &[NodeId]) -> Evaluated {
        let items = self.eval_all(nodes)?;
        let result = Value::list(items)
            .map_err(Failure::from)
            .and_then(|value| self.tools.made(&value).map(|()| value));
        self.located(id, result)
    }

    #[inline(never)]
    fn map(&mut self, id: NodeId, pairs: &[(NodeId, NodeId)]) -> Evaluated {
        let mut entries = BTreeMap::new();
        for (key, value) in pairs {
            let name = match self.eval(*key)? {
                Value::String(name) => name,
                other => {
                    let message = format!("a map key must be a string, got {}", other.go_type());
                    return self.located(*key, Err(Failure::Message(message)));
                }
            };
            // Of a key that is given twice, the first value counts.
            let value = self.eval(*value)?;
            entries.entry(name).or_insert(value);
        }
        let result = Value::map(entries)
            .map_err(Failure::from)
            .and_then(|value| self.tools.made(&value).map(|()| value));
        self.located(id, result)
    }

    /// A variable, or a run of members `a.b["c"].d`, without recursion. As long as the run stays
    /// above the scope's variables, it only collects their prefix.
    #[inline(never)]
    fn path(&mut self, id: NodeId) -> Evaluated {
        let arena = self.arena;
        let mut members = Vec::new();
        let mut base = id;
        while let Node::Member {
            base: inner,
            key,
            optional,
        } = arena.get(base)
        {
            members.push((base, *key, *optional));
            base = *inner;
        }
        let mut cursor = match arena.get(base) {
            Node::Name(root) => {
                if let Some(value) = self.whole_path(root, &members) {
                    return Ok(value);
                }
                self.step_into(root.to_string())
            }
            Node::Environment => Some(Cursor::Names(String::new())),
            _ => Some(Cursor::Value(self.eval(base)?)),
        };
        for (id, key, optional) in members.into_iter().rev() {
            let key = self.eval(key)?;
            let value = match cursor {
                Some(Cursor::Names(mut path)) => {
                    let Value::String(name) = &key else {
                        let message =
                            format!("cannot use {} as a name of a variable", key.go_type());
                        return self.located(id, Err(Failure::Message(message)));
                    };
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                    cursor = self.step_into(path);
                    continue;
                }
                Some(Cursor::Value(value)) => value,
                None => Value::Nil,
            };
            if optional && value == Value::Nil {
                return Err(Stop::Chain);
            }
            let fetched = operators::fetch(&self.tools, &value, &key);
            cursor = Some(Cursor::Value(self.located(id, fetched)?));
        }
        match cursor {
            Some(Cursor::Value(value)) => Ok(value),
            Some(Cursor::Names(path)) => {
                let tree = self.subtree(&path);
                self.located(id, tree)
            }
            None => Ok(Value::Nil),
        }
    }

    /// The usual case: all keys are known names, and the whole path is a variable.
    fn whole_path(&self, root: &str, members: &[(NodeId, NodeId, bool)]) -> Option<Value> {
        let mut path = String::with_capacity(64);
        path.push_str(root);
        for (_, key, _) in members.iter().rev() {
            let Node::Constant(Value::String(name)) = self.arena.get(*key) else {
                return None;
            };
            path.push('.');
            path.push_str(name);
        }
        match self.scope.value(&path) {
            Some(value) => Some(value),
            None => self.scope.lookup(&path).map(|text| Value::from(&*text)),
        }
        .filter(|_| !self.scope.has_names_below(&path))
    }

    fn step_into(&self, path: String) -> Option<Cursor> {
        if self.scope.has_names_below(&path) {
            return Some(Cursor::Names(path));
        }
        let value = match self.scope.value(&path) {
            Some(value) => Some(value),
            None => self.scope.lookup(&path).map(|text| Value::from(&*text)),
        };
        value.map(Cursor::Value)
    }

    /// The variables below a prefix as nested maps. A variable that has others below it gives way
    /// to them, as in Argo.
    fn subtree(&self, prefix: &str) -> Result<Value, Failure> {
        let skip = if prefix.is_empty() {
            0
        } else {
            prefix.len() + 1
        };
        let mut names = Vec::new();
        let mut left = Ok(());
        self.scope.names_below(prefix, &mut |name| {
            left = self.tools.work(1);
            if left.is_err() {
                return Visit::Stop;
            }
            names.push(name[skip..].to_owned());
            Visit::Continue
        });
        left?;
        names.sort_unstable();
        names.dedup();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.nest(prefix, &names, 0)
    }

    fn nest(&self, prefix: &str, names: &[&str], depth: u16) -> Result<Value, Failure> {
        if depth > MAX_DEPTH {
            return Err(crate::value::Oversized.into());
        }
        let mut below: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names {
            match name.split_once('.') {
                Some((first, rest)) => below.entry(first).or_default().push(rest),
                None => {
                    below.entry(name).or_default();
                }
            }
        }
        let mut entries = BTreeMap::new();
        for (key, rest) in below {
            let path = if prefix.is_empty() {
                key.to_owned()
            } else {
                format!("{prefix}.{key}")
            };
            let value = if !rest.is_empty() {
                self.nest(&path, &rest, depth + 1)?
            } else if let Some(value) = self.scope.value(&path) {
                value
            } else {
                match self.scope.lookup(&path) {
                    Some(text) => Value::from(&*text),
                    None => Value::Nil,
                }
            };
            entries.insert(Arc::from(key), value);
        }
        let value = Value::map(entries)?;
        self.tools.made(&value)?;
        Ok(value)
    }
}
