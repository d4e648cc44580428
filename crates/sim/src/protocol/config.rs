//! `config`: the keys of the controller's ConfigMap.

use argosy_engine::config::Config;
use serde_json::{Map, Value};

use super::explain::in_words;
use super::{Answer, ProtocolError, Session};
use crate::objects::read_yaml;

/// The keys whose values are texts.
const TEXTS: [&str; 2] = ["instanceID", "podGCDeleteDelayDuration"];

/// Reads the keys of a configuration, each a text as it stands in a ConfigMap, or what the text
/// would hold.
pub(crate) fn read_config(set: &Map<String, Value>) -> Result<Config, String> {
    merged(Map::new(), set).map(|(_, config)| config)
}

/// Sets keys among others; `null` takes one away.
fn merged(
    mut all: Map<String, Value>,
    set: &Map<String, Value>,
) -> Result<(Map<String, Value>, Config), String> {
    for (key, value) in set {
        if value.is_null() {
            all.remove(key);
            continue;
        }
        // As in a ConfigMap, a value may be the text of its YAML.
        let value = match value {
            Value::String(text) if !TEXTS.contains(&key.as_str()) => {
                read_yaml(text).map_err(|error| format!("{key}: {error}"))?
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
    let config = Config::from_value(&Value::Object(all.clone()));
    Ok((all, config.map_err(|error| in_words(&error.to_string()))?))
}

impl Session {
    /// Sets keys, and leaves the others as they are; `null` takes one away.
    pub(super) fn config(&mut self, set: &Map<String, Value>) -> Result<Answer, ProtocolError> {
        let (all, config) = merged(self.config.clone(), set).map_err(ProtocolError::Refused)?;
        self.config = all;
        self.world.configure(config);
        Ok(Answer::new())
    }
}
