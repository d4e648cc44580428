//! sprig's functions on what is empty, and on JSON.

use super::is_empty;
use crate::expr::functions::{Entry, MANY, entry};
use crate::json::{Html, Layout, marshal, unmarshal};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("default", 1, MANY, |_, a| {
        Ok(if is_empty(a.get(1)) {
            a.get(0)
        } else {
            a.get(1)
        }
        .clone())
    }),
    entry("empty", 1, 1, |_, a| Ok(is_empty(a.get(0)).into())),
    entry("coalesce", 0, MANY, |_, a| {
        let found = a.values.iter().find(|value| !is_empty(value));
        Ok(found.cloned().unwrap_or(Value::Nil))
    }),
    entry("all", 0, MANY, |_, a| {
        Ok((!a.values.iter().any(is_empty)).into())
    }),
    entry("any", 0, MANY, |_, a| {
        Ok((!a.values.iter().all(is_empty)).into())
    }),
    entry("ternary", 3, 3, |_, a| {
        Ok(if a.boolean(2)? { a.get(0) } else { a.get(1) }.clone())
    }),
    entry("fail", 1, 1, |_, a| Err(a.string(0)?.into())),
    entry("fromJson", 1, 1, |_, a| {
        Ok(unmarshal(a.string(0)?).unwrap_or(Value::Nil))
    }),
    entry("mustFromJson", 1, 1, |_, a| Ok(unmarshal(a.string(0)?)?)),
    entry("toJson", 1, 1, |_, a| {
        let json = marshal(a.get(0), Layout::Compact, Html::Escaped);
        Ok(json.unwrap_or_default().into())
    }),
    entry("mustToJson", 1, 1, |_, a| {
        Ok(marshal(a.get(0), Layout::Compact, Html::Escaped)?.into())
    }),
    entry("toPrettyJson", 1, 1, |_, a| {
        let json = marshal(a.get(0), Layout::Indented, Html::Escaped);
        Ok(json.unwrap_or_default().into())
    }),
    entry("mustToPrettyJson", 1, 1, |_, a| {
        Ok(marshal(a.get(0), Layout::Indented, Html::Escaped)?.into())
    }),
    entry("toRawJson", 1, 1, |_, a| {
        Ok(marshal(a.get(0), Layout::Compact, Html::Raw)?.into())
    }),
    entry("mustToRawJson", 1, 1, |_, a| {
        Ok(marshal(a.get(0), Layout::Compact, Html::Raw)?.into())
    }),
];
