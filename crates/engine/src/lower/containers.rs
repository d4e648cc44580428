//! The user's containers.

use argosy_api::{ContainerNode, MAIN_CONTAINER, ScriptTemplate, Template, UserContainer};
use k8s_openapi::api::core::v1::{Container, EnvVar};

use super::LowerInput;
use super::error::{Capability, LowerError};
use super::executor;
use crate::strategic::{Schema, strategic_merge};

/// Where a script's source is found in its container.
pub const SCRIPT_PATH: &str = "/argo/staging/script";
/// The file in which a step reports its progress.
const PROGRESS_FILE: &str = "/var/run/argo/progress";

/// The containers that do the work: one called `main`, or those of a container set.
pub(super) fn main_containers(input: &LowerInput) -> Result<Vec<Container>, LowerError> {
    let mut containers = plain_containers(input)?;
    if let Some(defaults) = &input.config.main_container {
        for container in &mut containers {
            *container = over_defaults(defaults, container)?;
        }
    }
    Ok(containers)
}

/// A container over the controller's `mainContainer`.
fn over_defaults(defaults: &Container, container: &Container) -> Result<Container, LowerError> {
    let failed = |error: serde_json::Error| LowerError::Render(error.to_string());
    let merged = strategic_merge(
        serde_json::to_value(defaults).map_err(failed)?,
        serde_json::to_value(container).map_err(failed)?,
        Schema::Container,
    )
    .map_err(|error| LowerError::Render(error.to_string()))?;
    serde_json::from_value(merged).map_err(failed)
}

fn plain_containers(input: &LowerInput) -> Result<Vec<Container>, LowerError> {
    let template = input.template;
    if let Some(container) = &template.container {
        let mut main = Container::clone(container);
        main.name = MAIN_CONTAINER.to_owned();
        return Ok(vec![main]);
    }
    if let Some(script) = &template.script {
        return Ok(vec![script_container(script)]);
    }
    if let Some(set) = &template.container_set {
        let lowered = set.containers.iter().map(|node: &ContainerNode| {
            let mut container = node.to_container();
            if container.name.is_empty() {
                container.name = MAIN_CONTAINER.to_owned();
            }
            if !set.volume_mounts.is_empty() {
                let mounts = container.volume_mounts.get_or_insert_default();
                mounts.extend(set.volume_mounts.iter().cloned());
            }
            container
        });
        return Ok(lowered.collect());
    }
    match executor::container(template, input)? {
        Some(container) => Ok(vec![container]),
        None => Err(without_container(template)),
    }
}

fn without_container(template: &Template) -> LowerError {
    let capability = if template.http.is_some() {
        Capability::Http
    } else if template.plugin.is_some() {
        Capability::Plugin
    } else if !template.steps.is_empty() || template.dag.is_some() || template.suspend.is_some() {
        Capability::NoPod
    } else {
        return LowerError::Empty(template.name.clone());
    };
    LowerError::Unsupported(capability)
}

/// A script is a container whose last argument is the file with its source.
fn script_container(script: &ScriptTemplate) -> Container {
    let mut main = script.to_container();
    main.name = MAIN_CONTAINER.to_owned();
    if !script.source.is_empty() {
        let args = main.args.get_or_insert_default();
        args.push(SCRIPT_PATH.to_owned());
    }
    main
}

/// An init container or sidecar, with the mounts of `main` if it asks for them.
pub(super) fn user_container(user: &UserContainer, main: Option<&Container>) -> Container {
    let mut container = user.to_container();
    if user.mirror_volume_mounts == Some(true)
        && let Some(mounts) = main.and_then(|main| main.volume_mounts.as_ref())
    {
        let own = container.volume_mounts.get_or_insert_default();
        own.extend(mounts.iter().cloned());
    }
    container
}

/// Adds the variables that Argo gives each of the user's containers. `ARGO_TEMPLATE` and what the
/// executor's own containers get besides are the business of whoever adds those.
pub(super) fn add_environment(container: &mut Container, input: &LowerInput, supervised: bool) {
    let workflow_name = input.workflow.metadata.name.as_deref().unwrap_or_default();
    let name = container.name.clone();
    let env = container.env.get_or_insert_default();
    env.push(variable(variables::CONTAINER_NAME, name));
    env.push(variable(variables::NODE_ID, input.node_id));
    let capture = if input.capture_result {
        "true"
    } else {
        "false"
    };
    env.push(variable(variables::CAPTURE_RESULT, capture));
    env.push(variable(
        variables::DEADLINE,
        deadline_text(input.told_deadline()),
    ));
    env.push(variable(variables::WORKFLOW_NAME, workflow_name));
    if supervised {
        env.push(variable("ARGO_PROGRESS_FILE", PROGRESS_FILE));
        env.push(variable("ARGO_PROGRESS_PATCH_TICK_DURATION", "1m0s"));
        env.push(variable("ARGO_PROGRESS_FILE_TICK_DURATION", "3s"));
    }
}

/// The variables that a container has without an executor beside it.
pub(super) mod variables {
    pub const CONTAINER_NAME: &str = "ARGO_CONTAINER_NAME";
    pub const NODE_ID: &str = "ARGO_NODE_ID";
    pub const CAPTURE_RESULT: &str = "ARGO_INCLUDE_SCRIPT_OUTPUT";
    pub const DEADLINE: &str = "ARGO_DEADLINE";
    pub const WORKFLOW_NAME: &str = "ARGO_WORKFLOW_NAME";
    pub const GRACE: &str = "ARGO_TERMINATION_GRACE_PERIOD_SECONDS";
}

/// The deadline as RFC 3339; Go's zero time stands for none.
pub(super) fn deadline_text(deadline: Option<i64>) -> String {
    let none = || "0001-01-01T00:00:00Z".to_owned();
    deadline.map_or_else(none, |seconds| {
        k8s_openapi::jiff::Timestamp::from_second(seconds)
            .map_or_else(|_| none(), |t| t.to_string())
    })
}

pub(super) fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.into()),
        value_from: None,
    }
}

pub(super) fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn list<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}
