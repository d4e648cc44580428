//! Lowering: from a step to the pod that runs it.
//!
//! The pod is what Argo's `createWorkflowPod` builds for the user's part. What the executor needs
//! besides (its containers, and the volumes by which files reach them) is not in it: a backend that
//! runs the executor inside the pod adds that, from [`Supervision`].

use argosy_api::{Artifact, ExecutorConfig, Inputs, MAIN_CONTAINER, Template, Workflow};
use argosy_expr::Scope;
use k8s_openapi::api::core::v1::{Pod, PodSpec};

use crate::config::Config;
use crate::effect::{Layout, PodRequest, Script, Supervision};
use crate::ids::PodKey;

mod affinity;
mod agent;
mod containers;
mod deadline;
mod error;
mod executor;
mod late;
mod layout;
mod location;
mod names;
mod offload;
mod patch;
mod pod;
mod prepared;
mod texts;
mod volumes;

pub use agent::{AgentInput, RUN_FOLDER, agent_pod, agent_pod_name};
pub use containers::SCRIPT_PATH;
pub use error::{Capability, LowerError};
pub use executor::EXECUTOR_IMAGE;
pub use layout::needs_executor;
pub use location::{ArtifactRepositoryView, DEFAULT_KEY_FORMAT};
pub use names::{fnv1a32, node_id, pod_name};
pub use offload::offload;
pub use patch::ReadYaml;
pub use pod::{owner_reference, pod_gc_delay};
pub use prepared::{NodeInput, PreparedTemplate, Render};
pub use volumes::claim_volume;

use containers::variables;
use late::LateTags;

/// What a step's pod is made from.
#[derive(Clone, Copy, Debug)]
pub struct LowerInput<'a> {
    /// Which pod this will be.
    pub key: PodKey,
    /// The workflow as it is executed: its spec merged from templates and defaults, its metadata
    /// with name, namespace, UID and labels.
    pub workflow: &'a Workflow,
    /// The template with every tag filled in; inputs have values, input artifacts have locations.
    pub template: &'a Template,
    /// The pod's name.
    pub pod_name: &'a str,
    /// The node's ID.
    pub node_id: &'a str,
    /// The node's name.
    pub node_name: &'a str,
    /// `outputs.result` is wanted.
    pub capture_result: bool,
    /// The step belongs to an exit handler, which the workflow's deadline doesn't bind.
    pub on_exit: bool,
    /// No attempt may run past this, in seconds since the epoch: from `backoff.maxDuration`.
    pub deadline: Option<i64>,
    /// What is left of the workflow's deadline, in seconds.
    pub active_deadline_seconds: Option<i64>,
    /// What is left of the template's `timeout`, in seconds.
    pub template_timeout_left: Option<i64>,
    /// The hosts of failed attempts, where `nodeAntiAffinity` asks to avoid them.
    pub retry_hosts: &'a [String],
    /// Where artifacts go.
    pub repository: &'a ArtifactRepositoryView,
    /// Reads a `podSpecPatch` that is YAML.
    pub read_yaml: ReadYaml,
    /// The controller's ConfigMap.
    pub config: &'a Config,
    /// The template of the steps or the DAG around the step, whose wishes about machines count
    /// where the step has none.
    pub boundary: Option<&'a Template>,
    /// When the workflow's time is over, in seconds since the epoch.
    pub workflow_deadline: Option<i64>,
}

impl LowerInput<'_> {
    /// What the user's containers are told of the time they have: the workflow's or the attempts',
    /// whichever ends first.
    fn told_deadline(&self) -> Option<i64> {
        earliest(
            self.deadline,
            self.workflow_deadline.filter(|_| !self.on_exit),
        )
    }
}

fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Lowers a step to its pod.
///
/// # Errors
/// If the template has no pod, or says something that can't be.
pub fn lower(input: &LowerInput) -> Result<PodRequest, LowerError> {
    lower_with(input, &Some(LateTags::new(input)))
}

