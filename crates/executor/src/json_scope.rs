//! The variables of an expression as one JSON value.

use std::borrow::Cow;

use argosy_expr::{Scope, Value, Visit};

/// The variables of an expression as one JSON value.
pub(crate) struct JsonScope(pub serde_json::Value);

impl JsonScope {
    fn find(&self, name: &str) -> Option<&serde_json::Value> {
        name.split('.').try_fold(&self.0, |at, part| at.get(part))
    }
}

impl Scope for JsonScope {
    fn lookup(&self, name: &str) -> Option<Cow<'_, str>> {
        self.find(name)?.as_str().map(Cow::Borrowed)
    }

    fn value(&self, name: &str) -> Option<Value> {
        Value::from_json(self.find(name)?).ok()
    }

    fn names_below(&self, prefix: &str, found: &mut dyn FnMut(&str) -> Visit) {
        let at = if prefix.is_empty() {
            Some(&self.0)
        } else {
            self.find(prefix)
        };
        let Some(map) = at.and_then(serde_json::Value::as_object) else {
            return;
        };
        for key in map.keys() {
            let name = match prefix {
                "" => key.clone(),
                prefix => format!("{prefix}.{key}"),
            };
            if matches!(found(&name), Visit::Stop) {
                return;
            }
        }
    }
}
