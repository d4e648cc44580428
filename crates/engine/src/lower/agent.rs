//! The agent's pod: it carries out the `http` and `plugin` templates of one workflow, with the
//! executor plugins beside it. Argo: `workflow/controller/agent.go`.

use std::collections::BTreeMap;

use argosy_api::{ExecutorPlugin, MAIN_CONTAINER, Template, Workflow, labels};
use k8s_openapi::api::core::v1::{
    Container, EmptyDirVolumeSource, Pod, PodSecurityContext, PodSpec, ResourceRequirements,
    SeccompProfile, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::containers::{list, text, variable};
use super::error::LowerError;
use super::executor::{EXECUTOR_IMAGE, UNPRIVILEGED, locked_down, token};
use super::names::{fnv1a32, node_id};
use super::patch::{self, ReadYaml};
use super::pod::{owner_reference, set_scheduling, set_workflow_machines};
use crate::config::Config;

/// The folder in which each plugin finds its token, and the agent all of them.
pub const RUN_FOLDER: &str = "/var/run/argo";
/// The volume that is mounted there.
const RUN_VOLUME: &str = "var-run-argo";
/// How often Argo's agent reports.
const PATCH_RATE: &str = "10s";

/// What the agent's pod is made from.
#[derive(Clone, Copy, Debug)]
pub struct AgentInput<'a> {
    /// The workflow as it is executed.
    pub workflow: &'a Workflow,
    /// The plugins of the workflow's namespace; those that the workflow brings itself stand in
    /// their place.
    pub plugins: &'a [ExecutorPlugin],
    /// The controller's ConfigMap.
    pub config: &'a Config,
    /// Reads a `podSpecPatch` that is YAML.
    pub read_yaml: ReadYaml,
}

/// The name of the agent's pod. Argo: `getAgentPodName`.
pub fn agent_pod_name(workflow_name: &str) -> String {
    node_id(workflow_name, "agent", 0) + "-agent"
}

/// Lowers a workflow to the pod of its agent: first the plugins, then the agent itself.
///
/// Argo looks up which Secret holds the token of a service account; here it is the one that
/// Kubernetes' convention names, `ACCOUNT.service-account-token`.
///
/// # Errors
/// If the workflow's `podSpecPatch` can't be applied.
pub fn agent_pod(input: &AgentInput<'_>) -> Result<Pod, LowerError> {
    let (workflow, config) = (input.workflow, input.config);
    let spec = &workflow.spec;
    let plugins = match spec.executor_plugins.as_slice() {
        [] => input.plugins,
        own => own,
    };
    let (mut containers, mut volumes) = plugin_containers(plugins);
    let account_name = match spec.service_account_name.as_str() {
        "" => "default",
        name => name,
    };
    let (volume, account_mount) = account(account_name);
    volumes.push(Volume {
        name: RUN_VOLUME.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    });
    volumes.push(volume);
    let agent = agent_container(workflow, config, &containers, account_mount);
    let with = |name: &str, arguments: [&str; 2]| Container {
        name: name.to_owned(),
        args: Some(arguments.map(str::to_owned).to_vec()),
        ..agent.clone()
    };
    containers.push(with(MAIN_CONTAINER, ["agent", "main"]));
    let mut pod_spec = PodSpec {
        restart_policy: Some("OnFailure".to_owned()),
        image_pull_secrets: list(&spec.image_pull_secrets),
        security_context: Some(pod_security()),
        service_account_name: text(&spec.service_account_name),
        automount_service_account_token: Some(false),
        volumes: Some(volumes),
        // Writes the tokens.
        init_containers: Some(vec![with("init", ["agent", "init"])]),
        containers,
        dns_policy: spec.dns_policy.clone().filter(|policy| !policy.is_empty()),
        dns_config: spec.dns_config.clone(),
        ..PodSpec::default()
    };
    let minimal = pod_spec.security_context.take();
    set_workflow_machines(&mut pod_spec, spec);
    set_scheduling(&mut pod_spec, &Template::default(), spec);
    pod_spec.resources = None;
    pod_spec.resource_claims = None;
    pod_spec.security_context = pod_spec.security_context.take().or(minimal);
    if !spec.pod_spec_patch.is_empty() {
        pod_spec = patch::apply_whole(pod_spec, &spec.pod_spec_patch, input.read_yaml)?;
    }
    Ok(Pod {
        metadata: metadata(workflow, config),
        spec: Some(pod_spec),
        status: None,
    })
}

