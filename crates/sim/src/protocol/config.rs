//! `config`: the keys of the controller's ConfigMap.

use argosy_engine::config::Config;
use serde_json::{Map, Value};

use super::{Answer, ProtocolError, Session};
use crate::objects::read_yaml;

impl Session {
    /// Sets keys, and leaves the others as they are; `null` takes one away.
    pub(super) fn config(&mut self, set: &Map<String, Value>) -> Result<Answer, ProtocolError> {
        let mut config = self.config.clone();
        for (key, value) in set {
            match value {
                Value::Null => {
                    config.remove(key);
                }
                value => {
                    config.insert(key.clone(), meant(key, value)?);
                }
            }
        }
        let read = Config::from_value(&Value::Object(config.clone()))
            .map_err(|error| ProtocolError::Refused(error.to_string()))?;
        self.config = config;
        self.world.configure(read);
        Ok(Answer::new())
    }
}

/// In a ConfigMap all values are texts, of YAML where more than a text is meant.
fn meant(key: &str, value: &Value) -> Result<Value, ProtocolError> {
    match value.as_str() {
        Some(text) if !matches!(key, "instanceID" | "podGCDeleteDelayDuration") => {
            read_yaml(text).map_err(|error| ProtocolError::Refused(format!("{key}: {error}")))
        }
        _ => Ok(value.clone()),
    }
}
