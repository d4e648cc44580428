//! The functions that Argo adds to expr-lang's.

use super::{Entry, entry, numbers};
use crate::expr::budget::Failure;
use crate::json::{Html, Layout, marshal, unmarshal};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("asInt", 1, 1, numbers::int),
    entry("asFloat", 1, 1, numbers::float),
    entry("toJson", 1, 1, |_, a| {
        Ok(Value::from(marshal(
            a.get(0),
            Layout::Compact,
            Html::Escaped,
        )?))
    }),
    entry("jsonpath", 2, 2, |tools, a| {
        let document = unmarshal(a.string(0)?)?;
        tools.grow(document.weight())?;
        crate::jsonpath::query(tools, a.string(1)?, &document).map_err(|failure| match failure {
            Failure::Message(message) => Failure::Message(format!("jsonpath: {message}")),
            budget => budget,
        })
    }),
];