/// The containers of executor plugins, each with a place for its own token, and their volumes.
fn plugin_containers(plugins: &[ExecutorPlugin]) -> (Vec<Container>, Vec<Volume>) {
    let mut containers = Vec::with_capacity(plugins.len());
    let mut volumes = Vec::new();
    for plugin in plugins {
        let sidecar = &plugin.spec.sidecar;
        let mut container = sidecar.container.clone();
        let mounts = container.volume_mounts.get_or_insert_default();
        mounts.push(VolumeMount {
            read_only: Some(true),
            // The token of this plugin, not of others.
            sub_path: Some(container.name.clone()),
            ..run_mount()
        });
        if sidecar.automount_service_account_token {
            let name = plugin.metadata.name.as_deref().unwrap_or_default();
            let (volume, mount) = account(&format!("{name}-executor-plugin"));
            mounts.push(mount);
            volumes.push(volume);
        }
        containers.push(container);
    }
    (containers, volumes)
}

fn metadata(workflow: &Workflow, config: &Config) -> ObjectMeta {
    let of = &workflow.metadata;
    let name = of.name.as_deref().unwrap_or_default();
    let text = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let mut labels = BTreeMap::from(
        [
            (labels::WORKFLOW, name),
            (labels::COMPLETED, "false"),
            (labels::COMPONENT, "agent"),
        ]
        .map(text),
    );
    let mut annotations = BTreeMap::from([(labels::DEFAULT_CONTAINER, MAIN_CONTAINER)].map(text));
    if let Some(own) = &workflow.spec.pod_metadata {
        labels.extend(own.labels.clone());
        annotations.extend(own.annotations.clone());
    }
    if !config.instance_id.is_empty() {
        labels.insert(
            labels::CONTROLLER_INSTANCE_ID.to_owned(),
            config.instance_id.clone(),
        );
    }
    ObjectMeta {
        name: Some(agent_pod_name(name)),
        namespace: of.namespace.clone(),
        labels: Some(labels),
        annotations: Some(annotations),
        owner_references: Some(vec![owner_reference(workflow)]),
        ..ObjectMeta::default()
    }
}

/// The agent, without a name and arguments.
fn agent_container(
    workflow: &Workflow,
    config: &Config,
    plugins: &[Container],
    account_mount: VolumeMount,
) -> Container {
    let addresses: Vec<String> = plugins.iter().map(address).collect();
    let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
    let metadata = &workflow.metadata;
    let quantities = |cpu: &str, memory: &str| {
        let of = |(name, amount): (&str, &str)| (name.to_owned(), Quantity(amount.to_owned()));
        Some(BTreeMap::from([("cpu", cpu), ("memory", memory)].map(of)))
    };
    let executor = config.executor.clone().unwrap_or_default();
    Container {
        command: Some(vec!["argoexec".to_owned()]),
        image: executor.image.or_else(|| Some(EXECUTOR_IMAGE.to_owned())),
        image_pull_policy: executor.image_pull_policy,
        env: Some(vec![
            variable(
                "ARGO_WORKFLOW_NAME",
                metadata.name.as_deref().unwrap_or_default(),
            ),
            variable(
                "ARGO_WORKFLOW_UID",
                metadata.uid.as_deref().unwrap_or_default(),
            ),
            variable("ARGO_AGENT_PATCH_RATE", PATCH_RATE),
            variable("ARGO_PLUGIN_ADDRESSES", json!(addresses).to_string()),
            variable("ARGO_PLUGIN_NAMES", json!(names).to_string()),
        ]),
        security_context: Some(locked_down()),
        resources: Some(ResourceRequirements {
            requests: quantities("10m", "64M"),
            limits: quantities("100m", "256M"),
            ..ResourceRequirements::default()
        }),
        volume_mounts: Some(vec![run_mount(), account_mount]),
        ..Container::default()
    }
}

/// Where a plugin listens.
fn address(plugin: &Container) -> String {
    let port = plugin.ports.iter().flatten().next();
    format!(
        "http://localhost:{}",
        port.map_or(0, |port| port.container_port)
    )
}

fn run_mount() -> VolumeMount {
    VolumeMount {
        name: RUN_VOLUME.to_owned(),
        mount_path: RUN_FOLDER.to_owned(),
        ..VolumeMount::default()
    }
}

/// The volume and the mount of a service account's token. Argo makes up a part of the volume's
/// name; here it follows from the account's.
fn account(name: &str) -> (Volume, VolumeMount) {
    let volume = format!(
        "kube-api-access-{:05x}",
        fnv1a32(name.as_bytes()) & 0xf_ffff
    );
    token(name, volume)
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(UNPRIVILEGED),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}
