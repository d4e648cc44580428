//! The environment and the arguments of a container, as the kubelet would make them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};

use crate::{ObjectData, ObjectSource};

/// Why a container can't be configured. The words are the kubelet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigError(pub String);

/// The environment that a container declares, later variables over earlier ones.
pub(crate) fn variables(
    pod: &Pod,
    container: &Container,
    objects: &dyn ObjectSource,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let found = if let Some(map) = &source.config_map_ref {
            let data = objects
                .config_map(namespace, &map.name)
                .map_err(ConfigError)?;
            present(data, "configmap", &map.name, map.optional)?
        } else if let Some(secret) = &source.secret_ref {
            let data = objects
                .secret(namespace, &secret.name)
                .map_err(ConfigError)?;
            present(data, "secret", &secret.name, secret.optional)?
        } else {
            None
        };
        for (key, value) in found.into_iter().flatten() {
            own.insert(format!("{prefix}{key}"), text(value));
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => Some(expand(value, &own)),
            (None, None) => Some(String::new()),
            (None, Some(from)) => {
                if let Some(key) = &from.config_map_key_ref {
                    let data = objects
                        .config_map(namespace, &key.name)
                        .map_err(ConfigError)?;
                    keyed(data, "configmap", &key.name, &key.key, key.optional)?
                } else if let Some(key) = &from.secret_key_ref {
                    let data = objects.secret(namespace, &key.name).map_err(ConfigError)?;
                    keyed(data, "secret", &key.name, &key.key, key.optional)?
                } else if let Some(field) = &from.field_ref {
                    Some(pod_field(pod, &field.field_path).ok_or_else(|| {
                        ConfigError(format!("field label not supported: {}", field.field_path))
                    })?)
                } else if let Some(field) = &from.resource_field_ref {
                    Some(resource_field(container, &field.resource))
                } else {
                    Some(String::new())
                }
            }
        };
        if let Some(value) = value {
            own.insert(variable.name.clone(), value);
        }
    }
    Ok(own)
}

/// `$(NAME)` filled in as Kubernetes does it; `$$(NAME)` stays as `$(NAME)`.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    expanded(text, variables).0
}

/// The same, and the variables that there are not.
pub(crate) fn expanded<'a>(
    text: &'a str,
    variables: &BTreeMap<String, String>,
) -> (String, Vec<&'a str>) {
    let mut missing = Vec::new();
    if !text.contains('$') {
        return (text.to_owned(), missing);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            match after.find(')') {
                Some(end) => {
                    let name = &after[..end];
                    match variables.get(name) {
                        Some(value) => out.push_str(value),
                        None => {
                            missing.push(name);
                            out.push_str("$(");
                            out.push_str(name);
                            out.push(')');
                        }
                    }
                    rest = &after[end + 1..];
                }
                None => out.push('$'),
            }
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    (out, missing)
}

type Data = Option<ObjectData>;

fn present(
    data: Data,
    kind: &str,
    name: &str,
    optional: Option<bool>,
) -> Result<Data, ConfigError> {
    match data {
        None if optional != Some(true) => Err(ConfigError(format!("{kind} \"{name}\" not found"))),
        data => Ok(data),
    }
}

fn keyed(
    data: Data,
    kind: &str,
    name: &str,
    key: &str,
    optional: Option<bool>,
) -> Result<Option<String>, ConfigError> {
    let Some(mut data) = present(data, kind, name, optional)? else {
        return Ok(None);
    };
    match data.remove(key) {
        None if optional != Some(true) => Err(ConfigError(format!(
            "couldn't find key {key} in {kind} {name}"
        ))),
        value => Ok(value.map(text)),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn pod_field(pod: &Pod, path: &str) -> Option<String> {
    let metadata = &pod.metadata;
    let keyed = |map: &Option<BTreeMap<String, String>>, key: &str| {
        Some(
            map.as_ref()
                .and_then(|map| map.get(key))
                .cloned()
                .unwrap_or_default(),
        )
    };
    if let Some(key) = path.strip_prefix("metadata.labels['") {
        return keyed(&metadata.labels, key.strip_suffix("']")?);
    }
    if let Some(key) = path.strip_prefix("metadata.annotations['") {
        return keyed(&metadata.annotations, key.strip_suffix("']")?);
    }
    Some(match path {
        "metadata.name" => metadata.name.clone().unwrap_or_default(),
        "metadata.namespace" => metadata.namespace.clone().unwrap_or_default(),
        "metadata.uid" => metadata.uid.clone().unwrap_or_default(),
        "spec.serviceAccountName" => pod
            .spec
            .as_ref()?
            .service_account_name
            .clone()
            .unwrap_or_default(),
        "spec.nodeName" => host_name(),
        "status.podIP" | "status.hostIP" | "status.podIPs" | "status.hostIPs" => {
            "127.0.0.1".to_owned()
        }
        _ => return None,
    })
}

fn resource_field(container: &Container, resource: &str) -> String {
    let Some((list, name)) = resource.split_once('.') else {
        return String::new();
    };
    let resources = container.resources.as_ref();
    let map = match list {
        "limits" => resources.and_then(|resources| resources.limits.as_ref()),
        _ => resources.and_then(|resources| resources.requests.as_ref()),
    };
    let amount = map
        .and_then(|map| map.get(name))
        .and_then(|quantity| argosy_engine::run::quantity(&quantity.0));
    amount.map_or_else(|| "0".to_owned(), |amount| format!("{:.0}", amount.ceil()))
}

/// This machine's name.
pub(crate) fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer lives through the call and is longer than what is asked for.
    let result = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    if result != 0 {
        return "localhost".to_owned();
    }
    let end = buffer
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_kubernetes_does() {
        let known = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        for (text, expected) in [
            ("$(A)", "1"),
            ("x$(A)y", "x1y"),
            ("$$(A)", "$(A)"),
            ("$(B)", "$(B)"),
            ("$A", "$A"),
            ("$(A", "$(A"),
            ("100$", "100$"),
        ] {
            assert_eq!(expand(text, &known), expected, "{text}");
        }
    }
}
