//! Which volumes a pod gets.

use std::collections::BTreeSet;

use argosy_api::{Template, Workflow};
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Volume, VolumeMount};

use super::error::LowerError;

/// The template's own volumes, then those that a mount names: the workflow's, or the claims made
/// from its `volumeClaimTemplates`.
pub(super) fn volumes(template: &Template, workflow: &Workflow) -> Result<Vec<Volume>, LowerError> {
    let mut volumes = template.volumes.clone();
    let mut names: BTreeSet<&str> = template.volumes.iter().map(|v| v.name.as_str()).collect();
    for mount in mounts(template) {
        if names.contains(mount.name.as_str()) {
            continue;
        }
        let volume = find(&mount.name, workflow)
            .ok_or_else(|| LowerError::VolumeNotFound(mount.name.clone()))?;
        volumes.push(volume);
        names.insert(&mount.name);
    }
    Ok(volumes)
}

/// The mounts whose volumes Argo looks up. Those of single containers of a set are not among them.
fn mounts(template: &Template) -> impl Iterator<Item = &VolumeMount> {
    let container = template
        .container
        .iter()
        .flat_map(|container| container.volume_mounts.iter().flatten());
    let script = template
        .script
        .iter()
        .flat_map(|script| &script.volume_mounts);
    let set = template
        .container_set
        .iter()
        .flat_map(|set| &set.volume_mounts);
    let users = template.init_containers.iter().chain(&template.sidecars);
    container
        .chain(script)
        .chain(set)
        .chain(users.flat_map(|user| &user.volume_mounts))
}

fn find(name: &str, workflow: &Workflow) -> Option<Volume> {
    let spec = &workflow.spec;
    let claims = &workflow.status.persistent_volume_claims;
    if let Some(volume) = spec.volumes.iter().chain(claims).find(|v| v.name == name) {
        return Some(volume.clone());
    }
    let template = spec
        .volume_claim_templates
        .iter()
        .find(|claim| claim.metadata.name.as_deref() == Some(name))?;
    claim_volume(workflow, template.metadata.name.as_deref()?).into()
}

/// The volume that a claim template becomes: the claim is called `<workflow>-<template>`.
pub fn claim_volume(workflow: &Workflow, template_name: &str) -> Volume {
    let workflow_name = workflow.metadata.name.as_deref().unwrap_or_default();
    Volume {
        name: template_name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: format!("{workflow_name}-{template_name}"),
            read_only: None,
        }),
        ..Volume::default()
    }
}
