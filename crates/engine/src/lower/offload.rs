//! What is too long to stand in a pod: long arguments, and a long template, go into a ConfigMap
//! that the pod mounts. Argo: the end of `podBuilder.build`.

use std::collections::BTreeMap;

use argosy_api::{Workflow, labels};
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, Container, Pod, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::containers::variable;
use super::layout::MAX_ARGUMENTS;
use super::patch::is_executors;
use super::pod::owner_reference;

/// The volume, and where it is mounted.
const VOLUME: (&str, &str) = ("argo-env-config", "/argo/config");

/// The variable with the template, and what stands in it when the template is in the ConfigMap.
const TEMPLATE: (&str, &str) = ("ARGO_TEMPLATE", "offloaded");

/// The variable that names the file with the arguments, as a JSON list.
const ARGUMENTS: &str = "ARGO_CONTAINER_ARGS_FILE";

/// Takes what is too long out of a pod, and gives the ConfigMap that holds it: to be made before
/// the pod. Only the executor finds it there, so a pod with long arguments is never bare.
///
/// For whoever runs pods in a cluster; plain processes take arguments of any sum.
pub fn offload(pod: &mut Pod, workflow: &Workflow) -> Option<ConfigMap> {
    let spec = pod.spec.as_mut()?;
    let mut data = BTreeMap::new();
    let init = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init) {
        take_template(container, &mut data);
    }
    let users = spec.containers.iter_mut();
    for container in users.filter(|container| !is_executors(&container.name)) {
        // As in Argo, one container's arguments have room.
        if take_arguments(container, &mut data) {
            break;
        }
    }
    if data.is_empty() {
        return None;
    }
    let name = pod.metadata.name.clone().unwrap_or_default();
    spec.volumes.get_or_insert_default().push(Volume {
        name: VOLUME.0.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: name.clone(),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    });
    let annotations = pod.metadata.annotations.iter().flatten();
    let told =
        annotations.filter(|(key, _)| [labels::NODE_ID, labels::NODE_NAME].contains(&key.as_str()));
    Some(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: pod.metadata.namespace.clone(),
            labels: Some(BTreeMap::from([(
                labels::WORKFLOW.to_owned(),
                workflow.metadata.name.clone().unwrap_or_default(),
            )])),
            annotations: Some(told.map(|(k, v)| (k.clone(), v.clone())).collect()),
            owner_references: Some(vec![owner_reference(workflow)]),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..ConfigMap::default()
    })
}

fn take_template(container: &mut Container, data: &mut BTreeMap<String, String>) {
    let mut variables = container.env.iter_mut().flatten();
    let Some(template) = variables.find(|variable| variable.name == TEMPLATE.0) else {
        return;
    };
    let value = template.value.get_or_insert_default();
    if value.len() > MAX_ARGUMENTS {
        let long = std::mem::replace(value, TEMPLATE.1.to_owned());
        data.insert(TEMPLATE.0.to_owned(), long);
        mount(container);
    }
}

fn take_arguments(container: &mut Container, data: &mut BTreeMap<String, String>) -> bool {
    let Some(json) = container
        .args
        .as_ref()
        .and_then(|args| serde_json::to_string(args).ok())
    else {
        return false;
    };
    if json.len() <= MAX_ARGUMENTS {
        return false;
    }
    data.insert(ARGUMENTS.to_owned(), json);
    container.args = None;
    let file = format!("{}/{ARGUMENTS}", VOLUME.1);
    let env = container.env.get_or_insert_default();
    env.push(variable(ARGUMENTS, file));
    mount(container);
    true
}

fn mount(container: &mut Container) {
    container
        .volume_mounts
        .get_or_insert_default()
        .push(VolumeMount {
            name: VOLUME.0.to_owned(),
            mount_path: VOLUME.1.to_owned(),
            ..VolumeMount::default()
        });
}
