//! The pod around the containers: its metadata, and what template and workflow say about where
//! and as whom it runs.

use std::collections::BTreeMap;

use argosy_api::{MAIN_CONTAINER, Metadata, PodGc, Template, Workflow, WorkflowSpec, labels};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::LowerInput;
use super::containers::{list, text};
use super::error::LowerError;
use super::executor;
use crate::config::Config;
use crate::duration::{self, go_text};

/// What goes into the pod.
pub(super) struct Parts {
    /// The containers that do the work, then the sidecars.
    pub containers: Vec<Container>,
    /// How many of them are no sidecars.
    pub workers: usize,
    pub init_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
    pub active_deadline_seconds: Option<i64>,
}

/// Puts the pod together.
pub(super) fn build(input: &LowerInput, parts: Parts) -> Result<Pod, LowerError> {
    let template = input.template;
    let spec = &input.workflow.spec;
    let metadata = metadata(input, &parts);
    let mut pod_spec = PodSpec {
        containers: parts.containers,
        init_containers: some(parts.init_containers),
        volumes: some(parts.volumes),
        active_deadline_seconds: parts.active_deadline_seconds,
        restart_policy: Some("Never".to_owned()),
        image_pull_secrets: list(&spec.image_pull_secrets),
        host_network: spec.host_network.filter(|on| *on),
        dns_policy: spec.dns_policy.clone().filter(|policy| !policy.is_empty()),
        dns_config: spec.dns_config.clone(),
        ..PodSpec::default()
    };
    set_account(&mut pod_spec, template, spec)?;
    set_machines(&mut pod_spec, input);
    set_scheduling(&mut pod_spec, template, spec);
    Ok(Pod {
        metadata,
        spec: Some(pod_spec),
        status: None,
    })
}

fn metadata(input: &LowerInput, parts: &Parts) -> ObjectMeta {
    let workflow = &input.workflow.metadata;
    let name = workflow.name.as_deref().unwrap_or_default();
    let mut labels = BTreeMap::from([
        (labels::WORKFLOW.to_owned(), name.to_owned()),
        (labels::COMPLETED.to_owned(), "false".to_owned()),
    ]);
    if !input.config.instance_id.is_empty() {
        labels.insert(
            labels::CONTROLLER_INSTANCE_ID.to_owned(),
            input.config.instance_id.clone(),
        );
    }
    if input.on_exit {
        labels.insert(labels::ON_EXIT.to_owned(), "true".to_owned());
    }
    let workers = &parts.containers[..parts.workers];
    let default = if workers.iter().any(|c| c.name == MAIN_CONTAINER) {
        MAIN_CONTAINER
    } else {
        workers
            .last()
            .map_or(MAIN_CONTAINER, |container| &container.name)
    };
    let mut annotations = BTreeMap::from([
        (labels::NODE_NAME.to_owned(), input.node_name.to_owned()),
        (labels::NODE_ID.to_owned(), input.node_id.to_owned()),
        (labels::DEFAULT_CONTAINER.to_owned(), default.to_owned()),
    ]);
    if let Some(collection) = &input.workflow.spec.pod_gc {
        let strategy = &collection.strategy;
        let delay = go_text(pod_gc_delay(collection, input.config));
        annotations.insert(
            labels::POD_GC_STRATEGY.to_owned(),
            format!("{strategy}/{delay}"),
        );
    }
    let of_workflow = input.workflow.spec.pod_metadata.iter();
    for Metadata {
        annotations: a,
        labels: l,
    } in of_workflow.chain([&input.template.metadata])
    {
        annotations.extend(a.iter().map(|(k, v)| (k.clone(), v.clone())));
        labels.extend(l.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    ObjectMeta {
        name: Some(input.pod_name.to_owned()),
        namespace: workflow.namespace.clone(),
        labels: Some(labels),
        annotations: Some(annotations),
        owner_references: Some(vec![owner_reference(input.workflow)]),
        ..ObjectMeta::default()
    }
}

/// Says that an object belongs to a workflow.
pub fn owner_reference(workflow: &Workflow) -> OwnerReference {
    let metadata = &workflow.metadata;
    OwnerReference {
        api_version: "argoproj.io/v1alpha1".to_owned(),
        kind: "Workflow".to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

fn set_account(
    pod: &mut PodSpec,
    template: &Template,
    spec: &WorkflowSpec,
) -> Result<(), LowerError> {
    pod.service_account_name = either(&template.service_account_name, &spec.service_account_name);
    let automount = template
        .automount_service_account_token
        .or(spec.automount_service_account_token);
    let executor = executor::account(template, spec);
    if automount == Some(false) {
        pod.automount_service_account_token = Some(false);
        executor.ok_or(LowerError::NoExecutorServiceAccount)?;
    }
    if let Some(account) = executor {
        let (token, _) = executor::account_token(account);
        pod.volumes.get_or_insert_default().insert(0, token);
    }
    Ok(())
}

/// Which machines are meant: the template says, else the one around the step, else the workflow.
fn set_machines(pod: &mut PodSpec, input: &LowerInput) {
    let spec = &input.workflow.spec;
    let templates = [Some(input.template), input.boundary];
    let templates = || templates.into_iter().flatten();
    let selectors = templates().map(|template| &template.node_selector);
    pod.node_selector = selectors
        .chain([&spec.node_selector])
        .find(|selector| !selector.is_empty())
        .cloned();
    let affinities = templates().map(|template| template.affinity.as_ref());
    pod.affinity = affinities
        .chain([spec.affinity.as_ref()])
        .flatten()
        .next()
        .map(|affinity| (**affinity).clone());
    let tolerations = templates().map(|template| &template.tolerations);
    pod.tolerations = tolerations
        .chain([&spec.tolerations])
        .find_map(|tolerations| list(tolerations));
}

/// The same for a pod that belongs to no template.
pub(super) fn set_workflow_machines(pod: &mut PodSpec, spec: &WorkflowSpec) {
    pod.node_selector = Some(&spec.node_selector)
        .filter(|selector| !selector.is_empty())
        .cloned();
    pod.affinity = spec.affinity.as_deref().cloned();
    pod.tolerations = list(&spec.tolerations);
}

/// What the template says takes the place of what the workflow says; only host aliases add up.
pub(super) fn set_scheduling(pod: &mut PodSpec, template: &Template, spec: &WorkflowSpec) {
    pod.scheduler_name = either(&template.scheduler_name, &spec.scheduler_name);
    pod.priority_class_name = either(&template.priority_class_name, &spec.pod_priority_class_name);
    let aliases = spec.host_aliases.iter().chain(&template.host_aliases);
    pod.host_aliases = some(aliases.cloned().collect());
    let security = template
        .security_context
        .as_ref()
        .or(spec.security_context.as_ref());
    pod.security_context = security.map(|context| (**context).clone());
    pod.resources = template
        .pod_resources
        .clone()
        .or_else(|| spec.pod_resources.clone());
    pod.resource_claims = list(&template.resource_claims).or_else(|| list(&spec.resource_claims));
}

fn either(first: &str, second: &str) -> Option<String> {
    text(first).or_else(|| text(second))
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Seconds that a pod is kept before it is deleted. Argo: `getPodGCDelay`.
pub fn pod_gc_delay(collection: &PodGc, config: &Config) -> i64 {
    const DEFAULT: i64 = 5;
    duration::parse_seconds(&collection.delete_delay_duration)
        .ok()
        .or(config.pod_gc_delay_seconds)
        .unwrap_or(DEFAULT)
}
