//! sprig's functions on types.

use crate::expr::functions::{Entry, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("typeOf", 1, 1, |_, a| Ok(a.get(0).go_type().into())),
    entry("typeIs", 2, 2, |_, a| {
        Ok((a.string(0)? == a.get(1).go_type()).into())
    }),
    entry("typeIsLike", 2, 2, |_, a| {
        let (wanted, found) = (a.string(0)?, a.get(1).go_type());
        Ok((wanted == found || found.strip_prefix('*') == Some(wanted)).into())
    }),
    entry("kindOf", 1, 1, |_, a| Ok(kind(a.get(0)).into())),
    entry("kindIs", 2, 2, |_, a| {
        Ok((a.string(0)? == kind(a.get(1))).into())
    }),
    entry("deepEqual", 2, 2, |tools, a| {
        tools.work(a.get(0).weight().min(a.get(1).weight()) / 64)?;
        Ok((a.get(0) == a.get(1)).into())
    }),
];

/// The name of Go's kind.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Bytes(_) | Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Duration(_) => "int64",
        Value::Time(_) => "struct",
        Value::Zone(_) => "ptr",
    }
}
