//! Which artifact repository a workflow uses. Argo: `workflow/artifactrepositories`.

use argosy_api::{ArtifactRepositoryRef, ArtifactRepositoryRefStatus, labels};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::lower::ReadYaml;

/// The ConfigMap that is looked at where a workflow names none.
const CONFIG_MAP: &str = "artifact-repositories";

/// Finds the repository that a workflow names, or that its namespace has by default; `None` for the
/// controller's own. `find` gives the ConfigMap of a namespace and a name.
///
/// # Errors
/// Argo's text: nothing of that name is there, or what is there can't be read.
pub fn find_repository<'a>(
    named: Option<&ArtifactRepositoryRef>,
    namespace: &str,
    controller_namespace: &str,
    find: impl Fn(&str, &str) -> Option<&'a ConfigMap>,
    read_yaml: ReadYaml,
) -> Result<Option<ArtifactRepositoryRefStatus>, String> {
    let default = ArtifactRepositoryRef::default();
    let reference = named.unwrap_or(&default);
    let name = match reference.config_map.as_str() {
        "" => CONFIG_MAP,
        name => name,
    };
    let places = [Some(namespace), named.map(|_| controller_namespace)];
    for place in places.into_iter().flatten() {
        let Some(map) = find(place, name) else {
            continue;
        };
        let annotations = map.metadata.annotations.as_ref();
        let by_default = annotations
            .and_then(|annotations| annotations.get(labels::DEFAULT_ARTIFACT_REPOSITORY));
        let key = match reference.key.as_str() {
            "" => by_default.map_or("", String::as_str),
            key => key,
        };
        let Some(text) = map.data.as_ref().and_then(|data| data.get(key)) else {
            continue;
        };
        let repository = read_yaml(text)
            .and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
            .map_err(|error| {
                format!("failed to unmarshall config map key {key:?} of {place}/{name}: {error}")
            })?;
        return Ok(Some(ArtifactRepositoryRefStatus {
            config_map: name.to_owned(),
            key: key.to_owned(),
            namespace: place.to_owned(),
            default: false,
            artifact_repository: Some(repository),
        }));
    }
    match named {
        None => Ok(None),
        Some(ArtifactRepositoryRef { config_map, key }) => Err(format!(
            "failed to find any artifact repository for artifact repository ref \
             \"&ArtifactRepositoryRef{{ConfigMap:{config_map},Key:{key},}}\""
        )),
    }
}
