//! The functions of the Go library sprig (3.3), called as `sprig.name(…)`.
//!
//! Argo takes `env` and `expandenv` away. Differences from the Go library: random ones draw from
//! the context's stream; functions that change a map (`set`, `merge`) give a changed copy; keys
//! come sorted; numbers of whatever Go type are accepted (Go's `duration` ignores an `int`); what
//! needs the network or makes keys and certificates is refused.

mod case;
mod crypt;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod numbers;
mod paths;
mod random;
mod regexes;
mod semver;
mod strings;
mod types;
mod urls;

use crate::expr::functions::Entry;
use crate::json::go_text;
use crate::value::Value;

/// All functions.
pub(crate) const TABLES: &[&[Entry]] = &[
    strings::TABLE,
    case::TABLE,
    numbers::TABLE,
    lists::TABLE,
    dicts::TABLE,
    defaults::TABLE,
    types::TABLE,
    dates::TABLE,
    encoding::TABLE,
    crypto::TABLE,
    crypto::REFUSED,
    crypt::TABLE,
    random::TABLE,
    regexes::TABLE,
    paths::TABLE,
    semver::TABLE,
    urls::TABLE,
];

/// Whether a function of this name is known and refused.
pub(crate) fn is_refused(name: &str) -> bool {
    crypto::REFUSED.iter().any(|entry| entry.name == name)
}

/// The value as text, whatever it is.
fn text(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => go_text(value),
    }
}

/// Whether the value is what Go calls zero: nil, false, 0, or without content.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(b) => !b,
        Value::Int(n) | Value::Duration(n) => *n == 0,
        Value::Float(f) => *f == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.items().is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Time(_) | Value::Zone(_) | Value::Version(_) => false,
    }
}
