//! The functions that take a predicate.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{BinaryOperator, Iteration, Node, NodeId};
use super::budget::Failure;
use super::eval::{Evaluated, Evaluator, Frame};
use super::operators;
use crate::value::{List, Value};

/// What a predicate says of an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Refused,
}

impl Evaluator<'_> {
    #[inline(never)]
    pub(super) fn iterate(
        &mut self,
        id: NodeId,
        iteration: Iteration,
        list: NodeId,
        predicate: Option<NodeId>,
        extra: Option<NodeId>,
    ) -> Evaluated {
        if iteration == Iteration::Sum
            && predicate.is_none()
            && let Node::List(nodes) = self.arena.get(list)
            && self.is_added_up(nodes)
        {
            return self.added_up(id, nodes);
        }
        let list = self.eval(list)?;
        let list = self.elements(&list);
        let list = self.located(id, list)?;
        let work = self.tools.work(list.items().len() as u64);
        self.located(id, work)?;
        let extra = extra.map(|extra| self.eval(extra)).transpose()?;
        let frames = self.frames.len();
        let result = self.iterate_over(id, iteration, &list, predicate, extra);
        self.frames.truncate(frames);
        let value = result?;
        let made = self.tools.made(&value);
        self.located(id, made)?;
        Ok(value)
    }

    /// What is gone through: of a text, as in Go, its bytes.
    fn elements(&self, value: &Value) -> Result<Arc<List>, Failure> {
        let bytes = match value {
            Value::List(list) => return Ok(list.clone()),
            Value::String(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Map(map) if map.is_empty() => &[],
            Value::Map(_) => {
                return Err("reflect: call of reflect.Value.Index on map Value".into());
            }
            other => {
                let what = match other {
                    Value::Nil => "zero",
                    other => other.go_kind(),
                };
                let message = format!("reflect: call of reflect.Value.Len on {what} Value");
                return Err(Failure::Message(message));
            }
        };
        self.tools.grow_by(bytes.len(), size_of::<Value>())?;
        let items = bytes.iter().map(|byte| Value::Int((*byte).into()));
        Ok(List::new(items.collect())?)
    }

    /// Whether expr-lang makes additions of the sum of a list that is written down: not of one that
    /// is known beforehand. Its `optimizer/sum_array.go`.
    fn is_added_up(&self, nodes: &[NodeId]) -> bool {
        let is_known = |node: &NodeId| {
            matches!(
                self.arena.get(*node),
                Node::Constant(Value::Int(_) | Value::Float(_) | Value::String(_) | Value::Bool(_))
            )
        };
        nodes.len() > 1 && !nodes.iter().all(is_known)
    }

    /// `a + (b + c)`.
    fn added_up(&mut self, id: NodeId, nodes: &[NodeId]) -> Evaluated {
        let values = self.eval_all(nodes)?;
        let mut values = values.into_iter().rev();
        let mut sum = values.next().unwrap_or(Value::Nil);
        for value in values {
            let next = operators::apply(&self.tools, BinaryOperator::Add, &value, &sum);
            sum = self.located(id, next)?;
        }
        Ok(sum)
    }

    fn iterate_over(
        &mut self,
        id: NodeId,
        iteration: Iteration,
        list: &Arc<List>,
        predicate: Option<NodeId>,
        extra: Option<Value>,
    ) -> Evaluated {
        let items = list.items();
        match iteration {
            Iteration::All => {
                let found = self.find(id, items.iter().enumerate(), predicate, Verdict::Refused)?;
                Ok(Value::Bool(found.is_none()))
            }
            Iteration::None => {
                let found =
                    self.find(id, items.iter().enumerate(), predicate, Verdict::Accepted)?;
                Ok(Value::Bool(found.is_none()))
            }
            Iteration::Any => {
                let found =
                    self.find(id, items.iter().enumerate(), predicate, Verdict::Accepted)?;
                Ok(Value::Bool(found.is_some()))
            }
            Iteration::Find => {
                let found =
                    self.find(id, items.iter().enumerate(), predicate, Verdict::Accepted)?;
                Ok(found.map_or(Value::Nil, |at| items[at].clone()))
            }
            Iteration::FindLast => {
                let found = self.find(
                    id,
                    items.iter().enumerate().rev(),
                    predicate,
                    Verdict::Accepted,
                )?;
                Ok(found.map_or(Value::Nil, |at| items[at].clone()))
            }
            Iteration::FindIndex => {
                let found =
                    self.find(id, items.iter().enumerate(), predicate, Verdict::Accepted)?;
                Ok(index_or_none(found))
            }
            Iteration::FindLastIndex => {
                let found = self.find(
                    id,
                    items.iter().enumerate().rev(),
                    predicate,
                    Verdict::Accepted,
                )?;
                Ok(index_or_none(found))
            }
            Iteration::One => Ok(Value::Bool(self.count(id, items, predicate)? == 1)),
            Iteration::Count => Ok(Value::Int(self.count(id, items, predicate)?)),
            Iteration::Filter => self.filter(id, items, predicate),
            Iteration::Map => {
                let mut mapped = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    mapped.push(self.apply(predicate, index, item, Value::Nil)?);
                }
                self.built(id, mapped)
            }
            Iteration::Sum => self.sum(id, items, predicate),
            Iteration::GroupBy => self.group(id, items, predicate),
            Iteration::SortBy => self.sort(id, items, predicate, extra),
            Iteration::Reduce => self.reduce(id, items, predicate, extra),
        }
    }

    /// The value of the predicate for an element; without one, the element.
    fn apply(
        &mut self,
        predicate: Option<NodeId>,
        index: usize,
        item: &Value,
        accumulator: Value,
    ) -> Evaluated {
        let Some(predicate) = predicate else {
            return Ok(item.clone());
        };
        self.frames.push(Frame {
            item: item.clone(),
            index,
            accumulator,
        });
        let result = self.eval(predicate);
        self.frames.pop();
        result
    }

    /// The place of the first element of which the predicate says what is wanted.
    fn find<'v>(
        &mut self,
        id: NodeId,
        items: impl Iterator<Item = (usize, &'v Value)>,
        predicate: Option<NodeId>,
        wanted: Verdict,
    ) -> Evaluated<Option<usize>> {
        for (index, item) in items {
            let value = self.apply(predicate, index, item, Value::Nil)?;
            if self.truth(id, &value)? == (wanted == Verdict::Accepted) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn count(&mut self, id: NodeId, items: &[Value], predicate: Option<NodeId>) -> Evaluated<i64> {
        let mut count = 0;
        for (index, item) in items.iter().enumerate() {
            let value = self.apply(predicate, index, item, Value::Nil)?;
            count += i64::from(self.truth(id, &value)?);
        }
        Ok(count)
    }

    fn filter(&mut self, id: NodeId, items: &[Value], predicate: Option<NodeId>) -> Evaluated {
        let mut kept = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let value = self.apply(predicate, index, item, Value::Nil)?;
            if self.truth(id, &value)? {
                kept.push(item.clone());
            }
        }
        self.built(id, kept)
    }

    fn sum(&mut self, id: NodeId, items: &[Value], predicate: Option<NodeId>) -> Evaluated {
        let mut sum = Value::Int(0);
        for (index, item) in items.iter().enumerate() {
            let value = self.apply(predicate, index, item, Value::Nil)?;
            let next = operators::apply(&self.tools, BinaryOperator::Add, &value, &sum);
            sum = self.located(id, next)?;
        }
        Ok(sum)
    }

    fn built(&self, id: NodeId, items: Vec<Value>) -> Evaluated {
        self.located(id, Value::list(items).map_err(Failure::from))
    }

    fn group(&mut self, id: NodeId, items: &[Value], predicate: Option<NodeId>) -> Evaluated {
        let mut texts: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
        let mut others: Vec<(Value, Vec<Value>)> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.apply(predicate, index, item, Value::Nil)? {
                Value::String(key) => texts.entry(key).or_default().push(item.clone()),
                key @ (Value::List(_) | Value::Map(_) | Value::Bytes(_)) => {
                    let message = format!(
                        "cannot use {} as a key for groupBy: type is not comparable",
                        key.go_type()
                    );
                    return self.located(id, Err(Failure::Message(message)));
                }
                key => {
                    let work = self.tools.work(others.len() as u64);
                    self.located(id, work)?;
                    match others.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, group)) => group.push(item.clone()),
                        None => others.push((key, vec![item.clone()])),
                    }
                }
            }
        }
        let build = || -> Result<Value, Failure> {
            let texts = texts
                .into_iter()
                .map(|(key, group)| Ok((key, Value::list(group)?)))
                .collect::<Result<_, Failure>>()?;
            let others = others
                .into_iter()
                .map(|(key, group)| Ok((key, Value::list(group)?)))
                .collect::<Result<_, Failure>>()?;
            Ok(Value::map_of(texts, others)?)
        };
        let result = build();
        self.located(id, result)
    }

    fn sort(
        &mut self,
        id: NodeId,
        items: &[Value],
        predicate: Option<NodeId>,
        order: Option<Value>,
    ) -> Evaluated {
        let descending = match order.as_ref().map(Value::as_str) {
            None | Some(Some("asc")) => false,
            Some(Some("desc")) => true,
            Some(_) => {
                return self.located(id, Err("unknown order, use asc or desc".into()));
            }
        };
        let mut pairs = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let key = self.apply(predicate, index, item, Value::Nil)?;
            pairs.push((key, item.clone()));
        }
        let sorted = operators::sort_pairs(&self.tools, &mut pairs, descending);
        self.located(id, sorted)?;
        self.built(id, pairs.into_iter().map(|(_, item)| item).collect())
    }

    fn reduce(
        &mut self,
        id: NodeId,
        items: &[Value],
        predicate: Option<NodeId>,
        first: Option<Value>,
    ) -> Evaluated {
        let mut rest = items.iter().enumerate();
        let mut accumulator = match first {
            Some(first) => first,
            None => match rest.next() {
                Some((_, first)) => first.clone(),
                None => {
                    return self.located(
                        id,
                        Err("reduce of empty array with no initial value".into()),
                    );
                }
            },
        };
        for (index, item) in rest {
            accumulator = self.apply(predicate, index, item, accumulator)?;
        }
        Ok(accumulator)
    }
}

fn index_or_none(found: Option<usize>) -> Value {
    found.map_or(Value::Nil, |at| {
        Value::Int(i64::try_from(at).unwrap_or(i64::MAX))
    })
}
