//! Executor plugins: as their own kind, as the ConfigMap that Argo's controller reads, and as part
//! of a workflow. Argo: `pkg/plugins/spec`, `workflow/util/plugin`, docs/executor_plugins.md.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Container};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::*;

/// What the name of a plugin's ConfigMap ends with.
const SUFFIX: &str = "-executor-plugin";
/// The ConfigMap's key that says whether the token of a service account is mounted.
const AUTOMOUNT: &str = "sidecar.automountServiceAccountToken";
/// The ConfigMap's key that holds the container, as YAML.
const CONTAINER: &str = "sidecar.container";

/// A plugin that runs beside the agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecutorPlugin {
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: ExecutorPluginSpec,
}

/// What an executor plugin consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecutorPluginSpec {
    /// The container.
    pub sidecar: ExecutorPluginSidecar,
}

/// The container of an executor plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecutorPluginSidecar {
    /// Whether the service account's token is mounted.
    #[serde(skip_serializing_if = "is_false")]
    pub automount_service_account_token: bool,
    /// The container.
    #[serde(serialize_with = "whole_container")]
    pub container: Container,
}

/// A `plugin.yaml`: an executor plugin as an object of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExecutorPluginManifest {
    /// The group and version of the kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The kind of object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Name, labels and the like.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: ExecutorPluginSpec,
}

/// Why a plugin can't be used. The texts are Argo's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutorPluginError {
    /// Its container lacks something.
    #[error("sidecar is invalid: {0}")]
    Incomplete(&'static str),
    /// The ConfigMap's container is none.
    #[error("{CONTAINER}: {0}")]
    Unreadable(String),
}

impl ExecutorPluginSidecar {
    /// What the container lacks that Argo makes mandatory, if anything. Argo: `Sidecar.Validate`.
    pub fn lacks(&self) -> Option<&'static str> {
        let container = &self.container;
        let resources = container.resources.as_ref();
        if container.ports.as_ref().is_none_or(Vec::is_empty) {
            Some("at least one port is mandatory")
        } else if resources.is_none_or(|resources| resources.requests.is_none()) {
            Some("resources requests are mandatory")
        } else if resources.is_none_or(|resources| resources.limits.is_none()) {
            Some("resources limits are mandatory")
        } else if container.security_context.is_none() {
            Some("security context is mandatory")
        } else {
            None
        }
    }
}

impl ExecutorPlugin {
    /// The plugin that a ConfigMap describes; `None` if it has another label, or none.
    /// Argo: `FromConfigMap`.
    ///
    /// # Errors
    /// If it can't be read, or its container lacks something.
    pub fn from_config_map(map: &ConfigMap) -> Option<Result<Self, ExecutorPluginError>> {
        let labels = map.metadata.labels.as_ref();
        let kind = labels.and_then(|labels| labels.get(labels::CONFIG_MAP_TYPE));
        kind.is_some_and(|kind| kind == labels::CONFIG_MAP_TYPE_EXECUTOR_PLUGIN)
            .then(|| Self::read(map))
    }

    fn read(map: &ConfigMap) -> Result<Self, ExecutorPluginError> {
        let name = map.metadata.name.as_deref().unwrap_or_default();
        let data = |key: &str| map.data.as_ref().and_then(|data| data.get(key));
        let mut metadata = map.metadata.clone();
        metadata.name = Some(name.strip_suffix(SUFFIX).unwrap_or(name).to_owned());
        if let Some(labels) = &mut metadata.labels {
            labels.remove(labels::CONFIG_MAP_TYPE);
        }
        let sidecar = ExecutorPluginSidecar {
            automount_service_account_token: data(AUTOMOUNT).is_some_and(|text| text == "true"),
            container: match data(CONTAINER) {
                Some(text) => container_of(text)?,
                None => Container::default(),
            },
        };
        match sidecar.lacks() {
            Some(what) => Err(ExecutorPluginError::Incomplete(what)),
            None => Ok(Self {
                metadata,
                spec: ExecutorPluginSpec { sidecar },
            }),
        }
    }
}

fn container_of(text: &str) -> Result<Container, ExecutorPluginError> {
    let source = Source::new(CONTAINER, text);
    let (documents, faults) = read_documents(&source, &Limits::default());
    let unreadable = |fault: &Diagnostic| ExecutorPluginError::Unreadable(fault.message.clone());
    if let Some(fault) = faults.iter().find(|fault| fault.is_error()) {
        return Err(unreadable(fault));
    }
    let Some(document) = documents.into_iter().next() else {
        return Ok(Container::default());
    };
    let (container, faults) = read_typed::<Box<Container>>(&document, Strictness::Strict);
    if let Some(fault) = faults.iter().find(|fault| fault.is_error()) {
        return Err(unreadable(fault));
    }
    Ok(container.map(|container| *container).unwrap_or_default())
}

