//! The texts of a pod and of a template in which tags are usual, always in the same order.

use argosy_api::{Artifact, ArtifactLocation, ScriptTemplate, Template, UserContainer};
use k8s_openapi::api::core::v1::{Container, EnvFromSource, EnvVar, Pod, Volume, VolumeMount};
use serde::Serialize;
use serde_json::Value;

/// Is shown each text.
pub(super) type Visit<'v> = dyn FnMut(&mut String) + 'v;

/// The texts of a pod.
pub(super) fn of_pod(pod: &mut Pod, visit: &mut Visit) {
    let metadata = &mut pod.metadata;
    for map in [&mut metadata.labels, &mut metadata.annotations] {
        map.iter_mut().flatten().for_each(|(_, text)| visit(text));
    }
    let Some(spec) = &mut pod.spec else { return };
    let init_containers = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init_containers) {
        of_container(container, visit);
    }
    spec.volumes
        .iter_mut()
        .flatten()
        .for_each(|v| of_volume(v, visit));
    spec.node_selector
        .iter_mut()
        .flatten()
        .for_each(|(_, text)| visit(text));
    let names = [
        &mut spec.service_account_name,
        &mut spec.scheduler_name,
        &mut spec.priority_class_name,
    ];
    names.into_iter().flatten().for_each(&mut *visit);
    for toleration in spec.tolerations.iter_mut().flatten() {
        let texts = [&mut toleration.key, &mut toleration.value];
        texts.into_iter().flatten().for_each(&mut *visit);
    }
    if let Some(resources) = &mut spec.resources {
        of_resources(resources, visit);
    }
}

/// The texts of a template that a supervised pod carries along.
pub(super) fn of_template(template: &mut Template, visit: &mut Visit) {
    for map in [
        &mut template.metadata.labels,
        &mut template.metadata.annotations,
    ] {
        map.values_mut().for_each(&mut *visit);
    }
    if let Some(container) = &mut template.container {
        of_container(container, visit);
    }
    if let Some(script) = &mut template.script {
        of_script(script, visit);
    }
    for user in template
        .init_containers
        .iter_mut()
        .chain(&mut template.sidecars)
    {
        of_user_container(user, visit);
    }
    template
        .volumes
        .iter_mut()
        .for_each(|v| of_volume(v, visit));
    if let Some(location) = &mut template.archive_location {
        of_location(location, visit);
    }
    for parameter in &mut template.outputs.parameters {
        visit(&mut parameter.global_name);
        if let Some(from) = &mut parameter.value_from {
            visit(&mut from.path);
            from.default.iter_mut().for_each(|text| visit(&mut text.0));
        }
    }
    for artifact in &mut template.outputs.artifacts {
        of_artifact(artifact, visit);
    }
}

fn of_container(container: &mut Container, visit: &mut Visit) {
    container.image.iter_mut().for_each(&mut *visit);
    container.command.iter_mut().flatten().for_each(&mut *visit);
    container.args.iter_mut().flatten().for_each(&mut *visit);
    container.working_dir.iter_mut().for_each(&mut *visit);
    container
        .env
        .iter_mut()
        .flatten()
        .for_each(|e| of_variable(e, visit));
    container
        .env_from
        .iter_mut()
        .flatten()
        .for_each(|e| of_source(e, visit));
    container
        .volume_mounts
        .iter_mut()
        .flatten()
        .for_each(|m| of_mount(m, visit));
    if let Some(resources) = &mut container.resources {
        of_resources(resources, visit);
    }
}

/// The fields that a script and a user's container have in common with a Kubernetes container.
macro_rules! visit_inlined {
    ($container:expr, $visit:expr) => {
        $visit(&mut $container.image);
        $container.command.iter_mut().for_each(&mut *$visit);
        $container.args.iter_mut().for_each(&mut *$visit);
        $visit(&mut $container.working_dir);
        $container
            .env
            .iter_mut()
            .for_each(|e| of_variable(e, $visit));
        $container
            .env_from
            .iter_mut()
            .for_each(|e| of_source(e, $visit));
        $container
            .volume_mounts
            .iter_mut()
            .for_each(|m| of_mount(m, $visit));
        if let Some(resources) = &mut $container.resources {
            of_resources(resources, $visit);
        }
    };
}