/// Lowers a step to its pod; tags that are left are filled in from these variables.
///
/// # Errors
/// If the template has no pod, or says something that can't be.
pub fn lower_within(input: &LowerInput, scope: &dyn Scope) -> Result<PodRequest, LowerError> {
    lower_with(input, &Some(LateTags::within(input, scope)))
}

/// That an input artifact may go where its template says.
fn check_path(artifact: &Artifact) -> Result<(), LowerError> {
    match artifact.clean_path() {
        Ok(_) => Ok(()),
        Err(error) => Err(LowerError::InputPath {
            name: artifact.name.clone(),
            message: error.to_string(),
        }),
    }
}

/// With `None` for the late tags all tags stay.
fn lower_with(input: &LowerInput, late: &Option<LateTags>) -> Result<PodRequest, LowerError> {
    let template = input.template;
    for artifact in &template.inputs.artifacts {
        check_path(artifact)?;
    }
    let supervised = needs_executor(template, input.workflow, input.capture_result)
        || input.deadline.is_some()
        || layout::archives_logs(template, input.workflow, Some(input.repository));
    let mut pod = pod::build(input, parts(input, supervised)?)?;
    if let Some(late) = late {
        pod = late.fill(pod)?;
    }
    let before = container_count(&pod);
    let executor_patch = patch(input, &mut pod, late)?;
    // What a patch adds is a sidecar, which the executor ends.
    let supervised = supervised || container_count(&pod) > before;
    let supervision = supervised
        .then(|| supervised_template(input, late))
        .transpose()?;
    let spec = pod.spec.get_or_insert_default();
    fill_commands(input, spec);
    finish(input, spec)?;
    let layout = match supervision {
        None => Layout::Bare,
        Some(mut template) => {
            template.pod_spec_patch = executor_patch.unwrap_or_default();
            Layout::Supervised(Box::new(Supervision {
                capture_result: input.capture_result,
                script: script(&template, spec),
                template,
                deadline: input.deadline,
            }))
        }
    };
    Ok(PodRequest {
        key: input.key,
        node_name: input.node_name.into(),
        pod: Box::new(pod),
        layout,
        daemon: template.daemon == Some(true),
    })
}

fn parts(input: &LowerInput, supervised: bool) -> Result<pod::Parts, LowerError> {
    let template = input.template;
    let mut containers = containers::main_containers(input)?;
    let workers = containers.len();
    let main = containers
        .iter()
        .find(|c| c.name == MAIN_CONTAINER)
        .cloned();
    let user = |user| containers::user_container(user, main.as_ref());
    containers.extend(template.sidecars.iter().map(user));
    let mut init_containers: Vec<_> = template.init_containers.iter().map(user).collect();
    let bounds = deadline::Bounds {
        template: deadline::of_template(template)?,
        workflow: input.active_deadline_seconds.filter(|_| !input.on_exit),
        paused: is_paused(&containers[..workers]),
    };
    for container in containers.iter_mut().chain(&mut init_containers) {
        containers::add_environment(container, input, supervised);
    }
    Ok(pod::Parts {
        volumes: volumes::volumes(template, input.workflow)?,
        active_deadline_seconds: bounds.active_deadline()?,
        containers,
        workers,
        init_containers,
    })
}

fn container_count(pod: &Pod) -> usize {
    pod.spec.as_ref().map_or(0, |spec| spec.containers.len())
}

fn is_paused(containers: &[k8s_openapi::api::core::v1::Container]) -> bool {
    let mut names = containers.iter().flat_map(|c| c.env.iter().flatten());
    names.any(|env| env.name == "ARGO_DEBUG_PAUSE_BEFORE" || env.name == "ARGO_DEBUG_PAUSE_AFTER")
}