impl ExecutorPluginManifest {
    /// The ConfigMap by which Argo's controller finds the plugin, as JSON in the order and with the
    /// emptiness that `argo executor-plugin build` writes. Argo: `ToConfigMap`.
    ///
    /// # Errors
    /// If the container lacks something, or can't be written as YAML.
    pub fn to_config_map(&self) -> Result<Value, ExecutorPluginError> {
        let sidecar = &self.spec.sidecar;
        if let Some(what) = sidecar.lacks() {
            return Err(ExecutorPluginError::Incomplete(what));
        }
        let container = convert_to_yaml(&sidecar.container)
            .map_err(|error| ExecutorPluginError::Unreadable(error.to_string()))?;
        let of = |map: &Option<BTreeMap<String, String>>| map.clone().unwrap_or_default();
        let mut labels = BTreeMap::from([(
            labels::CONFIG_MAP_TYPE.to_owned(),
            labels::CONFIG_MAP_TYPE_EXECUTOR_PLUGIN.to_owned(),
        )]);
        labels.extend(of(&self.metadata.labels));
        let name = self.metadata.name.as_deref().unwrap_or_default();
        let mut metadata = json!({"name": format!("{name}{SUFFIX}"), "labels": labels});
        let annotations = of(&self.metadata.annotations);
        if !annotations.is_empty() {
            metadata["annotations"] = json!(annotations);
        }
        if let Some(namespace) = &self.metadata.namespace {
            metadata["namespace"] = namespace.as_str().into();
        }
        Ok(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {
                AUTOMOUNT: sidecar.automount_service_account_token.to_string(),
                CONTAINER: container,
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> ExecutorPluginManifest {
        from_value(json!({
            "kind": "ExecutorPlugin",
            "metadata": {"name": "my-plug", "labels": {"my-label": "my-value"},
                "annotations": {"my-anno": "my-value"}},
            "spec": {"sidecar": {
                "automountServiceAccountToken": true,
                "container": {"name": "", "ports": [{"containerPort": 1234}],
                    "resources": {"limits": {}, "requests": {}}, "securityContext": {}},
            }},
        }))
        .expect("a manifest")
    }

    #[test]
    fn a_plugin_becomes_a_config_map_and_comes_back() {
        let manifest = manifest();
        let map = manifest.to_config_map().expect("a ConfigMap");
        assert_eq!(map["metadata"]["name"], "my-plug-executor-plugin");
        assert_eq!(map["data"][AUTOMOUNT], "true");
        let map: ConfigMap = from_value(map).expect("a ConfigMap");
        let plugin = ExecutorPlugin::from_config_map(&map).expect("has the label");
        let plugin = plugin.expect("is whole");
        assert_eq!(plugin.metadata.name.as_deref(), Some("my-plug"));
        assert_eq!(plugin.metadata.labels, manifest.metadata.labels);
        assert_eq!(plugin.spec, manifest.spec);
    }

    #[test]
    fn what_a_plugin_lacks_is_told_in_argos_words() {
        for (field, lacks) in [
            (
                "ports",
                "sidecar is invalid: at least one port is mandatory",
            ),
            (
                "resources",
                "sidecar is invalid: resources requests are mandatory",
            ),
            (
                "securityContext",
                "sidecar is invalid: security context is mandatory",
            ),
        ] {
            let mut value = serde_json::to_value(manifest()).expect("JSON");
            let container = value["spec"]["sidecar"]["container"].as_object_mut();
            container.expect("a map").remove(field);
            let manifest: ExecutorPluginManifest = from_value(value).expect("a manifest");
            let error = manifest.to_config_map().expect_err("incomplete");
            assert_eq!(error.to_string(), lacks, "{field}");
        }
    }

    #[test]
    fn a_container_with_an_unknown_field_is_refused() {
        let mut map: ConfigMap =
            from_value(manifest().to_config_map().expect("a ConfigMap")).expect("a ConfigMap");
        let data = map.data.as_mut().expect("data");
        data.insert(CONTAINER.to_owned(), "{nmae: x}".to_owned());
        let read = ExecutorPlugin::from_config_map(&map).expect("has the label");
        assert!(
            matches!(read, Err(ExecutorPluginError::Unreadable(_))),
            "{read:?}"
        );
        map.metadata.labels = None;
        assert!(ExecutorPlugin::from_config_map(&map).is_none());
    }
}
