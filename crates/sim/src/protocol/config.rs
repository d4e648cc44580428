//! `config`: the keys of the controller's ConfigMap.

use serde_json::{Map, Value};

use super::{Answer, ProtocolError, Session};

impl Session {
    pub(super) fn config(&mut self, set: &Map<String, Value>) -> Result<Answer, ProtocolError> {
        let (mut total, mut namespace) = self.world.parallelism();
        for (key, value) in set {
            match key.as_str() {
                "parallelism" => total = number(key, value)?,
                "namespaceParallelism" => namespace = number(key, value)?,
                _ => {
                    return Err(ProtocolError::Refused(format!(
                        "the key {key:?} is not known here"
                    )));
                }
            }
        }
        self.world.set_parallelism(total, namespace);
        Ok(Answer::new())
    }
}

/// A number, or the text of one.
fn number(key: &str, value: &Value) -> Result<u32, ProtocolError> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.ok_or_else(|| ProtocolError::Refused(format!("{key}: {value} is no number")))
}