/// The template as the executor gets it: without what has gone into the pod, or only matters to
/// the engine.
fn supervised_template(
    input: &LowerInput,
    late: &Option<LateTags>,
) -> Result<Template, LowerError> {
    let mut template = Template {
        name: input.template.name.clone(),
        inputs: Inputs {
            parameters: Vec::new(),
            artifacts: input.template.inputs.artifacts.clone(),
        },
        outputs: input.template.outputs.clone(),
        daemon: input.template.daemon,
        metadata: input.template.metadata.clone(),
        container: input.template.container.clone(),
        container_set: input.template.container_set.clone(),
        script: input.template.script.clone(),
        resource: input
            .template
            .resource
            .as_ref()
            .map(|resource| executor::owned(resource, input).map(Box::new))
            .transpose()?,
        data: input.template.data.clone(),
        volumes: input.template.volumes.clone(),
        init_containers: input.template.init_containers.clone(),
        sidecars: input.template.sidecars.clone(),
        archive_location: input.template.archive_location.clone(),
        executor: executor::account(input.template, &input.workflow.spec).map(|account| {
            ExecutorConfig {
                service_account_name: account.to_owned(),
            }
        }),
        ..Template::default()
    };
    location::add_archive_location(&mut template, input);
    if let Some(late) = late {
        template = late.fill(template)?;
        late.check_filled(&template.archive_location)?;
    }
    location::add_output_keys(&mut template);
    Ok(template)
}

/// Applies the workflow's `podSpecPatch`, then the template's. Gives back what they say about the
/// executor's containers, as JSON.
fn patch(
    input: &LowerInput,
    pod: &mut Pod,
    late: &Option<LateTags>,
) -> Result<Option<String>, LowerError> {
    let mut patches = Vec::new();
    for text in [
        &input.workflow.spec.pod_spec_patch,
        &input.template.pod_spec_patch,
    ] {
        if text.is_empty() {
            continue;
        }
        patches.push(match late {
            Some(late) => late.fill_text(text)?,
            None => text.clone(),
        });
    }
    if patches.is_empty() {
        return Ok(None);
    }
    let spec = pod.spec.take().unwrap_or_default();
    let patched = patch::apply(spec, &patches, input.read_yaml)?;
    pod.spec = Some(patched.spec);
    Ok(patched.executor.map(|part| part.to_string()))
}

/// The commands of images that the controller's ConfigMap knows: the executor, which runs them,
/// can't ask the image.
fn fill_commands(input: &LowerInput, spec: &mut PodSpec) {
    for container in &mut spec.containers {
        let image = container.image.as_deref().unwrap_or_default();
        let unsaid = container.command.as_ref().is_none_or(Vec::is_empty);
        if let Some(known) = input.config.images.get(image).filter(|_| unsaid) {
            container.command = containers::list(&known.entrypoint);
            if container.args.is_none() {
                container.args = containers::list(&known.cmd);
            }
        }
    }
}

/// What Argo does after patching.
fn finish(input: &LowerInput, spec: &mut PodSpec) -> Result<(), LowerError> {
    if let Some(grace) = spec.termination_grace_period_seconds {
        for container in &mut spec.containers {
            let env = container.env.get_or_insert_default();
            env.push(containers::variable(variables::GRACE, grace.to_string()));
        }
    }
    affinity::avoid_hosts(&mut spec.affinity, input.retry_hosts);
    spec.active_deadline_seconds = deadline::with_timeout(
        spec.active_deadline_seconds,
        input.template_timeout_left,
        input.node_name,
    )?;
    Ok(())
}

fn script(template: &Template, spec: &PodSpec) -> Option<Script> {
    let source = &template.script.as_ref()?.source;
    let main = spec.containers.iter().find(|c| c.name == MAIN_CONTAINER)?;
    let argument_index = main
        .args
        .as_ref()?
        .iter()
        .rposition(|arg| arg == SCRIPT_PATH)?;
    Some(Script {
        source: source.clone(),
        argument_index,
    })
}
