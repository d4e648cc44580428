//! Whether a pod needs the executor.

use argosy_api::{RetryStrategy, Template, Workflow};

use super::ArtifactRepositoryView;

/// Arguments longer than this, as JSON, are handed over by the executor.
pub(super) const MAX_ARGUMENTS: usize = 128 << 10;

/// What only a container with the executor beside it finds.
pub(super) const EXECUTOR_TRACES: [&str; 5] = [
    "ARGO_PROGRESS",
    "ARGO_TEMPLATE",
    "ARGO_DEBUG_PAUSE",
    "ARGO_CONTAINER_ARGS",
    "/var/run/argo",
];

/// Whether something of the step needs the executor, so that its pod can't be bare.
///
/// That the artifact repository asks for logs, or that an attempt has a deadline, [`lower`] adds by
/// itself. A program in the image that looks for `ARGO_PROGRESS_FILE` or `ARGO_TEMPLATE` without
/// the template's naming it can't be seen.
///
/// [`lower`]: super::lower
pub fn needs_executor(template: &Template, workflow: &Workflow, capture_result: bool) -> bool {
    let outputs = &template.outputs;
    capture_result
        || !template.inputs.artifacts.is_empty()
        || !outputs.artifacts.is_empty()
        || outputs.parameters.iter().any(|p| p.value_from.is_some())
        || template
            .script
            .as_ref()
            .is_some_and(|s| !s.source.is_empty())
        || template.resource.is_some()
        || template.data.is_some()
        || !template.sidecars.is_empty()
        || has_sequenced_containers(template)
        || archives_logs(template, workflow, None)
        || has_maximum_duration(template.retry_strategy.as_ref())
        || has_maximum_duration(workflow.spec.retry_strategy.as_ref())
        || has_long_arguments(template)
        || mentions_executor(template, workflow)
}

/// Whether the main container's logs are kept. The repository can ask for it for all; else the
/// template has precedence over the workflow.
pub(super) fn archives_logs(
    template: &Template,
    workflow: &Workflow,
    repository: Option<&ArtifactRepositoryView>,
) -> bool {
    if repository.is_some_and(|repository| repository.archive_logs) {
        return true;
    }
    let of_template = template
        .archive_location
        .as_ref()
        .and_then(|l| l.archive_logs);
    of_template.or(workflow.spec.archive_logs).unwrap_or(false)
}

fn has_sequenced_containers(template: &Template) -> bool {
    template.container_set.as_ref().is_some_and(|set| {
        set.retry_strategy.is_some() || set.containers.iter().any(|c| !c.dependencies.is_empty())
    })
}

fn has_maximum_duration(strategy: Option<&RetryStrategy>) -> bool {
    strategy
        .and_then(|strategy| strategy.backoff.as_ref())
        .is_some_and(|backoff| !backoff.max_duration.is_empty())
}

fn has_long_arguments(template: &Template) -> bool {
    let length = |args: &[String]| args.iter().map(|arg| arg.len() + 3).sum::<usize>();
    let container = template.container.as_ref().and_then(|c| c.args.as_deref());
    let script = template
        .script
        .as_ref()
        .map(|script| script.args.as_slice());
    let set = template
        .container_set
        .iter()
        .flat_map(|set| &set.containers);
    container
        .into_iter()
        .chain(script)
        .chain(set.map(|container| container.args.as_slice()))
        .any(|args| length(args) > MAX_ARGUMENTS)
}

fn mentions_executor(template: &Template, workflow: &Workflow) -> bool {
    let containers = (
        &template.container,
        &template.script,
        &template.container_set,
        &template.init_containers,
        &template.pod_spec_patch,
        &workflow.spec.pod_spec_patch,
    );
    // JSON leaves slashes and letters as they are.
    serde_json::to_string(&containers).is_ok_and(|text| mentions(&text))
}

/// Whether a text speaks of the executor.
pub(super) fn mentions(text: &str) -> bool {
    (text.contains("ARGO_") || text.contains("/argo"))
        && EXECUTOR_TRACES.iter().any(|trace| text.contains(trace))
}