fn of_script(script: &mut ScriptTemplate, visit: &mut Visit) {
    visit_inlined!(script, visit);
    visit(&mut script.source);
}

fn of_user_container(user: &mut UserContainer, visit: &mut Visit) {
    visit_inlined!(user, visit);
}

fn of_resources(
    resources: &mut k8s_openapi::api::core::v1::ResourceRequirements,
    visit: &mut Visit,
) {
    for map in [&mut resources.limits, &mut resources.requests] {
        map.iter_mut()
            .flatten()
            .for_each(|(_, quantity)| visit(&mut quantity.0));
    }
}

fn of_variable(variable: &mut EnvVar, visit: &mut Visit) {
    variable.value.iter_mut().for_each(&mut *visit);
    let Some(from) = &mut variable.value_from else {
        return;
    };
    if let Some(key) = &mut from.config_map_key_ref {
        visit(&mut key.name);
        visit(&mut key.key);
    }
    if let Some(key) = &mut from.secret_key_ref {
        visit(&mut key.name);
        visit(&mut key.key);
    }
}

fn of_source(source: &mut EnvFromSource, visit: &mut Visit) {
    source
        .config_map_ref
        .iter_mut()
        .for_each(|r| visit(&mut r.name));
    source
        .secret_ref
        .iter_mut()
        .for_each(|r| visit(&mut r.name));
}

fn of_mount(mount: &mut VolumeMount, visit: &mut Visit) {
    visit(&mut mount.mount_path);
    mount.sub_path.iter_mut().for_each(visit);
}

fn of_volume(volume: &mut Volume, visit: &mut Visit) {
    if let Some(source) = &mut volume.config_map {
        visit(&mut source.name);
    }
    if let Some(source) = &mut volume.secret {
        source.secret_name.iter_mut().for_each(&mut *visit);
    }
    if let Some(source) = &mut volume.persistent_volume_claim {
        visit(&mut source.claim_name);
    }
    if let Some(source) = &mut volume.host_path {
        visit(&mut source.path);
    }
    if let Some(source) = &mut volume.nfs {
        visit(&mut source.server);
        visit(&mut source.path);
    }
}

/// The same fields of a location, whether it stands alone or in an artifact.
macro_rules! visit_stores {
    ($location:expr, $visit:expr) => {
        if let Some(store) = &mut $location.s3 {
            $visit(&mut store.bucket);
            $visit(&mut store.key);
        }
        $location
            .artifactory
            .iter_mut()
            .for_each(|s| $visit(&mut s.url));
        $location.azure.iter_mut().for_each(|s| $visit(&mut s.blob));
        $location.gcs.iter_mut().for_each(|s| $visit(&mut s.key));
        $location.hdfs.iter_mut().for_each(|s| $visit(&mut s.path));
        $location.http.iter_mut().for_each(|s| $visit(&mut s.url));
        $location.oss.iter_mut().for_each(|s| $visit(&mut s.key));
        $location.plugin.iter_mut().for_each(|s| $visit(&mut s.key));
    };
}

fn of_location(location: &mut ArtifactLocation, visit: &mut Visit) {
    visit_stores!(location, visit);
}

fn of_artifact(artifact: &mut Artifact, visit: &mut Visit) {
    visit(&mut artifact.path);
    visit(&mut artifact.global_name);
    visit_stores!(artifact, visit);
}

/// How many texts of an object have something like a tag, keys of maps included.
pub(super) fn count_tagged(object: &impl Serialize) -> Option<usize> {
    fn count(value: &Value) -> usize {
        match value {
            Value::String(text) => usize::from(text.contains("{{")),
            Value::Array(values) => values.iter().map(count).sum(),
            Value::Object(map) => {
                let tagged = |key: &String| usize::from(key.contains("{{"));
                map.iter()
                    .map(|(key, value)| tagged(key) + count(value))
                    .sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }
    serde_json::to_value(object).ok().map(|value| count(&value))
}
