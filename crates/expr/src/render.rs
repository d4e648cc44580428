//! Filling in the tags of a text, as one of Argo's passes does.
//!
//! Argo fills tags into the JSON text of a whole template; here each string is filled in by itself.
//! The results differ where Argo's own text would break: a value with control characters that Go
//! quotes but JSON doesn't know makes Argo refuse the result, and a `{{` in one string can't
//! pair with a `}}` in another here.

use crate::context::EvalContext;
use crate::error::{ExprErrorKind, TagError};
use crate::expr::Program;
use crate::json::{Html, Layout, marshal};
use crate::scope::Scope;
use crate::tag::{Segment, Template};
use crate::value::Value;

/// What to do with a tag whose variable is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unresolved<'a> {
    /// Leave it for a later pass, also if its expression fails or gives nil.
    Keep,
    /// It is an error.
    Error,
    /// It is an error if the variable's name begins with one of these roots (`tasks` means
    /// `tasks` and `tasks.…`); others are left. Artifacts (`….outputs.artifacts.…`) are always left,
    /// since they are filled in elsewhere and may be optional.
    ErrorUnder(&'a [&'a str]),
}

impl Unresolved<'_> {
    fn is_error(self, name: &str) -> bool {
        match self {
            Self::Keep => false,
            Self::Error => true,
            Self::ErrorUnder(roots) => roots.iter().any(|root| {
                name.strip_prefix(root)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }),
        }
    }
}

/// A text with its tags filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// Whether no tag of the template is left in it. Values may have brought new ones.
    pub complete: bool,
}

/// Variables that come late. An expression that uses one is not evaluated before it is there, even
/// where a missing variable would do no harm.
const LATE: [&str; 8] = [
    "item",
    "retries",
    "lastRetry.exitCode",
    "lastRetry.status",
    "lastRetry.duration",
    "lastRetry.message",
    "workflow.status",
    "workflow.failures",
];

impl Template {
    /// Fills in the tags once. A value that brings new tags needs another pass.
    ///
    /// # Errors
    /// If a tag can't be filled in and may not be left.
    pub fn render(
        &self,
        scope: &dyn Scope,
        unresolved: Unresolved<'_>,
        context: &EvalContext,
    ) -> Result<Rendered, TagError> {
        if self.is_literal() {
            return Ok(Rendered {
                text: self.source().to_owned(),
                complete: true,
            });
        }
        let mut text = String::with_capacity(self.source().len() + 32);
        let mut complete = true;
        for segment in self.segments() {
            let kept = match segment {
                Segment::Text(range) => {
                    text.push_str(self.slice(range));
                    continue;
                }
                Segment::Tag { raw, .. } => {
                    if self.fill_tag(segment, scope, unresolved, &mut text, &mut complete)? {
                        continue;
                    }
                    raw
                }
                Segment::Expression {
                    raw,
                    source,
                    program,
                } => {
                    let filled = match program.as_ref() {
                        Ok(program) => {
                            let at = Place {
                                expression: self.slice(source),
                                tag: segment.offset(),
                                source: source.start,
                            };
                            fill_expression(program, &at, scope, unresolved, context)?
                        }
                        Err(error) => {
                            return Err(TagError::Expression {
                                error: error.clone(),
                                offset: source.start,
                            });
                        }
                    };
                    if let Some(filled) = filled {
                        text.push_str(&filled);
                        continue;
                    }
                    raw
                }
            };
            text.push_str("{{");
            text.push_str(self.slice(kept));
            text.push_str("}}");
            complete = false;
        }
        Ok(Rendered { text, complete })
    }

