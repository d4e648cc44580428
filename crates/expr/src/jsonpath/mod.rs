//! JSONPath in two dialects: kubectl's, for `valueFrom.jsonPath`, and that of Argo's expression
//! function `jsonpath()`.

mod find;
mod parse;
mod query;

use serde_json::Value;

use crate::error::JsonPathError;
use parse::Piece;

pub(crate) use query::query;

/// A path in kubectl's dialect: `{.status.phase}`, `{range .items[*]}{.name}{"\n"}{end}`.
///
/// As in `kubectl get -o jsonpath`, a field that isn't there gives nothing and is no error. Where
/// kubectl visits the fields of a map in random order, they come sorted here.
#[derive(Clone, Debug)]
pub struct JsonPath {
    pieces: Vec<Piece>,
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// If it isn't one.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        Ok(Self {
            pieces: parse::parse(text)?,
        })
    }

    /// The values that it leads to; text between the braces is one too.
    ///
    /// # Errors
    /// If the document doesn't fit, such as an index past the end of a list.
    pub fn find(&self, document: &Value) -> Result<Vec<Value>, JsonPathError> {
        let results = find::find(&self.pieces, document)?;
        Ok(results
            .into_iter()
            .flatten()
            .map(std::borrow::Cow::into_owned)
            .collect())
    }

    /// The values as `kubectl -o jsonpath=…` prints them: lists and maps as JSON, several
    /// values of one pair of braces with a space between them.
    ///
    /// # Errors
    /// If the document doesn't fit, such as an index past the end of a list.
    pub fn render(&self, document: &Value) -> Result<String, JsonPathError> {
        let mut out = String::new();
        for values in find::find(&self.pieces, document)? {
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                match &**value {
                    Value::String(text) => out.push_str(text),
                    Value::Number(number) if number.is_f64() => {
                        out.push_str(&crate::json::go_float(number.as_f64().unwrap_or(f64::NAN)));
                    }
                    other => out.push_str(&other.to_string()),
                }
            }
        }
        Ok(out)
    }
}
