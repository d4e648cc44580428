//! Steps that the executor itself carries out: `resource` and `data`.
//! Argo: `executeResource`, `executeData`, `newExecContainer`.

use argosy_api::{MAIN_CONTAINER, ResourceTemplate, Template, WorkflowSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, EnvVar, EnvVarSource, ObjectFieldSelector, SeccompProfile,
    SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};
use serde_json::{Value, json};

use super::LowerInput;
use super::containers::variable;
use super::error::LowerError;

/// Stands for the image of the executor, where the controller's ConfigMap names none: a backend
/// puts its own in.
pub const EXECUTOR_IMAGE: &str = "argosy";

/// The user that a `resource` step and the agent run as, unless told otherwise.
pub(super) const UNPRIVILEGED: i64 = 8737;

/// The volume of the token of the executor's own service account.
const ACCOUNT_VOLUME: &str = "exec-sa-token";

/// Where a service account's token is looked for.
const ACCOUNT_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The main container of a template that the executor carries out.
pub(super) fn container(
    template: &Template,
    input: &LowerInput,
) -> Result<Option<Container>, LowerError> {
    let command = if let Some(resource) = &template.resource {
        vec![
            "argoexec".to_owned(),
            "resource".to_owned(),
            resource.action.clone(),
        ]
    } else if let Some(data) = &template.data {
        let data =
            serde_json::to_string(data).map_err(|error| LowerError::Render(error.to_string()))?;
        vec!["argoexec".to_owned(), "data".to_owned(), data]
    } else {
        return Ok(None);
    };
    let given = input.config.executor.clone().unwrap_or_default();
    let mut env = variables(input);
    env.extend(given.env.into_iter().flatten());
    Ok(Some(Container {
        name: MAIN_CONTAINER.to_owned(),
        image: given.image.or_else(|| Some(EXECUTOR_IMAGE.to_owned())),
        image_pull_policy: given.image_pull_policy,
        command: Some(command),
        args: given.args,
        env: Some(env),
        resources: given.resources,
        security_context: match given.security_context {
            None if template.resource.is_some() => Some(locked_down()),
            given => given,
        },
        volume_mounts: account(template, &input.workflow.spec)
            .map(|account| vec![account_token(account).1]),
        ..Container::default()
    }))
}

/// The service account that the executor works as, if it has one of its own: the template's, else the
/// workflow's. Argo: `executorServiceAccountName`.
pub(super) fn account<'a>(template: &'a Template, spec: &'a WorkflowSpec) -> Option<&'a str> {
    let named = [&template.executor, &spec.executor].into_iter().flatten();
    let mut names = named.map(|executor| executor.service_account_name.as_str());
    names.find(|name| !name.is_empty())
}

/// The token of the executor's own service account. A pod has the volume whether or not one of its
/// containers is the executor's: those that a backend adds mount it too.
pub(super) fn account_token(account: &str) -> (Volume, VolumeMount) {
    token(account, ACCOUNT_VOLUME.to_owned())
}

/// The volume of a service account's token, by the Secret that Kubernetes' convention names, and its
/// mount.
pub(super) fn token(account: &str, volume: String) -> (Volume, VolumeMount) {
    let secret = SecretVolumeSource {
        secret_name: Some(format!("{account}.service-account-token")),
        ..SecretVolumeSource::default()
    };
    let mount = VolumeMount {
        name: volume.clone(),
        mount_path: ACCOUNT_FOLDER.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    };
    let volume = Volume {
        name: volume,
        secret: Some(secret),
        ..Volume::default()
    };
    (volume, mount)
}

/// What each of the executor's containers is told of its surroundings.
fn variables(input: &LowerInput) -> Vec<EnvVar> {
    let metadata = &input.workflow.metadata;
    let field = |name: &str, path: &str| EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: Some("v1".to_owned()),
                field_path: path.to_owned(),
            }),
            ..EnvVarSource::default()
        }),
    };
    let mut variables = vec![
        field("ARGO_POD_NAME", "metadata.name"),
        field("ARGO_POD_UID", "metadata.uid"),
        variable(
            "ARGO_WORKFLOW_UID",
            metadata.uid.as_deref().unwrap_or_default(),
        ),
    ];
    if !input.config.instance_id.is_empty() {
        variables.push(variable(
            "ARGO_INSTANCE_ID",
            input.config.instance_id.as_str(),
        ));
    }
    variables
}

/// A `resource` step, and the agent, run with no rights on their machine.
pub(super) fn locked_down() -> SecurityContext {
    SecurityContext {
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            ..Capabilities::default()
        }),
        privileged: Some(false),
        run_as_non_root: Some(true),
        run_as_user: Some(UNPRIVILEGED),
        read_only_root_filesystem: Some(true),
        allow_privilege_escalation: Some(false),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..SecurityContext::default()
    }
}

/// The `resource` as the executor gets it: with `setOwnerReference`, the manifest names the
/// workflow as its owner.
pub(super) fn owned(
    resource: &ResourceTemplate,
    input: &LowerInput,
) -> Result<ResourceTemplate, LowerError> {
    let mut resource = resource.clone();
    if !resource.set_owner_reference {
        return Ok(resource);
    }
    let mut object = (input.read_yaml)(&resource.manifest).map_err(LowerError::Render)?;
    let metadata = &input.workflow.metadata;
    let owner = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    });
    if let Value::Object(object) = &mut object
        && let Value::Object(metadata) = object.entry("metadata").or_insert_with(|| json!({}))
        && let Value::Array(owners) = metadata
            .entry("ownerReferences")
            .or_insert_with(|| json!([]))
    {
        owners.push(owner);
    }
    resource.manifest = object.to_string();
    Ok(resource)
}