    /// Writes the value of a simple tag; false if the tag is to stay.
    fn fill_tag(
        &self,
        segment: &Segment,
        scope: &dyn Scope,
        unresolved: Unresolved<'_>,
        text: &mut String,
        complete: &mut bool,
    ) -> Result<bool, TagError> {
        let Segment::Tag { raw, name, nested } = segment else {
            return Ok(false);
        };
        let name = self.slice(name);
        if let Some(value) = scope.lookup(name) {
            text.push_str(&value);
            return Ok(true);
        }
        let offset = segment.offset();
        let tag = || self.slice(raw).to_owned();
        if scope.is_absent(name) {
            return Err(TagError::Absent { tag: tag(), offset });
        }
        if let Some(inner) = nested {
            let inner_name = self.slice(inner);
            if let Some(value) = scope.lookup(inner_name) {
                text.push_str("{{");
                text.push_str(&self.source()[raw.start..inner.start - 2]);
                text.push_str(&value);
                *complete = false;
                return Ok(true);
            }
            if scope.is_absent(inner_name) {
                return Err(TagError::AbsentNested {
                    tag: tag(),
                    name: inner_name.to_owned(),
                    offset,
                });
            }
        }
        let artifact = unresolved != Unresolved::Error && name.contains(".outputs.artifacts.");
        if unresolved.is_error(name) && !artifact {
            return Err(TagError::Unresolved { tag: tag(), offset });
        }
        Ok(false)
    }
}

struct Place<'a> {
    expression: &'a str,
    tag: usize,
    source: usize,
}

/// The text of an expression's value; `None` if the tag is to stay.
fn fill_expression(
    program: &Program,
    at: &Place<'_>,
    scope: &dyn Scope,
    unresolved: Unresolved<'_>,
    context: &EvalContext,
) -> Result<Option<String>, TagError> {
    let mut any_missing = false;
    let mut late_missing = false;
    let all_there = program.required_ends().all(|name| exists(scope, name));
    for name in program.required().filter(|_| !all_there) {
        if exists(scope, name) {
            continue;
        }
        if unresolved.is_error(name) {
            return Err(TagError::Missing {
                name: name.to_owned(),
                offset: at.tag,
            });
        }
        any_missing = true;
        late_missing |= LATE.contains(&name);
    }
    if late_missing {
        return Ok(None);
    }
    let may_stay = any_missing || unresolved == Unresolved::Keep;
    let expression_error = |error| TagError::Expression {
        error,
        offset: at.source,
    };
    match program.eval(scope, context) {
        Ok(Value::Nil) if may_stay => Ok(None),
        Ok(Value::Nil) => Err(TagError::Nil {
            expression: at.expression.to_owned(),
            offset: at.tag,
        }),
        Ok(value) => match text_of(&value) {
            Ok(text) => Ok(Some(text)),
            Err(_) if may_stay => Ok(None),
            Err(message) => Err(TagError::Marshal {
                message,
                offset: at.tag,
            }),
        },
        Err(error) if may_stay && error.kind != ExprErrorKind::Budget => Ok(None),
        Err(error) => Err(expression_error(error)),
    }
}

/// Whether a path that an expression reads leads to something: a variable, variables below it, or
/// an entry inside a variable that is a map.
pub(crate) fn exists(scope: &dyn Scope, path: &str) -> bool {
    if scope.lookup(path).is_some()
        || scope.is_absent(path)
        || scope.has_names_below(path)
        || scope.value(path).is_some()
    {
        return true;
    }
    let mut end = path.len();
    while let Some(dot) = path[..end].rfind('.') {
        end = dot;
        let Some(mut value) = scope.value(&path[..end]) else {
            continue;
        };
        for key in path[end + 1..].split('.') {
            let Value::Map(map) = &value else {
                return false;
            };
            match map.get(key) {
                Some(inner) => value = inner.clone(),
                None => return false,
            }
        }
        return true;
    }
    false
}

/// The text that an expression's value becomes: a string as it is, all else as JSON.
pub(crate) fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Time(_) | Value::Bytes(_) => {
            let json = marshal(value, Layout::Compact, Html::Escaped)?;
            Ok(json.trim_matches('"').to_owned())
        }
        _ => marshal(value, Layout::Compact, Html::Escaped),
    }
}
