//! `config`: the keys of the controller's ConfigMap.

use argosy_engine::config::Config;
use serde_json::{Map, Value};

use super::{Answer, ProtocolError, Session};
use crate::objects::read_yaml;

/// The keys whose values are texts.
const TEXTS: [&str; 2] = ["instanceID", "podGCDeleteDelayDuration"];

impl Session {
    /// Sets keys, and leaves the others as they are; `null` takes one away.
    pub(super) fn config(&mut self, set: &Map<String, Value>) -> Result<Answer, ProtocolError> {
        let refused = |error: String| ProtocolError::Refused(error);
        let mut all = self.config.clone();
        for (key, value) in set {
            if value.is_null() {
                all.remove(key);
                continue;
            }
            // As in a ConfigMap, a value may be the text of its YAML.
            let value = match value {
                Value::String(text) if !TEXTS.contains(&key.as_str()) => {
                    read_yaml(text).map_err(|error| refused(format!("{key}: {error}")))?
                }
                value => value.clone(),
            };
            match (key.as_str(), value) {
                ("config", Value::Object(together)) => all.extend(together),
                (_, value) => {
                    all.insert(key.clone(), value);
                }
            }
        }
        let config = Config::from_value(&Value::Object(all.clone()))
            .map_err(|error| refused(error.to_string()))?;
        self.config = all;
        self.world.configure(config);
        Ok(Answer::new())
    }
}
